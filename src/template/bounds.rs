//! What keeps a template from making much out of little: a scan of its source before it runs, and a writer with an end.
//!
//! Output is bounded where it is written. What an expression puts together on the way is not, so templates have no
//! operator that multiplies or joins, and no block that captures output: with values and loops alone nothing is larger
//! than the facts themselves.

use std::fmt;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};

/// Most bytes that one template may write, or one value may be as a text.
pub const MOST: usize = 256 * 1024;

/// Blocks that a template may have.
const BLOCKS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// Refuses what can make much out of little. `joins` is how many `~` a template may have.
///
/// # Errors
/// Naming what is refused.
pub fn check(source: &str, joins: usize) -> Result<(), Error> {
    let mut scan = Scan { rest: source, joins };
    while scan.find_code()? {}
    Ok(())
}

struct Scan<'a> {
    rest: &'a str,
    joins: usize,
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

impl Scan<'_> {
    /// Skips to the next code and through it; false when there is none.
    fn find_code(&mut self) -> Result<bool, Error> {
        let Some((at, opening)) =
            ["{{", "{%", "{#"].into_iter().filter_map(|open| Some((self.rest.find(open)?, open))).min()
        else {
            return Ok(false);
        };
        self.rest = self.rest.get(at + 2..).unwrap_or_default();
        if opening == "{#" {
            let end = self.rest.find("#}").unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..).unwrap_or_default();
            return Ok(true);
        }
        if opening == "{%" {
            let words = self.rest.trim_start_matches(['-', '+']).trim_start();
            let word = words.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if !BLOCKS.contains(&word) {
                return Err(refused(format!("a template has no block {word:?}: use if and for")));
            }
            self.rest = words;
        }
        self.through_code(if opening == "{{" { "}}" } else { "%}" })?;
        Ok(true)
    }

    fn through_code(&mut self, closing: &str) -> Result<(), Error> {
        let mut first = true;
        while let Some(c) = self.rest.chars().next() {
            // Right behind the opening and before the closing they only strip blanks.
            let strips = (first && matches!(c, '-' | '+'))
                || self.rest.get(1..).is_some_and(|rest| matches!(c, '-' | '+') && rest.starts_with(closing));
            first = false;
            if self.rest.starts_with(closing) {
                self.rest = self.rest.get(2..).unwrap_or_default();
                return Ok(());
            }
            if matches!(c, '\'' | '"') {
                self.through_text(c);
                continue;
            }
            if c.is_alphabetic() || c == '_' {
                let end =
                    self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                // A loop that calls itself captures what it writes.
                if word == "recursive" {
                    return Err(refused("a template's loop does not call itself"));
                }
                self.rest = rest;
                continue;
            }
            match c {
                '*' => return Err(refused("a template does not multiply: leave * out")),
                '+' if !strips => return Err(refused("a template does not add: leave + out")),
                '~' if self.joins == 0 => return Err(refused("a template joins no more: leave ~ out")),
                '~' => self.joins -= 1,
                _ => {}
            }
            self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
        }
        Ok(())
    }

    fn through_text(&mut self, quote: char) {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == quote => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return;
                }
                _ => {}
            }
        }
        self.rest = "";
    }
}

/// A text that ends at [`MOST`] bytes.
#[derive(Debug, Default)]
pub struct Bounded(pub String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MOST {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

fn too_much() -> Error {
    refused("a value is too long for a template")
}

/// A value as a text, no longer than it may be.
///
/// # Errors
/// When it is.
pub fn text(value: &Value) -> Result<String, Error> {
    let mut text = Bounded::default();
    fmt::write(&mut text, format_args!("{value}")).map_err(|_| too_much())?;
    Ok(text.0)
}

/// The filter `join`, no longer than a value may be.
///
/// # Errors
/// When it is; when there is nothing to join.
pub fn join(value: &Value, between: Option<&str>) -> Result<String, Error> {
    use fmt::Write as _;
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::String) {
        return Err(refused("only a list is joined"));
    }
    let mut joined = Bounded::default();
    let mut put = |item: fmt::Arguments<'_>| joined.write_fmt(item).map_err(|_| too_much());
    if let Some(text) = value.as_str() {
        for (number, c) in text.chars().enumerate() {
            put(format_args!("{}{c}", between.filter(|_| number > 0).unwrap_or_default()))?;
        }
    } else {
        for (number, item) in value.try_iter()?.enumerate() {
            put(format_args!("{}{item}", between.filter(|_| number > 0).unwrap_or_default()))?;
        }
    }
    Ok(joined.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_text() {
        for source in [
            "a * b ~ c + {not code} {{ x }} 2 * 3",
            "{{- x -}} {%- if a -%} + {%+ endif +%} {{ '*' }} {{ \"a\\\" * b\" }}",
            "{# {{ 'a' * 9 }} ' #}{{ x|default('~') }}",
            "{% for a in b %}{{ a.c }}{% else %}{% endfor %}{% if a %}{% elif b %}{% endif %}",
            "{{ '}} {% set x = 1 %}' }}",
            "",
        ] {
            assert!(check(source, 0).is_ok(), "{source}");
        }
        for source in [
            "{{ 'x' * 99000000 }}",
            "{{ 'a' ~ 'b' }}",
            "{{ a + b }}",
            "{{ '}}' * 9 }}",
            "{{ 'a\\'' * 9 }}",
            "{# ' #}{{ 'x' * 9 }}",
            "{# {{ #}{{ 'x'*9 }}",
            "{{ 2 ** 9 }}",
            "{% set x = 'a' %}",
            "{%- set x %}{% endset %}",
            "{%set x%}",
            "{% macro m() %}{% endmacro %}",
            "{% filter join %}{% endfilter %}",
            "{% raw %}{{ x }}{% endraw %}",
            "{% for a in b recursive %}{{ loop(a) }}{% endfor %}",
            "{% if a %}{% elif [1] * 9000000000 %}{% endif %}",
            "{% include 'x' %}",
        ] {
            assert!(check(source, 0).is_err(), "{source}");
        }
        assert!(check("{{ a ~ ':' ~ b }}", 2).is_ok());
        assert!(check("{{ a ~ ':' ~ b ~ c }}", 2).is_err());
    }

    #[test]
    fn values_have_an_end() {
        let long = "x".repeat(MOST / 4 + 1);
        let list = Value::from(vec![long.clone(); 4]);
        assert!(text(&list).is_err() && join(&list, None).is_err());
        assert_eq!(text(&Value::from(long.clone())).unwrap(), long);
        assert_eq!(join(&Value::from(vec!["a", "b"]), Some(", ")).unwrap(), "a, b");
        assert_eq!(join(&Value::from("abc"), Some("-")).unwrap(), "a-b-c");
        assert!(join(&Value::from(7), None).is_err());
    }
}
