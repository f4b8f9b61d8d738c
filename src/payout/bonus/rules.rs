//! What reports of a period earn their reporters by a bonus policy. The same input gives the same result.

use std::collections::BTreeMap;

use entity::report;
use entity::vocabulary::Severity;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Amount by severity, threshold and cap, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BonusPolicy {
    /// For each CRITICAL report.
    pub critical: i64,
    /// For each HIGH report.
    pub high: i64,
    /// For each MEDIUM report.
    pub medium: i64,
    /// For each LOW report.
    pub low: i64,
    /// Reports that a reporter needs at least.
    pub at_least: u32,
    /// Most that one reporter gets.
    pub cap: Option<i64>,
}

/// A report that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// The report.
    pub report: Uuid,
    /// Its reporter.
    pub reporter: Uuid,
    /// Its severity.
    pub severity: Severity,
}

impl Counted {
    /// The report as far as it counts: by a reporter, with a severity.
    pub fn of(report: &report::Model) -> Option<Self> {
        Some(Self { report: report.id, reporter: report.reporter_id?, severity: report.severity? })
    }
}

impl BonusPolicy {
    fn amount(&self, severity: Severity) -> i64 {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
        }
    }
}

/// Each reporter's bonus in minor units, reporters in the order of their ids; those who get nothing are left out.
pub fn bonuses(policy: &BonusPolicy, counted: &[Counted]) -> BTreeMap<Uuid, i64> {
    let mut reports: BTreeMap<Uuid, (u32, i64)> = BTreeMap::new();
    for report in counted {
        let (count, sum) = reports.entry(report.reporter).or_default();
        *count += 1;
        *sum = sum.saturating_add(policy.amount(report.severity));
    }
    let bonus = |(reporter, (count, sum)): (Uuid, (u32, i64))| {
        let amount = sum.min(policy.cap.unwrap_or(i64::MAX));
        (count >= policy.at_least && amount > 0).then_some((reporter, amount))
    };
    reports.into_iter().filter_map(bonus).collect()
}

/// SHA-256 over the policy and the counted reports, whatever order they were read in.
pub fn input_hash(policy: &BonusPolicy, currency: &str, counted: &[Counted]) -> Vec<u8> {
    let mut counted = counted.to_vec();
    counted.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(currency.as_bytes());
    let amounts = [policy.critical, policy.high, policy.medium, policy.low, policy.cap.unwrap_or(-1)];
    for amount in amounts {
        hash.update(amount.to_be_bytes());
    }
    hash.update(policy.at_least.to_be_bytes());
    for report in counted {
        hash.update(report.report.as_bytes());
        hash.update(report.reporter.as_bytes());
        hash.update(report.severity.as_str().as_bytes());
    }
    hash.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: BonusPolicy =
        BonusPolicy { critical: 5_000, high: 2_000, medium: 500, low: 100, at_least: 2, cap: Some(6_000) };

    fn counted(report: u128, reporter: u128, severity: Severity) -> Counted {
        Counted { report: Uuid::from_u128(report), reporter: Uuid::from_u128(reporter), severity }
    }

    #[test]
    fn bonuses_follow_severity_threshold_and_cap() {
        use Severity::{Critical, High, Low, Medium};
        let reports = [
            counted(1, 1, High),
            counted(2, 1, Medium),
            counted(3, 2, Critical),
            counted(4, 3, Critical),
            counted(5, 3, High),
            counted(6, 4, Low),
            counted(7, 4, Low),
        ];
        let found: Vec<_> =
            bonuses(&POLICY, &reports).into_iter().map(|(id, sum)| (id.as_u128(), sum)).collect();
        assert_eq!(found, [(1, 2_500), (3, 6_000), (4, 200)], "one report is too few, the cap holds");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn the_order_in_which_reports_are_read_changes_nothing(
            reports in prop::collection::vec((0..5_u128, 0..4_u8), 0..20).prop_shuffle(),
        ) {
            let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
            let listed: Vec<_> = reports.iter().enumerate()
                .map(|(at, (reporter, severity))| counted(at as u128, *reporter, severities[usize::from(*severity)]))
                .collect();
            let mut other = listed.clone();
            other.reverse();
            prop_assert_eq!(bonuses(&POLICY, &listed), bonuses(&POLICY, &other));
            prop_assert_eq!(input_hash(&POLICY, "CNY", &listed), input_hash(&POLICY, "CNY", &other));
        }
    }
}
