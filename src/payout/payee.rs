//! Who a payout is for: a person, who may stand in several rows.
//!
//! A person gets a row of their own from each who may not see the others, and whoever reported under a name alone may turn
//! out to be somebody who is known. What a person earns in a period does not depend on that.

use std::collections::HashMap;

use entity::reporter;
use entity::vocabulary::PayoutKind;
use uuid::Uuid;

use crate::app::App;

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

/// The key of a person's only live bonus of a kind for a period in a channel. It names no subject.
pub fn bonus_key(app: &App, row: &reporter::Model, channel: Uuid, kind: PayoutKind, period: &str) -> String {
    let person = match Person::of(row) {
        Person::Subject(subject) => hex::encode(&app.numbers.derive(&format!("bonus of {subject}"))[..16]),
        Person::Row(id) => id.to_string(),
    };
    format!("{kind}:{channel}:{person}:{period}")
}
