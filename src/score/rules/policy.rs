//! A rating policy: which factor weighs how much, which total means which level.

use serde::{Deserialize, Serialize};

use super::{Tenths, Weight};

pub use entity::vocabulary::Level;

/// What each factor weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// 产品重要程度。
    pub product_importance: Weight,
    /// 产品影响范围。
    pub product_reach: Weight,
    /// 社会舆论。
    pub public_opinion: Weight,
    /// 漏洞利用条件。
    pub exploit_conditions: Weight,
    /// 漏洞实际影响。
    pub actual_impact: Weight,
}

impl Weights {
    /// Tenths of a percent of all five together.
    fn sum(&self) -> u16 {
        [
            self.product_importance,
            self.product_reach,
            self.public_opinion,
            self.exploit_conditions,
            self.actual_impact,
        ]
        .into_iter()
        .map(Weight::tenths_of_percent)
        .sum()
    }
}

/// The rounded totals that mean a level, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The level it stands for.
    pub level: Level,
    /// The lowest total in it.
    pub from: Tenths,
    /// The highest total in it.
    pub to: Tenths,
}

/// Why weights and bands are no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The weights do not sum to 100 %.
    #[error("weights sum to {}.{} %: make them sum to exactly 100.0 %", sum / 10, sum % 10)]
    WeightsSum {
        /// Their sum in tenths of a percent.
        sum: u16,
    },
    /// A band ends below where it starts.
    #[error("bands: {level} runs from {from} down to {to}: swap its ends")]
    BandReversed {
        /// The band's level.
        level: Level,
        /// Where it starts.
        from: Tenths,
        /// Where it ends.
        to: Tenths,
    },
    /// A level has two bands.
    #[error("bands: {level} has more than one band: give each level at most one")]
    LevelTwice {
        /// The level.
        level: Level,
    },
    /// A total has no level.
    #[error("bands: {at} belongs to no level: let the bands cover 0.0 to 10.0 in steps of 0.1")]
    Gap {
        /// The lowest total without a level.
        at: Tenths,
    },
    /// A total has two levels.
    #[error("bands: {at} belongs to {lower} and to {upper}: let one end 0.1 below where the other starts")]
    Overlap {
        /// The lowest total that both hold.
        at: Tenths,
        /// The band that starts first.
        lower: Level,
        /// The band that starts in it.
        upper: Level,
    },
    /// A higher total would mean a lower level.
    #[error(
        "bands: {upper} lies above {lower}: let levels rise with the total, NONE, BLUE, YELLOW, ORANGE, RED"
    )]
    LevelsFall {
        /// The level of the lower totals.
        lower: Level,
        /// The level of the higher totals.
        upper: Level,
    },
}

/// Weights and bands that were checked. Teams keep versions of it: one team's long experience, not a standard.
///
/// Its JSON form holds weights as tenths of a percent and bounds as tenths, and is checked again when read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct RatingPolicy {
    weights: Weights,
    /// Rising, without gap or overlap, from 0.0 to 10.0.
    bands: Vec<Band>,
}

impl RatingPolicy {
    /// A policy of `weights` and `bands`, in any order.
    ///
    /// # Errors
    /// Weights that do not sum to exactly 100 %; bands that leave a total from 0.0 to 10.0 without a level, give
    /// it two, name a level twice, or give a higher total a lower level.
    pub fn new(weights: Weights, mut bands: Vec<Band>) -> Result<Self, PolicyError> {
        let sum = weights.sum();
        if sum != Weight::WHOLE {
            return Err(PolicyError::WeightsSum { sum });
        }
        bands.sort_by_key(|band| (band.from, band.to));
        check_bands(&bands)?;
        Ok(Self { weights, bands })
    }

    /// What each factor weighs.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The bands, rising from 0.0 to 10.0.
    pub fn bands(&self) -> &[Band] {
        &self.bands
    }

    /// The level of a rounded total.
    pub fn level(&self, rounded: Tenths) -> Level {
        let band = self.bands.iter().find(|band| rounded <= band.to);
        band.expect("the bands of a checked policy reach 10.0").level
    }
}

impl Default for RatingPolicy {
    /// Weights 10, 20, 30, 10, 30 %; RED from 9.0, ORANGE from 8.0, YELLOW from 7.0, BLUE from 3.0.
    fn default() -> Self {
        let weights = Weights {
            product_importance: Weight::percent(10),
            product_reach: Weight::percent(20),
            public_opinion: Weight::percent(30),
            exploit_conditions: Weight::percent(10),
            actual_impact: Weight::percent(30),
        };
        let band = |level, from, to| Band { level, from: Tenths::literal(from), to: Tenths::literal(to) };
        let bands = vec![
            band(Level::None, 0, 29),
            band(Level::Blue, 30, 69),
            band(Level::Yellow, 70, 79),
            band(Level::Orange, 80, 89),
            band(Level::Red, 90, 100),
        ];
        Self { weights, bands }
    }
}

/// A policy as it was written, before anything is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    weights: Weights,
    bands: Vec<Band>,
}

impl TryFrom<Unchecked> for RatingPolicy {
    type Error = PolicyError;

    fn try_from(unchecked: Unchecked) -> Result<Self, PolicyError> {
        Self::new(unchecked.weights, unchecked.bands)
    }
}

/// Checks `bands`, sorted by where they start.
fn check_bands(bands: &[Band]) -> Result<(), PolicyError> {
    for (index, band) in bands.iter().enumerate() {
        if band.from > band.to {
            return Err(PolicyError::BandReversed { level: band.level, from: band.from, to: band.to });
        }
        if bands[..index].iter().any(|earlier| earlier.level == band.level) {
            return Err(PolicyError::LevelTwice { level: band.level });
        }
    }
    // The lowest total that no band so far holds; none once 10.0 is held.
    let mut uncovered = Tenths::new(0).ok();
    for (index, band) in bands.iter().enumerate() {
        match uncovered {
            Some(at) if band.from > at => return Err(PolicyError::Gap { at }),
            Some(at) if band.from == at => {}
            _ => {
                let lower = bands[index - 1].level;
                return Err(PolicyError::Overlap { at: band.from, lower, upper: band.level });
            }
        }
        if index > 0 && bands[index - 1].level > band.level {
            return Err(PolicyError::LevelsFall { lower: bands[index - 1].level, upper: band.level });
        }
        uncovered = Tenths::new(band.to.get() + 1).ok();
    }
    match uncovered {
        Some(at) => Err(PolicyError::Gap { at }),
        None => Ok(()),
    }
}
