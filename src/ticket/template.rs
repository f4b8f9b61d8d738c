//! Templates of requests: values are put into JSON texts and URLs, never into JSON or a query as such.
//!
//! A body is rendered text by text inside its JSON, so nothing that is put in can leave its text; in a URL
//! everything that is put in is percent-encoded. What is not defined is an error, but in a field whose name ends in `?`,
//! which is then left out. Work is bounded.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use minijinja::{Environment, Error, ErrorKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::template::{bounds, engine};

/// Steps that one template may take.
const FUEL: u64 = 1_000;
/// Texts that one template may join: a user and a password, say.
const JOINS: usize = 8;
/// Characters of a template that its error names.
const SHOWN: usize = 60;
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
                .filter_map(|(name, field)| match (name.strip_suffix('?'), json(field, context)) {
                    (Some(_), Err(error)) if error.kind() == ErrorKind::UndefinedError => None,
                    (optional, field) => {
                        Some(field.map(|field| (optional.unwrap_or(name).to_owned(), field)))
                    }
                })
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
    engine::written(&environment(false), template, JOINS, context).map_err(|error| naming(template, &error))
}

/// The error of a template that its author has to find among many.
fn naming(template: &str, error: &Error) -> Error {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    // As much as one looks for it by.
    let begin: String = template.chars().take(SHOWN).collect();
    Error::new(error.kind(), format!("in the template {begin:?}{detail}"))
}

/// Renders a path with its query.
///
/// # Errors
/// Those of [`json`].
pub fn url(template: &str, context: &Value) -> Result<String, Error> {
    engine::written(&environment(true), template, JOINS, context).map_err(|error| naming(template, &error))
}

/// What templates name, with a dot before each part: `parameters.project`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// All but those of optional fields.
    pub needed: BTreeSet<String>,
    /// Those of fields that are left out without them.
    pub optional: BTreeSet<String>,
}

/// What the templates inside `template` name.
///
/// # Errors
/// The first that is no template.
pub fn names(template: &Value) -> Result<Names, Error> {
    fn gather(template: &Value, is_optional: bool, names: &mut Names) -> Result<(), Error> {
        match template {
            Value::String(text) => {
                let found = environment(false).template_from_str(text)?.undeclared_variables(true);
                let all = if is_optional { &mut names.optional } else { &mut names.needed };
                all.extend(found);
            }
            Value::Array(items) => {
                items.iter().try_for_each(|item| gather(item, is_optional, names))?;
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    gather(field, is_optional || name.ends_with('?'), names)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
    let mut names = Names::default();
    gather(template, false, &mut names)?;
    Ok(names)
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
    fn an_optional_field_is_left_out_without_its_parameter_and_no_other_is() {
        let body =
            json!({ "summary": "{{ subject }}", "security?": { "name": "{{ parameters.security }}" } });
        let context = |parameters: Value| json!({ "subject": "A hole", "parameters": parameters });
        let with = super::json(&body, &context(json!({ "security": "Internal" }))).unwrap();
        assert_eq!(with, json!({ "summary": "A hole", "security": { "name": "Internal" } }));
        assert_eq!(super::json(&body, &context(json!({}))).unwrap(), json!({ "summary": "A hole" }));
        assert!(super::json(&json!({ "a": "{{ missing }}" }), &context(json!({}))).is_err());
        let names = names(&json!([body, "{{ (credentials.user ~ ':')|base64 }}"])).unwrap();
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let expected =
            Names { needed: set(&["subject", "credentials.user"]), optional: set(&["parameters.security"]) };
        assert_eq!(names, expected);
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
