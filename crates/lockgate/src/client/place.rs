//! Where the admin API is, and the token that opens it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use config::Config;
use control::{ADMIN_TOKEN_FILE, ADMIN_TOKEN_VARIABLE};
use reqwest::Url;
use server::ConfigSource;

use crate::arguments::Global;
use crate::failure::Failure;

/// Where the admin API is when nothing says otherwise.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9180);

/// How to name a token.
const WHERE: &str = "name the gateway's data directory with `--data DIR`, or its configuration with `--config FILE`,\n\
     or put the token into `$LOCKGATE_ADMIN_TOKEN`";

/// The address of an admin API, as `http://127.0.0.1:9180`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdminUrl(Url);

impl AdminUrl {
    /// The address without a path.
    pub(super) fn origin(&self) -> Url {
        self.0.clone()
    }
}

impl From<SocketAddr> for AdminUrl {
    fn from(address: SocketAddr) -> Self {
        Self(Url::parse(&format!("http://{address}")).expect("a socket address is a URL's authority"))
    }
}

impl FromStr for AdminUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&whole).map_err(|error| error.to_string())?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        match url.scheme() {
            "http" if is_bare && url.username().is_empty() && url.password().is_none() => Ok(Self(url)),
            "http" => Err("write scheme, host and port only, as `http://127.0.0.1:9180`".into()),
            "https" => {
                Err("the admin API speaks plain HTTP; reach a distant one through a tunnel of ssh".into())
            }
            scheme => Err(format!("`{scheme}` is no scheme of the admin API; write `http://127.0.0.1:9180`")),
        }
    }
}

impl fmt::Display for AdminUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// An admin API and its token, and what they were taken from.
pub(crate) struct Place {
    pub(super) url: AdminUrl,
    pub(super) url_from: String,
    pub(super) token: String,
    pub(super) token_from: String,
}

impl Place {
    /// A gateway of this very process.
    pub(crate) fn known(address: SocketAddr, token: &str) -> Self {
        let from = || "this process".to_owned();
        Self { url: address.into(), url_from: from(), token: token.into(), token_from: from() }
    }

    /// Looks where the command line, the environment and the configuration say.
    pub(crate) fn find(global: &Global, data: Option<&Path>) -> Result<Self, Failure> {
        let variable = std::env::var(ADMIN_TOKEN_VARIABLE).ok().filter(|token| !token.is_empty());
        // A configuration that is not needed may be missing or wrong.
        let configuration = match (&global.admin, data, &variable) {
            (Some(_), Some(_), _) | (Some(_), None, Some(_)) => None,
            _ => Configuration::load(global)?,
        };
        let (url, url_from) = address(global, configuration.as_ref())?;
        let (token, token_from) = token(data, variable, configuration.as_ref())?;
        Ok(Self { url, url_from, token, token_from })
    }
}

/// A configuration and the file it was read from.
struct Configuration {
    file: PathBuf,
    config: Config,
}

impl Configuration {
    /// The file named, or a default one that exists.
    fn load(global: &Global) -> Result<Option<Self>, Failure> {
        let Ok(file) = global.config_file(None) else { return Ok(None) };
        let loaded = ConfigSource::File(file.clone()).load();
        let loaded = loaded.map_err(|problems| Failure::of_configuration(&problems))?;
        Ok(Some(Self { file, config: loaded.config }))
    }
}

fn address(global: &Global, configuration: Option<&Configuration>) -> Result<(AdminUrl, String), Failure> {
    if let Some(url) = &global.admin {
        return Ok((url.clone(), "`--admin`".into()));
    }
    let Some(Configuration { file, config }) = configuration else {
        return Ok((DEFAULT.into(), "the default".into()));
    };
    match reachable(config.admin.address) {
        Some(address) => Ok((address.into(), format!("`admin.address` of `{}`", file.display()))),
        None => Err(Failure::new("where the admin API listens is not known")
            .because(format!("`admin.address` of `{}` asks for any free port", file.display()))
            .hint(
                "say which one it got with `--admin URL`; `lockgate serve --ports-file PATH` writes it down",
            )),
    }
}

/// The address by which a listening address is reached; none for a port that is chosen at the start.
fn reachable(listening: SocketAddr) -> Option<SocketAddr> {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    (listening.port() != 0).then(|| SocketAddr::new(ip, listening.port()))
}

/// The token: of the data directory named, else of the environment, else as the configuration says.
fn token(
    data: Option<&Path>,
    variable: Option<String>,
    configuration: Option<&Configuration>,
) -> Result<(String, String), Failure> {
    if let Some(dir) = data {
        return read_token(dir);
    }
    if let Some(token) = variable {
        return Ok((token, format!("`${ADMIN_TOKEN_VARIABLE}`")));
    }
    let Some(Configuration { file, config }) = configuration else {
        return Err(Failure::new("there is no token for the admin API")
            .because(format!("neither `${ADMIN_TOKEN_VARIABLE}` nor a configuration says which it is"))
            .hint(WHERE));
    };
    match &config.admin.token {
        Some(token) => Ok((token.expose().into(), format!("`admin.token` of `{}`", file.display()))),
        None => read_token(&config.data.dir),
    }
}

fn read_token(dir: &Path) -> Result<(String, String), Failure> {
    let path = dir.join(ADMIN_TOKEN_FILE);
    match std::fs::read_to_string(&path) {
        Ok(token) => Ok((token.trim().into(), format!("`{}`", path.display()))),
        Err(error) => Err(Failure::new("there is no token for the admin API")
            .because(format!("cannot read `{}`, which a gateway makes at its first start", path.display()))
            .caused_by(&error)
            .hint(WHERE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(text.parse::<AdminUrl>().ok().map(|url| url.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn an_address_is_scheme_host_and_port() {
        check("http://127.0.0.1:9180", Some("http://127.0.0.1:9180"));
        check("http://[::1]:9180/", Some("http://[::1]:9180"));
        check("localhost:9180", Some("http://localhost:9180"));
        for wrong in [
            "",
            "https://a:1",
            "ftp://a",
            "http://a/b",
            "http://a?b",
            "http://u:p@a",
            "http://",
            "http://a:x",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn an_address_for_everybody_is_reached_at_home() {
        let reached = |text: &str| reachable(text.parse().unwrap()).map(|address| address.to_string());
        assert_eq!(reached("0.0.0.0:9180").as_deref(), Some("127.0.0.1:9180"));
        assert_eq!(reached("[::]:9180").as_deref(), Some("[::1]:9180"));
        assert_eq!(reached("10.0.0.7:9180").as_deref(), Some("10.0.0.7:9180"));
        assert_eq!(reached("127.0.0.1:0"), None);
    }
}
