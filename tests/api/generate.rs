//! Operations made from the schema itself, so that what is new is tried without anybody remembering it.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

/// What a generator needs of the introspection.
pub(crate) const INTROSPECTION: &str =
    "{ __schema { queryType { name } mutationType { name } types { kind name
    fields { name args { name type { ...T } } type { ...T } }
    inputFields { name defaultValue type { ...T } } enumValues { name } possibleTypes { name } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The schema, as introspected.
pub(crate) struct Schema {
    types: HashMap<String, Value>,
}

/// A field of the query or mutation type.
pub(crate) struct RootField {
    pub(crate) name: String,
    field: Value,
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
        let mut variables = Map::new();
        let (mut declared, mut passed) = (Vec::new(), Vec::new());
        for argument in root.field["args"].as_array().into_iter().flatten() {
            if argument["type"]["kind"] == "NON_NULL" {
                let name = text(&argument["name"]);
                declared.push(format!("${name}: {}", written(&argument["type"])));
                passed.push(format!("{name}: ${name}"));
                variables.insert(name.clone(), self.value(&argument["type"], &name));
            }
        }
        let wrap = |list: Vec<String>| {
            if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) }
        };
        let mut selection = String::new();
        self.select(&root.field["type"], depth, &mut selection);
        (
            format!("{kind}{} {{ {}{} {selection} }}", wrap(declared), root.name, wrap(passed)),
            Value::Object(variables),
        )
    }

    fn select(&self, kind: &Value, depth: usize, out: &mut String) {
        let name = named(kind);
        let declared = &self.types[&name];
        if !matches!(declared["kind"].as_str(), Some("OBJECT" | "INTERFACE")) {
            return;
        }
        out.push_str("{ __typename ");
        for field in declared["fields"].as_array().into_iter().flatten() {
            let required =
                field["args"].as_array().into_iter().flatten().any(|arg| arg["type"]["kind"] == "NON_NULL");
            let inner = &self.types[&named(&field["type"])]["kind"];
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

    fn value(&self, kind: &Value, name: &str) -> Value {
        match kind["kind"].as_str() {
            Some("NON_NULL") => self.value(&kind["ofType"], name),
            Some("LIST") => json!([]),
            _ => self.named_value(&named(kind), name),
        }
    }

    fn named_value(&self, kind: &str, name: &str) -> Value {
        let declared = &self.types[kind];
        match declared["kind"].as_str() {
            Some("ENUM") => declared["enumValues"][0]["name"].clone(),
            Some("INPUT_OBJECT") => {
                let fields = declared["inputFields"].as_array().into_iter().flatten();
                let required = fields.filter(|field| field["type"]["kind"] == "NON_NULL");
                let values = required.map(|field| {
                    let name = text(&field["name"]);
                    let value = self.value(&field["type"], &name);
                    (name, value)
                });
                Value::Object(values.collect())
            }
            _ => match kind {
                "ID" => json!(self.absent_id(name)),
                "Int" => json!(1),
                "Boolean" => json!(true),
                "Decimal" => json!("1.0"),
                "DateTime" => json!("2026-01-01T00:00:00Z"),
                "NaiveDate" => json!("2026-01-01"),
                _ => json!("x"),
            },
        }
    }

    /// An id of the kind that a field of this name takes, of a row that is not there.
    fn absent_id(&self, name: &str) -> String {
        use vulndesk::ids::{Kind, encode};
        let kind = match name {
            "report" | "asked" | "partOf" => Kind::Report,
            "reporter" => Kind::Reporter,
            "channel" => Kind::Channel,
            "account" | "platformAccount" => Kind::PlatformAccount,
            "product" => Kind::Product,
            "customer" => Kind::Customer,
            "duty" => Kind::Duty,
            "affectedProduct" => Kind::AffectedProduct,
            "member" | "teamMember" => Kind::TeamMember,
            "assignment" => Kind::Assignment,
            "remediation" => Kind::Remediation,
            "decision" | "consentDecision" => Kind::Decision,
            "item" | "actionItem" => Kind::ActionItem,
            "obligation" => Kind::Obligation,
            "reply" => Kind::Reply,
            "endpoint" => Kind::WebhookEndpoint,
            "delivery" => Kind::Delivery,
            _ => Kind::Event,
        };
        encode(kind, uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_dead))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn named(kind: &Value) -> String {
    if kind["ofType"].is_null() { text(&kind["name"]) } else { named(&kind["ofType"]) }
}

fn written(kind: &Value) -> String {
    match kind["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", written(&kind["ofType"])),
        Some("LIST") => format!("[{}]", written(&kind["ofType"])),
        _ => text(&kind["name"]),
    }
}
