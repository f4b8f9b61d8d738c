//! Names of weaknesses: CSAF asks for the name beside the number.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The version of the list.
pub(super) const VERSION: &str = "4.17";

static NAMES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("cwe-4.17.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('\t')).collect()
});

/// The name of a weakness, by its id (`CWE-79`); none when this version of the list has none that is in use.
pub(super) fn name(id: &str) -> Option<&'static str> {
    NAMES.get(id.strip_prefix("CWE-")?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weaknesses_have_their_names() {
        assert!(NAMES.len() > 900, "{}", NAMES.len());
        assert_eq!(
            name("CWE-79"),
            Some("Improper Neutralization of Input During Web Page Generation ('Cross-site Scripting')")
        );
        assert_eq!((name("CWE-999999"), name("79")), (None, None));
    }
}
