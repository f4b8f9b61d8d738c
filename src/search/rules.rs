//! What is asked for, whether a thing has it, and what of it is shown. Pure.
//!
//! A query is words separated by spaces, all of which a thing has to have, each in any of its fields. What stands between
//! two spaces is found as it stands: `远程代码` only where these four characters follow each other, `shop.example.com` where
//! these three words do. Nothing in it is an operator.

use entity::vocabulary::SearchField;

use super::fields::Field;
use super::words::{Read, Stems, Word, searched};
use crate::error::{Error, Result};
use crate::text::{self, TokenKind, fingerprint, tokens};

/// Longest query, in characters.
pub const LONGEST: usize = 200;
/// Most words that a query falls into.
const WORDS: usize = 24;
/// Most fragments of a hit.
const FRAGMENTS: usize = 4;
/// Characters of a fragment, and those of them that lead up to its first hit.
const FRAGMENT: usize = 160;
const LEAD: usize = 40;
/// Most hits that are marked in one field.
const MARKED: usize = 200;

/// A word that a thing has to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What stands for it.
    pub key: String,
    /// Whether what only begins so will do: numbers are known by their beginning.
    pub begins: bool,
    /// Whether it is a single character of a script without spaces, which stands in a pair.
    single: bool,
}

/// What stands between two spaces of a query: words that follow each other.
type Term = Vec<Wanted>;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
    /// The beginning of an event's number, where it may be one.
    pub number: Option<String>,
    /// What stands for it.
    pub fingerprint: u64,
}

impl Query {
    /// Reads what somebody typed.
    ///
    /// # Errors
    /// BAD_USER_INPUT when nothing in it can be looked for, or it is too long.
    pub fn parse(typed: &str) -> Result<Self> {
        let refused = |message: String| Error::bad_input("query", message);
        if typed.chars().nth(LONGEST).is_some() {
            return Err(refused(format!("send at most {LONGEST} characters")));
        }
        let stems = Stems::default();
        let normal = text::normal(typed);
        let mut terms = Vec::new();
        for part in normal.split_whitespace() {
            let term = term(part, &stems);
            if let [only] = &*term
                && only.single
            {
                return Err(refused(format!(
                    "send two characters or more: {:?} alone would be found everywhere",
                    only.key
                )));
            }
            if !term.is_empty() {
                terms.push(term);
            }
        }
        if terms.is_empty() {
            return Err(refused("send a word, or two characters of Chinese".to_owned()));
        }
        if terms.iter().map(Vec::len).sum::<usize>() > WORDS {
            return Err(refused(format!(
                "send at most {WORDS} words (two neighbouring characters of Chinese are one)"
            )));
        }
        Ok(Self { terms, number: event_number(&normal), fingerprint: fingerprint(&[&normal]) })
    }

    /// The words by which it is looked up, each once.
    pub fn words(&self) -> Vec<&Wanted> {
        let mut words: Vec<&Wanted> = Vec::new();
        for word in self.terms.iter().flatten().filter(|word| !word.single) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }
}

fn term(part: &str, stems: &Stems) -> Term {
    let found: Vec<_> = tokens(part).collect();
    let last = found.len().saturating_sub(1);
    let wanted = found.into_iter().enumerate().map(|(place, token)| {
        let single = token.kind == TokenKind::Pair && token.text.chars().nth(1).is_none();
        let number = token.kind != TokenKind::Pair && token.text.bytes().any(|byte| byte.is_ascii_digit());
        let key = stems.of(token.kind, token.text).into_owned();
        Wanted { key, begins: number && place == last, single }
    });
    wanted.collect()
}

/// The beginning of an event's number that `typed`, in normal form, is.
fn event_number(typed: &str) -> Option<String> {
    let typed = typed.trim();
    let fits = |character: char| character.is_ascii_alphanumeric() || character == '-';
    (typed.starts_with("ve-") && typed.chars().all(fits)).then(|| typed.to_uppercase())
}

/// Whether a word of a text is what is wanted at this place of a term.
fn fits(wanted: &Wanted, first: bool, word: &Word) -> bool {
    if wanted.single {
        let (key, wanted) = (word.key.as_str(), wanted.key.as_str());
        return word.kind == TokenKind::Pair
            && (key == wanted || if first { key.ends_with(wanted) } else { key.starts_with(wanted) });
    }
    if wanted.begins {
        return word.kind != TokenKind::Pair && word.key.starts_with(&wanted.key);
    }
    word.key == wanted.key
}

/// Where a term stands in a text.
fn places(term: &[Wanted], read: &Read) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for here in read.words.windows(term.len()) {
        if found.len() == MARKED {
            break;
        }
        if !term.iter().zip(here).enumerate().all(|(place, (wanted, word))| fits(wanted, place == 0, word)) {
            continue;
        }
        let (Some((from, to)), Some((begin, last))) =
            (here.first().zip(here.last()), term.first().zip(term.last()))
        else {
            continue;
        };
        let start = if begin.single { from.end - begin.key.len() } else { from.start };
        let ended = if last.single || last.begins { to.start + last.key.len() } else { to.end };
        found.push((start, ended));
    }
    found
}

/// A part of a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its text.
    pub text: String,
    /// Whether it is what was asked for.
    pub matched: bool,
}

/// What of a field is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The field.
    pub field: SearchField,
    /// Its text in its order.
    pub parts: Vec<Part>,
}

/// What is shown of a thing that has all that is asked for; none when it lacks something. The characters that are read for it
/// are taken off `left`.
pub fn fragments(query: &Query, fields: &[Field<'_>], left: &mut usize) -> Option<Vec<Fragment>> {
    let stems = Stems::default();
    let mut found = vec![false; query.terms.len()];
    let mut fragments = Vec::new();
    for field in fields {
        // All that is shown is known.
        if fragments.len() == FRAGMENTS && found.iter().all(|found| *found) {
            break;
        }
        *left = left.saturating_sub(searched(&field.text).chars().count());
        let read = Read::of(&field.text, &stems);
        let mut marks = Vec::new();
        for (number, term) in query.terms.iter().enumerate() {
            let places = places(term, &read);
            found[number] |= !places.is_empty();
            marks.extend(places.into_iter().map(|(start, end)| (read.quoted(start, end), number)));
        }
        if !marks.is_empty() && fragments.len() < FRAGMENTS {
            marks.sort_unstable();
            fragments.push(Fragment { field: field.name, parts: parts(&read.plain, &marks) });
        }
    }
    found.into_iter().all(|found| found).then_some(fragments)
}

/// What is shown of an event that was found by the beginning of its number.
pub fn number_fragment(number: &str, beginning: &str) -> Fragment {
    let (matched, rest) = number.split_at_checked(beginning.len()).unwrap_or((number, ""));
    let parts = [(matched, true), (rest, false)];
    let parts = parts.into_iter().filter(|(text, _)| !text.is_empty());
    let parts = parts.map(|(text, matched)| Part { text: text.to_owned(), matched });
    Fragment { field: SearchField::Number, parts: parts.collect() }
}

/// The part of `plain` with the most of what was asked for, cut into what is marked and what is not.
fn parts(plain: &str, marks: &[((usize, usize), usize)]) -> Vec<Part> {
    let back = |from: usize, characters: usize| {
        plain[..from].char_indices().rev().take(characters).last().map_or(from, |(place, _)| place)
    };
    let forth = |from: usize, characters: usize| {
        plain[from..].char_indices().nth(characters).map_or(plain.len(), |(place, _)| from + place)
    };
    // Of the places where a fragment could begin the one with most different terms, and of these the first.
    let mut best = (0, 0, plain.len());
    for (index, ((first, _), _)) in marks.iter().enumerate() {
        let start = back(*first, LEAD);
        let end = forth(start, FRAGMENT);
        let within = marks[index..].iter().take_while(|((from, _), _)| *from < end);
        let mut terms: Vec<usize> = within.map(|(_, term)| *term).collect();
        terms.sort_unstable();
        terms.dedup();
        if terms.len() > best.0 {
            best = (terms.len(), start, end);
        }
    }
    let (_, start, end) = best;
    let mut parts: Vec<Part> = Vec::new();
    let mut add = |text: &str, matched: bool| match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.matched == matched => last.text.push_str(text),
        _ => parts.push(Part { text: text.to_owned(), matched }),
    };
    if start > 0 {
        add("…", false);
    }
    let mut at = start;
    for ((from, to), _) in marks {
        let (from, to) = ((*from).clamp(at, end), (*to).clamp(at, end));
        add(&plain[at..from], false);
        add(&plain[from..to], true);
        at = to;
    }
    add(&plain[at..end], false);
    if end < plain.len() {
        add("…", false);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: &str = "代码¦远程¦漏¦a¦Running¦ｓｑｌ¦é¦e\u{301}¦\u{200b}¦VE-2026-¦CVE-2026-1000¦10.0.0.1¦\u{3000}¦-¦_¦\"¦*¦\
    '¦(¦:¦😀¦ß¦İ";

    fn shown(query: &str, text: &str) -> Option<String> {
        let fields = [Field::new(SearchField::Text, text)];
        let found = fragments(&Query::parse(query).unwrap(), &fields, &mut usize::MAX.clone())?;
        let parts = found.into_iter().flat_map(|fragment| fragment.parts);
        Some(parts.map(|part| if part.matched { format!("[{}]", part.text) } else { part.text }).collect())
    }

    #[test]
    fn what_stands_together_is_found_only_where_it_stands_together() {
        assert_eq!(shown("代码", "远程代码执行").unwrap(), "远程[代码]执行");
        assert_eq!(shown("远程代码", "远程代码执行").unwrap(), "[远程代码]执行");
        assert_eq!(shown("远程代码", "远程的程代和代码"), None);
        assert_eq!(shown("远程 代码", "代码在远程").unwrap(), "[代码]在[远程]");
        assert_eq!(
            shown("example.com", "see https://shop.Example.com/x").unwrap(),
            "see https://shop.[Example.com]/x"
        );
        assert_eq!(shown("example.com", "com example"), None);
    }

    #[test]
    fn words_are_found_in_their_forms_and_as_they_were_written() {
        assert_eq!(shown("injection", "Code was INJECTED here").unwrap(), "Code was [INJECTED] here");
        assert_eq!(shown("ＳＱＬ注入", "一个SQL注入点").unwrap(), "一个[SQL注入]点");
        assert_eq!(shown("evil.example", "hxxp://evil[.]example/a").unwrap(), "http://[evil.example]/a");
    }

    #[test]
    fn numbers_are_known_by_their_beginning() {
        assert_eq!(shown("cve-2024-12", "CVE-2024-12345").unwrap(), "[CVE-2024-12]345");
        assert_eq!(shown("CVE-2024-123456", "CVE-2024-12345"), None);
        assert_eq!(shown("10.0", "host 10.0.0.7").unwrap(), "host [10.0].0.7");
        assert_eq!(shown("cv", "CVE-2024-12345"), None, "words are not");
        assert_eq!(Query::parse(" ve-2026-0").unwrap().number.as_deref(), Some("VE-2026-0"));
        assert_eq!(Query::parse("ve-2026 漏洞").unwrap().number, None);
    }

    #[test]
    fn a_character_between_words_is_found_in_its_pairs() {
        assert_eq!(shown("V8的", "引擎V8的漏洞").unwrap(), "引擎[V8的]漏洞");
        assert_eq!(shown("的V8", "漏洞的V8").unwrap(), "漏洞[的V8]");
        assert_eq!(shown("V8的", "引擎V8漏洞"), None);
    }

    #[test]
    fn what_looks_like_an_operator_is_text() {
        for query in
            ["\"sql\" AND NOT*", "a:b^2", "{x} NEAR(y)", "' OR 1=1 --", "t:sql", "(a|b)&!c", "\u{202e}lqs"]
        {
            let query = Query::parse(query).unwrap();
            assert!(
                query
                    .words()
                    .iter()
                    .all(|word| word.key.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '_'))
            );
        }
    }

    #[test]
    fn a_query_has_bounds_that_it_names() {
        let message = |query: &str| match Query::parse(query) {
            Err(Error::BadInput { message, .. }) => message,
            other => panic!("{other:?}"),
        };
        assert!(message(&"a".repeat(201)).contains("200"));
        assert!(message(&"a".repeat(10_000_000)).contains("200"));
        assert!(message(&"漏洞".repeat(50)).contains("24"));
        assert!(message("漏").contains("two characters"));
        for nothing in ["", "  ", "\"*\"", "。！", "\u{202e}\u{200b}"] {
            assert!(message(nothing).contains("send a word"), "{nothing:?}");
        }
    }

    #[test]
    fn a_fragment_is_where_most_is_found_and_says_where_it_is_cut() {
        let text = format!("注入{}然后注入和越权{}", "甲".repeat(300), "乙".repeat(300));
        let shown = shown("注入 越权", &text).unwrap();
        assert!(shown.starts_with("…甲") && shown.ends_with("乙…"), "{shown}");
        assert!(shown.contains("然后[注入]和[越权]乙"));
        assert!(shown.chars().count() < FRAGMENT + 20);
    }

    #[test]
    fn long_texts_full_of_hits_are_read_in_time() {
        for text in ["注入".repeat(250_000), "a ".repeat(250_000), "<b>注入</b>".repeat(50_000)] {
            let _ = shown("注入", &text);
            let _ = shown("a a a a a a", &text);
        }
    }

    #[test]
    fn all_that_is_asked_for_may_stand_in_different_fields() {
        let query = Query::parse("网关 越权").unwrap();
        let fields = [Field::new(SearchField::Title, "网关漏洞"), Field::new(SearchField::Text, "可越权")];
        let found = fragments(&query, &fields, &mut usize::MAX.clone()).unwrap();
        assert_eq!(
            found.iter().map(|fragment| fragment.field).collect::<Vec<_>>(),
            [SearchField::Title, SearchField::Text]
        );
        assert_eq!(fragments(&query, &fields[..1], &mut usize::MAX.clone()), None);
    }

    #[test]
    fn no_more_is_read_than_is_shown() {
        let query = Query::parse("越权").unwrap();
        let read = |texts: &[&str]| {
            let fields: Vec<_> = texts.iter().map(|text| Field::new(SearchField::Text, *text)).collect();
            let mut left = 100;
            let found = fragments(&query, &fields, &mut left).map(|found| found.len());
            (found, 100 - left)
        };
        assert_eq!(read(&["越权", "甲乙丙"]), (Some(1), 5), "further fields may be shown");
        assert_eq!(read(&["越权"; 30]), (Some(4), 8), "four fields are");
        assert_eq!(read(&["甲乙丙"; 30]), (None, 90));
        let mut left = 3;
        assert!(fragments(&query, &[Field::new(SearchField::Text, "可以越权")], &mut left).is_some());
        assert_eq!(left, 0, "what has begun is read");
    }

    proptest::proptest! {
        #[test]
        fn any_search_never_panics_and_shows_what_is_there(
            query in crate::testing::jumble(PARTS), text in crate::testing::jumble(PARTS),
        ) {
            let fields = [Field::new(SearchField::Text, &text)];
            for query in [&query, &text].into_iter().filter_map(|query| Query::parse(query).ok()) {
                assert!(query.words().len() <= WORDS);
                for fragment in fragments(&query, &fields, &mut 10_000).into_iter().flatten() {
                    assert!(fragment.parts.iter().all(|part| !part.matched || !part.text.is_empty()));
                }
            }
        }
    }
}
