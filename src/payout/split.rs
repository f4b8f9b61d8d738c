//! Splitting a proposed payout among several finders of one report.

use std::collections::HashSet;

use async_graphql::InputObject;
use entity::vocabulary::{PayoutChangeKind, PayoutState};
use entity::{payout, reporter};

use super::payee::Person;
use super::propose::live_key;
use super::{SHORT, number, record, require_impartial, rules, step, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{expect_version, optional_text};
use crate::graphql::scalars::Id;
use crate::money::Money;
use crate::outbox::ChangeSet;

/// Most finders beside the first.
const MOST: usize = 49;

/// A payout to split in equal shares; the first take what does not divide. 拆分奖励：等额拆分，余数归前几位。
#[derive(Clone, Debug, InputObject)]
pub struct SplitPayout {
    /// The proposed payout, whose payee gets the first share. 待拆分的奖励，其收款人得第一份。
    pub payout: Id<payout::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Who else found it, in the order of the shares. 其他发现人，按份额顺序。
    pub among: Vec<Id<reporter::Entity>>,
    /// Why. 原因。
    pub reason: Option<String>,
}

/// Splits a payout that nobody approved yet. Each share is approved and paid by itself; the range still prices the
/// whole, and the shares' sum is the whole to the last minor unit.
///
/// # Errors
/// By policy, visibility and version; refusals where it is split, approved or no report's, a finder stands twice, or a
/// share would be nothing; FOUR_EYES for a finder.
pub async fn split(app: &App, actor: &Actor, input: &SplitPayout) -> Result<payout::Model> {
    require(actor, Action::SplitPayout)?;
    let reason = optional_text("input.reason", input.reason.as_ref(), SHORT)?;
    if input.among.is_empty() || input.among.len() > MOST {
        return Err(Error::bad_input("input.among", format!("name 1 to {MOST} finders")));
    }
    let loaded = store::find(app, actor, input.payout.0).await?;
    expect_version(loaded.payout.version, input.expected_version)?;
    require_impartial(app, actor, &loaded).await?;
    let before = &loaded.payout;
    if before.state != PayoutState::Proposed || before.appealed {
        let message = format!("it is {}: only a first proposal is split", before.state);
        return Err(Error::refused(RefusalCode::MoveNotAllowed, message));
    }
    let (Some((_, event)), None) = (&loaded.earned_by, before.share) else {
        let message = "a payout for a report is split, once";
        return Err(Error::refused(RefusalCode::Contradiction, message));
    };
    let mut payees = HashSet::from([Person::of(&loaded.reporter)]);
    let mut finders = Vec::new();
    for finder in &input.among {
        let finder = store::find_reporter(app, actor, finder.0).await?;
        let parties =
            rules::Parties { actor: &actor.subject, payee: finder.subject.as_deref(), reported_it: false };
        super::refused(rules::check_impartial(parties).into_iter().collect())?;
        if finder.channel_id != Some(before.channel_id) {
            let message = "a finder is known through another channel, which does not pay this out";
            return Err(Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, "among", message)]));
        }
        if !payees.insert(Person::of(&finder)) {
            let message = "a finder stands twice: name each once, and not the payee";
            return Err(Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, "among", message)]));
        }
        finders.push(finder);
    }
    let whole = Money { minor: before.amount, unit: super::unit("currency", &before.currency)? };
    let count = u16::try_from(payees.len()).unwrap_or(u16::MAX);
    let shares = whole.split(count);
    if shares.iter().any(|share| share.minor == 0) {
        let message = format!("{whole} is too little for {count} shares");
        return Err(Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, "among", message)]));
    }
    let mut changes = ChangeSet::new(app, actor, Action::SplitPayout).because(reason.as_deref());
    let split_by = Some(actor.subject.to_string());
    let first = payout::Model { amount: shares[0].minor, share: Some(1), split_by, ..before.clone() };
    for (number_of_share, (finder, share)) in (2_i32..).zip(finders.iter().zip(&shares[1..])) {
        let row = payout::Model {
            id: app.ids.next(),
            number: number(app, chrono::Datelike::year(&changes.at())),
            reporter_id: finder.id,
            amount: share.minor,
            share: Some(number_of_share),
            live_key: Some(live_key(event.id, Some(number_of_share))),
            proposed_at: changes.at(),
            created_at: changes.at(),
            ..first.clone()
        };
        record(app, &mut changes, &row, None, PayoutChangeKind::Proposed, None, loaded.event_id());
        changes.create(app, row, loaded.event_id());
    }
    changes.demand(event);
    // Linked to a subject meanwhile, two of them might be one person.
    finders.iter().for_each(|finder| changes.demand(finder));
    let after = step(app, &mut changes, &loaded, first, PayoutChangeKind::Split, reason.as_deref());
    app.commit(changes).await?;
    Ok(after)
}
