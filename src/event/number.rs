//! Event numbers (`VE-2026-004711`): unique, and telling nobody how many there are.
//!
//! Sequences come in blocks from a short statement of its own before the change (a counter inside each
//! change would serialise them). A keyed permutation spreads a year's first million sequences over six
//! digits, the next nine million over seven.

use entity::{event_number_block, instance};
use hmac::{Hmac, KeyInit, Mac};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ConnectionTrait, EntityTrait, QueryTrait};
use sha2::Sha256;
use tokio::sync::Mutex;

use crate::database::Database;
use crate::error::Result;

/// Sequences taken at first, and at most: a process that used up a block takes twice as many next, so that an import seldom
/// waits for one behind its own writes. What it has not handed out when it stops is left out: not much more than it used.
const FIRST_BLOCK: i64 = 64;
const LARGEST_BLOCK: i64 = 16_384;

/// Rounds of the permutation.
const ROUNDS: u8 = 6;

/// Hands out event numbers.
pub struct Numbers {
    key: Vec<u8>,
    block: Mutex<Option<Block>>,
}

struct Block {
    year: i32,
    next: i64,
    end: i64,
    size: i64,
}

impl Numbers {
    /// Reads this installation's key.
    ///
    /// # Errors
    /// When the database has not been migrated and initialised.
    pub async fn load(database: &Database) -> anyhow::Result<Self> {
        let row = instance::Entity::find_by_id(1).one(database.reader()).await?;
        let row =
            row.ok_or_else(|| anyhow::anyhow!("the database is not initialised: run `vulndesk migrate`"))?;
        Ok(Self::over(row.number_key))
    }

    /// Numbers of the installation with this key.
    pub fn over(key: Vec<u8>) -> Self {
        Self { key, block: Mutex::new(None) }
    }

    /// A key of this installation for `purpose`, which tells nothing of the others.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The next number of `year`.
    ///
    /// # Errors
    /// Of the database.
    pub async fn next(&self, database: &Database, year: i32) -> Result<String> {
        let mut held = self.block.lock().await;
        let block = match held.take() {
            Some(block) if block.year == year && block.next < block.end => block,
            used => {
                let size = used.map_or(FIRST_BLOCK, |used| std::cmp::min(used.size * 2, LARGEST_BLOCK));
                let end = take_block(database, year, size).await?;
                Block { year, next: end - size, end, size }
            }
        };
        let sequence = block.next;
        *held = Some(Block { next: sequence + 1, ..block });
        Ok(number(&self.key, year, sequence))
    }
}

async fn take_block(database: &Database, year: i32, size: i64) -> Result<i64> {
    use event_number_block::{ActiveModel, Column, Entity};
    let mut insert =
        Entity::insert(ActiveModel { year: sea_orm::Set(year), next: sea_orm::Set(size) }).into_query();
    insert.on_conflict(
        OnConflict::column(Column::Year)
            .value(Column::Next, Expr::col((Entity, Column::Next)).add(size))
            .to_owned(),
    );
    insert.returning_col(Column::Next);
    let row = database.writer().query_one(&insert).await?;
    let row = row.ok_or_else(|| anyhow::anyhow!("a returning insert gave no row"))?;
    Ok(row.try_get("", "next")?)
}

fn number(key: &[u8], year: i32, sequence: i64) -> String {
    let sequence = sequence.unsigned_abs();
    let (low, high, digits, bits) = match sequence {
        0..1_000_000 => (0, 1_000_000, 6, 20),
        1_000_000..10_000_000 => (1_000_000, 10_000_000, 7, 24),
        _ => return format!("VE-{year}-{sequence}"),
    };
    let keyed = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    let mut place = sequence - low;
    // Walk the cycle until it comes back into the range: still a permutation of the range.
    loop {
        place = shuffle(&keyed, year, place, bits / 2);
        if place < high - low {
            return format!("VE-{year}-{:0digits$}", place + low);
        }
    }
}

/// A permutation of twice `half` bits: a Feistel network keyed by installation and year.
fn shuffle(keyed: &Hmac<Sha256>, year: i32, value: u64, half: u32) -> u64 {
    let mask = (1 << half) - 1;
    let (mut left, mut right) = (value >> half, value & mask);
    for round in 0..ROUNDS {
        let mut mac = keyed.clone();
        mac.update(&year.to_be_bytes());
        mac.update(&[round]);
        mac.update(&right.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let mixed = u64::from(u16::from_be_bytes([digest[0], digest[1]])) & mask;
        (left, right) = (right, left ^ mixed);
    }
    (left << half) | right
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::number;

    #[test]
    fn numbers_are_unique_and_tell_no_count() {
        let made: BTreeSet<String> = (0..20_000).map(|sequence| number(b"key", 2026, sequence)).collect();
        assert_eq!(made.len(), 20_000);
        assert!(made.iter().all(|number| number.len() == "VE-2026-000000".len()));
        let first: Vec<String> = (0..3).map(|sequence| number(b"key", 2026, sequence)).collect();
        let mut sorted = first.clone();
        sorted.sort();
        assert_ne!(first, ["VE-2026-000000", "VE-2026-000001", "VE-2026-000002"]);
        assert_ne!(number(b"key", 2026, 0), number(b"other", 2026, 0));
        assert_ne!(number(b"key", 2026, 0)[8..], number(b"key", 2027, 0)[8..]);
    }

    #[test]
    fn the_second_range_has_seven_digits_and_meets_none_of_the_first() {
        let number = number(b"key", 2026, 1_000_000);
        assert_eq!(number.len(), "VE-2026-0000000".len());
        assert_ne!(&number[8..9], "0");
    }
}
