//! Amounts of money in imported records.

use crate::money::{Money, MoneyError};

/// An amount in whole minor units (cents, fen) of a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// Number of minor units.
    pub minor_units: i64,
    /// ISO 4217 code.
    pub currency: String,
}

impl Amount {
    /// Reads a decimal such as `1346.85` exactly; `0.0` is an amount of zero.
    pub fn parse(text: &str, currency: &str) -> Result<Self, MoneyError> {
        let money = Money::parse(text, currency.parse()?)?;
        Ok(Self { minor_units: money.minor, currency: currency.to_owned() })
    }
}
