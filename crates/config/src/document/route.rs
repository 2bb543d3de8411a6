//! `[[route]]`

use std::time::Duration;

use policy::{Cidr, HostPattern, PathPattern};
use toml::Spanned;
use toml::de::DeValue;

use super::{
    AnyText, DAY_MS, EditedName, HeaderName, HeaderText, LimitSection, Method, Name, Origin, ParameterName,
    PathStart, RedirectTo, RewriteTo,
};
use crate::config::{Access, EncodedSlashes, Meter};
use crate::form::{At, Bytes, Form, Key, Map, OneOrMany, RedirectStatus, Shape, TextForm, choice, section};
use crate::reader::Reader;

section! {
    /// Which requests it answers, and how. Of the routes that match everything, the one with the best host
    /// answers (exact, longest wildcard, any), then with the best path (exact, longest prefix), then with the
    /// most other matches.
    RouteSection = "[[route]]", later ["cache", "shadow", "retry"] {
        /// Its name in events, logs, metrics and the scopes of keys.
        name: Option<At<Name>> { otherwise: Some("made of all that it matches") },
        /// Host: `api.example.com`, or `*.example.com` for all hosts under it.
        host: Option<At<HostPattern>> { otherwise: Some("any host") },
        /// Path: `/health`, or a prefix `/orders/*`, which also matches `/orders`.
        path: Option<At<PathPattern>> { otherwise: Some("`/*`, any path") },
        /// Methods. `GET` does not imply `HEAD`.
        methods: Option<At<Vec<At<Method>>>> {
            otherwise: Some("any method"),
            status: Some("405 with `Allow`")
        },
        /// Header fields a request must have: name and exact value, or `true` for any value.
        headers: At<Map<HeaderName, MatchValue<HeaderText>>>,
        /// Query parameters a request must have: name and exact value, or `true` for any value.
        query: At<Map<ParameterName, MatchValue<AnyText>>>,
        /// Target: the name of an upstream, or several with weights, `{ orders = 95, orders-next = 5 }`.
        upstream: Option<At<RouteUpstream>> { range: Some((1, 65_535)) },
        /// Target: the name of a function.
        function: Option<At<Name>>,
        /// Target: a redirect.
        redirect: Option<At<RedirectSection>>,
        /// Target: a fixed response.
        respond: Option<At<FixedSection>>,
        /// Functions that stand before an upstream or a function, in order: each is given the request, asks for the rest at
        /// `http://upstream.internal/`, and may change both.
        before: Option<At<Vec<At<Name>>>> { otherwise: Some("none") },
        /// This prefix is taken off the path before forwarding.
        strip: Option<At<PathStart>>,
        /// Replaces the path before forwarding; a final `*` stands for what the path's `*` matched.
        rewrite: Option<At<RewriteTo>>,
        /// What happens to `%2F` and `%5C` in a path.
        encoded_slashes "encoded-slashes": At<EncodedSlashes> {
            default: Some("refuse"),
            status: Some("400 under `refuse`")
        },
        /// Changes to the request's header fields before forwarding: remove, then set, then add.
        request_headers: At<HeaderEditsSection>,
        /// Changes to the response's header fields: remove, then set, then add.
        response_headers: At<HeaderEditsSection>,
        /// Cross-origin resource sharing: preflight requests are answered, and responses marked, for these
        /// origins.
        cors: Option<At<CorsSection>>,
        /// Client addresses that may use the route.
        allow: Option<At<Vec<At<Cidr>>>> { otherwise: Some("all"), status: Some("403") },
        /// Client addresses that may not, even if allowed.
        deny: At<Vec<At<Cidr>>> { otherwise: Some("none"), status: Some("403") },
        /// Who may use the route: anybody, or whoever shows what is asked for; one of these words, or a list.
        access: At<OneOrMany<Access>> {
            default: Some("open"),
            status: Some("401 without a known key, 403 with one that is not for this route")
        },
        /// How much of it those who are counted together may use: one limit, or a list of which all have to be
        /// kept.
        limit: Option<At<OneOrMany<LimitSection>>> { otherwise: Some("no limit"), status: Some("429") },
        /// What the `value` of an event is, which usage sums up.
        meter: At<Meter> { default: Some("requests") },
        /// Largest request body; 0: no limit.
        body: At<Bytes> { default: Some("0"), status: Some("413") },
        /// Time limits that replace those of the upstream.
        timeout: At<RouteTimeoutSection>,
    }
}

section! {
    /// Time limits that replace those of the upstream.
    RouteTimeoutSection = "[[route]] timeout" {
        /// From the request sent to the head of the response.
        response: Option<At<Duration>> {
            otherwise: Some("the upstream's"),
            range: Some((1, DAY_MS)),
            status: Some("504")
        },
        /// No byte moved.
        idle: Option<At<Duration>> {
            otherwise: Some("the upstream's"),
            range: Some((1, DAY_MS)),
            status: Some("504, or the connection is cut when the response has begun")
        },
    }
}

section! {
    /// A redirect.
    RedirectSection = "[[route]] redirect" {
        /// Where to: an absolute URL or a path. `{path}` and `{query}` stand for those of the request, the
        /// latter with its `?`.
        to: Option<At<RedirectTo>> { required: true },
        /// Status; 308 keeps method and body.
        status: At<RedirectStatus> { default: Some("308") },
    }
}

section! {
    /// A fixed response.
    FixedSection = "[[route]] respond" {
        /// Status.
        status: At<u64> { default: Some("200"), range: Some((200, 599)) },
        /// Body.
        body: Option<At<AnyText>> { otherwise: Some("empty") },
        /// Content type of the body.
        content_type: At<HeaderText> { default: Some("text/plain; charset=utf-8") },
    }
}

section! {
    /// Changes to header fields, in this order: remove, set, add.
    HeaderEditsSection = "[[route]] request_headers, response_headers" {
        /// Names of fields to take away.
        remove: At<Vec<At<EditedName>>>,
        /// Fields that replace all of their name. `$NAME` in a value is taken from the environment.
        set: At<Map<EditedName, HeaderText>>,
        /// Fields to append; a list appends one field for each value. `$NAME` in a value is taken from the
        /// environment.
        add: At<Map<EditedName, OneOrMany<HeaderText>>>,
    }
}

section! {
    /// Cross-origin resource sharing.
    CorsSection = "[[route]] cors" {
        /// Allowed origins, such as `https://app.example.com`; a single `"*"`: any.
        origins: Option<At<Vec<At<Origin>>>> { required: true },
        /// Methods named in a preflight answer.
        methods: At<Vec<At<Method>>> { otherwise: Some("the method asked for") },
        /// Request header fields named in a preflight answer.
        headers: At<Vec<At<HeaderName>>> { otherwise: Some("those asked for") },
        /// Response header fields scripts may read.
        expose: At<Vec<At<HeaderName>>> { otherwise: Some("none beyond the safe ones") },
        /// Whether cookies and the like may be sent; not with origin `*`.
        credentials: At<bool> { default: Some("false") },
        /// How long a browser may keep a preflight answer.
        max_age: At<Duration> { default: Some("5m"), range: Some((0, DAY_MS)) },
    }
}

/// What a header or parameter must be.
pub(crate) struct MatchValue<T> {
    /// This value, or `None` for any.
    pub(crate) value: Option<T>,
    /// The value before anything in it was taken from the environment.
    pub(crate) written: Option<String>,
}

impl<T: TextForm> Form for MatchValue<T> {
    const SHAPE: Shape = Shape::Either(&T::SHAPE, &Shape::True);

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(written) => T::read(value, key, reader)
                .map(|text| Self { value: Some(text), written: Some(written.to_string()) }),
            DeValue::Boolean(true) => Some(Self { value: None, written: None }),
            _ => reader.wrong_type(value, key, &Self::SHAPE),
        }
    }
}

/// `upstream` of a route.
pub(crate) enum RouteUpstream {
    /// `"orders"`
    One(Name),
    /// `{ orders = 95, orders-next = 5 }`
    Weighted(Map<Name, u64>),
}

impl Form for RouteUpstream {
    const SHAPE: Shape = Shape::Either(&Name::SHAPE, &Map::<Name, u64>::SHAPE);

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(_) => Name::read(value, key, reader).map(Self::One),
            DeValue::Table(_) => Map::read(value, key, reader).map(Self::Weighted),
            _ => reader.wrong_type(value, key, &Self::SHAPE),
        }
    }
}

choice!(EncodedSlashes {
    "refuse" => EncodedSlashes::Refuse, "a path with one is answered 400";
    "keep" => EncodedSlashes::Keep, "they stay as they are";
});
