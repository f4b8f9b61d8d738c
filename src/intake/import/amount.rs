//! Exact amounts of money.

/// An amount in whole minor units (cents, fen) of a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// Number of minor units.
    pub minor_units: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// Why a text is no exact amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not plain digits with at most one point.
    #[error("write the amount as digits with a point before the fraction, without separators or sign")]
    NotANumber,
    /// A fraction finer than the currency's minor unit.
    #[error("{currency} has {digits} decimal places")]
    TooFine {
        /// ISO 4217 code.
        currency: String,
        /// Its decimal places.
        digits: u32,
    },
    /// Greater than any amount kept.
    #[error("the amount is too large")]
    TooLarge,
    /// Not an ISO 4217 code.
    #[error("`{0}` is no currency code of three capital letters")]
    Currency(String),
}

impl Amount {
    /// Reads a decimal such as `1346.85` exactly; `0.0` is an amount of zero.
    pub fn parse(text: &str, currency: &str) -> Result<Self, AmountError> {
        let digits = decimal_places(currency)?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return Err(AmountError::NotANumber);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > digits as usize {
            return Err(AmountError::TooFine { currency: currency.to_owned(), digits });
        }
        let width = digits as usize;
        let minor_units =
            format!("{whole}{fraction:0<width$}").parse().map_err(|_too_large| AmountError::TooLarge)?;
        Ok(Self { minor_units, currency: currency.to_owned() })
    }
}

/// The decimal places of a currency: two, but for those that ISO 4217 lists with none, three or four.
fn decimal_places(currency: &str) -> Result<u32, AmountError> {
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(AmountError::Currency(currency.to_owned()));
    }
    Ok(match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(text: &str, currency: &str) -> Result<i64, AmountError> {
        Amount::parse(text, currency).map(|amount| amount.minor_units)
    }

    #[test]
    fn amounts_are_exact_in_the_currencys_minor_unit() {
        assert_eq!(minor("1346.85", "USD"), Ok(134_685));
        assert_eq!(minor("0.1", "USD"), Ok(10));
        assert_eq!(minor("500", "USD"), Ok(50_000));
        assert_eq!(minor("0.0", "USD"), Ok(0));
        assert_eq!(minor("12.000", "USD"), Ok(1_200));
        assert_eq!(minor("1500.0", "JPY"), Ok(1_500));
        assert_eq!(minor("1.234", "KWD"), Ok(1_234));
        assert_eq!(minor("92233720368547758.07", "USD"), Ok(i64::MAX));
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for text in ["", ".", "1.", ".5", "1,000", "-5", "+5", "1e3", " 5", "$5", "5 USD", "1.2.3", "５"] {
            assert_eq!(minor(text, "USD"), Err(AmountError::NotANumber), "{text}");
        }
        assert_eq!(minor("0.001", "USD"), Err(AmountError::TooFine { currency: "USD".into(), digits: 2 }));
        assert_eq!(minor("1.5", "JPY"), Err(AmountError::TooFine { currency: "JPY".into(), digits: 0 }));
        assert_eq!(minor("92233720368547758.08", "USD"), Err(AmountError::TooLarge));
        for currency in ["", "usd", "US", "USDT", "美元"] {
            assert_eq!(minor("1", currency), Err(AmountError::Currency(currency.into())), "{currency}");
        }
    }
}
