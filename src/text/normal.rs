//! The normal form.

use unicode_normalization::UnicodeNormalization;

/// Entities that come with texts cut out of XML and HTML.
const ENTITIES: [(&str, &str); 12] = [
    ("&#xd;", "\n"),
    ("&#13;", "\n"),
    ("&#xa;", "\n"),
    ("&#10;", "\n"),
    ("&nbsp;", " "),
    ("&#160;", " "),
    ("&quot;", "\""),
    ("&#34;", "\""),
    ("&#39;", "'"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&amp;", "&"),
];

/// What people write so that nobody follows an address, where it stands inside of one.
const DEFANGED: [(&str, &str); 13] = [
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    ("{dot}", "."),
    ("[:]", ":"),
    ("[://]", "://"),
    ("[/]", "/"),
    ("[@]", "@"),
    ("[at]", "@"),
    ("(@)", "@"),
    ("(at)", "@"),
];

/// Schemes under which an address is made useless.
const SCHEMES: [(&str, &str); 4] =
    [("hxxps:", "https:"), ("hxxp:", "http:"), ("h**ps:", "https:"), ("h**p:", "http:")];

/// The normal form of `text`: equal words are equal in it, however they were written.
pub fn normal(text: &str) -> String {
    plain(text).to_lowercase()
}

/// The same but for case, for values that are quoted.
pub fn plain(text: &str) -> String {
    let folded = folded(text);
    let mut plain = String::with_capacity(folded.len());
    let mut rest = folded.as_str();
    while let Some(place) = rest.find(['&', '[', '(', '{', 'h', 'H']) {
        let (before, here) = rest.split_at(place);
        plain.push_str(before);
        let found = match here.as_bytes()[0] {
            b'&' => ENTITIES.iter().find(|(written, _)| begins(here, written)),
            b'h' | b'H' => {
                SCHEMES.iter().find(|(written, _)| begins(here, written) || scheme_cut(here, written))
            }
            _ => DEFANGED.iter().find(|(written, _)| begins(here, written) && joins(&plain, here, written)),
        };
        match found {
            // The bracket behind a scheme is taken away on its own turn.
            Some((written, meant)) if here.as_bytes()[0].eq_ignore_ascii_case(&b'h') => {
                plain.push_str(&meant[..meant.len() - 1]);
                rest = &here[written.len() - 1..];
            }
            Some((written, meant)) => {
                plain.push_str(meant);
                rest = &here[written.len()..];
            }
            None => {
                plain.push_str(&here[..1]);
                rest = &here[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}

/// `text` in NFKC, with line ends of one kind and without what nobody sees.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, next) = (first.len_utf8(), rest[first.len_utf8()..].chars().next());
        match own_form(first) {
            // What stands behind it does not join it.
            Some(form) if next.is_none_or(|next| own_form(next).is_some()) => {
                folded.push(form);
                rest = &rest[length..];
            }
            _ => {
                let end = rest.char_indices().skip(1).find(|(_, character)| own_form(*character).is_some());
                let (here, behind) = rest.split_at(end.map_or(rest.len(), |(place, _)| place));
                composed(here, &mut folded);
                rest = behind;
            }
        }
    }
    folded
}

/// What stands for a character that is put together with nothing before it, and for which one other stands, where that is
/// known without looking it up: most of what people write.
fn own_form(character: char) -> Option<char> {
    match character {
        '\r' => Some('\n'),
        '\n' | ' '..='~' | '\u{4e00}'..='\u{9fff}' | '\u{3001}' | '\u{3002}' => Some(character),
        '\u{3000}' | '\0'..='\u{1f}' | '\u{7f}' => Some(' '),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(character as u32 - 0xfee0),
        _ => None,
    }
}

/// Adds any characters in their folded form.
fn composed(text: &str, folded: &mut String) {
    // Runs of combining characters are cut, so that nothing has to be kept in mind over a long one.
    for character in text.chars().filter(|character| !is_unseen(*character)).stream_safe().nfkc() {
        match character {
            '\r' => folded.push('\n'),
            character if is_unseen(character) => {}
            character if character.is_control() && character != '\n' => folded.push(' '),
            character => folded.push(character),
        }
    }
}

/// Whether `here` begins with `written`, which is ASCII, whatever the case.
fn begins(here: &str, written: &str) -> bool {
    here.as_bytes().get(..written.len()).is_some_and(|start| start.eq_ignore_ascii_case(written.as_bytes()))
}

/// Whether `here` begins with the scheme, the colon of which stands in brackets.
fn scheme_cut(here: &str, written: &str) -> bool {
    let name = &written[..written.len() - 1];
    begins(here, name) && here[name.len()..].starts_with("[:")
}

/// Whether what stands in brackets joins what is before and after it, as inside of an address.
fn joins(before: &str, here: &str, written: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '/' | ':');
    before.chars().next_back().is_some_and(part) && here[written.len()..].chars().next().is_some_and(part)
}

/// Whether a character leaves no mark: zero width, direction, joiners, variation selectors, tags.
pub fn is_unseen(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_case_and_composition_make_no_difference() {
        assert_eq!(normal("ＳＱＬ注入　Ｖ１．２"), "sql注入 v1.2");
        assert_eq!(normal("Cafe\u{301}"), normal("CAFÉ"));
        assert_eq!(normal("ﬁle"), "file");
    }

    #[test]
    fn what_nobody_sees_is_not_there() {
        assert_eq!(normal("SQL\u{200b}注\u{2060}入\u{202e}\u{feff}"), "sql注入");
        assert_eq!(normal("pass\u{ad}word"), "password");
    }

    #[test]
    fn line_ends_of_every_kind_are_the_same_character() {
        for text in ["a\nb", "a\rb", "a&#xD;b", "a&#13;b"] {
            assert_eq!(normal(text), "a\nb");
        }
        assert_eq!(normal("a &lt;b&gt; &amp; c"), "a <b> & c");
    }

    #[test]
    fn addresses_that_were_made_useless_are_useful_again() {
        let useful = "https://evil.example.com/a";
        for text in [
            "hxxps://evil[.]example[.]com/a",
            "hXXps[:]//evil(.)example{dot}com/a",
            "hxxps[://]evil[dot]example.com/a",
            "ｈｘｘｐｓ：／／evil．example．com/a",
        ] {
            assert_eq!(normal(text), useful, "{text}");
        }
        assert_eq!(plain("HXXP://A[.]b/Index.PHP"), "http://A.b/Index.PHP");
        assert_eq!(normal("user[at]example[.]com"), "user@example.com");
        // Brackets that join nothing are brackets.
        assert_eq!(normal("a (at) b, f(.), [.] x"), "a (at) b, f(.), [.] x");
    }

    #[test]
    fn what_is_known_without_a_look_is_what_the_look_would_find() {
        let all = |text: &str| {
            let mut folded = String::new();
            composed(text, &mut folded);
            folded
        };
        for character in ('\0'..=char::MAX).filter(|character| own_form(*character).is_some()) {
            for text in [character.to_string(), format!("a{character}"), format!("{character}漏")] {
                assert_eq!(folded(&text), all(&text), "{character:?}");
            }
        }
        proptest::proptest!(|(text in proptest::collection::vec(
            proptest::prop_oneof![
                proptest::sample::select("aE .&漏洞，（Ａ。\u{3000}\r\n\u{301}\u{327}\u{3099}か\u{200b}\u{1100}\u{1161}ﬁ㎏\u{fe0f}".chars().collect::<Vec<_>>()),
                proptest::char::any(),
            ],
            0..40,
        ))| {
            let text: String = text.into_iter().collect();
            proptest::prop_assert_eq!(folded(&text), all(&text));
        });
    }

    #[test]
    fn it_is_the_form_of_itself() {
        for text in ["hxxp://a[.]b", "ＡＢＣ\u{200b}", "a&#xD;\r\nb", "e\u{301}"] {
            assert_eq!(normal(&normal(text)), normal(text), "{text}");
        }
    }

    #[test]
    fn long_texts_of_any_kind_are_read_once() {
        for unit in ["[", "h", "hxxp", "\u{301}", "漏", "(dot)", "&#xd;", "\u{fdfa}"] {
            let bomb = unit.repeat(1_000_000 / unit.len());
            let folded = normal(&bomb);
            assert!(folded.len() <= 40 * bomb.len(), "{unit:?}");
        }
    }
}
