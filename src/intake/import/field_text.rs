//! The text of one field while it comes in pieces.

use super::FIELD_LIMIT;

/// Collects a field's text up to [`FIELD_LIMIT`], with `\n` for every line end and without control
/// characters; what exceeds the limit is counted as over and dropped, so memory stays bounded.
#[derive(Debug, Default)]
pub(super) struct FieldText {
    text: String,
    after_carriage_return: bool,
    /// How many control characters were removed.
    pub(super) removed: usize,
    /// Whether the text exceeded the limit.
    pub(super) over: bool,
    /// The first reference (`&...;`) that means nothing, as written.
    pub(super) bad_reference: Option<String>,
}

impl FieldText {
    /// Adds a piece of plain text.
    pub(super) fn push_str(&mut self, piece: &str) {
        if self.over {
            return;
        }
        if self.text.len() + piece.len() > FIELD_LIMIT {
            self.over = true;
            self.text = String::new();
            return;
        }
        for character in piece.chars() {
            self.push(character);
        }
    }

    /// Adds what the reference `&name;` stands for: the five entities of XML and character numbers.
    pub(super) fn push_reference(&mut self, name: &str) {
        let character = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name.strip_prefix('#').and_then(numbered_character),
        };
        match character {
            Some(character) => self.push_str(character.encode_utf8(&mut [0; 4])),
            None => self.refuse_reference(&format!("&{name};")),
        }
    }

    /// Remembers a reference that means nothing.
    pub(super) fn refuse_reference(&mut self, written: &str) {
        self.bad_reference.get_or_insert_with(|| written.to_owned());
    }

    /// Whether nothing but white space was collected.
    pub(super) fn is_blank(&self) -> bool {
        !self.over && self.bad_reference.is_none() && self.text.trim().is_empty()
    }

    /// The text collected; empty where it was over the limit.
    pub(super) fn into_string(self) -> String {
        self.text
    }

    fn push(&mut self, character: char) {
        match character {
            '\r' => self.text.push('\n'),
            '\n' if self.after_carriage_return => {}
            '\n' | '\t' => self.text.push(character),
            '\u{FFFE}' | '\u{FFFF}' => self.removed += 1,
            _ if character.is_control() => self.removed += 1,
            _ => self.text.push(character),
        }
        self.after_carriage_return = character == '\r';
    }
}

/// The character of `#...;`: decimal, or hexadecimal after `x`.
fn numbered_character(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // The standard parser would take a sign as well.
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_one_kind_also_across_pieces() {
        let mut text = FieldText::default();
        for piece in ["a\r", "\nb\rc\n\nd\r\n", "\r", "e"] {
            text.push_str(piece);
        }
        assert_eq!(text.into_string(), "a\nb\nc\n\nd\n\ne");
    }

    #[test]
    fn references_are_the_five_and_numbers() {
        let mut text = FieldText::default();
        for name in ["lt", "gt", "amp", "quot", "apos", "#65", "#x4e2d", "#xD", "#10", "#0", "#8"] {
            text.push_reference(name);
        }
        assert_eq!((text.removed, text.bad_reference.as_deref()), (2, None));
        assert_eq!(text.into_string(), "<>&\"'A中\n");
        for name in ["nbsp", "#", "#x", "#+65", "#xD800", "#99999999999", "#1a", "lt "] {
            let mut text = FieldText::default();
            text.push_reference(name);
            assert_eq!(text.bad_reference, Some(format!("&{name};")), "{name}");
        }
    }

    #[test]
    fn control_characters_are_removed_and_counted() {
        let mut text = FieldText::default();
        text.push_str("a\0b\u{1b}[31m\tc\u{7f}\u{ffff}中\u{200b}");
        assert_eq!(text.removed, 4);
        assert_eq!(text.into_string(), "ab[31m\tc中\u{200b}");
    }

    #[test]
    fn the_limit_is_exact() {
        let mut text = FieldText::default();
        text.push_str(&"x".repeat(FIELD_LIMIT));
        assert!(!text.over);
        text.push_str("x");
        assert!(text.over);
        text.push_str("y");
        assert_eq!(text.into_string(), "");
    }
}
