//! Versions as people write them on an affected product, read as advisories have to say them.
//!
//! `5.2.0, 5.3.1`, `< 5.2`, `>= 5.0 < 5.2`, `5.0 - 5.1.9`, `before 5.2`, `5.2 之前`, `all versions`. What is none of these is
//! refused rather than guessed: a machine that reads it would take it for one version.

use std::fmt;

/// Longest version, in characters.
const LONGEST: usize = 64;

/// One version, or those from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// This one.
    One(String),
    /// Several; all when there are no ends.
    Range {
        /// The first.
        from: Option<String>,
        /// The last.
        to: Option<End>,
    },
}

/// Where a range ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// The version.
    pub(super) version: String,
    /// Whether it belongs to the range.
    pub(super) inclusive: bool,
}

/// As a version range specifier writes it, without its scheme: `>=5.0|<5.2`, or `*`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(version) => f.write_str(version),
            Self::Range { from, to } => {
                let mut parts = Vec::new();
                parts.extend(from.as_ref().map(|from| format!(">={from}")));
                parts.extend(
                    to.as_ref()
                        .map(|end| format!("{}{}", if end.inclusive { "<=" } else { "<" }, end.version)),
                );
                if parts.is_empty() { f.write_str("*") } else { f.write_str(&parts.join("|")) }
            }
        }
    }
}

/// Reads versions; the error is what is none.
pub(super) fn parse(text: &str) -> Result<Vec<Span>, String> {
    let pieces =
        text.split([',', '，', ';', '；', '、', '\n']).map(str::trim).filter(|piece| !piece.is_empty());
    let mut spans = Vec::new();
    for piece in pieces {
        let span = span(piece).ok_or_else(|| piece.to_owned())?;
        if !spans.contains(&span) {
            spans.push(span);
        }
    }
    Ok(spans)
}

fn span(piece: &str) -> Option<Span> {
    let text = plain(piece);
    if ["*", "all", "all versions", "所有", "全部"].contains(&text.as_str()) {
        return Some(Span::Range { from: None, to: None });
    }
    worded(&text)
        .or_else(|| compared(&text))
        .or_else(|| between(&text))
        .or_else(|| version(&text).map(Span::One))
}

/// Lower-case words, one form of each sign, and no `version` around the number.
fn plain(piece: &str) -> String {
    let mut text = piece.replace('≤', "<=").replace('≥', ">=").replace('＜', "<").replace('＞', ">");
    text = text.replace("版本", "");
    let lower = text.to_lowercase();
    let text = if lower.starts_with("all") { lower } else { text };
    let text = text.trim();
    let text = text.strip_prefix("version ").or_else(|| text.strip_prefix("versions ")).unwrap_or(text);
    text.trim().to_owned()
}

/// Ranges that words make.
fn worded(text: &str) -> Option<Span> {
    let to = |rest: &str, inclusive| {
        Some(Span::Range { from: None, to: Some(End { version: version(rest)?, inclusive }) })
    };
    for (word, inclusive) in [
        ("before ", false),
        ("prior to ", false),
        ("earlier than ", false),
        ("up to ", true),
        ("through ", true),
    ] {
        if let Some(rest) = text.strip_prefix(word) {
            return to(rest, inclusive);
        }
    }
    // The longer words first: 及之前 includes the version, 之前 does not.
    for word in [" and earlier", " and below", " and prior", "及之前", "及以前", "及更早", "及以下", "以下"]
    {
        if let Some(rest) = text.strip_suffix(word) {
            return to(rest, true);
        }
    }
    for word in ["之前", "以前"] {
        if let Some(rest) = text.strip_suffix(word) {
            return to(rest, false);
        }
    }
    for word in [" and later", " or later", " and above", "及之后", "及以后", "及以上", "以上"] {
        if let Some(rest) = text.strip_suffix(word) {
            return Some(Span::Range { from: Some(version(rest)?), to: None });
        }
    }
    None
}

/// Ranges that signs make.
fn compared(text: &str) -> Option<Span> {
    if !text.starts_with(['<', '>', '=']) {
        return None;
    }
    let (mut from, mut to, mut rest) = (None, None, text);
    while !rest.is_empty() {
        let sign_ends = rest.find(|c| !"<>=".contains(c))?;
        let (sign, after) = rest.split_at(sign_ends);
        let after = after.trim_start();
        let number_ends =
            after.find(|c: char| "<>=&|".contains(c) || c.is_whitespace()).unwrap_or(after.len());
        let (number, more) = after.split_at(number_ends);
        let number = version(number)?;
        match sign {
            "=" | "==" if from.is_none() && to.is_none() && more.trim().is_empty() => {
                return Some(Span::One(number));
            }
            ">=" if from.is_none() => from = Some(number),
            "<" | "<=" if to.is_none() => to = Some(End { version: number, inclusive: sign == "<=" }),
            _ => return None,
        }
        rest = more.trim_start_matches(|c: char| c.is_whitespace() || "&|".contains(c));
    }
    Some(Span::Range { from, to })
}

/// From one to another, both included.
fn between(text: &str) -> Option<Span> {
    let separators = [" - ", " – ", " ~ ", "~", " to ", "至", "到"];
    let (from, to) = separators.iter().find_map(|separator| text.split_once(separator))?;
    let to = Some(End { version: version(to)?, inclusive: true });
    Some(Span::Range { from: Some(version(from)?), to })
}

/// A text that is one version: it has a digit, no blank and no placeholder.
fn version(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = text.chars().count() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
        && !text.split(['.', '-', '_']).any(|part| matches!(part, "x" | "X"));
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match parse(text) {
            Ok(spans) => spans.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Err(piece) => format!("no: {piece}"),
        }
    }

    #[test]
    fn versions_are_read_as_people_write_them() {
        for (text, expected) in [
            ("5.2.0", "5.2.0"),
            ("v5.2.0, 5.3.1-rc1；6.0", "v5.2.0 5.3.1-rc1 6.0"),
            ("< 5.2", "<5.2"),
            ("<=5.2", "<=5.2"),
            ("≤ 5.2", "<=5.2"),
            (">= 5.0 < 5.2", ">=5.0|<5.2"),
            (">=5.0<5.2", ">=5.0|<5.2"),
            ("<5.2 && >=5.0", ">=5.0|<5.2"),
            ("= 5.2", "5.2"),
            (">= 5.0", ">=5.0"),
            ("5.0 - 5.1.9", ">=5.0|<=5.1.9"),
            ("5.0至5.1", ">=5.0|<=5.1"),
            ("before 5.2", "<5.2"),
            ("prior to 5.2, 6.0", "<5.2 6.0"),
            ("5.2 and earlier", "<=5.2"),
            ("5.2 之前版本", "<5.2"),
            ("5.2 及之前版本", "<=5.2"),
            ("5.2 以上", ">=5.2"),
            ("R2023-b4", "R2023-b4"),
            ("All versions", "*"),
            ("所有版本", "*"),
            ("5.2, 5.2", "5.2"),
            ("", ""),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_version_is_named() {
        for (text, piece) in [
            ("the newest", "the newest"),
            ("5.2, some of them", "some of them"),
            ("5.x", "5.x"),
            ("> 5.0", "> 5.0"),
            ("5.0 之后", "5.0 之后"),
            ("< 5.2 < 5.3", "< 5.2 < 5.3"),
            ("5.2 5.3", "5.2 5.3"),
            ("<", "<"),
            ("5.2<script>", "5.2<script>"),
        ] {
            assert_eq!(read(text), format!("no: {piece}"), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_version_never_panics(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }
    }
}
