//! What a host answered, for people to read.

/// What stands in an answer where a secret of ours was.
const HIDDEN: &str = "[hidden]";

/// An answer for people to read: our own secrets taken out, no control characters, at most `bytes` long.
pub fn readable<'a>(body: &[u8], hidden: impl Iterator<Item = &'a str>, bytes: usize) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    for secret in hidden.filter(|secret| secret.len() > 1) {
        text = text.replace(secret, HIDDEN);
    }
    text.retain(|letter| matches!(letter, '\n' | '\t') || !letter.is_control());
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_short_clean_and_without_our_secrets() {
        let read = |body: &[u8]| readable(body, ["Bearer abc", ""].into_iter(), 4_096);
        assert_eq!(read(b"you sent Bearer abc, Bearer abc"), "you sent [hidden], [hidden]");
        assert_eq!(read(b"a\0b\x1b[31mc\r\n\td\x7f"), "ab[31mc\n\td");
        assert_eq!(read("中文".as_bytes()), "中文");
        assert!(read(&[0xff; 4_096]).len() <= 4_096);
        let long = "漏".repeat(2_000);
        assert_eq!(read(long.as_bytes()).len(), 4_095, "cut between characters");
    }
}
