//! Exact amounts: whole minor units of a currency (fen, cents, yen), or points. No binary fraction is ever near one.

use std::fmt;
use std::str::FromStr;

use iso_currency::Currency;

/// Name of the unit that is no currency.
const POINTS: &str = "POINTS";

/// What an amount counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A currency of ISO 4217 that has a minor unit.
    Currency(Currency),
    /// Points of a bounty platform; whole ones only.
    Points,
}

/// Why a text is no exact amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not plain digits with at most one point.
    #[error("write the amount as digits with a point before the fraction, without separators or sign")]
    NotANumber,
    /// A fraction finer than the unit's.
    #[error("{unit} has {places} decimal places")]
    TooFine {
        /// The unit.
        unit: Unit,
        /// Its decimal places.
        places: u16,
    },
    /// Greater than any amount kept.
    #[error("the amount is too large")]
    TooLarge,
    /// Neither a currency with a minor unit nor POINTS.
    #[error("`{0}` is no ISO 4217 currency code such as CNY, and not POINTS")]
    UnknownUnit(String),
}

impl Unit {
    /// Decimal places of its minor unit.
    pub fn places(self) -> u16 {
        match self {
            Self::Currency(currency) => currency.exponent().unwrap_or_default(),
            Self::Points => 0,
        }
    }

    /// The ISO 4217 code, or POINTS.
    pub fn code(self) -> &'static str {
        match self {
            Self::Currency(currency) => currency.code(),
            Self::Points => POINTS,
        }
    }
}

impl FromStr for Unit {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        if code == POINTS {
            return Ok(Self::Points);
        }
        let unknown = || MoneyError::UnknownUnit(code.to_owned());
        let currency = Currency::from_code(code).filter(|currency| currency.code() == code);
        // Metals and test codes have no minor unit: nobody is paid in them.
        currency.filter(|currency| currency.exponent().is_some()).map(Self::Currency).ok_or_else(unknown)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An exact amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// Whole minor units.
    pub minor: i64,
    /// Of what.
    pub unit: Unit,
}

impl Money {
    /// Reads an unsigned decimal such as `1346.85` exactly; zeros beyond the minor unit are no fraction.
    ///
    /// # Errors
    /// When it is no plain decimal, finer than the unit or too large.
    pub fn parse(text: &str, unit: Unit) -> Result<Self, MoneyError> {
        let places = unit.places();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return Err(MoneyError::NotANumber);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > usize::from(places) {
            return Err(MoneyError::TooFine { unit, places });
        }
        let width = usize::from(places);
        let minor = format!("{whole}{fraction:0<width$}").parse().map_err(|_| MoneyError::TooLarge)?;
        Ok(Self { minor, unit })
    }

    /// Shares that differ by at most one minor unit, larger ones first; their sum is this amount.
    /// None when there is nobody to share among.
    pub fn split(self, shares: u16) -> Vec<Self> {
        let count = i64::from(shares);
        let share = |index: i64| {
            let rest = i64::from(index < self.minor.rem_euclid(count));
            Self { minor: self.minor.div_euclid(count) + rest, unit: self.unit }
        };
        (0..count).map(share).collect()
    }

    /// The number without its unit, with all places of the minor unit: `100.00`, `-0.05`, `1500`.
    pub fn decimal(self) -> String {
        let sign = if self.minor < 0 { "-" } else { "" };
        let width = usize::from(self.unit.places());
        let digits = format!("{:0>least$}", self.minor.unsigned_abs(), least = width + 1);
        let (whole, fraction) = digits.split_at(digits.len() - width);
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.unit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(code: &str) -> Unit {
        code.parse().unwrap()
    }

    fn minor(text: &str, code: &str) -> Result<i64, MoneyError> {
        Money::parse(text, unit(code)).map(|money| money.minor)
    }

    #[test]
    fn amounts_are_exact_in_the_minor_unit() {
        assert_eq!(minor("1346.85", "CNY"), Ok(134_685));
        assert_eq!(minor("0.1", "USD"), Ok(10));
        assert_eq!(minor("12.000", "HKD"), Ok(1_200));
        assert_eq!(minor("1500.0", "JPY"), Ok(1_500));
        assert_eq!(minor("1.234", "KWD"), Ok(1_234));
        assert_eq!(minor("40", "POINTS"), Ok(40));
        assert_eq!(minor("92233720368547758.07", "GBP"), Ok(i64::MAX));
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for text in ["", ".", "1.", ".5", "1,000", "-5", "+5", "1e3", " 5", "¥5", "5 CNY", "1.2.3", "５"] {
            assert_eq!(minor(text, "CNY"), Err(MoneyError::NotANumber), "{text}");
        }
        assert_eq!(minor("0.001", "CNY"), Err(MoneyError::TooFine { unit: unit("CNY"), places: 2 }));
        assert_eq!(minor("1.5", "JPY"), Err(MoneyError::TooFine { unit: unit("JPY"), places: 0 }));
        assert_eq!(minor("1.5", "POINTS"), Err(MoneyError::TooFine { unit: Unit::Points, places: 0 }));
        assert_eq!(minor("92233720368547758.08", "EUR"), Err(MoneyError::TooLarge));
        for code in ["", "cny", "US", "USDT", "美元", "XAU", "points"] {
            assert_eq!(code.parse::<Unit>(), Err(MoneyError::UnknownUnit(code.to_owned())));
        }
    }

    #[test]
    fn a_hundred_in_three_keeps_every_cent() {
        let shares = Money::parse("100.00", unit("CNY")).unwrap().split(3);
        assert_eq!(
            shares.iter().map(|share| share.decimal()).collect::<Vec<_>>(),
            ["33.34", "33.33", "33.33"]
        );
        assert_eq!(Money { minor: 5, unit: unit("CNY") }.split(0), []);
    }

    #[test]
    fn decimals_show_every_place() {
        let shown = |minor, code| Money { minor, unit: unit(code) }.to_string();
        assert_eq!(shown(-5, "CNY"), "-0.05 CNY");
        assert_eq!(shown(0, "EUR"), "0.00 EUR");
        assert_eq!(shown(1_500, "JPY"), "1500 JPY");
        assert_eq!(shown(7, "KWD"), "0.007 KWD");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_split_keeps_its_sum_and_is_fair(minor in 0..=i64::MAX, shares in 1..200_u16) {
            let whole = Money { minor, unit: unit("CNY") };
            let split = whole.split(shares);
            prop_assert_eq!(split.iter().map(|share| i128::from(share.minor)).sum::<i128>(), i128::from(minor));
            prop_assert!(split.is_sorted_by(|first, next| first.minor >= next.minor));
            prop_assert!(split[0].minor - split[split.len() - 1].minor <= 1);
        }

        #[test]
        fn any_amount_never_panics(text in crate::testing::jumble("0¦9¦92233720368547758¦.¦-¦+¦,¦e¦５¦¥¦CNY")) {
            for code in ["CNY", "JPY", "KWD", "POINTS"] {
                if let Ok(money) = Money::parse(&text, unit(code)) {
                    prop_assert_eq!(Money::parse(&money.decimal(), money.unit), Ok(money));
                }
            }
            let _ = text.parse::<Unit>();
        }

        #[test]
        fn what_is_shown_is_read_back(minor in 0..=i64::MAX, code in prop::sample::select(vec!["CNY", "JPY", "KWD", "POINTS"])) {
            let money = Money { minor, unit: unit(code) };
            prop_assert_eq!(Money::parse(&money.decimal(), money.unit), Ok(money));
        }
    }
}
