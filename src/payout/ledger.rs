//! The ledger of a budget: what each act posts, and what the budget then holds. Pure.
//!
//! A posting moves an amount from one account to another, so its two sides sum to zero and the four accounts of a
//! budget always do. The budget's row keeps the accounts' sums; it is written under the guard of its revision in
//! the change that writes the entries, so approvals at once cannot overdraw it.

use entity::budget;
use entity::vocabulary::BudgetAccount::{self, Available, Granted, Reserved, Spent};

/// An amount that goes from one account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The account that it leaves.
    pub from: BudgetAccount,
    /// The account that it enters.
    pub to: BudgetAccount,
    /// Minor units, never negative.
    pub amount: i64,
}

/// Amounts beyond what a ledger can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amount is too large for the budget")]
pub struct TooLarge;

impl Posting {
    /// Money is granted to the budget, or taken from it when `amount` is negative.
    pub fn grant(amount: i64) -> Self {
        let (from, to) = if amount < 0 { (Available, Granted) } else { (Granted, Available) };
        Self { from, to, amount: amount.saturating_abs() }
    }

    /// A payout is approved.
    pub fn reserve(amount: i64) -> Self {
        Self { from: Available, to: Reserved, amount }
    }

    /// An approved payout ends unpaid.
    pub fn give_back(amount: i64) -> Self {
        Self { from: Reserved, to: Available, amount }
    }

    /// An approved payout is paid.
    pub fn pay(amount: i64) -> Self {
        Self { from: Reserved, to: Spent, amount }
    }

    /// A payment is undone.
    pub fn reverse(amount: i64) -> Self {
        Self { from: Spent, to: Available, amount }
    }

    /// Its two sides.
    pub fn sides(self) -> [(BudgetAccount, i64); 2] {
        [(self.from, -self.amount), (self.to, self.amount)]
    }
}

/// What the budget holds after `posting`.
///
/// # Errors
/// When an account would hold more than can be counted.
pub fn post(budget: &budget::Model, posting: Posting) -> Result<budget::Model, TooLarge> {
    let mut after = budget.clone();
    for (account, amount) in posting.sides() {
        // The row keeps how much was granted; in the ledger that is what the source has given.
        let (sum, amount) = match account {
            Granted => (&mut after.granted, -amount),
            Available => (&mut after.available, amount),
            Reserved => (&mut after.reserved, amount),
            Spent => (&mut after.spent, amount),
        };
        *sum = sum.checked_add(amount).ok_or(TooLarge)?;
    }
    Ok(after)
}

/// The part of `amount` that the budget does not cover.
pub fn shortfall(budget: &budget::Model, amount: i64) -> i64 {
    (amount - budget.available.clamp(0, amount)).max(0)
}

/// What is wrong with a budget's row; none when its accounts balance and no overrun is unapproved.
pub fn imbalance(budget: &budget::Model) -> Option<&'static str> {
    let accounts = [budget.available, budget.reserved, budget.spent].map(i128::from);
    if accounts.iter().sum::<i128>() != i128::from(budget.granted) {
        return Some("the accounts do not sum to what was granted");
    }
    if budget.reserved < 0 || budget.spent < 0 {
        return Some("more was given back than was reserved or spent");
    }
    (budget.available < -budget.overrun)
        .then_some("it is below zero by more than was approved as over budget")
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    pub(crate) fn budget(granted: i64) -> budget::Model {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        budget::Model {
            id: Uuid::from_u128(1),
            period: "2026".to_owned(),
            starts_on: day,
            ends_on: day,
            currency: "CNY".to_owned(),
            granted,
            available: granted,
            reserved: 0,
            spent: 0,
            overrun: 0,
            version: 1,
            revision: 1,
            audit_head: Vec::new(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            changed_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_shortfall_is_what_is_not_covered() {
        assert_eq!(shortfall(&budget(100), 100), 0);
        assert_eq!(shortfall(&budget(100), 130), 30);
        assert_eq!(shortfall(&budget::Model { available: -5, ..budget(0) }, 30), 30);
    }

    #[test]
    fn an_amount_that_cannot_be_counted_is_refused() {
        assert_eq!(post(&budget(i64::MAX), Posting::grant(1)), Err(TooLarge));
    }

    #[derive(Clone, Debug)]
    enum Act {
        Approve { amount: i64, by_leader: bool },
        GiveBack(usize),
        Pay(usize),
        Reverse(usize),
        Grant(i64),
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            4 => (1..400_i64, any::<bool>()).prop_map(|(amount, by_leader)| Act::Approve { amount, by_leader }),
            2 => (0..8_usize).prop_map(Act::GiveBack),
            2 => (0..8_usize).prop_map(Act::Pay),
            1 => (0..8_usize).prop_map(Act::Reverse),
            1 => (1..300_i64).prop_map(Act::Grant),
        ];
        prop::collection::vec(act, 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn whatever_happens_the_ledger_balances_and_overruns_are_approved(acts in acts()) {
            let mut budget = budget(1_000);
            // Amount, and how much of it is over budget.
            let mut reserved: Vec<(i64, i64)> = Vec::new();
            let mut paid: Vec<(i64, i64)> = Vec::new();
            for act in acts {
                let posting = match act {
                    Act::Grant(amount) => Posting::grant(amount),
                    Act::Approve { amount, by_leader } => {
                        let over = shortfall(&budget, amount);
                        if over > 0 && !by_leader {
                            continue;
                        }
                        budget.overrun += over;
                        reserved.push((amount, over));
                        Posting::reserve(amount)
                    }
                    Act::GiveBack(at) if at < reserved.len() => {
                        let (amount, over) = reserved.remove(at);
                        budget.overrun -= over;
                        Posting::give_back(amount)
                    }
                    Act::Pay(at) if at < reserved.len() => {
                        paid.push(reserved.remove(at));
                        Posting::pay(paid[paid.len() - 1].0)
                    }
                    Act::Reverse(at) if at < paid.len() => {
                        let (amount, over) = paid.remove(at);
                        budget.overrun -= over;
                        Posting::reverse(amount)
                    }
                    _ => continue,
                };
                prop_assert_eq!(posting.sides().iter().map(|(_, amount)| amount).sum::<i64>(), 0);
                budget = post(&budget, posting).unwrap();
                prop_assert_eq!(imbalance(&budget), None, "{:?}", budget);
                prop_assert_eq!(budget.reserved, reserved.iter().map(|(amount, _)| amount).sum::<i64>());
                prop_assert_eq!(budget.spent, paid.iter().map(|(amount, _)| amount).sum::<i64>());
            }
        }
    }
}
