//! Operations made from the schema itself, so that what is new is tried without anybody remembering it.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};
use vulndesk::ids::{Kind, encode};

/// What a generator needs of the introspection.
pub(crate) const INTROSPECTION: &str =
    "{ __schema { queryType { name } mutationType { name } types { kind name
    fields { name args { name defaultValue type { ...T } } type { ...T } }
    inputFields { name defaultValue type { ...T } } enumValues { name } possibleTypes { name } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The schema, as introspected.
pub(crate) struct Schema {
    pub(crate) types: HashMap<String, Value>,
}

/// A list that costs much to find.
const CANDIDATES: &str = "duplicateCandidates";

/// Longest selection, in bytes, unless a single field's is longer.
const SELECTION_BYTES: usize = 12_000;

/// What no event has.
pub(crate) const CONFIGURED: [Kind; 13] = [
    Kind::Budget,
    Kind::Calendar,
    Kind::CalendarFeed,
    Kind::Channel,
    Kind::Customer,
    Kind::Delivery,
    Kind::Duty,
    Kind::Notice,
    Kind::PlatformAccount,
    Kind::Product,
    Kind::RatingPolicy,
    Kind::Tracker,
    Kind::WebhookEndpoint,
];

/// The ids that an operation names: by the number of their kind, and by the name of a field before that.
#[derive(Clone, Default)]
pub(crate) struct Named {
    pub(crate) of_kind: HashMap<u8, String>,
    pub(crate) of_field: HashMap<String, String>,
    /// What stands for every expected version, unless what is to be changed has one of its own.
    pub(crate) version: i64,
    pub(crate) versions: HashMap<String, i64>,
}

impl Named {
    /// The id of the kind that a field of this name takes.
    pub(crate) fn id_for(&self, field: &str) -> Option<String> {
        self.of_kind.get(&(kind_of(field) as u8)).cloned()
    }
}

/// A field of the query or mutation type.
#[derive(Clone)]
pub(crate) struct RootField {
    pub(crate) name: String,
    pub(crate) field: Value,
}

impl RootField {
    pub(crate) fn arguments(&self) -> &[Value] {
        self.field["args"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The operation of `kind` that calls the field with variables for what is given.
    pub(crate) fn called(&self, kind: &str, given: &Map<String, Value>, selection: &str) -> String {
        let of = |name: &String| self.arguments().iter().find(|argument| argument["name"] == **name);
        let typed =
            given.keys().filter_map(|name| Some(format!("${name}: {}", type_text(&of(name)?["type"]))));
        let passed = given.keys().map(|name| format!("{name}: ${name}"));
        let wrap = |list: Vec<String>| {
            if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) }
        };
        let (typed, passed) = (wrap(typed.collect()), wrap(passed.collect()));
        format!("{kind}{typed} {{ {}{passed} {selection} }}", self.name)
    }
}

impl Schema {
    pub(crate) fn new(introspected: &Value) -> Self {
        let types = introspected["data"]["__schema"]["types"].as_array().expect("an introspection answer");
        Self { types: types.iter().map(|kind| (text(&kind["name"]), kind.clone())).collect() }
    }

    pub(crate) fn fields_of(&self, type_name: &str) -> Vec<RootField> {
        let fields = self.types[type_name]["fields"].as_array().cloned().unwrap_or_default();
        fields.into_iter().map(|field| RootField { name: text(&field["name"]), field }).collect()
    }

    /// An operation that calls `root` with made-up values for what it requires, selecting to `depth`.
    pub(crate) fn operation(&self, kind: &str, root: &RootField, depth: usize) -> (String, Value) {
        self.operation_on(kind, root, depth, None)
    }

    /// The same as several operations that together select all there is to `depth`: one alone would be refused as
    /// too complex.
    pub(crate) fn operations(&self, kind: &str, root: &RootField, depth: usize) -> Vec<(String, Value)> {
        let selections = self.selections_of(&root.field["type"], depth, false);
        selections.into_iter().map(|selection| self.written(kind, root, &selection, None)).collect()
    }

    /// The same as [`operation`](Self::operation) with ids of things that are there, also for the named fields that are not
    /// required.
    pub(crate) fn operation_on(
        &self,
        kind: &str,
        root: &RootField,
        depth: usize,
        named: Option<&Named>,
    ) -> (String, Value) {
        let mut selection = String::new();
        self.select(&root.field["type"], depth, &mut selection);
        self.written(kind, root, &selection, named)
    }

    fn written(
        &self,
        kind: &str,
        root: &RootField,
        selection: &str,
        named: Option<&Named>,
    ) -> (String, Value) {
        let required = root.arguments().iter().filter(|argument| is_required(argument));
        let given = required.map(|argument| {
            let name = text(&argument["name"]);
            let value = self.value(&argument["type"], &name, named);
            (name, value)
        });
        let given = given.collect();
        (root.called(kind, &given, selection), Value::Object(given))
    }

    fn select(&self, kind: &Value, depth: usize, out: &mut String) {
        let name = named_type(kind);
        let declared = &self.types[&name];
        if !matches!(declared["kind"].as_str(), Some("OBJECT" | "INTERFACE")) {
            return;
        }
        out.push_str("{ __typename ");
        for field in declared["fields"].as_array().into_iter().flatten() {
            let required = field["args"].as_array().into_iter().flatten().any(is_required);
            let inner = &self.types[&named_type(&field["type"])]["kind"];
            let leaf = matches!(inner.as_str(), Some("SCALAR" | "ENUM"));
            // `edges` would say the same as `nodes` once more.
            if required || field["name"] == "edges" || (!leaf && depth == 0) {
                continue;
            }
            let _ = write!(out, "{} ", text(&field["name"]));
            if !leaf {
                self.select(&field["type"], depth - 1, out);
            }
        }
        out.push_str("} ");
    }

    /// Each field of `type_name` by itself: of an object, each of its fields by itself, to `depth`.
    pub(crate) fn single_fields(&self, type_name: &str, depth: usize) -> Vec<String> {
        let mut single = Vec::new();
        for field in self.types[type_name]["fields"].as_array().into_iter().flatten() {
            let required = field["args"].as_array().into_iter().flatten().any(is_required);
            let inner = named_type(&field["type"]);
            let leaf = matches!(self.types[&inner]["kind"].as_str(), Some("SCALAR" | "ENUM"));
            let name = text(&field["name"]);
            if leaf && !required {
                single.push(name);
            } else if !required && depth > 0 && name != CANDIDATES {
                let below = self.single_fields(&inner, depth - 1);
                single.extend(below.into_iter().map(|below| format!("{name} {{ {below} }}")));
            }
        }
        single
    }

    /// Selections that together are all that may be selected of `type_name` to `depth`.
    pub(crate) fn selections(&self, type_name: &str, depth: usize) -> Vec<String> {
        self.selections_of(&json!({ "name": type_name }), depth, true)
    }

    /// `alone` is whether one object is asked: of many, candidates for duplicates are refused as too much.
    pub(crate) fn selections_of(&self, kind: &Value, depth: usize, alone: bool) -> Vec<String> {
        let declared = &self.types[&named_type(kind)];
        if !matches!(declared["kind"].as_str(), Some("OBJECT" | "INTERFACE")) {
            return vec![String::new()];
        }
        let mut leaves = String::new();
        self.select(kind, 0, &mut leaves);
        // Without the closing brace, which comes once a selection is full.
        let leaves = leaves.trim_end().trim_end_matches('}').to_owned();
        let (mut whole, mut current) = (Vec::new(), leaves.clone());
        if depth > 0 {
            for field in self.inner_fields(declared).filter(|field| alone || field["name"] != CANDIDATES) {
                for inner in self.selections_of(&field["type"], depth - 1, false) {
                    if current.len() > leaves.len() && current.len() + inner.len() > SELECTION_BYTES {
                        whole.push(current + "} ");
                        current = leaves.clone();
                    }
                    let _ = write!(current, "{} {inner} ", text(&field["name"]));
                }
            }
        }
        whole.push(current + "} ");
        whole
    }

    /// The fields that are objects, and can be selected without an argument.
    fn inner_fields<'a>(&'a self, declared: &'a Value) -> impl Iterator<Item = &'a Value> {
        declared["fields"].as_array().into_iter().flatten().filter(|field| {
            let required = field["args"].as_array().into_iter().flatten().any(is_required);
            let inner = &self.types[&named_type(&field["type"])]["kind"];
            let leaf = matches!(inner.as_str(), Some("SCALAR" | "ENUM"));
            // `edges` would say the same as `nodes` once more.
            !required && !leaf && field["name"] != "edges"
        })
    }

    /// Selections that are the ids and versions of all that hangs on `type_name`, to `depth`: one for each of its fields, and none
    /// that leads back.
    pub(crate) fn ids_below(&self, type_name: &str, depth: usize) -> Vec<String> {
        self.ids_beside(&self.types[type_name], depth, &mut vec![text(&self.types[type_name]["name"])])
    }

    fn ids_beside(&self, declared: &Value, depth: usize, way: &mut Vec<String>) -> Vec<String> {
        let mut found = Vec::new();
        for field in self.inner_fields(declared).filter(|field| depth > 0 && field["name"] != CANDIDATES) {
            let kind = named_type(&field["type"]);
            if way.contains(&kind) {
                continue;
            }
            let inner = &self.types[&kind];
            let mut own: Vec<_> =
                inner["fields"].as_array().into_iter().flatten().map(|field| text(&field["name"])).collect();
            own.retain(|name| ["id", "version"].contains(&name.as_str()));
            way.push(kind);
            own.extend(self.ids_beside(inner, depth - 1, way));
            way.pop();
            if !own.is_empty() {
                found.push(format!("{} {{ {} }}", text(&field["name"]), own.join(" ")));
            }
        }
        found
    }

    /// Every object type with its fields.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (&String, Vec<String>)> {
        self.types.iter().filter(|(_, kind)| kind["kind"] == "OBJECT").map(|(name, kind)| {
            let fields = kind["fields"].as_array().into_iter().flatten();
            (name, fields.map(|field| text(&field["name"])).collect())
        })
    }

    /// Names of the ids in the input of a mutation.
    pub(crate) fn ids_in(&self, root: &RootField) -> Vec<String> {
        let input = &self.types[&named_type(&root.field["args"][0]["type"])];
        let fields = input["inputFields"].as_array().into_iter().flatten();
        fields.filter(|field| named_type(&field["type"]) == "ID").map(|field| text(&field["name"])).collect()
    }

    fn value(&self, kind: &Value, name: &str, named: Option<&Named>) -> Value {
        match kind["kind"].as_str() {
            Some("NON_NULL") => self.value(&kind["ofType"], name, named),
            Some("LIST") if named.is_some() => json!([self.value(&kind["ofType"], name, named)]),
            Some("LIST") => json!([]),
            _ => self.named_value(&named_type(kind), name, named),
        }
    }

    fn named_value(&self, kind: &str, name: &str, named: Option<&Named>) -> Value {
        let declared = &self.types[kind];
        match declared["kind"].as_str() {
            Some("ENUM") => declared["enumValues"][0]["name"].clone(),
            Some("INPUT_OBJECT") => {
                let fields = declared["inputFields"].as_array().into_iter().flatten();
                let given = fields.filter(|field| {
                    let is_named =
                        named.is_some_and(|named| named.of_field.contains_key(&text(&field["name"])));
                    is_named || field["type"]["kind"] == "NON_NULL"
                });
                let values = given.map(|field| {
                    let name = text(&field["name"]);
                    let value = self.value(&field["type"], &name, named);
                    (name, value)
                });
                Value::Object(values.collect())
            }
            _ => match kind {
                "ID" => json!(id_for(name, named)),
                "Int" if name == "expectedVersion" => json!(named.map_or(1, |named| named.version)),
                "Int" => json!(1),
                "Boolean" => json!(true),
                "Decimal" => json!("1.0"),
                "DateTime" => json!("2026-01-01T00:00:00Z"),
                "NaiveDate" => json!("2026-01-01"),
                _ => json!("x"),
            },
        }
    }
}

/// The kind of id that a field of this name takes.
pub(crate) fn kind_of(name: &str) -> Kind {
    match name {
        "report" | "otherReport" | "asked" | "partOf" | "toReporter" => Kind::Report,
        "indicator" => Kind::Indicator,
        "reporter" => Kind::Reporter,
        "channel" | "channels" => Kind::Channel,
        "account" | "platformAccount" => Kind::PlatformAccount,
        "product" => Kind::Product,
        "customer" => Kind::Customer,
        "calendar" => Kind::Calendar,
        "notice" => Kind::Notice,
        "feed" => Kind::CalendarFeed,
        "duty" => Kind::Duty,
        "affectedProduct" => Kind::AffectedProduct,
        "member" | "teamMember" => Kind::TeamMember,
        "assignment" => Kind::Assignment,
        "remediation" => Kind::Remediation,
        "decision" | "consentDecision" => Kind::Decision,
        "item" | "actionItem" => Kind::ActionItem,
        "obligation" | "obligations" => Kind::Obligation,
        "reply" => Kind::Reply,
        "attachment" | "attach" => Kind::Attachment,
        "detach" => Kind::ReplyAttachment,
        "proofFiles" => Kind::ReplyProof,
        "endpoint" => Kind::WebhookEndpoint,
        "delivery" => Kind::Delivery,
        "tracker" => Kind::Tracker,
        "ticket" => Kind::Ticket,
        "payout" | "replaces" => Kind::Payout,
        "budget" => Kind::Budget,
        "multiPlatform" => Kind::MultiPlatform,
        "among" => Kind::Reporter,
        _ => Kind::Event,
    }
}

/// The id for a field of this name: one of a row that is not there unless `named` has one.
fn id_for(name: &str, named: Option<&Named>) -> String {
    let kind = kind_of(name);
    let there = named.and_then(|named| named.of_field.get(name).or_else(|| named.of_kind.get(&(kind as u8))));
    there.cloned().unwrap_or_else(|| absent(kind))
}

/// The id of a row of `kind` that is not there.
pub(crate) fn absent(kind: Kind) -> String {
    encode(kind, uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_dead))
}

/// The id of a row that is not there, of the kind that a field of this name takes.
pub(crate) fn absent_for(name: &str) -> String {
    absent(kind_of(name))
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) fn named_type(kind: &Value) -> String {
    if kind["ofType"].is_null() { text(&kind["name"]) } else { named_type(&kind["ofType"]) }
}

/// Whether an argument has to be sent: one with a default need not.
pub(crate) fn is_required(argument: &Value) -> bool {
    argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null()
}

fn type_text(kind: &Value) -> String {
    match kind["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", type_text(&kind["ofType"])),
        Some("LIST") => format!("[{}]", type_text(&kind["ofType"])),
        _ => text(&kind["name"]),
    }
}
