//! Counts tokens and bracket nesting in one pass without recursion, before the parser runs.
//!
//! The parser recurses with every bracket and would overflow the stack on `{{{{…`. Strings and comments are
//! skipped as the grammar reads them. A string without an end is an error at once: the parser would try to
//! read it in another way, with brackets that were not counted here. The grammar lets a few literals touch
//! (`[truetrue]`), which count as one token: the bound on bytes holds for those.

use async_graphql::Pos;

use super::{GuardLimits, Limit, ParseError};

/// Brackets inside one another that the parser may see. No setting, because it protects the parser's stack;
/// well above the depth limits, which count fields only.
const MAX_NESTING: usize = 40;

pub(super) fn check(text: &str, limits: &GuardLimits) -> Result<(), ParseError> {
    Limit::DocumentBytes.bound(text.len(), limits.document_bytes)?;
    let bytes = text.as_bytes();
    let (mut at, mut tokens, mut nesting) = (0, 0_usize, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = end_of(bytes, at, |b| b != b'\n' && b != b'\r');
                continue;
            }
            b'"' => end_of_string(text, at)?,
            b'{' | b'(' | b'[' => {
                nesting += 1;
                Limit::Nesting.bound(nesting, MAX_NESTING)?;
                at + 1
            }
            b'}' | b')' | b']' => {
                nesting = nesting.saturating_sub(1);
                at + 1
            }
            b'.' => end_of(bytes, at, |b| b == b'.'),
            b if is_word(b) => end_of(bytes, at, is_word),
            _ => at + 1,
        };
        tokens += 1;
        Limit::Tokens.bound(tokens, limits.tokens)?;
    }
    Ok(())
}

/// Names, keywords and the digits of numbers; anything beyond ASCII is one run for the parser to refuse.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn end_of(bytes: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|&byte| !belongs(byte)).map_or(bytes.len(), |length| from + length)
}

/// The index after the string or block string that opens at `from`.
fn end_of_string(text: &str, from: usize) -> Result<usize, ParseError> {
    let bytes = text.as_bytes();
    let block = bytes[from..].starts_with(b"\"\"\"");
    let (quote, mut at): (&[u8], usize) = if block { (b"\"\"\"", from + 3) } else { (b"\"", from + 1) };
    while at < bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(quote) {
            return Ok(at + quote.len());
        }
        at += match rest[0] {
            b'\\' if block && rest.starts_with(b"\\\"\"\"") => 4,
            b'\\' if block => 1,
            b'\\' => 2,
            b'\n' | b'\r' if !block => break,
            _ => 1,
        };
    }
    Err(ParseError::syntax("the string has no end", position(text, from)))
}

fn position(text: &str, at: usize) -> Pos {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Pos { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}
