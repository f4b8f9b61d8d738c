//! Who a payout is for: a person, who may stand in several rows.
//!
//! A person gets a row of their own from each who may not see the others, and whoever reported under a name alone may turn
//! out to be somebody who is known. What a person earns in a period does not depend on that.

use std::collections::HashMap;

use entity::vocabulary::PayoutKind;
use entity::{payout, reporter};
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::error::{Error, RefusalCode, Result};
use crate::outbox::{Bump, ChangeSet};

/// What makes rows of reporters one person: their subject, where they have one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Person {
    /// Whoever has this subject.
    Subject(String),
    /// Whoever is meant by this row.
    Row(Uuid),
}

impl Person {
    /// The person that a row stands for.
    pub fn of(row: &reporter::Model) -> Self {
        row.subject.clone().map_or(Self::Row(row.id), Self::Subject)
    }
}

/// For each of these rows the one that stands for its person: the smallest of them.
pub fn stand_ins<'a>(rows: impl Iterator<Item = &'a reporter::Model> + Clone) -> HashMap<Uuid, Uuid> {
    let mut first: HashMap<Person, Uuid> = HashMap::new();
    for row in rows.clone() {
        let first = first.entry(Person::of(row)).or_insert(row.id);
        *first = row.id.min(*first);
    }
    rows.filter_map(|row| Some((row.id, *first.get(&Person::of(row))?))).collect()
}

/// Lets the live bonuses of changed rows be those of whom the rows stand for by now.
///
/// # Errors
/// A refusal when they would have two of a kind and period: one has to end first.
pub async fn follow(
    app: &App,
    changes: &mut ChangeSet,
    rows: &[(reporter::Model, reporter::Model)],
) -> Result<()> {
    for (before, after) in rows {
        if Person::of(before) == Person::of(after) {
            continue;
        }
        for bonus in store::live_bonuses_of(app, before.id).await? {
            let period = bonus.period.clone().unwrap_or_default();
            let live = store::live_bonuses(app, bonus.channel_id, bonus.kind, &period).await?;
            if live.get(&Person::of(after)).is_some_and(|other| other.id != bonus.id) {
                let message =
                    format!("they would have two bonuses for {period}: reject, cancel or reverse one first");
                return Err(Error::refused(RefusalCode::Contradiction, message));
            }
            let key = Some(bonus_key(app, after, bonus.channel_id, bonus.kind, &period));
            changes.revise(
                app,
                &bonus,
                payout::Model { live_key: key, ..bonus.clone() },
                None,
                Bump::RevisionOnly,
            );
        }
    }
    Ok(())
}

/// The key of a person's only live bonus of a kind for a period in a channel. It names no subject.
pub fn bonus_key(app: &App, row: &reporter::Model, channel: Uuid, kind: PayoutKind, period: &str) -> String {
    let person = match Person::of(row) {
        Person::Subject(subject) => {
            hex::encode(&app.numbers.derive(&format!("bonus in {channel} of {subject}"))[..16])
        }
        Person::Row(id) => id.to_string(),
    };
    format!("{kind}:{channel}:{person}:{period}")
}
