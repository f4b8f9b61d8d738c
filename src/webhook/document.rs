//! `docs/WEBHOOKS.md`: what receivers have to know, with every message type from the catalogue.

use std::fmt::Write;

use crate::outbox::MessageKind;

/// The words before the catalogue.
const INTRODUCTION: &str = include_str!("document/introduction.md");

/// The whole document.
pub fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for kind in MessageKind::ALL {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n### `{}`\n\n{}\n\n", kind.as_str(), kind.description());
        let _ = writeln!(text, "Roles: {}.\n", roles(*kind).join(", "));
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
