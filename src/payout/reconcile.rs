//! Comparing our payouts with a platform's statement of what it paid: exactly, in both directions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::payout;
use entity::vocabulary::PayoutState;

use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::money::{Money, MoneyError};

/// A line of their statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Our payout's number.
    pub number: String,
    /// What they paid.
    pub paid: Money,
    /// Their payment's reference, where the statement has it.
    pub reference: Option<String>,
}

/// Where ours and theirs do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// We hold it as paid, they do not list it.
    Missing {
        /// Our payout's number.
        number: String,
        /// What we hold as paid.
        ours: Money,
    },
    /// Both have it, otherwise.
    Different {
        /// Our payout's number.
        number: String,
        /// What differs, in words.
        what: String,
    },
    /// They paid what we do not hold as payable, or paid it more than once.
    Extra {
        /// The number as they have it.
        number: String,
        /// What they paid.
        theirs: Money,
    },
}

/// From when until when a statement speaks of payments, where it does not of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// From this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub until: Option<DateTime<Utc>>,
}

impl Span {
    fn holds(self, paid_at: Option<DateTime<Utc>>) -> bool {
        let Some(at) = paid_at else { return false };
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// Payouts that agree.
    pub agreed: usize,
    /// Where ours and theirs do not, by number.
    pub differences: Vec<Difference>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing { number, ours } => {
                write!(f, "missing {number}: {ours} is paid here, not in the statement")
            }
            Self::Different { number, what } => write!(f, "different {number}: {what}"),
            Self::Extra { number, theirs } => {
                write!(f, "extra {number}: {theirs} is in the statement, not paid here")
            }
        }
    }
}

/// Compares the payouts of a channel that the actor may see with its statement.
///
/// # Errors
/// By policy; NOT_FOUND without such a channel.
pub async fn reconcile(
    app: &App,
    actor: &Actor,
    channel: &str,
    span: Span,
    statement: &[Statement],
) -> Result<Reconciliation> {
    require(actor, Action::ReadPayoutReconciliation)?;
    let channel = crate::channel::store::by_key(app, channel).await?.ok_or(Error::NotFound)?;
    let ours = store::of_channel(app, actor, channel.id).await?;
    compare(&ours, span, statement).map_err(|error| Error::Internal(error.into()))
}

/// Compares exactly. A reversed payment is not held as paid; what was paid outside of `span` need not be listed.
///
/// # Errors
/// When a row of ours has a unit that is none.
pub fn compare(
    ours: &[payout::Model],
    span: Span,
    theirs: &[Statement],
) -> std::result::Result<Reconciliation, MoneyError> {
    let mut found = Reconciliation::default();
    let mut listed: HashMap<&str, Vec<&Statement>> = HashMap::new();
    for line in theirs {
        listed.entry(&line.number).or_default().push(line);
    }
    for payout in ours {
        let paid = payout.state == PayoutState::Paid && payout.reversed_at.is_none();
        let owed = Money { minor: payout.amount, unit: payout.currency.parse()? };
        let number = payout.number.clone();
        let mut lines = listed.remove(payout.number.as_str()).unwrap_or_default().into_iter();
        match lines.next() {
            None if paid && span.holds(payout.paid_at) => {
                found.differences.push(Difference::Missing { number, ours: owed })
            }
            None => {}
            Some(line) => match differs(payout, paid, owed, line) {
                None => found.agreed += 1,
                Some(what) => found.differences.push(Difference::Different { number, what }),
            },
        }
        let again = lines.map(|line| Difference::Extra { number: line.number.clone(), theirs: line.paid });
        found.differences.extend(again);
    }
    let mut unknown: Vec<_> = listed.into_values().flatten().collect();
    unknown.sort_by(|first, next| first.number.cmp(&next.number));
    let extra = unknown.into_iter();
    found
        .differences
        .extend(extra.map(|line| Difference::Extra { number: line.number.clone(), theirs: line.paid }));
    Ok(found)
}

fn differs(payout: &payout::Model, paid: bool, owed: Money, line: &Statement) -> Option<String> {
    if !paid {
        let state = if payout.reversed_at.is_some() { "reversed" } else { payout.state.as_str() };
        return Some(format!("they paid {}, it is {state} here", line.paid));
    }
    if owed != line.paid {
        return Some(format!("{owed} here, {} in the statement", line.paid));
    }
    let (here, there) = (payout.paid_reference.as_deref(), line.reference.as_deref());
    let other = there.is_some_and(|there| here != Some(there));
    other.then(|| {
        format!("payment {} here, {} in the statement", here.unwrap_or("unknown"), there.unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payout::rules::tests::payout;

    fn ours(number: &str, state: PayoutState, reference: Option<&str>) -> payout::Model {
        let reference = reference.map(str::to_owned);
        let paid_at = (state == PayoutState::Paid).then_some(DateTime::UNIX_EPOCH);
        payout::Model { number: number.to_owned(), paid_reference: reference, paid_at, ..payout(state) }
    }

    fn theirs(number: &str, amount: &str, reference: Option<&str>) -> Statement {
        let paid = Money::parse(amount, "CNY".parse().unwrap()).unwrap();
        Statement { number: number.to_owned(), paid, reference: reference.map(str::to_owned) }
    }

    #[test]
    fn each_way_of_not_agreeing_is_told_apart() {
        use PayoutState::{Approved, Paid, Synced};
        let reversed = payout::Model {
            reversed_at: Some(chrono::DateTime::UNIX_EPOCH),
            ..ours("REVERSED", Paid, Some("R-5"))
        };
        let held = [
            ours("SAME", Paid, Some("R-1")),
            ours("MISSING", Paid, Some("R-2")),
            ours("CENT", Paid, Some("R-3")),
            ours("OTHER", Paid, Some("R-4")),
            ours("UNPAID", Synced, None),
            ours("QUIET", Approved, None),
            ours("TWICE", Paid, Some("R-6")),
            reversed,
        ];
        let statement = [
            theirs("SAME", "500", Some("R-1")),
            theirs("CENT", "500.01", Some("R-3")),
            theirs("OTHER", "500", Some("X-4")),
            theirs("UNPAID", "500", None),
            theirs("TWICE", "500", None),
            theirs("TWICE", "500", None),
            theirs("UNKNOWN", "1", None),
            theirs("REVERSED", "500", Some("R-5")),
        ];
        let found = compare(&held, Span::default(), &statement).unwrap();
        let texts: Vec<String> = found.differences.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "missing MISSING: 500.00 CNY is paid here, not in the statement",
                "different CENT: 500.00 CNY here, 500.01 CNY in the statement",
                "different OTHER: payment R-4 here, X-4 in the statement",
                "different UNPAID: they paid 500.00 CNY, it is SYNCED here",
                "extra TWICE: 500.00 CNY is in the statement, not paid here",
                "different REVERSED: they paid 500.00 CNY, it is reversed here",
                "extra UNKNOWN: 1.00 CNY is in the statement, not paid here",
            ]
        );
        assert_eq!(found.agreed, 2);
    }

    #[test]
    fn of_a_span_only_what_was_paid_in_it_has_to_be_listed() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let paid = |number, seconds| payout::Model {
            paid_at: Some(at(seconds)),
            ..ours(number, PayoutState::Paid, None)
        };
        let held = [paid("BEFORE", 9), paid("FIRST", 10), paid("LAST", 19), paid("AFTER", 20)];
        let missing = |from: Option<i64>, until: Option<i64>| {
            let span = Span { from: from.map(at), until: until.map(at) };
            let found = compare(&held, span, &[theirs("AFTER", "500", None)]).unwrap();
            assert_eq!(found.agreed, 1, "what is listed is compared, whenever it was paid");
            found
                .differences
                .iter()
                .map(|one| one.to_string()[8..].split(':').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(missing(Some(10), Some(20)), ["FIRST", "LAST"]);
        assert_eq!(missing(None, Some(10)), ["BEFORE"]);
        assert_eq!(missing(Some(19), None), ["LAST"]);
        assert_eq!(missing(None, None), ["BEFORE", "FIRST", "LAST"]);
    }
}
