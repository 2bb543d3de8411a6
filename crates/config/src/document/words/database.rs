//! Where users, keys and usage are kept.

use std::path::PathBuf;

use crate::form::{Fault, Text, TextForm};

/// `data.database`; a fault never repeats it, since it may hold a password.
pub(crate) enum DatabaseWord {
    /// `sqlite` or `sqlite:PATH`.
    Sqlite(Option<PathBuf>),
    /// A URL.
    Postgres(String),
}

const HINT: &str = "write \"sqlite\", \"sqlite:PATH\" or \"postgres://user@host/name\"";
const ENCODING_HINT: &str = "in a user's name or password, write `@` as `%40`, `/` as `%2F`, `:` as `%3A`, `?` as `%3F`, `#` as `%23`";

impl TextForm for DatabaseWord {
    const TEXT: Text = Text {
        noun: "database",
        with_article: "a database",
        example: "sqlite",
        pattern: Some("^(sqlite|sqlite:[^\\u0000]+|postgres(ql)?://[!-~]*)$"),
        environment: true,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        if text == "sqlite" {
            return Ok(Self::Sqlite(None));
        }
        if let Some(path) = text.strip_prefix("sqlite:") {
            return sqlite(path);
        }
        let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        match rest {
            Some(rest) => postgres(rest).map(|()| Self::Postgres(text.to_owned())),
            None if text.starts_with("postgres") => {
                Err(Fault::new("not the URL of a database").hint("write \"postgres://user@host/name\""))
            }
            None => Err(Fault::new("not a database this version knows").hint(HINT)),
        }
    }
}

fn sqlite(path: &str) -> Result<DatabaseWord, Fault> {
    if path.is_empty() || path.contains('\0') {
        return Err(Fault::new("a path is not empty and has no NUL character")
            .hint("write \"sqlite\" for `lockgate.db` in `data.dir`"));
    }
    if path == ":memory:" {
        return Err(Fault::new("what is kept in memory is lost with the process")
            .hint("write \"sqlite\" for `lockgate.db` in `data.dir`"));
    }
    match path.starts_with("//") {
        true => Err(Fault::new("a path, not a URL").hint("write the path behind the colon: \"sqlite:PATH\"")),
        false => Ok(DatabaseWord::Sqlite(Some(path.into()))),
    }
}

/// Looks at what is behind `postgres://` as far as it can be wrong without anybody being asked (RFC 3986, 3.2).
fn postgres(rest: &str) -> Result<(), Fault> {
    if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            Fault::new("a URL is made of visible ASCII characters without spaces").hint(ENCODING_HINT)
        );
    }
    let (authority, behind) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let path = behind.split('?').next().unwrap_or_default();
    if authority.bytes().filter(|byte| *byte == b'@').count() > 1 || path.contains('@') {
        return Err(Fault::new("`@` stands only before the host").hint(ENCODING_HINT));
    }
    // The colons within `[::1]` are not the one before the port.
    let port = host.rsplit(']').next().and_then(|rest| rest.split_once(':')).map(|(_, port)| port);
    match port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0)) {
        true => Ok(()),
        false => Err(Fault::new("the port is not a number from 1 to 65535").hint(ENCODING_HINT)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&(), &str>) {
        let found = DatabaseWord::parse(text).map(|_| ()).map_err(|fault| fault.label);
        assert_eq!(found.as_ref().map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn a_database_is_sqlite_a_file_of_it_or_a_url_of_postgres() {
        for text in [
            "sqlite",
            "sqlite:lockgate.db",
            "sqlite:/var/lib/lockgate/lockgate.db",
            "postgres://lockgate@db.example/lockgate",
            "postgresql://u:p%40w@127.0.0.1:5432/x?sslmode=require",
            "postgres://u@[::1]:5432/x",
            "postgres://u@[::1]/x",
            "postgres:///x?host=/run/postgresql",
            "postgres://h/x?application_name=a@b",
        ] {
            check(text, Ok(&()));
        }
    }

    #[test]
    fn anything_else_is_no_database() {
        let port = "the port is not a number from 1 to 65535";
        for (text, label) in [
            ("", "not a database this version knows"),
            ("mysql://h/x", "not a database this version knows"),
            ("SQLite", "not a database this version knows"),
            ("postgres", "not the URL of a database"),
            ("postgres:h/x", "not the URL of a database"),
            ("sqlite:", "a path is not empty and has no NUL character"),
            ("sqlite::memory:", "what is kept in memory is lost with the process"),
            ("sqlite://lockgate.db", "a path, not a URL"),
            ("postgres://u:p w@h/x", "a URL is made of visible ASCII characters without spaces"),
            ("postgres://u:p@w@h/x", "`@` stands only before the host"),
            ("postgres://u:p/w@h/x", "`@` stands only before the host"),
            ("postgres://u:p?w@h/x", port),
            ("postgres://u:p#w@h/x", "`@` stands only before the host"),
            ("postgres://u@h:/x", port),
            ("postgres://u@h:0/x", port),
            ("postgres://u@h:65536/x", port),
        ] {
            check(text, Err(label));
        }
    }
}
