//! The versions of a document, read from what the audit trail tells of the event: each change of what it says is one, be it by a
//! person or by time. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entity::vocabulary::{DecisionKind, SeveritySource, Status, Tlp, WorldFactKind};
use serde_json::{Map, Value};

use super::facts::Revision;
use crate::auth::policy::Action;
use crate::protection::rules::is_embargoed;

/// A change as the audit trail keeps it, of the event or of a product on it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// When.
    pub(super) at: DateTime<Utc>,
    /// What was done.
    pub(super) action: String,
    /// The product that was changed; none where the event was.
    pub(super) product: Option<String>,
    /// What was inserted, and what went from what to what.
    pub(super) details: Value,
}

/// Things of the event by their ids, as an entry names them.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    /// CVE numbers of its reports, and who vouches for each.
    pub(super) numbers: BTreeMap<String, Vouched>,
    /// Products, by how they stand to the event.
    pub(super) products: BTreeMap<String, String>,
}

/// Who vouches for a CVE number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vouched {
    /// The notice that gave it.
    Notice,
    /// A person, at some time.
    Person,
    /// Nobody.
    No,
}

/// What came of the event's history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// The versions, oldest first; none while it is a draft.
    pub(super) revisions: Vec<(DateTime<Utc>, Why)>,
    /// When what it says last changed.
    pub(super) changed_at: Option<DateTime<Utc>>,
    /// Since when the event is public; none while it is not.
    pub(super) disclosed_at: Option<DateTime<Utc>>,
}

/// Why there is another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It is the first.
    Published,
    /// Title or description.
    Description,
    /// An assessment of ours.
    Severity,
    /// What the world knows or does.
    World,
    /// How products stand to the event.
    Products,
    /// A product's name or provider.
    Name,
    /// A mitigation.
    Mitigation,
    /// A release.
    Release,
    /// The TLP level.
    Sharing,
    /// It became public, or is so no more.
    Disclosure,
    /// The event was closed or opened again.
    Status,
    /// Numbers and references.
    Identification,
}

impl Why {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Published => ("Published", "首次发布"),
            Self::Description => ("Description changed", "描述更新"),
            Self::Severity => ("Severity assessed anew", "评分更新"),
            Self::World => ("Exploitation or publicity changed", "公开或利用情况更新"),
            Self::Products => ("Affected products changed", "受影响产品更新"),
            Self::Name => ("Product name changed", "产品名称更新"),
            Self::Mitigation => ("Mitigation changed", "缓解措施更新"),
            Self::Release => ("Fix released", "发布修复"),
            Self::Sharing => ("Sharing level changed", "共享级别更新"),
            Self::Disclosure => ("Disclosure changed", "公开状态更新"),
            Self::Status => ("Document status changed", "文件状态更新"),
            Self::Identification => ("Identification changed", "标识更新"),
        }
    }
}

impl History {
    /// What `entries`, oldest first, and the end of an embargo came to by `now`.
    pub(super) fn of(entries: &[Entry], named: &Named, now: DateTime<Utc>) -> Self {
        let mut walk = Walk { vouched: vouched_before(entries, named), ..Walk::default() };
        for entry in entries {
            walk.pass_until(entry.at);
            let why = walk.take(entry, named);
            walk.settle(entry.at, why);
        }
        walk.pass_until(now);
        walk.history
    }

    /// The versions as the document says them; a draft's as of `created_at` where nothing changed since.
    pub(super) fn revisions(&self, created_at: DateTime<Utc>, chinese: bool) -> Vec<Revision> {
        let words = |(english, zh)| if chinese { zh } else { english };
        if self.revisions.is_empty() {
            let at = self.changed_at.unwrap_or(created_at);
            return vec![Revision { number: 0, at, summary: words(("Draft", "草稿")) }];
        }
        let numbered = self.revisions.iter().zip(1..);
        numbered
            .map(|((at, why), number)| Revision { number, at: *at, summary: words(why.words()) })
            .collect()
    }
}

/// Numbers for which somebody vouched before the event's trail tells of them: by a notice, or where a report came from another event.
fn vouched_before(entries: &[Entry], named: &Named) -> BTreeSet<String> {
    let rows = || entries.iter().flat_map(|entry| entry.details.as_array()).flatten().filter_map(Touched::of);
    let here: BTreeSet<&str> = rows().filter(Touched::vouches).map(|row| row.key).collect();
    let before = |(key, vouched): &(&String, &Vouched)| match vouched {
        Vouched::Notice => true,
        Vouched::Person => !here.contains(key.as_str()),
        Vouched::No => false,
    };
    named.numbers.iter().filter(before).map(|(key, _)| key.clone()).collect()
}

/// What one row's entry says.
struct Touched<'a> {
    table: &'a str,
    key: &'a str,
    is_new: bool,
    columns: &'a Map<String, Value>,
}

impl<'a> Touched<'a> {
    fn of(detail: &'a Value) -> Option<Self> {
        let (verb, columns) = ["inserted", "created", "changed"]
            .into_iter()
            .find_map(|verb| Some((verb, detail.get(verb)?.as_object()?)))?;
        Some(Self {
            table: detail["table"].as_str()?,
            key: detail["key"][0].as_str().unwrap_or_default(),
            is_new: verb != "changed",
            columns,
        })
    }

    /// What the column then held; none where it says nothing of it, null where it was emptied.
    fn now(&self, column: &str) -> Option<&'a Value> {
        let value = self.columns.get(column)?;
        if self.is_new { Some(value) } else { value.get(1) }
    }

    fn has_any(&self, columns: &[&str]) -> bool {
        columns.iter().any(|column| self.columns.contains_key(*column))
    }

    /// Whether a person vouches for an indicator by it.
    fn vouches(&self) -> bool {
        self.table == "indicator" && self.now("added_by").is_some_and(Value::is_string)
    }

    /// Whether the column then held a value of a vocabulary.
    fn became(&self, column: &str, value: &str) -> bool {
        self.now(column).and_then(Value::as_str) == Some(value)
    }
}

/// What of a line's fix is shown, by its columns, and how many of the first of these it takes.
type Shown = (&'static [&'static str], usize);
const RELEASE: Shown = (&["available_at", "release_versions", "advisory"], 1);
const MITIGATION: Shown = (&["mitigation_available_at", "mitigation"], 2);

type Columns = BTreeMap<&'static str, Value>;

/// The event on its way through its history, as far as a document shows it.
#[derive(Default)]
struct Walk {
    tlp: Option<String>,
    embargo_until: Option<DateTime<Utc>>,
    known: bool,
    questions: BTreeSet<String>,
    granted: bool,
    closed: bool,
    on_event: BTreeSet<String>,
    fixes: BTreeMap<String, Columns>,
    vouched: BTreeSet<String>,
    history: History,
}

impl Walk {
    /// Lets time pass: an embargo may end by then.
    fn pass_until(&mut self, at: DateTime<Utc>) {
        if let Some(end) = self.embargo_until.filter(|end| *end <= at) {
            self.embargo_until = None;
            self.settle(end, None);
        }
    }

    /// Whether the event is public at `at`: what [`is_disclosed`](crate::protection::rules::is_disclosed) says of its rows.
    fn is_disclosed(&self, at: DateTime<Utc>) -> bool {
        self.tlp.as_deref() == Some(Tlp::Clear.as_str())
            && !is_embargoed(self.embargo_until, at)
            && (self.known || self.granted)
    }

    /// Whether something can be had against it.
    fn has_measure(&self) -> bool {
        self.fixes.values().any(|fix| shown(fix, RELEASE).is_some() || shown(fix, MITIGATION).is_some())
    }

    /// Writes what came of a change at `at`.
    fn settle(&mut self, at: DateTime<Utc>, why: Option<Why>) {
        let disclosed = self.is_disclosed(at);
        let turned = disclosed != self.history.disclosed_at.is_some();
        if turned {
            self.history.disclosed_at = disclosed.then_some(at);
        }
        let Some(why) = why.or(turned.then_some(Why::Disclosure)) else { return };
        self.history.changed_at = Some(at);
        if !self.history.revisions.is_empty() {
            self.history.revisions.push((at, why));
        } else if disclosed || self.has_measure() {
            self.history.revisions.push((at, Why::Published));
        }
    }

    /// Takes a change in; answers why it changes what a document says, if it does.
    fn take(&mut self, entry: &Entry, named: &Named) -> Option<Why> {
        let details = entry.details.as_array().into_iter().flatten().filter_map(Touched::of);
        if let Some(product) = &entry.product {
            let renamed =
                details.into_iter().any(|row| !row.is_new && row.has_any(&["name", "provider_entity"]));
            return (renamed && self.on_event.contains(product)).then_some(Why::Name);
        }
        let mut why = None;
        for row in details {
            why = self.row(&row, named).or(why);
        }
        // Numbers come and go with reports.
        let moved =
            [Action::JoinReport, Action::SplitReport].iter().any(|action| action.name() == entry.action);
        why.or(moved.then_some(Why::Identification))
    }

    fn row(&mut self, row: &Touched<'_>, named: &Named) -> Option<Why> {
        match row.table {
            "event" => self.event(row),
            "world_fact" if row.is_new => {
                self.known |= row.became("kind", WorldFactKind::PubliclyKnown.as_str());
                Some(Why::World)
            }
            "decision" => {
                if row.became("kind", DecisionKind::Disclose.as_str()) {
                    self.questions.insert(row.key.to_owned());
                }
                if let Some(granted) = row.now("granted").filter(|_| self.questions.contains(row.key)) {
                    self.granted = granted.as_bool() == Some(true);
                }
                None
            }
            "affected_product" => {
                if let Some(product) = named.products.get(row.key).filter(|_| row.is_new) {
                    self.on_event.insert(product.clone());
                }
                let shown = ["state", "justification", "affected_versions", "fixed_versions"];
                (row.is_new || row.has_any(&shown)).then_some(Why::Products)
            }
            "remediation" => self.fix(row),
            "technical_severity" => {
                row.became("source", SeveritySource::Ours.as_str()).then_some(Why::Severity)
            }
            "verdict" if row.is_new => Some(Why::Identification),
            "indicator" if named.numbers.contains_key(row.key) => {
                if row.vouches() {
                    self.vouched.insert(row.key.to_owned());
                }
                self.vouched.contains(row.key).then_some(Why::Identification)
            }
            _ => None,
        }
    }

    fn event(&mut self, row: &Touched<'_>) -> Option<Why> {
        let mut why = None;
        if let Some(until) = row.now("embargo_until") {
            self.embargo_until = until.as_str().and_then(|at| at.parse().ok());
        }
        if let Some(status) = row.now("status") {
            let closed = status.as_str() == Some(Status::Closed.as_str());
            why = (closed != self.closed).then_some(Why::Status);
            self.closed = closed;
        }
        if let Some(tlp) = row.now("tlp") {
            self.tlp = tlp.as_str().map(str::to_owned);
            why = Some(Why::Sharing);
        }
        if row.has_any(&["title", "description"]) { Some(Why::Description) } else { why }
    }

    fn fix(&mut self, row: &Touched<'_>) -> Option<Why> {
        let known = self.fixes.entry(row.key.to_owned()).or_default();
        let before = known.clone();
        for column in RELEASE.0.iter().chain(MITIGATION.0).copied() {
            match row.now(column) {
                Some(Value::Null) => _ = known.remove(column),
                Some(value) => _ = known.insert(column, value.clone()),
                None => {}
            }
        }
        let changed = |what| shown(&before, what) != shown(known, what);
        if changed(RELEASE) { Some(Why::Release) } else { changed(MITIGATION).then_some(Why::Mitigation) }
    }
}

/// What of a fix can be had; none while it cannot.
fn shown(fix: &Columns, (columns, needed): Shown) -> Option<Vec<Option<&Value>>> {
    let there = columns.iter().take(needed).all(|column| fix.contains_key(column));
    there.then(|| columns.iter().map(|column| fix.get(column)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        format!("2026-03-02T{hour:02}:00:00Z").parse().unwrap()
    }

    fn entry(hour: u32, details: Value) -> Entry {
        Entry { at: at(hour), action: "any".to_owned(), product: None, details }
    }

    fn event(hour: u32, column: &str, from: Value, to: Value) -> Entry {
        entry(hour, json!([{ "table": "event", "key": ["e"], "changed": { column: [from, to] } }]))
    }

    fn begun(tlp: &str) -> Entry {
        entry(0, json!([{ "table": "event", "key": ["e"], "created": { "tlp": tlp, "status": "RECEIVED" } }]))
    }

    fn world(hour: u32) -> Entry {
        let row = json!({ "kind": "PUBLICLY_KNOWN" });
        entry(hour, json!([{ "table": "world_fact", "key": ["w"], "inserted": row }]))
    }

    fn embargo(hour: u32, until: Value) -> Entry {
        event(hour, "embargo_until", Value::Null, until)
    }

    fn read(entries: &[Entry], now: u32) -> History {
        History::of(entries, &Named::default(), at(now))
    }

    fn versions(history: &History) -> Vec<(DateTime<Utc>, Why)> {
        history.revisions.clone()
    }

    #[test]
    fn an_embargo_makes_a_version_when_it_begins_and_when_it_ends() {
        let mut entries = vec![begun("CLEAR"), world(1), embargo(3, json!("2026-03-02T06:00:00Z"))];
        let holds = read(&entries, 5);
        assert_eq!(versions(&holds), [(at(1), Why::Published), (at(3), Why::Disclosure)]);
        assert_eq!(holds.disclosed_at, None);
        let over = read(&entries, 6);
        assert_eq!(over.revisions.last(), Some(&(at(6), Why::Disclosure)));
        assert_eq!(over.disclosed_at, Some(at(6)));
        // Another one takes no version back; one that is ended early ended then.
        entries.extend([embargo(8, json!("2026-03-02T12:00:00Z")), embargo(9, Value::Null)]);
        let ended = read(&entries, 20);
        assert_eq!(ended.revisions.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 3, 6, 8, 9].map(at));
        assert_eq!(ended.disclosed_at, Some(at(9)));
        // Where the event was not public, its document says nothing of an embargo.
        let amber = [begun("AMBER"), embargo(3, json!("2026-03-02T06:00:00Z")), world(4)];
        assert_eq!(read(&amber, 20).revisions, []);
    }

    #[test]
    fn versions_never_become_fewer() {
        let tlp = |hour, from, to| event(hour, "tlp", json!(from), json!(to));
        let mut entries = vec![begun("CLEAR"), world(1), event(2, "title", json!("a"), json!("b"))];
        let mut before = read(&entries, 2).revisions;
        assert_eq!(before, [(at(1), Why::Published), (at(2), Why::Description)]);
        for next in
            [tlp(3, "CLEAR", "AMBER"), tlp(4, "AMBER", "CLEAR"), embargo(5, json!("2026-03-02T07:00:00Z"))]
        {
            entries.push(next);
            let after = read(&entries, 6).revisions;
            assert!(after.len() > before.len() && after.starts_with(&before), "{after:?}");
            before = after;
        }
    }

    #[test]
    fn a_release_is_shown_from_its_recording_on_and_a_plan_is_not() {
        let fix = |hour, columns: Value| {
            entry(hour, json!([{ "table": "remediation", "key": ["r"], "changed": columns }]))
        };
        let mut entries = vec![
            begun("AMBER"),
            fix(1, json!({ "mitigation": [null, "Close the port"], "state": ["PLANNED", "SUBMITTED"] })),
        ];
        assert_eq!(read(&entries, 2).revisions, [], "nothing can be had yet");
        entries.push(fix(
            3,
            json!({ "available_at": [null, "2026-03-01T00:00:00Z"], "release_versions": [null, "5.2"] }),
        ));
        entries.push(fix(4, json!({ "state": ["SUBMITTED", "PASSED"] })));
        entries.push(fix(5, json!({ "mitigation_available_at": [null, "2026-03-02T05:00:00Z"] })));
        let expected = [(at(3), Why::Published), (at(5), Why::Mitigation)];
        assert_eq!(read(&entries, 6).revisions, expected);
        entries.push(fix(7, json!({ "available_at": ["2026-03-01T00:00:00Z", null] })));
        assert_eq!(read(&entries, 8).revisions.last(), Some(&(at(7), Why::Release)));
    }

    #[test]
    fn a_decision_about_disclosure_counts_and_another_does_not() {
        let asked = |kind: &str| {
            entry(1, json!([{ "table": "decision", "key": [kind], "inserted": { "kind": kind } }]))
        };
        let decided = |hour, kind: &str, granted: bool| {
            entry(
                hour,
                json!([{ "table": "decision", "key": [kind], "changed": { "granted": [null, granted] } }]),
            )
        };
        let entries = [
            begun("CLEAR"),
            asked("DISCLOSE"),
            asked("STATEMENT"),
            decided(2, "STATEMENT", true),
            decided(3, "DISCLOSE", true),
        ];
        assert_eq!(read(&entries, 4).revisions, [(at(3), Why::Published)]);
    }

    #[test]
    fn a_products_name_counts_once_the_product_is_on_the_event() {
        let named = Named { products: [("row".to_owned(), "p".to_owned())].into(), ..Named::default() };
        let renamed = |hour, column: &str| Entry {
            product: Some("p".to_owned()),
            ..entry(hour, json!([{ "table": "product", "key": ["p"], "changed": { column: ["a", "b"] } }]))
        };
        let affected = entry(
            3,
            json!([{ "table": "affected_product", "key": ["row"], "inserted": { "state": "AFFECTED" } }]),
        );
        let entries = [
            begun("CLEAR"),
            world(1),
            renamed(2, "name"),
            affected,
            renamed(4, "importance"),
            renamed(5, "provider_entity"),
        ];
        let expected = [(at(1), Why::Published), (at(3), Why::Products), (at(5), Why::Name)];
        assert_eq!(History::of(&entries, &named, at(6)).revisions, expected);
    }

    #[test]
    fn only_numbers_that_count_are_told_of() {
        let row = |hour, key: &str, verb: &str, columns: Value| {
            entry(hour, json!([{ "table": "indicator", "key": [key], verb: columns }]))
        };
        let given = |hour, key| row(hour, key, "inserted", json!({ "source": "GIVEN" }));
        let dismissed =
            |hour, key| row(hour, key, "changed", json!({ "dismissed_at": [null, "2026-03-02T03:00:00Z"] }));
        let mut entries =
            vec![begun("CLEAR"), world(1), given(2, "theirs"), given(3, "notice"), dismissed(4, "theirs")];
        let versions = |entries: &[Entry], theirs| {
            let numbers = [("theirs", theirs), ("notice", Vouched::Notice), ("joined", Vouched::Person)];
            let numbers = numbers.map(|(key, vouched)| (key.to_owned(), vouched)).into();
            let history = History::of(entries, &Named { numbers, ..Named::default() }, at(9));
            history.revisions.into_iter().map(|(at, _)| at).collect::<Vec<_>>()
        };
        assert_eq!(versions(&entries, Vouched::No), [at(1), at(3)]);
        // Vouched for later, it changed nothing before.
        entries.push(row(5, "theirs", "changed", json!({ "added_by": [null, "analyst-1"] })));
        entries.extend([dismissed(6, "theirs"), dismissed(7, "joined"), dismissed(8, "of no number")]);
        assert_eq!(versions(&entries, Vouched::Person), [1, 3, 5, 6, 7].map(at));
    }

    #[test]
    fn closing_and_opening_again_change_the_documents_status() {
        let status = |hour, from, to| event(hour, "status", json!(from), json!(to));
        let entries = [
            begun("CLEAR"),
            world(1),
            status(2, "RECEIVED", "TRIAGING"),
            status(3, "REVIEWING", "CLOSED"),
            status(4, "CLOSED", "TRIAGING"),
        ];
        let expected = [(at(1), Why::Published), (at(3), Why::Status), (at(4), Why::Status)];
        assert_eq!(read(&entries, 5).revisions, expected);
    }
}
