//! Which media type answers a GraphQL request, and which one a request's body may have.

use axum::http::{HeaderMap, header};

/// A media type of GraphQL responses. They differ in the status of request errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseType {
    /// `application/graphql-response+json`: the status tells whether the request was executed.
    GraphqlResponse,
    /// `application/json`: 200 for every well-formed request, as older clients expect.
    Json,
}

impl ResponseType {
    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }

    /// Chooses by `Accept`; `None` when neither type is acceptable (406). Without a wish for the newer type by
    /// name, the answer is `application/json`.
    pub(super) fn negotiate(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(header::ACCEPT) {
            return Some(Self::Json);
        }
        let accepted = Accepted::read(headers);
        let wildcard = accepted.subtypes.or(accepted.all).unwrap_or(0);
        let json = accepted.json.unwrap_or(wildcard);
        let graphql = accepted.graphql.unwrap_or(wildcard);
        let named = accepted.graphql.is_some_and(|quality| quality > 0);
        if graphql > json || (named && graphql == json) {
            Some(Self::GraphqlResponse)
        } else {
            (json > 0).then_some(Self::Json)
        }
    }
}

/// Qualities in thousandths, by media range.
#[derive(Default)]
struct Accepted {
    graphql: Option<u16>,
    json: Option<u16>,
    subtypes: Option<u16>,
    all: Option<u16>,
}

impl Accepted {
    fn read(headers: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        for range in values.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let slot = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/graphql-response+json" => &mut accepted.graphql,
                "application/json" => &mut accepted.json,
                "application/*" => &mut accepted.subtypes,
                "*/*" => &mut accepted.all,
                _ => continue,
            };
            let quality = parts
                .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
                .map_or(1_000, thousandths);
            *slot = Some(slot.map_or(quality, |known| known.max(quality)));
        }
        accepted
    }
}

/// A quality value such as `0.8`; an unreadable one accepts nothing.
fn thousandths(quality: &str) -> u16 {
    let (whole, fraction) = quality.trim().split_once('.').unwrap_or((quality.trim(), ""));
    match whole {
        "1" => 1_000,
        "0" if fraction.len() <= 3 => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// Whether the body is `application/json` in UTF-8 and not compressed. Types that a browser's form can send
/// are refused, so that no foreign page can make a browser run a mutation.
pub(super) fn is_json_body(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let plain = text(header::CONTENT_ENCODING).is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
    let mut parts = text(header::CONTENT_TYPE).unwrap_or_default().split(';').map(str::trim);
    let json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let utf8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    plain && json && utf8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str) -> Option<ResponseType> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        ResponseType::negotiate(&headers)
    }

    #[test]
    fn the_accepted_type_answers() {
        use ResponseType::{GraphqlResponse, Json};
        assert_eq!(ResponseType::negotiate(&HeaderMap::new()), Some(Json));
        for (accept, expected) in [
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/json", Some(Json)),
            ("Application/GraphQL-Response+JSON", Some(GraphqlResponse)),
            ("application/graphql-response+json, application/json;q=0.9", Some(GraphqlResponse)),
            ("application/graphql-response+json;q=0.5, application/json;q=0.51", Some(Json)),
            ("application/json, application/graphql-response+json", Some(GraphqlResponse)),
            ("application/json;q=0, */*", Some(GraphqlResponse)),
            ("application/graphql-response+json;q=0, application/json;q=0", None),
            ("text/html", None),
            ("", None),
        ] {
            assert_eq!(negotiated(accept), expected, "{accept}");
        }
    }

    #[test]
    fn only_plain_utf8_json_is_a_body() {
        for (content_type, expected) in [
            ("application/json", true),
            ("application/json; charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"", true),
            ("application/json; charset=latin1", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("application/graphql", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
            assert_eq!(is_json_body(&headers), expected, "{content_type}");
            headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
            assert!(!is_json_body(&headers));
        }
        assert!(!is_json_body(&HeaderMap::new()));
    }

    proptest::proptest! {
        #[test]
        fn any_accept_never_panics(value in crate::testing::jumble("application/json¦application/graphql-response+json¦*/*¦text/¦;q=¦0.¦1.000¦9¦-1¦e9¦,¦;¦=¦\
            \u{e9}")) {
            if let Ok(value) = axum::http::HeaderValue::from_bytes(value.as_bytes()) {
                let headers = HeaderMap::from_iter([(header::ACCEPT, value.clone()), (header::CONTENT_TYPE, value)]);
                let _ = (ResponseType::negotiate(&headers), is_json_body(&headers));
            }
        }
    }
}
