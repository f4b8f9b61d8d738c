//! Checking the audit trail: every digest is computed anew, every chain followed from its first entry to the head
//! that the changed row keeps. What was sent is held against the digest that its entry keeps ([`super::sent`]).

use std::fmt;

use entity::{
    Aggregate, audit_entry, budget, calendar, calendar_feed, channel, customer, denied_token, duty, event,
    payout, principal, product, reporter, webhook_endpoint,
};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityName, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{chain, instance, sent};
use crate::app::App;
use crate::error::Result;

/// Entries read at once.
const PAGE: u64 = 1_000;
/// Most faults that are listed; all are counted.
const LISTED: usize = 100;

/// What is wrong with a chain at one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The entry's content is not what its digest was computed over.
    Content,
    /// The entry does not follow the one before it: one was taken out, put in or exchanged.
    Link,
    /// The chain does not end where the changed row says: its newest entries were taken out, or put in.
    Head,
    /// A reply or a file that was sent has other bytes than the audit trail says, or is not there.
    Sent,
    /// Something stands among what was sent of which the audit trail says nothing.
    Unknown,
}

/// A fault and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// Kind of the thing whose chain it is.
    pub kind: String,
    /// Which one.
    pub aggregate: Uuid,
    /// At which of its revisions.
    pub revision: i64,
}

/// The outcome of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries read.
    pub entries: u64,
    /// Chains followed.
    pub chains: u64,
    /// Files of replies that were held against their digests.
    pub files: u64,
    /// Faults found.
    pub faults: u64,
    /// The first hundred of them.
    pub findings: Vec<Finding>,
    /// The chain over the whole installation.
    pub instance: instance::Report,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.faults == 0 && self.instance.faults == 0
    }

    pub(super) fn add(&mut self, fault: Fault, kind: &str, aggregate: Uuid, revision: i64) {
        self.faults += 1;
        if self.findings.len() < LISTED {
            self.findings.push(Finding { fault, kind: kind.to_owned(), aggregate, revision });
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self.fault {
            Fault::Content => "was changed after it was written",
            Fault::Link => "does not follow the entry before it",
            Fault::Head => "is not where the audit trail ends",
            Fault::Sent => "is not what was sent",
            Fault::Unknown => "was never recorded as sent",
        };
        write!(f, "{} {}, revision {}: {fault}", self.kind, self.aggregate, self.revision)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { entries, chains, files, faults, .. } = self;
        write!(f, "{entries} entries in {chains} chains, {files} files that were sent, {faults} faults")?;
        for finding in &self.findings {
            write!(f, "\n{finding}")?;
        }
        write!(f, "\n{}", self.instance)
    }
}

/// Where a chain stands.
#[derive(Clone, Debug)]
struct Link {
    aggregate: Uuid,
    revision: i64,
    digest: Vec<u8>,
}

/// Checks the whole audit trail, while others may write.
///
/// # Errors
/// Of the database.
pub async fn verify(app: &App) -> Result<Report> {
    let mut report = Report::default();
    let mut last: Option<Link> = None;
    // Read first: of what is written meanwhile the entries may come too late.
    let sent = sent::list(app).await?;
    let mut proofs = sent::Proofs::default();
    loop {
        let entries = page(app, last.as_ref()).await?;
        let Some(_) = entries.first() else { break };
        for entry in &entries {
            check(&mut report, last.as_ref(), entry);
            proofs.read(entry);
            last = Some(Link {
                aggregate: entry.aggregate_id,
                revision: entry.revision,
                digest: entry.digest.clone(),
            });
        }
    }
    sent::check(app, &mut report, sent, &proofs).await?;
    check_heads::<event::Model>(app, &mut report, 0).await?;
    check_heads::<reporter::Model>(app, &mut report, 0).await?;
    check_heads::<product::Model>(app, &mut report, 0).await?;
    check_heads::<customer::Model>(app, &mut report, 0).await?;
    check_heads::<duty::Model>(app, &mut report, 0).await?;
    check_heads::<webhook_endpoint::Model>(app, &mut report, 0).await?;
    check_heads::<payout::Model>(app, &mut report, 0).await?;
    check_heads::<budget::Model>(app, &mut report, 0).await?;
    check_heads::<denied_token::Model>(app, &mut report, 0).await?;
    check_heads::<calendar_feed::Model>(app, &mut report, 0).await?;
    // Built-in calendars and channels that nobody changed, and who was only ever seen in a token, have revision 0 and no entry.
    check_heads::<calendar::Model>(app, &mut report, 1).await?;
    check_heads::<channel::Model>(app, &mut report, 1).await?;
    check_heads::<principal::Model>(app, &mut report, 1).await?;
    report.instance = instance::verify(app).await?;
    Ok(report)
}

/// The entries after `last`, chain by chain, each from its first.
async fn page(app: &App, last: Option<&Link>) -> Result<Vec<audit_entry::Model>> {
    use audit_entry::Column::{AggregateId, Revision};
    let mut select = audit_entry::Entity::find();
    if let Some(last) = last {
        let later = Condition::all().add(AggregateId.eq(last.aggregate)).add(Revision.gt(last.revision));
        select = select.filter(Condition::any().add(AggregateId.gt(last.aggregate)).add(later));
    }
    let select = select.order_by_asc(AggregateId).order_by_asc(Revision).limit(PAGE);
    Ok(select.all(app.database.reader()).await?)
}

fn check(report: &mut Report, last: Option<&Link>, entry: &audit_entry::Model) {
    report.entries += 1;
    let before = last.filter(|last| last.aggregate == entry.aggregate_id);
    if before.is_none() {
        report.chains += 1;
    }
    let (revision, previous) = before.map_or((0, &[][..]), |last| (last.revision, last.digest.as_slice()));
    if entry.revision != revision + 1 || entry.previous != previous {
        report.add(Fault::Link, &entry.aggregate_kind, entry.aggregate_id, entry.revision);
    }
    if chain::digest(entry) != entry.digest {
        report.add(Fault::Content, &entry.aggregate_kind, entry.aggregate_id, entry.revision);
    }
}

/// Finds the rows of one table, from the revision `audited_from` on, whose head is no entry of theirs, and those whose
/// head is followed by another. One statement, so that no write comes between.
async fn check_heads<M: Aggregate>(app: &App, report: &mut Report, audited_from: i64) -> Result<()> {
    use audit_entry::Column::{AggregateId, Digest, Revision};
    let table = M::Entity::default();
    let own = |column: &'static str| Expr::col((table.table_name(), column));
    let entry = |column: audit_entry::Column| Expr::col((audit_entry::Entity, column));
    let of_row = || {
        Query::select()
            .expr(Expr::val(1))
            .from(audit_entry::Entity)
            .and_where(entry(AggregateId).eq(own("id")))
            .take()
    };
    let head = of_row()
        .and_where(entry(Revision).eq(own("revision")))
        .and_where(entry(Digest).eq(own("audit_head")))
        .take();
    let headless = Condition::all().add(own("revision").gte(audited_from)).add(Expr::exists(head).not());
    let beyond = of_row().and_where(entry(Revision).gt(own("revision"))).take();
    let wrong = Query::select()
        .columns(["id", "revision"])
        .from(table)
        .cond_where(Condition::any().add(headless).add(Expr::exists(beyond)))
        .take();
    for row in app.database.reader().query_all(&wrong).await? {
        report.add(Fault::Head, M::KIND, row.try_get("", "id")?, row.try_get("", "revision")?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain_of(length: i64) -> Vec<audit_entry::Model> {
        let mut previous = Vec::new();
        let entries = (1..=length).map(|revision| {
            let mut entry = audit_entry::Model {
                id: Uuid::from_u128(revision.unsigned_abs().into()),
                aggregate_kind: "channel".to_owned(),
                aggregate_id: Uuid::from_u128(77),
                event_id: None,
                revision,
                at: chrono::DateTime::from_timestamp(1_772_000_000 + revision, 0).unwrap(),
                actor: "admin-1".to_owned(),
                roles: "ADMIN".to_owned(),
                address: None,
                request_id: None,
                action: "updateChannel".to_owned(),
                reason: None,
                details: "[]".to_owned(),
                previous: previous.clone(),
                digest: Vec::new(),
                position: None,
                seal: None,
            };
            entry.digest = chain::digest(&entry);
            previous.clone_from(&entry.digest);
            entry
        });
        entries.collect()
    }

    fn walk(entries: &[audit_entry::Model]) -> Report {
        let mut report = Report::default();
        let mut last: Option<Link> = None;
        for entry in entries {
            check(&mut report, last.as_ref(), entry);
            let (aggregate, revision) = (entry.aggregate_id, entry.revision);
            last = Some(Link { aggregate, revision, digest: entry.digest.clone() });
        }
        report
    }

    fn faults(report: &Report) -> Vec<(Fault, i64)> {
        report.findings.iter().map(|finding| (finding.fault, finding.revision)).collect()
    }

    #[test]
    fn an_untouched_chain_is_sound() {
        let report = walk(&chain_of(4));
        assert!(report.is_sound());
        assert_eq!((report.entries, report.chains), (4, 1));
    }

    #[test]
    fn changed_content_is_found() {
        let mut entries = chain_of(3);
        entries[1].actor = "admin-2".to_owned();
        assert_eq!(faults(&walk(&entries)), [(Fault::Content, 2)]);
    }

    #[test]
    fn changed_content_with_a_new_digest_breaks_the_next_link() {
        let mut entries = chain_of(3);
        entries[1].reason = Some("another".to_owned());
        entries[1].digest = chain::digest(&entries[1]);
        assert_eq!(faults(&walk(&entries)), [(Fault::Link, 3)]);
    }

    #[test]
    fn a_missing_entry_is_found_first_or_middle() {
        let mut entries = chain_of(3);
        entries.remove(1);
        assert_eq!(faults(&walk(&entries)), [(Fault::Link, 3)]);
        entries.remove(0);
        assert_eq!(faults(&walk(&entries)), [(Fault::Link, 3)]);
        assert!(walk(&entries).to_string().contains("revision 3: does not follow the entry before it\n"));
    }

    #[tokio::test]
    async fn a_cut_off_end_is_found_by_the_row_that_keeps_the_head() {
        use entity::vocabulary::Tlp;
        let app = crate::testing::app("audit-verify").await;
        let event = crate::testing::event(&app, Tlp::Amber).await;
        assert!(verify(&app).await.unwrap().is_sound());
        let ends = audit_entry::Entity::delete_many().filter(audit_entry::Column::AggregateId.eq(event.id));
        ends.exec(app.database.writer()).await.unwrap();
        let report = verify(&app).await.unwrap();
        assert_eq!(faults(&report), [(Fault::Head, 1)]);
        assert_eq!(report.findings[0].aggregate, event.id);
    }
}
