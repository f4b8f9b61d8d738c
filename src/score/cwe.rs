//! CWE: the kind of weakness behind a vulnerability. 缺陷类型。

use std::fmt;
use std::str::FromStr;

/// The number of a weakness in MITRE's Common Weakness Enumeration. That it exists there is not checked: the
/// list grows several times a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cwe(u32);

/// A text that names no weakness.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a CWE id: send \"CWE-\" and the number, such as \"CWE-79\"")]
pub struct CweError {
    /// What came, at most its first characters.
    found: String,
}

impl Cwe {
    /// Its number: 79 for CWE-79.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl FromStr for Cwe {
    type Err = CweError;

    fn from_str(text: &str) -> Result<Self, CweError> {
        text.strip_prefix("CWE-")
            .filter(|digits| digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .filter(|digits| !digits.starts_with('0'))
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or_else(|| CweError { found: text.chars().take(20).collect() })
    }
}

impl fmt::Display for Cwe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CWE-{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_written_alike() {
        for (text, number) in [("CWE-79", 79), ("CWE-1", 1), ("CWE-1395", 1395)] {
            let cwe: Cwe = text.parse().unwrap();
            assert_eq!((cwe.number(), cwe.to_string()), (number, text.to_owned()));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "79",
            "CWE-",
            "cwe-79",
            "CWE79",
            "CWE-079",
            "CWE-0",
            "CWE--1",
            "CWE-+79",
            "CWE-79 ",
            "CWE-7９",
            "CWE-1234567",
        ] {
            assert!(text.parse::<Cwe>().is_err(), "{text:?}");
        }
        let error = "XSS".parse::<Cwe>().unwrap_err().to_string();
        assert_eq!(error, "\"XSS\" is not a CWE id: send \"CWE-\" and the number, such as \"CWE-79\"");
    }
}
