//! The words of a text, as they are indexed, looked for and marked. Pure.

use std::borrow::Cow;
use std::collections::HashSet;

use foldhash::quality::RandomState;
use rust_stemmers::{Algorithm, Stemmer};

use super::fields::Field;
use crate::text::{self, TokenKind, tokens};

/// Characters of a field that are searched, its first ones.
pub const SEARCHED: usize = 50_000;
/// Most bytes of words that one thing is found by: PostgreSQL takes less than a megabyte of them.
const MOST_BYTES: usize = 600_000;

/// What marks a word of a title, which is kept once more as such.
pub const TITLE: &str = "t:";
/// What marks the word that says what a thing is.
pub const KIND: &str = "k:";

/// The first characters of a field, as many as are searched.
pub fn searched(text: &str) -> &str {
    text.char_indices().nth(SEARCHED).map_or(text, |(end, _)| &text[..end])
}

/// Makes words what stands for all their forms.
pub struct Stems(Stemmer);

impl Default for Stems {
    fn default() -> Self {
        Self(Stemmer::create(Algorithm::English))
    }
}

impl Stems {
    /// What stands for a token: of an English word its stem, of anything else itself.
    pub fn of<'a>(&self, kind: TokenKind, text: Cow<'a, str>) -> Cow<'a, str> {
        if kind != TokenKind::Word || text.len() < 4 || !text.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return text;
        }
        let stem = self.0.stem(&text);
        if *stem == *text { text } else { Cow::Owned(stem.into_owned()) }
    }
}

/// The words by which a thing of `kind` with these fields is found, separated by spaces, which none of them holds. What
/// stands in titles comes first, so that it is in it however long the rest is.
pub fn words(kind: &str, fields: &[Field<'_>]) -> String {
    let stems = Stems::default();
    let mut seen: HashSet<String, RandomState> = HashSet::default();
    let mut words = format!("{KIND}{kind}");
    let mut ordered: Vec<&Field<'_>> = fields.iter().collect();
    ordered.sort_by_key(|field| !field.is_title());
    for field in ordered {
        let lower = lower(&text::plain(searched(&field.text)));
        for token in tokens(&lower) {
            let word = stems.of(token.kind, token.text);
            if words.len() + 2 * (word.len() + TITLE.len()) > MOST_BYTES {
                return words;
            }
            if !seen.contains(&*word) {
                words.push(' ');
                words.push_str(&word);
                if field.is_title() {
                    words.push(' ');
                    words.push_str(TITLE);
                    words.push_str(&word);
                }
                seen.insert(word.into_owned());
            }
        }
    }
    words
}

/// Lower case, character by character, so that each one's place is known.
fn lower(plain: &str) -> String {
    let mut lower = String::with_capacity(plain.len());
    for character in plain.chars() {
        match character {
            '\0'..='\u{7f}' => lower.push(character.to_ascii_lowercase()),
            // These have no case, and most of a Chinese text are such.
            '\u{3000}'..='\u{9fff}' => lower.push(character),
            _ => lower.extend(character.to_lowercase()),
        }
    }
    lower
}

/// A word of a text and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it is.
    pub kind: TokenKind,
    /// What stands for it.
    pub key: String,
    /// Where it begins and ends in [`Read::lower`].
    pub start: usize,
    /// Its end.
    pub end: usize,
}

/// A text as it is read to find words in it.
#[derive(Clone, Debug)]
pub struct Read {
    /// The text in the form in which it is quoted.
    pub plain: String,
    /// The same in lower case.
    pub lower: String,
    /// For each byte of `lower`, and its end, where the character that it comes from begins in `plain`.
    origin: Vec<usize>,
    /// Its words in their order.
    pub words: Vec<Word>,
}

impl Read {
    /// Reads `text`.
    pub fn of(text: &str, stems: &Stems) -> Self {
        let plain = text::plain(searched(text));
        let mut lower = String::with_capacity(plain.len());
        let mut origin = Vec::with_capacity(plain.len() + 1);
        for (place, character) in plain.char_indices() {
            for small in character.to_lowercase() {
                lower.push(small);
                origin.resize(lower.len(), place);
            }
        }
        origin.push(plain.len());
        let words = tokens(&lower)
            .map(|token| Word {
                kind: token.kind,
                key: stems.of(token.kind, token.text).into_owned(),
                start: token.start,
                end: token.end,
            })
            .collect();
        Self { plain, lower, origin, words }
    }

    /// Where `start` to `end` of `lower` stands in `plain`.
    pub fn quoted(&self, start: usize, end: usize) -> (usize, usize) {
        let place = |at: usize| self.origin.get(at).copied().unwrap_or(self.plain.len());
        let (start, mut end) = (place(start), place(end));
        if end <= start {
            end = self.plain[start..].chars().next().map_or(start, |first| start + first.len_utf8());
        }
        (start, end)
    }
}

#[cfg(test)]
mod tests {
    use entity::vocabulary::SearchField;

    use super::*;

    fn of(title: &str, text: &str) -> Vec<String> {
        let fields = [Field::new(SearchField::Text, text), Field::new(SearchField::Title, title)];
        words("EVENT", &fields).split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn chinese_is_found_by_pairs_and_english_by_stems_and_titles_by_both() {
        assert_eq!(of("SQL注入", "Injected 注入"), ["k:EVENT", "sql", "t:sql", "注入", "t:注入", "inject"]);
        for form in ["inject", "injects", "Injection", "INJECTED", "injecting"] {
            assert_eq!(of("", form)[1], "inject", "{form}");
        }
        assert_eq!(of("", "vulnerabilities")[1], of("", "vulnerability")[1]);
    }

    #[test]
    fn a_text_of_any_size_has_bounded_words_and_its_title_is_among_them() {
        let many: String = (0..200_000).map(|number| format!("word{number}with{number}more ")).collect();
        let chinese: String = ('\u{4e00}'..'\u{9fa5}').cycle().take(500_000).collect();
        for text in [many, chinese, "a".repeat(500_000), "漏".repeat(500_000)] {
            let words = of("标题在此", &text);
            assert!(words.iter().map(|word| word.len() + 1).sum::<usize>() <= MOST_BYTES + 1);
            assert!(words.contains(&"t:在此".to_owned()));
            assert!(words.iter().all(|word| !word.is_empty() && word.len() <= 70));
        }
    }

    #[test]
    fn a_places_characters_are_known_also_where_lower_case_is_longer() {
        let read = Read::of("İİ İnjected x", &Stems::default());
        let word = read.words.iter().find(|word| word.key == "x").unwrap();
        let (start, end) = read.quoted(word.start, word.end);
        assert_eq!(&read.plain[start..end], "x");
        for word in &read.words {
            let (start, end) = read.quoted(word.start, word.end);
            assert!(!read.plain[start..end].is_empty());
        }
    }
}
