//! Text as it is compared and searched: one normal form, and the tokens that it falls into.
//!
//! [`normal`] takes away what makes equal words look different: width and composition (NFKC), case, line ends of either
//! kind and their entities, characters that nobody sees, and the ways in which people write a URL so that nobody follows it
//! (`hxxp://`, `[.]`). [`plain`] is the same with its case, for what is quoted. [`tokens`] cuts the normal form: Chinese, Japanese and Korean have no spaces, so every two
//! neighbouring characters are a token; other scripts give words, and what looks like a version is one token. What is
//! compared and what is looked for go through the same two functions, so they always fit.
//!
//! Both take time and memory proportional to the text, whatever it says. [`head`] bounds what is looked at.

mod normal;
mod tokens;

pub use normal::{is_unseen, normal, plain};
pub use tokens::{Token, TokenKind, fingerprint, tokens};

/// The beginning of `text`, at most `bytes` long, ending between two characters.
pub fn head(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
