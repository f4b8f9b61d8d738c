//! The numbers of a rating. Each knows its unit, its range and how it is written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number outside its range or not written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not {what}: send a number from 0.0 to {max} with at most one decimal, such as \"8.5\"")]
pub struct NumberError {
    /// What the number stands for.
    what: &'static str,
    /// What came, at most its first characters.
    found: String,
    /// The highest value allowed.
    max: &'static str,
}

/// Reads `text` as plain decimal digits with at most one decimal, exactly, as tenths.
/// Nothing else that other parsers take for a number is one: no sign, exponent, blank or non-ASCII digit.
fn tenths_of(text: &str) -> Option<u16> {
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let whole_is_plain =
        digits(whole) && matches!(whole.len(), 1..=3) && (whole.len() == 1 || !whole.starts_with('0'));
    if !whole_is_plain || tenth.len() != 1 || !digits(tenth) {
        return None;
    }
    Some(whole.parse::<u16>().ok()? * 10 + tenth.parse::<u16>().ok()?)
}

fn excerpt(text: &str) -> String {
    text.chars().take(20).collect()
}

/// One factor of a rating: 0.0 to 10.0 in steps of 0.1, kept as integer tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Factor(u8);

impl Factor {
    /// The factor of so many tenths.
    ///
    /// # Errors
    /// More than 100 tenths.
    pub fn from_tenths(tenths: u8) -> Result<Self, NumberError> {
        if tenths <= 100 { Ok(Self(tenths)) } else { Err(Self::error(&Decimal(tenths.into()).to_string())) }
    }

    /// Its integer tenths, 0 to 100: the stored form.
    pub fn tenths(self) -> u8 {
        self.0
    }

    fn error(found: &str) -> NumberError {
        NumberError { what: "a factor", found: excerpt(found), max: "10.0" }
    }
}

impl FromStr for Factor {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        tenths_of(text)
            .and_then(|tenths| u8::try_from(tenths).ok())
            .filter(|tenths| *tenths <= 100)
            .map(Self)
            .ok_or_else(|| Self::error(text))
    }
}

/// A weight: 0.0 to 100.0 % in steps of 0.1 %, kept as integer tenths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Weight(u16);

impl Weight {
    /// All of the total: 100 %.
    pub const WHOLE: u16 = 1000;

    /// The weight of so many tenths of a percent.
    ///
    /// # Errors
    /// More than 1000 tenths of a percent.
    pub fn from_tenths_of_percent(tenths: u16) -> Result<Self, NumberError> {
        if tenths <= Self::WHOLE { Ok(Self(tenths)) } else { Err(Self::error(&Decimal(tenths).to_string())) }
    }

    /// A weight of whole percents of the default policy, checked when compiled.
    pub(super) const fn percent(percent: u16) -> Self {
        assert!(percent <= 100);
        Self(percent * 10)
    }

    /// Its integer tenths of a percent, 0 to 1000: the stored form.
    pub fn tenths_of_percent(self) -> u16 {
        self.0
    }

    fn error(found: &str) -> NumberError {
        NumberError { what: "a weight in percent", found: excerpt(found), max: "100.0" }
    }
}

impl FromStr for Weight {
    type Err = NumberError;

    /// Reads percents: `"30"` or `"12.5"`.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        tenths_of(text).filter(|tenths| *tenths <= Self::WHOLE).map(Self).ok_or_else(|| Self::error(text))
    }
}

/// The exact weighted sum of the factors, in units of 1/10,000: a factor's tenths times a weight's tenths of a
/// percent. 89,500 is 8.95; 100,000 is 10.0, the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Total(u32);

impl Total {
    /// Sums factors times weights. The weights sum to 100 %: a policy sees to it.
    pub(super) fn of(parts: [(Factor, Weight); 5]) -> Self {
        Self(parts.iter().map(|(factor, weight)| u32::from(factor.0) * u32::from(weight.0)).sum())
    }

    /// The total of its stored form.
    ///
    /// # Errors
    /// More than 100,000 units.
    pub fn from_units(units: u32) -> Result<Self, NumberError> {
        let total = Self(units);
        if units <= 100_000 {
            Ok(total)
        } else {
            Err(NumberError { what: "a total", found: total.to_string(), max: "10.0" })
        }
    }

    /// Its integer units of 1/10,000, 0 to 100,000: the stored form.
    pub fn units(self) -> u32 {
        self.0
    }

    /// Rounded half up to one decimal.
    pub fn rounded(self) -> Tenths {
        let tenths = (self.0 + 500) / 1000;
        Tenths(u8::try_from(tenths).expect("factors of 10.0 and weights of 100 % give at most 10.0"))
    }
}

impl fmt::Display for Total {
    /// All four decimals: `8.9500`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

/// A score from 0.0 to 10.0 with one decimal, kept as integer tenths: a rounded total, a CVSS score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Tenths(u8);

impl Tenths {
    /// 10.0.
    pub const MAX: Self = Self(100);

    /// The score of so many tenths.
    ///
    /// # Errors
    /// More than 100 tenths.
    pub fn new(tenths: u8) -> Result<Self, NumberError> {
        if tenths <= Self::MAX.0 {
            Ok(Self(tenths))
        } else {
            Err(NumberError { what: "a score", found: Decimal(tenths.into()).to_string(), max: "10.0" })
        }
    }

    /// A bound of the default policy, checked when compiled.
    pub(super) const fn literal(tenths: u8) -> Self {
        assert!(tenths <= Self::MAX.0);
        Self(tenths)
    }

    /// Its integer tenths, 0 to 100: the stored form.
    pub fn get(self) -> u8 {
        self.0
    }

    /// How far apart two scores are.
    pub fn distance(self, other: Self) -> Self {
        Self(self.0.abs_diff(other.0))
    }
}

/// Writes tenths as a decimal.
struct Decimal(u16);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// What every number kept as integer tenths has in common: how it is written and how it is stored.
macro_rules! tenths_form {
    ($number:ident, $integer:ty, $from:path) => {
        impl fmt::Display for $number {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Decimal(self.0.into()).fmt(f)
            }
        }

        impl TryFrom<$integer> for $number {
            type Error = NumberError;

            fn try_from(tenths: $integer) -> Result<Self, NumberError> {
                $from(tenths)
            }
        }

        impl From<$number> for $integer {
            fn from(number: $number) -> Self {
                number.0
            }
        }
    };
}

tenths_form!(Factor, u8, Factor::from_tenths);
tenths_form!(Weight, u16, Weight::from_tenths_of_percent);
tenths_form!(Tenths, u8, Tenths::new);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_read_exactly() {
        for (text, tenths) in
            [("9", 90), ("8.5", 85), ("10.0", 100), ("10", 100), ("0", 0), ("0.0", 0), ("0.1", 1)]
        {
            assert_eq!(text.parse::<Factor>().map(Factor::tenths), Ok(tenths), "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_decimal_is_refused() {
        let refused = [
            "",
            " ",
            ".",
            "9.",
            ".5",
            "10.05",
            "8.50",
            "10.1",
            "11",
            "100",
            "999.9",
            "-1",
            "-0",
            "+9",
            "1e1",
            "NaN",
            "inf",
            "١",
            "９",
            "9,5",
            " 9",
            "9 ",
            "09",
            "00",
            "0x9",
            "9.5.1",
            "1_0",
            "8.५",
            "65545",
            "1000000000000000000000000",
        ];
        for text in refused {
            assert!(text.parse::<Factor>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_error_says_what_to_send_and_quotes_little() {
        let error = "10.05".parse::<Factor>().unwrap_err().to_string();
        assert_eq!(
            error,
            "\"10.05\" is not a factor: send a number from 0.0 to 10.0 with at most one decimal, such as \"8.5\""
        );
        assert!("9".repeat(10_000).parse::<Factor>().unwrap_err().to_string().len() < 150);
        assert!("100.1".parse::<Weight>().unwrap_err().to_string().contains("from 0.0 to 100.0"));
    }

    #[test]
    fn stored_integers_are_checked_again() {
        assert_eq!(Factor::from_tenths(100).map(Factor::tenths), Ok(100));
        assert!(Factor::from_tenths(101).is_err());
        assert!(Weight::from_tenths_of_percent(1001).is_err());
        assert!(Tenths::new(101).is_err());
        assert_eq!(Total::from_units(89_500).map(Total::rounded), Ok(Tenths(90)));
        assert!(Total::from_units(100_001).is_err());
        assert!(serde_json::from_str::<Tenths>("101").is_err());
    }

    #[test]
    fn numbers_are_written_with_their_decimals() {
        assert_eq!(Tenths(90).to_string(), "9.0");
        assert_eq!(Tenths(100).to_string(), "10.0");
        assert_eq!(Tenths(5).to_string(), "0.5");
        assert_eq!("12.5".parse::<Weight>().unwrap().to_string(), "12.5");
        assert_eq!(Total(89_500).to_string(), "8.9500");
        assert_eq!(Total(7).to_string(), "0.0007");
    }

    #[test]
    fn totals_round_half_up_and_never_below_the_half() {
        for (units, tenths) in
            [(89_500, 90), (89_499, 89), (89_000, 89), (499, 0), (500, 1), (99_500, 100), (100_000, 100)]
        {
            assert_eq!(Total(units).rounded(), Tenths(tenths), "{units}");
        }
    }
}
