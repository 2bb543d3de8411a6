//! TLS of an upstream: whom to believe, under which name, and what to show.

use std::path::Path;
use std::sync::Arc;

use tls::{Connector, ConnectorError, ConnectorTerms, Identity, Offer, Trust, server_name};

use crate::config::{EndpointAddress, UpstreamTls};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{EndpointForm, UpstreamTlsSection};
use crate::form::At;
use crate::reader::Reader;
use crate::resolve::pem::PemFiles;

/// What handshakes with an upstream are begun by; `None`: there are reports why that cannot be said.
pub(super) fn tls(
    upstream: &str,
    At { value: section, span }: &At<UpstreamTlsSection>,
    offer: Offer,
    endpoints: &[At<EndpointForm>],
    base_dir: &Path,
    reader: &mut Reader<'_>,
) -> Option<UpstreamTls> {
    let mut files = PemFiles::new(base_dir);
    let trust = trust(upstream, section, &mut files, reader);
    let identity = identity(section, &mut files, reader);
    if !section.written.meant("name") {
        refuse_nameless(endpoints, reader);
    }
    let terms = ConnectorTerms { trust: trust?, identity: identity?.map(Arc::new), offer };
    let connector = Connector::new(terms).map_err(|error| reader.report(refused(&error, *span))).ok()?;
    let name = section.name.as_ref().map(|name| name.value.0.clone());
    Some(UpstreamTls { connector, name, files: files.into_read() })
}

fn trust(
    upstream: &str,
    section: &UpstreamTlsSection,
    files: &mut PemFiles<'_>,
    reader: &mut Reader<'_>,
) -> Option<Trust> {
    let verify = &section.verify;
    match &section.authority {
        Some(path) if !verify.value => {
            reader.report(
                Diagnostic::error(path.span, "`authority` means nothing with `verify = false`")
                    .label("nobody is asked")
                    .also(verify.span, "because of this")
                    .hint("take one of the two out"),
            );
            None
        }
        Some(path) => files.authority(path, reader).map(Trust::Authority),
        None if !verify.value => {
            reader.report(
                Diagnostic::warning(
                    verify.span,
                    format!("nobody verifies that it is the upstream `{upstream}` that answers"),
                )
                .label("whoever stands in between can read and change everything")
                .hint("name who has issued its certificates: `authority = \"ca.pem\"`"),
            );
            Some(Trust::Anyone)
        }
        // It may have been written, and not been readable.
        None => (!section.written.meant("authority")).then_some(Trust::Platform),
    }
}

/// What is shown to an upstream that asks; `None`: there are reports why that cannot be said.
fn identity(
    section: &UpstreamTlsSection,
    files: &mut PemFiles<'_>,
    reader: &mut Reader<'_>,
) -> Option<Option<Identity>> {
    let mut lonely = |span: Option<Span>, own: &str, other: &str| {
        if !section.written.meant(other) {
            reader.report(
                Diagnostic::error(span, format!("`{own}` means nothing without `{other}`"))
                    .label(format!("the `{other}` that belongs to it is missing"))
                    .hint("write both to show the upstream a certificate, or none"),
            );
        }
        None
    };
    match (&section.certificate, &section.key) {
        (Some(certificate), Some(key)) => files.identity(certificate, key, reader).map(Some),
        (Some(certificate), None) => lonely(certificate.span, "certificate", "key"),
        (None, Some(key)) => lonely(key.span, "key", "certificate"),
        (None, None) => Some(None),
    }
}

/// Reports endpoints that no certificate can be made out to.
fn refuse_nameless(endpoints: &[At<EndpointForm>], reader: &mut Reader<'_>) {
    for At { value: endpoint, span } in endpoints {
        let label = match &endpoint.address {
            EndpointAddress::Ip(_) => continue,
            EndpointAddress::Host { name, .. } if server_name(name).is_some() => continue,
            EndpointAddress::Host { .. } => "no certificate is made out to such a name",
            EndpointAddress::Unix(_) => "a Unix socket has none",
        };
        reader.report(
            Diagnostic::error(*span, "the endpoint has no name that a certificate could prove")
                .label(label)
                .hint("write the name on its certificate: `tls = { name = \"orders.internal\" }`"),
        );
    }
}

fn refused(error: &ConnectorError, span: Option<Span>) -> Diagnostic {
    let problem = Diagnostic::error(span, format!("TLS cannot be spoken: {error}"));
    match error {
        ConnectorError::Platform(_) => problem.label("nobody vouches for its endpoints").hint(
            "install `ca-certificates`, or name who has issued the endpoints' certificates: `authority = \"ca.pem\"`",
        ),
        ConnectorError::Refused(_) => problem,
    }
}
