//! Who may use a route, how much of it, and what is counted.

use toml::Spanned;
use toml::de::DeValue;

use super::HeaderName;
use crate::config::{Access, Meter, Per, Rate};
use crate::form::{
    At, Choices, Fallback, Fault, Form, Key, Shape, Text, TextForm, choice, default_choice, read_choice,
    section,
};
use crate::reader::Reader;

choice!(Access {
    "open" => Access::Open, "anybody; nobody is asked who they are";
    "key" => Access::Key, "whoever presents a key, as `Authorization: Bearer …` or `X-API-Key`";
} later ["jwt", "basic", "mtls"]);

section! {
    /// A limit: a rate, a number of requests at the same time, or both.
    LimitSection = "[[route]] limit" {
        /// Requests in a second, minute, hour or day: `100/s`, `100/m`, `100/h`, `100/d`. In any time t, at most
        /// `burst` + rate · t requests pass.
        rate: Option<At<RateWord>> { otherwise: Some("no limit"), status: Some("429 with `Retry-After`") },
        /// Requests of the rate that may come at once.
        burst: Option<At<u64>> { otherwise: Some("the number in `rate`"), range: Some((1, 1_000_000_000)) },
        /// Requests at the same time.
        concurrency: Option<At<u64>> {
            otherwise: Some("no limit"),
            range: Some((1, 10_000_000)),
            status: Some("429")
        },
        /// Whose requests count together. `"header:NAME"`: those with one value of this header; those without it
        /// count together, as do those that repeat it, whatever they say.
        per: Option<At<Per>> { required: true },
    }
}

/// `rate`, without its burst.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateWord(pub(crate) Rate);

impl TextForm for RateWord {
    const TEXT: Text = Text {
        noun: "rate",
        with_article: "a rate",
        example: "100/s",
        pattern: Some("^[0-9]+/[smhd]$"),
        environment: false,
    };

    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map(Self).map_err(|error| Fault::of(&error))
    }
}

const PER_WORDS: Choices = Choices {
    values: &[
        ("user", "those of one user"),
        ("key", "those with one key"),
        ("address", "those of one client address; with IPv6, of one /64"),
        ("route", "all on the route"),
    ],
    later: &[],
};
const PER_HEADER: Text = Text {
    noun: "`\"header:NAME\"`",
    with_article: "a header of the request",
    example: "header:x-tenant",
    pattern: Some("^header:[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    environment: false,
};

impl Form for Per {
    const SHAPE: Shape = Shape::Either(&Shape::Choice(&PER_WORDS), &Shape::Text(&PER_HEADER));

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(name) = header_behind("header:", value, key, reader) {
            return name.map(Self::Header);
        }
        let words = [Self::User, Self::Key, Self::Address, Self::Route];
        let index = read_choice(value, const { &PER_WORDS }, &Self::SHAPE, key, reader)?;
        words.get(index).cloned()
    }
}

const METER_WORDS: Choices = Choices {
    values: &[
        ("requests", "1 for each request"),
        ("bytes", "bytes of the bodies of request and response"),
        ("bytes-in", "bytes of the request's body"),
        ("bytes-out", "bytes of the response's body"),
        ("milliseconds", "from the head of the request to the end of its response"),
    ],
    later: &[],
};
const METERS: [Meter; 5] =
    [Meter::Requests, Meter::Bytes, Meter::BytesIn, Meter::BytesOut, Meter::Milliseconds];
const METER_HEADER: Text = Text {
    noun: "`\"response-header:NAME\"`",
    with_article: "a header of the response",
    example: "response-header:x-units",
    pattern: Some("^response-header:[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    environment: false,
};

impl Form for Meter {
    const SHAPE: Shape = Shape::Either(&Shape::Choice(&METER_WORDS), &Shape::Text(&METER_HEADER));

    fn read(value: &Spanned<DeValue<'_>>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(name) = header_behind("response-header:", value, key, reader) {
            return name.map(Self::ResponseHeader);
        }
        let index = read_choice(value, const { &METER_WORDS }, &Self::SHAPE, key, reader)?;
        METERS.get(index).cloned()
    }
}

impl Fallback for Meter {
    fn fallback(key: &Key, _: &mut Reader<'_>) -> Self {
        METERS[default_choice(const { &METER_WORDS }, key)].clone()
    }
}

/// The name behind `start`, in lower case; `None` when the value does not begin with it, `Some(None)` when what follows is
/// no name, which is reported.
fn header_behind(
    start: &str,
    value: &Spanned<DeValue<'_>>,
    key: &Key,
    reader: &mut Reader<'_>,
) -> Option<Option<String>> {
    let DeValue::String(text) = value.get_ref() else { return None };
    let name = match text.strip_prefix(start) {
        Some(name) => name,
        None if start.strip_suffix(':') == Some(text) => "",
        None => return None,
    };
    let parsed = match name {
        "" => Err(Fault::new("the name of the header is missing")
            .hint(format!("write it behind a colon, such as \"{start}x-units\""))),
        name => HeaderName::parse(name),
    };
    let name = reader.accept(parsed, "header name", key, value.span().into());
    Some(name.map(|HeaderName(name)| name))
}
