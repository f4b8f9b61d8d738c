//! The rating: five factors, a policy, a level. 定级规则。
//!
//! Exact arithmetic only: factors are integer tenths, weights integer tenths of a percent, the total their
//! exact product sum, rounded half up once.

mod number;
mod policy;

pub use number::{Factor, NumberError, Tenths, Total, Weight};
pub use policy::{Band, Level, PolicyError, RatingPolicy, Weights};

/// The five factors of a rating, each 0.0 to 10.0. 定级五要素。
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factors {
    /// How important the product is to the company. 产品重要程度。
    pub product_importance: Factor,
    /// How many customers and installations run it. 产品影响范围。
    pub product_reach: Factor,
    /// How much the public knows and says. 社会舆论。
    pub public_opinion: Factor,
    /// How easily it is exploited. 漏洞利用条件。
    pub exploit_conditions: Factor,
    /// What an exploit does to the victim. 漏洞实际影响。
    pub actual_impact: Factor,
}

/// What a policy makes of the factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rating {
    /// The exact weighted sum.
    pub total: Total,
    /// The total rounded half up to one decimal.
    pub rounded: Tenths,
    /// The level whose band holds the rounded total.
    pub level: Level,
}

/// Rates `factors` under `policy`.
pub fn rate(policy: &RatingPolicy, factors: &Factors) -> Rating {
    let weights = policy.weights();
    let total = Total::of([
        (factors.product_importance, weights.product_importance),
        (factors.product_reach, weights.product_reach),
        (factors.public_opinion, weights.public_opinion),
        (factors.exploit_conditions, weights.exploit_conditions),
        (factors.actual_impact, weights.actual_impact),
    ]);
    let rounded = total.rounded();
    Rating { total, rounded, level: policy.level(rounded) }
}

/// What is missing before a score may replace the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RescoreRefusal {
    /// The score falls and no reason is given.
    #[error("the score falls from {from} ({from_level}) to {to} ({to_level}): send the reason")]
    ReasonMissing {
        /// The current rounded total.
        from: Tenths,
        /// The current level.
        from_level: Level,
        /// The new rounded total.
        to: Tenths,
        /// The new level.
        to_level: Level,
    },
    /// The level falls out of RED or ORANGE and no leader has agreed.
    #[error("the level falls from {from} to {to}: a LEADER has to consent")]
    LeaderConsentMissing {
        /// The current level, RED or ORANGE.
        from: Level,
        /// The new, lower level.
        to: Level,
    },
}

/// Whether `next` may follow `previous`. A falling score or level needs a reason that is not blank; a level
/// that falls out of RED or ORANGE, RED to ORANGE included, needs a leader's consent as well.
///
/// # Errors
/// Everything that is missing, so that the caller can mend it in one go.
pub fn check_rescore(
    previous: Option<&Rating>,
    next: &Rating,
    reason: Option<&str>,
    leader_consent: bool,
) -> Result<(), Vec<RescoreRefusal>> {
    let Some(previous) = previous else { return Ok(()) };
    let mut missing = Vec::new();
    // A new policy can lower the level of an equal total.
    let level_falls = next.level < previous.level;
    let reason_given = reason.is_some_and(|reason| !reason.trim().is_empty());
    if (level_falls || next.rounded < previous.rounded) && !reason_given {
        missing.push(RescoreRefusal::ReasonMissing {
            from: previous.rounded,
            from_level: previous.level,
            to: next.rounded,
            to_level: next.level,
        });
    }
    if level_falls && previous.level >= Level::Orange && !leader_consent {
        missing.push(RescoreRefusal::LeaderConsentMissing { from: previous.level, to: next.level });
    }
    if missing.is_empty() { Ok(()) } else { Err(missing) }
}

#[cfg(test)]
mod tests;
