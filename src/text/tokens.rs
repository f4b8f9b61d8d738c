//! The tokens of a normal form.

use std::borrow::Cow;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A word of a script with spaces, in its singular where it is English.
    Word,
    /// Two neighbouring characters of a script without spaces, or one that stands alone.
    Pair,
    /// Numbers with dots between them, as versions are written, without a leading `v`.
    Version,
}

/// A token of a text in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// What stands for it, the same wherever it means the same.
    pub text: Cow<'a, str>,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends in the text, in bytes.
    pub end: usize,
}

/// Longest word that is one token, in bytes; what is longer is cut into several.
const LONGEST: usize = 64;

/// The tokens of `text`, which is in [normal form](super::normal), in its order.
pub fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    Tokens { text, at: 0, pair: false }
}

/// A number that stands for `text` wherever it is stored: FNV-1a, then mixed so that all bits depend on all of it.
pub fn fingerprint(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    for part in parts {
        part.bytes().for_each(&mut take);
        // No text holds this byte, so no two lists of parts are the same bytes.
        take(0xff);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// Whether the character at `at` was the second of a pair already.
    pair: bool,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = &self.text[self.at..];
            let first = rest.chars().next()?;
            if is_unspaced(first) {
                let start = self.at;
                let length = first.len_utf8();
                self.at += length;
                let second = rest[length..].chars().next().filter(|second| is_unspaced(*second));
                let paired = std::mem::replace(&mut self.pair, second.is_some());
                match second {
                    Some(second) => {
                        let end = start + length + second.len_utf8();
                        return Some(self.token(TokenKind::Pair, start, end));
                    }
                    None if !paired => return Some(self.token(TokenKind::Pair, start, self.at)),
                    None => {}
                }
            } else if is_word(first) {
                return Some(self.word());
            } else {
                self.at += first.len_utf8();
            }
        }
    }
}

impl<'a> Tokens<'a> {
    fn token(&self, kind: TokenKind, start: usize, end: usize) -> Token<'a> {
        Token { kind, text: Cow::Borrowed(&self.text[start..end]), start, end }
    }

    fn word(&mut self) -> Token<'a> {
        let (start, rest) = (self.at, &self.text[self.at..]);
        let digits = rest.strip_prefix('v').unwrap_or(rest);
        let prefix = rest.len() - digits.len();
        if let Some(length) = version(digits) {
            self.at += prefix + length;
            return self.token(TokenKind::Version, start + prefix, self.at);
        }
        let end = rest.char_indices().find(|(place, character)| !is_word(*character) || *place >= LONGEST);
        self.at += end.map_or(rest.len(), |(place, _)| place);
        let token = self.token(TokenKind::Word, start, self.at);
        match singular(&self.text[start..self.at]) {
            Some(text) => Token { text, ..token },
            None => token,
        }
    }
}

/// Bytes of the version that `text` begins with: numbers, and letters among them, with dots between.
fn version(text: &str) -> Option<usize> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let end =
        text.bytes().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'.').count();
    let version = text[..end].trim_end_matches('.');
    let inside = version.contains('.') && !version.contains("..");
    // A word of another script that goes on is no version.
    let ends = text[version.len()..].chars().next().is_none_or(|next| !is_word(next));
    (inside && (ends || end == LONGEST)).then_some(version.len())
}

/// The singular of an English plural.
fn singular(word: &str) -> Option<Cow<'_, str>> {
    if word.len() < 4 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    if let Some(stem) = word.strip_suffix("ies") {
        return Some(Cow::Owned(format!("{stem}y")));
    }
    let stem = word.strip_suffix('s')?;
    (!stem.ends_with(['s', 'u', 'i'])).then_some(Cow::Borrowed(stem))
}

/// Whether a character is of a script that is written without spaces.
fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn is_word(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || character == '_';
    }
    character.is_alphanumeric() && !is_unspaced(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        tokens(&super::super::normal(text)).map(|token| token.text.into_owned()).collect()
    }

    #[test]
    fn chinese_falls_into_pairs_and_the_rest_into_words() {
        assert_eq!(texts("WordPress插件SQL注入 漏"), ["wordpress", "插件", "sql", "注入", "漏"]);
        assert_eq!(texts("任意代码"), ["任意", "意代", "代码"]);
        assert_eq!(texts("remote attackers, vulnerabilities"), ["remote", "attacker", "vulnerability"]);
        assert_eq!(texts("access status is"), ["access", "status", "is"]);
    }

    #[test]
    fn a_version_is_one_token_with_and_without_its_letter() {
        assert_eq!(
            texts("V13.1、v2.3.4.0版本 <=1.1.0.C0. 之前"),
            ["13.1", "2.3.4.0", "版本", "1.1.0.c0", "之前"]
        );
        let found: Vec<_> = tokens("v2.0 7 8.8.").map(|token| (token.kind, token.start, token.end)).collect();
        use TokenKind::{Version, Word};
        assert_eq!(found, [(Version, 1, 4), (Word, 5, 6), (Version, 7, 10)]);
    }

    #[test]
    fn each_token_names_its_place() {
        let text = super::super::normal("a漏洞b");
        let places: Vec<_> = tokens(&text).map(|token| &text[token.start..token.end]).collect();
        assert_eq!(places, ["a", "漏洞", "b"]);
    }

    #[test]
    fn long_words_are_cut_and_long_lines_are_read_once() {
        let line = "a".repeat(10_000_000);
        assert!(tokens(&line).all(|token| token.end - token.start <= LONGEST));
        assert_eq!(tokens(&line).last().map(|token| token.end), Some(line.len()));
        assert_eq!(tokens(&"漏".repeat(1_000_000)).count(), 999_999);
        assert_eq!(tokens(&"1.".repeat(1_000_000)).last().map(|token| token.end), Some(1_999_999));
    }

    #[test]
    fn a_fingerprint_stays_what_it_is() {
        assert_eq!(fingerprint(&["漏洞"]), fingerprint(&["漏洞"]));
        assert_ne!(fingerprint(&["a", "b"]), fingerprint(&["ab"]));
        // Stored with reports: a change of it makes the stored ones useless. Worked out apart, by the published constants.
        assert_eq!(fingerprint(&["a"]), 0x3aec_69d2_86fb_d39b);
    }

    proptest::proptest! {
        #[test]
        fn any_text_never_panics_and_is_normal_once(text in crate::testing::jumble("ＳＱＬ¦é¦e\u{301}¦\u{200b}¦\u{fe0f}¦ﬁ¦İ¦ß¦\u{ad}¦1.2¦-¦_¦a¦😀")) {
            let normal = super::super::normal(&text);
            assert_eq!(super::super::normal(&normal), normal);
            assert!(tokens(&normal).all(|token| !token.text.is_empty()));
        }
    }
}
