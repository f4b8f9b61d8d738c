//! The order of candidates, what may be decided of a pair, and how reasons read. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use chrono::TimeDelta;
use entity::vocabulary::{CandidateKind, DuplicateOutcome, DuplicateReasonCode as Code, Origin, Status};
use entity::{duplicate_decision, event, report};
use uuid::Uuid;

use super::Candidate;
use super::rank::Reason;
use crate::error::{Refusal, RefusalCode};
use crate::picture::Same;

/// Time within which a finder sends one report to several platforms.
const PLATFORMS_WITHIN: TimeDelta = TimeDelta::days(90);

/// The report that `report` is a part of, or itself.
fn whole(report: &report::Model) -> Uuid {
    report.part_of.unwrap_or(report.id)
}

/// The best of these candidates, at most `first`: the surest first, then the likeliest, then the newest. A report and its
/// parts are one: the best of them stands for all, and the whole where it is as good as a part.
pub fn best(mut candidates: Vec<Candidate>, first: usize) -> Vec<Candidate> {
    candidates.sort_by_cached_key(|Candidate { report, likeness }| {
        let exact = likeness.kind == CandidateKind::Exact;
        (
            Reverse((exact, likeness.points)),
            report.part_of.is_some(),
            Reverse((report.received_at, report.id)),
        )
    });
    let mut seen = HashSet::new();
    candidates.retain(|candidate| seen.insert(whole(&candidate.report)));
    candidates.truncate(first);
    candidates
}

/// Whether `outcome` may be decided of a pair of which `known` was decided: of `report`, which is on the event `before`, and
/// `other`, which is on `original`.
///
/// # Errors
/// A refusal that says what was decided, which of them came first, or where the event has to be for a verdict.
pub fn may_decide(
    (report, before): (&report::Model, &event::Model),
    (other, original): (&report::Model, &event::Model),
    outcome: DuplicateOutcome,
    known: Option<&duplicate_decision::Model>,
) -> Result<(), Refusal> {
    if before.id == original.id {
        let message = "both reports are on one event: there is nothing to decide";
        return Err(Refusal::on(RefusalCode::Contradiction, "otherReport", message));
    }
    match known {
        Some(known) if known.outcome != outcome => {
            let message = format!("{} decided {} of this pair already", known.decided_by, known.outcome);
            Err(Refusal::new(RefusalCode::AlreadyExists, message))
        }
        Some(_) => Ok(()),
        // The finder who was first is paid, so it is never the first one that is called a repetition.
        None if outcome == DuplicateOutcome::Duplicate
            && (pair(report, other).0.id != report.id || before.received_at < original.received_at) =>
        {
            let message = "it, or another report of its event, was received before the other's event: send as `report` the \
                           one that repeats what was there before";
            Err(Refusal::on(RefusalCode::Contradiction, "report", message))
        }
        // Decided for good without the verdict, it would go on to be paid for.
        None if outcome == DuplicateOutcome::Duplicate
            && matches!(before.status, Status::Received | Status::NeedsInformation) =>
        {
            let message = format!(
                "a duplicate gets that verdict, and its event is {}: bring it to TRIAGING first",
                before.status
            );
            Err(Refusal::new(RefusalCode::MoveNotAllowed, message))
        }
        None => Ok(()),
    }
}

/// The pair with the report first that was received later, as it is kept.
pub fn pair<'a>(one: &'a report::Model, other: &'a report::Model) -> (&'a report::Model, &'a report::Model) {
    let received = |report: &report::Model| (report.received_at, report.id);
    if received(one) > received(other) { (one, other) } else { (other, one) }
}

/// That a screenshot is the same.
pub fn same_picture(same: &Same) -> Reason {
    Reason { code: Code::SamePicture, value: Some(same.name.clone()), share: Some(same.alike) }
}

/// That two reports came through two platforms within some weeks of each other. It says nothing by itself: of two that have
/// nothing else in common it is no reason.
pub fn several_platforms(one: &report::Model, other: &report::Model) -> Option<Reason> {
    let apart = (one.received_at - other.received_at).abs();
    let outside = [one, other].iter().all(|report| report.origin == Origin::External);
    (outside && one.channel_id != other.channel_id && apart <= PLATFORMS_WITHIN).then(|| Reason {
        code: Code::SeveralPlatforms,
        value: Some(apart.num_days().to_string()),
        share: None,
    })
}

/// How pairs that were shown were decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Duplicates.
    pub duplicates: u64,
    /// Related ones.
    pub related: u64,
    /// Pairs that have nothing to do with each other.
    pub distinct: u64,
}

impl Tally {
    fn add(&mut self, outcome: DuplicateOutcome, pairs: i64) {
        let pairs = u64::try_from(pairs).unwrap_or_default();
        match outcome {
            DuplicateOutcome::Duplicate => self.duplicates += pairs,
            DuplicateOutcome::Related => self.related += pairs,
            DuplicateOutcome::Distinct => self.distinct += pairs,
        }
    }

    /// All of them.
    pub fn decided(&self) -> u64 {
        self.duplicates + self.related + self.distinct
    }
}

/// How pairs were decided, by the key that `of` makes of what they were counted by.
pub fn tallies<T: Copy, K: Ord>(
    counted: &[(T, DuplicateOutcome, i64)],
    of: impl Fn(T) -> K,
) -> BTreeMap<K, Tally> {
    let mut tallies: BTreeMap<K, Tally> = BTreeMap::new();
    for (by, outcome, pairs) in counted {
        tallies.entry(of(*by)).or_default().add(*outcome, *pairs);
    }
    tallies
}

/// The band of a score, by its least: tens, and 100 by itself.
pub fn band(score: i32) -> i32 {
    score.clamp(0, 100) / 10 * 10
}

/// A share of decided pairs, in per cent rounded half up; none where nothing was decided.
pub fn per_cent(part: u64, whole: u64) -> Option<u64> {
    (part * 200 + whole).checked_div(whole * 2)
}

/// A reason in English.
pub fn english(reason: &Reason) -> String {
    let value = reason.value.as_deref().unwrap_or_default();
    match reason.code {
        Code::SameNumber => format!("same number {value}"),
        Code::SameText => "same text".to_owned(),
        Code::SameFile => format!("same file {value}"),
        Code::SamePicture => {
            format!("same screenshot {value}, {} % of it alike", reason.share.unwrap_or_default())
        }
        Code::SeveralPlatforms => format!("sent through another platform, {value} days apart"),
        Code::SameEndpointAndParameter => format!("same endpoint and parameter {value}"),
        Code::SameEndpoint => format!("same endpoint {value}"),
        Code::SameHost => format!("same host {value}"),
        Code::SameProductAndVersion => format!("same product and version {value}"),
        Code::SameProduct => format!("same product {value}"),
        Code::SameWeakness => format!("same weakness {value}"),
        Code::SameParameter => format!("same parameter {value}"),
        Code::SimilarText => format!("{} % of the text", reason.share.unwrap_or_default()),
    }
}

/// A reason in Chinese.
pub fn chinese(reason: &Reason) -> String {
    let value = reason.value.as_deref().unwrap_or_default();
    match reason.code {
        Code::SameNumber => format!("编号相同：{value}"),
        Code::SameText => "正文相同".to_owned(),
        Code::SameFile => format!("附件相同：{value}"),
        Code::SamePicture => format!("截图相同：{value}，相似 {}%", reason.share.unwrap_or_default()),
        Code::SeveralPlatforms => format!("经另一平台提交，相隔 {value} 天"),
        Code::SameEndpointAndParameter => format!("接口与参数相同：{value}"),
        Code::SameEndpoint => format!("接口相同：{value}"),
        Code::SameHost => format!("主机相同：{value}"),
        Code::SameProductAndVersion => format!("产品与版本相同：{value}"),
        Code::SameProduct => format!("产品相同：{value}"),
        Code::SameWeakness => format!("弱点类型相同：{value}"),
        Code::SameParameter => format!("参数相同：{value}"),
        Code::SimilarText => format!("内容相似 {}%", reason.share.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_half_up() {
        assert_eq!([per_cent(1, 8), per_cent(1, 3), per_cent(2, 2)], [Some(13), Some(33), Some(100)]);
        assert_eq!(per_cent(0, 0), None);
    }

    #[test]
    fn figures_are_put_together_by_band_and_reason() {
        use DuplicateOutcome::{Distinct, Duplicate, Related};
        let counted = [
            (42, Duplicate, 1),
            (49, Distinct, 2),
            (50, Related, 4),
            (99, Duplicate, 8),
            (100, Duplicate, 16),
        ];
        let tallies = tallies(&counted, band);
        let decided: Vec<_> = tallies.iter().map(|(from, tally)| (*from, tally.decided())).collect();
        assert_eq!(decided, [(40, 3), (50, 4), (90, 8), (100, 16)]);
        assert_eq!(tallies[&40], Tally { duplicates: 1, related: 0, distinct: 2 });
    }

    #[test]
    fn reasons_read_as_people_write_them() {
        let number = Reason { code: Code::SameNumber, value: Some("CVE-2031-1".to_owned()), share: None };
        let text = Reason { code: Code::SimilarText, value: None, share: Some(83) };
        assert_eq!([english(&number), english(&text)], ["same number CVE-2031-1", "83 % of the text"]);
        assert_eq!([chinese(&number), chinese(&text)], ["编号相同：CVE-2031-1", "内容相似 83%"]);
    }
}
