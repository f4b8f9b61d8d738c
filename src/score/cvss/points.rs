//! From metrics to scores. The crate works in binary floats; they end in [`tenths`].

use std::str::FromStr;

use cvss::{v2, v3, v4};

use super::metrics::Group;
use super::parse::Metrics;
use super::{CvssVersion, Tenths};

/// The scores of one vector.
pub(super) struct Points {
    pub(super) base: Tenths,
    pub(super) full: Tenths,
}

/// Scores `metrics`.
pub(super) fn points(metrics: &Metrics) -> Points {
    let base = metrics.only(|metric| metric.is_mandatory());
    let has = |group| metrics.defined.iter().any(|(metric, _)| metric.group == group);
    match metrics.version {
        CvssVersion::V2_0 => {
            let vector: v2::Vector = scored(metrics);
            let full = if has(Group::Environmental) {
                vector.environmental_score()
            } else {
                vector.temporal_score()
            };
            Points { base: tenths(vector.score().value()), full: tenths(full.value()) }
        }
        CvssVersion::V3_0 | CvssVersion::V3_1 => {
            let base = tenths(scored::<v3::Vector>(&base).score().value());
            let lasting = if has(Group::Environmental) {
                let untimed = metrics.only(|metric| metric.group != Group::Threat);
                tenths(scored::<v3::Vector>(&untimed).environmental_score().value())
            } else {
                base
            };
            Points { base, full: with_temporal(lasting, metrics) }
        }
        CvssVersion::V4_0 => Points {
            base: tenths(scored::<v4::Vector>(&base).score().value()),
            full: tenths(scored::<v4::Vector>(metrics).score().value()),
        },
    }
}

/// The crate's form of a vector.
fn scored<V: FromStr<Err = cvss::Error>>(metrics: &Metrics) -> V {
    metrics.to_string().parse().expect("the crate reads every metric and value of the tables")
}

/// Multiplies a 3.x score by its temporal metrics and rounds up to a tenth, in integers: in binary floats
/// 10.0 times 0.92 is a little more than 9.2, which 3.0 then rounds up to 9.3.
fn with_temporal(score: Tenths, metrics: &Metrics) -> Tenths {
    let exploit_code_maturity = match metrics.value("E") {
        Some("U") => 91,
        Some("P") => 94,
        Some("F") => 97,
        _ => 100,
    };
    let remediation_level = match metrics.value("RL") {
        Some("O") => 95,
        Some("T") => 96,
        Some("W") => 97,
        _ => 100,
    };
    let report_confidence = match metrics.value("RC") {
        Some("U") => 92,
        Some("R") => 96,
        _ => 100,
    };
    let millionths: u32 =
        u32::from(score.get()) * exploit_code_maturity * remediation_level * report_confidence;
    let rounded_up = millionths.div_ceil(1_000_000);
    u8::try_from(rounded_up)
        .ok()
        .and_then(|tenths| Tenths::new(tenths).ok())
        .expect("hundredths of at most 1 lower a score")
}

/// The one place where a binary float becomes a score. The crate has rounded it already: ten times its value is
/// nearest to the right integer.
#[expect(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a score lies from 0.0 to 10.0"
)]
fn tenths(score: f64) -> Tenths {
    let tenths = (score * 10.0).round() as u8;
    Tenths::new(tenths).unwrap_or(Tenths::MAX)
}
