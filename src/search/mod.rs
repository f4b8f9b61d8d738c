//! Finding events, reports, replies and products by what stands in them.
//!
//! Each thing leaves its [`words`] in the change that writes it, in an index that both databases keep with their rows: pairs of
//! neighbouring characters of Chinese, stems of English words, numbers and hosts as the words that they fall into. The index
//! only says where all the words are; whether they stand as they were asked for ([`rules`]) is read from the thing itself,
//! and what is shown of it comes from the same [`fields`]. So an answer follows from the things that the caller may see, each
//! by itself: nothing is counted over things, and what is hidden has no part in any order, cursor or fragment.
//!
//! First come events whose number begins as asked, then what has all the words in its title, then what has them anywhere;
//! within each what was first written last. An entry keeps its place whatever becomes of the thing, so a page goes on where
//! the last one ended, and a place tells nothing of later changes.
//!
//! Reading texts is work: it is done apart from what answers requests, by a few at once, one search of a request after the
//! other, and within a [`Budget`] that they share. Where that ends, so does the page, and the next one goes on.
//!
//! A report whose indicators analysts completed has a second entry with these, for who sees it from inside: its reporter
//! finds it by what they read themselves. Comments, and who reported, are not searched at all.

pub mod budget;
pub mod fields;
pub mod graphql;
pub mod indexing;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
pub mod words;

use std::sync::Arc;

use entity::vocabulary::SearchKind;
use entity::{event, product, reply, report};
use sea_orm::Iterable;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, allows, require};
use crate::database;
use crate::error::{Error, Result};
use crate::graphql::page::{self, PageInput};
pub use budget::Budget;
pub use indexing::{
    Progress, Unfound, index_event, index_product, index_reply, index_report, index_report_anew,
};
use rules::{Fragment, Query};
use store::{Entry, Scope, Things};
use words::{KIND, TITLE};

/// Entries whose things are read at once.
const ROUND: usize = 30;
/// Most entries whose things are read for one page: those that have all the words, and yet not as they were asked for, are
/// passed over.
const EXAMINED: usize = 400;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// An event.
    Event(event::Model),
    /// A report.
    Report(report::Model),
    /// A reply.
    Reply(reply::Model),
    /// A product.
    Product(product::Model),
}

/// A thing that has all that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The thing.
    pub found: Found,
    /// Where it has it.
    pub fragments: Vec<Fragment>,
    /// Its place among the hits.
    pub cursor: String,
}

/// A page of hits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    /// In their order.
    pub hits: Vec<Hit>,
    /// Whether there may be more.
    pub has_next: bool,
    /// Where to go on: at the last hit, or beyond where nothing more was found so far.
    pub end: Option<String>,
}

/// How well things fit, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    /// An event by the beginning of its number.
    Number,
    /// All words in its title.
    Title,
    /// All words.
    Anywhere,
}

impl Tier {
    fn name(self) -> &'static str {
        match self {
            Self::Number => "0",
            Self::Title => "1",
            Self::Anywhere => "2",
        }
    }

    /// The words of entries of this tier.
    fn words(self, query: &Query, kinds: &[SearchKind]) -> database::Words {
        let word = |mark: &str, wanted: &rules::Wanted| database::Word {
            text: format!("{mark}{}", wanted.key),
            begins: wanted.begins,
        };
        let of = |mark: &str| query.words().into_iter().map(|wanted| word(mark, wanted)).collect();
        let kind = |kind: &SearchKind| database::Word { text: format!("{KIND}{kind}"), begins: false };
        let any = kinds.iter().map(kind).collect();
        match self {
            Self::Number | Self::Title => database::Words { any, all: of(TITLE), but: Vec::new() },
            Self::Anywhere => database::Words { any, all: of(""), but: of(TITLE) },
        }
    }
}

/// What the actor may find of `kind`.
fn reads(kind: SearchKind) -> Action {
    match kind {
        SearchKind::Event => Action::ReadEvents,
        SearchKind::Report => Action::ReadReports,
        SearchKind::Reply => Action::ReadReplies,
        SearchKind::Product => Action::ReadProducts,
    }
}

/// Kinds that are looked for: those that were named, or all that the actor's roles may read.
fn kinds(actor: &Actor, named: Option<&[SearchKind]>) -> Result<Vec<SearchKind>> {
    let Some(named) = named else {
        return Ok(SearchKind::iter().filter(|kind| allows(actor, reads(*kind))).collect());
    };
    if named.is_empty() || named.len() > SearchKind::iter().count() {
        return Err(Error::bad_input("kinds", "name each kind once, or leave them out"));
    }
    named.iter().try_for_each(|kind| require(actor, reads(*kind)))?;
    Ok(SearchKind::iter().filter(|kind| named.contains(kind)).collect())
}

/// A page of what has all that `typed` asks for, of what the actor may see, as far as what is left of `budget` goes.
///
/// # Errors
/// By policy; BAD_USER_INPUT on a query, size or cursor that cannot be.
pub async fn search(
    app: &App,
    actor: &Actor,
    typed: &str,
    named: Option<&[SearchKind]>,
    page: &PageInput,
    budget: &Budget,
) -> Result<Hits> {
    require(actor, Action::Search)?;
    let kinds = kinds(actor, named)?;
    let query = Arc::new(Query::parse(typed)?);
    let mut left = budget.left().await;
    let number = query.number.as_deref().filter(|_| kinds.contains(&SearchKind::Event));
    let order = format!(
        "search {} {:x}",
        kinds.iter().map(|kind| kind.as_str()).collect::<String>(),
        query.fingerprint
    );
    let scope = Scope { kinds: &kinds, number };
    let mut reading = Reading {
        app,
        actor,
        query: Arc::clone(&query),
        left: &mut left,
        scope,
        order,
        wanted: page.size()? + 1,
        examined: 0,
        hits: Hits::default(),
    };
    let (tier, number_after, mut before) = match &page.after {
        None => (Tier::Number, None, None),
        Some(after) => reading.from(after).await?,
    };
    if let Some(number) = number.filter(|_| tier == Tier::Number) {
        reading.by_number(number, number_after.as_deref()).await?;
    }
    let end = store::end(app).await?;
    for next in [Tier::Title, Tier::Anywhere].into_iter().filter(|next| *next >= tier) {
        if reading.is_done() {
            break;
        }
        let from = before.take().filter(|_| next == tier).unwrap_or(end);
        reading.by_words(next, from).await?;
    }
    let Reading { mut hits, wanted, .. } = reading;
    if hits.hits.len() == wanted {
        hits.hits.truncate(wanted - 1);
        hits.has_next = true;
        hits.end = None;
    }
    if hits.end.is_none() {
        hits.end = hits.hits.last().map(|hit| hit.cursor.clone());
    }
    Ok(hits)
}

/// A page while it is read.
struct Reading<'a> {
    app: &'a App,
    actor: &'a Actor,
    query: Arc<Query>,
    /// Characters that may still be read.
    left: &'a mut usize,
    scope: Scope<'a>,
    /// What its cursors are of.
    order: String,
    /// Hits that are looked for: one more than the page has.
    wanted: usize,
    examined: usize,
    hits: Hits,
}

impl Reading<'_> {
    /// Whether nothing more is to be read.
    fn is_done(&self) -> bool {
        self.hits.hits.len() >= self.wanted || self.hits.has_next
    }

    /// Where a page begins that comes after a cursor: tier, the event's number there, or the place.
    async fn from(&self, after: &str) -> Result<(Tier, Option<String>, Option<i64>)> {
        let (key, subject) = page::marked(&self.order, "after", after)?;
        let tiers = [Tier::Title, Tier::Anywhere];
        match tiers.into_iter().find(|tier| tier.name() == key) {
            Some(tier) => {
                let place = store::place_of(self.app, self.actor, &self.scope, subject).await?;
                // What is hidden by now and what never was are the same.
                Ok((tier, None, Some(place.ok_or_else(|| page::unreadable("after"))?)))
            }
            None => match key.strip_prefix(Tier::Number.name()) {
                Some(number) => Ok((Tier::Number, Some(number.to_owned()), None)),
                None => Err(page::unreadable("after")),
            },
        }
    }

    async fn by_number(&mut self, number: &str, after: Option<&str>) -> Result<()> {
        let events = store::by_number(self.app, self.actor, number, after, self.wanted).await?;
        for event in events {
            let key = format!("{}{}", Tier::Number.name(), event.number);
            let cursor = page::mark(&self.order, key, event.id)?;
            let fragments = vec![rules::number_fragment(&event.number, number)];
            self.hits.hits.push(Hit { found: Found::Event(event), fragments, cursor });
        }
        Ok(())
    }

    async fn by_words(&mut self, tier: Tier, mut before: i64) -> Result<()> {
        let words = tier.words(&self.query, self.scope.kinds);
        while !self.is_done() {
            // Mostly all that have the words are hits; where they are not, more are read at once.
            let missing = self.wanted - self.hits.hits.len();
            let round = if self.examined == 0 { ROUND.min(missing) } else { ROUND };
            let entries = store::matching(self.app, self.actor, &self.scope, &words, before, round).await?;
            if entries.is_empty() {
                return Ok(());
            }
            let things = store::things(self.app, self.actor, &entries).await?;
            let (examined, found) = self.examine(entries.clone(), things, missing).await?;
            for (subject, found, fragments) in found {
                let cursor = self.cursor(tier, subject)?;
                self.hits.hits.push(Hit { found, fragments, cursor });
            }
            if self.is_done() || (examined == entries.len() && examined < round) {
                return Ok(());
            }
            let Some(last) = examined.checked_sub(1).and_then(|last| entries.get(last)) else {
                return Ok(());
            };
            before = last.place;
            self.examined += examined;
            if self.examined >= EXAMINED || *self.left == 0 {
                self.hits.has_next = true;
                self.hits.end = Some(self.cursor(tier, last.subject)?);
            }
        }
        Ok(())
    }

    fn cursor(&self, tier: Tier, subject: Uuid) -> Result<String> {
        page::mark(&self.order, tier.name().to_owned(), subject)
    }

    /// How many of the entries were examined, in their order, at least one: until so many hits are `missing` no longer, or
    /// what may be read is used up; and the hits.
    async fn examine(
        &mut self,
        entries: Vec<Entry>,
        things: Things,
        missing: usize,
    ) -> Result<(usize, Vec<(Uuid, Found, Vec<Fragment>)>)> {
        let (query, mut left) = (Arc::clone(&self.query), *self.left);
        let place = Arc::clone(&self.app.search.places).acquire_owned().await.map_err(anyhow::Error::new)?;
        let examining = move || {
            let (mut examined, mut hits) = (0, Vec::new());
            for entry in &entries {
                if hits.len() == missing || (left == 0 && examined > 0) {
                    break;
                }
                examined += 1;
                let hit = hit(&query, entry, &things, &mut left);
                hits.extend(hit.map(|(found, fragments)| (entry.subject, found, fragments)));
            }
            drop(place);
            (examined, hits, left)
        };
        let examined = tokio::task::spawn_blocking(examining).await.map_err(anyhow::Error::new)?;
        *self.left = examined.2;
        Ok((examined.0, examined.1))
    }
}

/// What an entry stands for, if it has all that was asked for as it was; what is read for that is taken off `left`.
fn hit(query: &Query, entry: &Entry, things: &Things, left: &mut usize) -> Option<(Found, Vec<Fragment>)> {
    let id = entry.subject;
    let (found, fields) = match entry.kind {
        SearchKind::Event => {
            let event = things.events.get(&id)?;
            (Found::Event(event.clone()), fields::of_event(event))
        }
        SearchKind::Report => {
            let (report, said) = things.reports.get(&id)?;
            (Found::Report(report.clone()), fields::of_report(report, said, entry.inside))
        }
        SearchKind::Reply => {
            let reply = things.replies.get(&id)?;
            (Found::Reply(reply.clone()), fields::of_reply(reply))
        }
        SearchKind::Product => {
            let product = things.products.get(&id)?;
            (Found::Product(product.clone()), fields::of_product(product))
        }
    };
    rules::fragments(query, &fields, left).map(|fragments| (found, fragments))
}
