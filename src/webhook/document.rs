//! `docs/WEBHOOKS.md`: what receivers have to know, with every message type from the catalogue.

use std::fmt::Write;

use crate::outbox::MessageKind;
use crate::outbox::message::content::{EventContent, ReportsContent, schema_of};

/// The words before the catalogue.
const INTRODUCTION: &str = include_str!("document/introduction.md");

/// The words before the types.
const TYPES: &str = "\n## Message types\n\nRoles are those whose grant may receive the type.\n";

/// The whole document.
pub fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n## Full content\n\nThe JSON Schemas of `data.content`.\n");
    for (title, schema) in
        [("Of the event", schema_of::<EventContent>()), ("Of reports", schema_of::<ReportsContent>())]
    {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n#### {title}\n\n```json\n{}\n```\n", pretty(&schema));
    }
    text.push_str(TYPES);
    for kind in MessageKind::ALL {
        let _ = write!(text, "\n### `{}`\n\n{}\n\n", kind.as_str(), kind.description());
        let _ = writeln!(text, "Roles: {}. Full content: {}.\n", roles(*kind).join(", "), content(*kind));
        text.push_str("| field of `data` | always | meaning |\n| --- | --- | --- |\n");
        for field in kind.all_fields() {
            let always = if field.required { "yes" } else { "no" };
            let _ = writeln!(text, "| `{}` | {always} | {} |", field.name, field.description);
        }
        let _ = write!(
            text,
            "\n```json\n{}\n```\n\n<details><summary>JSON Schema</summary>\n\n```json\n{}\n```\n\n</details>\n",
            pretty(&kind.example()),
            pretty(&kind.schema())
        );
    }
    text
}

/// What a full delivery of this type holds besides.
fn content(kind: MessageKind) -> &'static str {
    match kind.has_content() {
        [true, false] => "of the event",
        [false, true] => "of reports",
        [true, true] => "of the event, for channels of reports",
        [false, false] => "none",
    }
}

/// Names of the roles whose grant may receive messages of this type.
pub fn roles(kind: MessageKind) -> Vec<&'static str> {
    granted_roles(kind).into_iter().map(crate::auth::Role::name).collect()
}

/// Roles whose grant may receive messages of this type.
pub fn granted_roles(kind: MessageKind) -> Vec<crate::auth::Role> {
    super::rules::GRANTABLE.into_iter().filter(|role| super::rules::may_be_told(*role, kind)).collect()
}

/// JSON with its lines broken.
pub fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}")
}
