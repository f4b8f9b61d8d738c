//! Templates of requests: values are put into JSON texts and URLs, never into JSON or a query as such.
//!
//! A body is rendered text by text inside its JSON, so nothing that is put in can leave its text; in a URL
//! everything that is put in is percent-encoded. What is not defined is an error, and work is bounded.

use base64::{Engine, engine::general_purpose::STANDARD};
use minijinja::{Environment, Error, ErrorKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::template::{bounds, engine};

/// Steps that one template may take.
const FUEL: u64 = 1_000;
/// Texts that one template may join: a user and a password, say.
const JOINS: usize = 8;
/// What needs no encoding in a URL (RFC 3986, unreserved).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn environment(in_url: bool) -> Environment<'static> {
    let mut environment = engine::strict(FUEL);
    environment.add_filter("base64", |text: String| STANDARD.encode(text));
    environment.set_formatter(move |out, _, value| {
        if value.is_undefined() {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        let text = bounds::text(value)?;
        if in_url {
            write!(out, "{}", utf8_percent_encode(&text, ENCODED)).map_err(Error::from)
        } else {
            out.write_str(&text).map_err(Error::from)
        }
    });
    environment
}

/// Renders every text inside `template`.
///
/// # Errors
/// Of a template: its syntax, or what it names and is not there.
pub fn json(template: &Value, context: &Value) -> Result<Value, Error> {
    Ok(match template {
        Value::String(text) => Value::String(self::text(text, context)?),
        Value::Array(items) => items.iter().map(|item| json(item, context)).collect::<Result<_, _>>()?,
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), json(field, context)?)))
                .collect::<Result<_, Error>>()?,
        ),
        other => other.clone(),
    })
}

/// Renders a text.
///
/// # Errors
/// Those of [`json`].
pub fn text(template: &str, context: &Value) -> Result<String, Error> {
    engine::written(&environment(false), template, JOINS, context)
}

/// Renders a path with its query.
///
/// # Errors
/// Those of [`json`].
pub fn url(template: &str, context: &Value) -> Result<String, Error> {
    engine::written(&environment(true), template, JOINS, context)
}

/// Whether every text inside `template` is a template at all.
///
/// # Errors
/// The first that is none.
pub fn check(template: &Value) -> Result<(), Error> {
    match template {
        Value::String(text) => {
            bounds::check(text, JOINS)?;
            environment(false).template_from_str(text).map(|_| ())
        }
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(fields) => fields.values().try_for_each(check),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_put_in_stays_where_it_was_put() {
        let context = json!({ "subject": "\"}, {{ credentials }} \\", "id": "a/../b?c=d&e" });
        let body = super::json(&json!({ "title": "[{{ subject }}]", "severity": 3 }), &context).unwrap();
        assert_eq!(body, json!({ "title": "[\"}, {{ credentials }} \\]", "severity": 3 }));
        assert_eq!(url("/issues/{{ id }}?x=1", &context).unwrap(), "/issues/a%2F..%2Fb%3Fc%3Dd%26e?x=1");
    }

    #[test]
    fn what_is_not_there_is_an_error_and_work_is_bounded() {
        assert!(text("{{ missing }}", &json!({})).is_err());
        assert!(text("{{ parameters.project }}", &json!({ "parameters": {} })).is_err());
        assert!(
            text(
                "{% for i in list %}{% for j in list %}{{ j }}{% endfor %}{% endfor %}",
                &json!({ "list": vec![0; 1_000] })
            )
            .is_err()
        );
        assert_eq!(text("{{ ('a' ~ ':' ~ 'b')|base64 }}", &json!({})).unwrap(), "YTpi");
        assert!(check(&json!(["{{ a"])).is_err());
        for bomb in
            ["{{ 'x' * 99000000 }}", "{% set x = 'a' %}", &format!("{{{{ {} }}}}", ["a"; 10].join("~"))]
        {
            assert!(check(&json!([bomb])).is_err() && text(bomb, &json!({ "a": "a" })).is_err(), "{bomb}");
        }
    }
}
