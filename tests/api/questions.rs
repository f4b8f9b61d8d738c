//! Everything that can be asked, made from the schema: each query with each of its arguments.

use serde_json::{Map, Value, json};
use vulndesk::ids::Kind;

use crate::generate::{Named, RootField, Schema, absent, is_required, kind_of, named_type, text};

/// A question that can be put to any installation.
#[derive(Clone)]
pub(crate) struct Question {
    /// The field, and the argument that it tries.
    pub(crate) name: String,
    pub(crate) document: String,
    variables: Value,
    /// Whether it selects more than what is next.
    pub(crate) deep: bool,
}

impl Question {
    /// Whether it names something.
    pub(crate) fn names(&self) -> bool {
        self.variables.to_string().contains("\"@")
    }

    /// The variables with these ids, ids of nothing for the rest, and the event of this number.
    pub(crate) fn about(&self, named: &Named, number: &str) -> Value {
        filled(&self.variables, named, number)
    }
}

impl Schema {
    /// Everything that can be asked: each root query for all there is to three levels, with each of its arguments in turn,
    /// page by page, and each figure by each of its own arguments. Ids and numbers are left to be filled in.
    pub(crate) fn questions(&self) -> Vec<Question> {
        let mut all = Vec::new();
        for root in self.fields_of("Query") {
            let mut ask = |part: &str, given: &Map<String, Value>, selection: &str, deep: bool| {
                let document = root.called("query", given, selection);
                let (name, variables) = (format!("{}{part}", root.name), Value::Object(given.clone()));
                all.push(Question { name, document, variables, deep });
            };
            let choices = |argument: &Value| self.choices(&argument["type"], &text(&argument["name"]));
            let of = |argument: &Value| text(&argument["name"]);
            let required = root.arguments().iter().filter(|argument| is_required(argument));
            let base: Map<_, _> =
                required.map(|argument| (of(argument), choices(argument).swap_remove(0).1)).collect();
            let depth = if base.is_empty() { 3 } else { 2 };
            let shallow = &self.selections_of(&root.field["type"], 1, false)[0];
            ask("", &base, shallow, false);
            for selection in self.selections_of(&root.field["type"], depth, false) {
                if selection != *shallow {
                    ask(" in depth", &base, &selection, true);
                }
            }
            for argument in root.arguments().iter().filter(|argument| !is_paging(argument)) {
                for (part, value) in choices(argument) {
                    let mut given = base.clone();
                    given.insert(of(argument), value);
                    ask(&format!("({}{part})", of(argument)), &given, shallow, false);
                }
            }
        }
        all.extend(self.figures());
        all.extend(Kind::ALL.iter().flat_map(|kind| self.lookups(*kind)));
        all
    }

    /// Lookups of something of this kind by its id, for what is next to it.
    fn lookups(&self, kind: Kind) -> Vec<Question> {
        let name = format!("{kind:?}");
        let mut selections = vec![String::new()];
        let nodes = self.types["Node"]["possibleTypes"].as_array().into_iter().flatten();
        if nodes.into_iter().any(|node| node["name"] == *name) {
            selections = self.selections(&name, 1);
            selections.iter_mut().for_each(|selection| *selection = format!("... on {name} {selection}"));
        }
        let lookup = |selection: String| Question {
            name: format!("node of {name}"),
            document: format!("query($id: ID!) {{ node(id: $id) {{ id __typename {selection} }} }}"),
            variables: json!({ "id": format!("@{}", kind as u8) }),
            deep: false,
        };
        selections.into_iter().map(lookup).collect()
    }

    /// The fields that only an argument makes: figures by all that they can be put together by.
    fn figures(&self) -> Vec<Question> {
        let mut all = Vec::new();
        for (kind, fields) in [("Statistics", "statistics"), ("Calendar", "calendar(key: \"china\")")] {
            for field in self.fields_of(kind) {
                let selection = &self.selections_of(&field.field["type"], 1, false)[0];
                for argument in field.arguments().iter().filter(|argument| !is_paging(argument)) {
                    let name = text(&argument["name"]);
                    for (_, value) in self.choices(&argument["type"], &name) {
                        let others =
                            field.arguments().iter().filter(|other| is_required(other) && *other != argument);
                        let mut given: Map<_, _> = others
                            .map(|other| {
                                (text(&other["name"]), self.choices(&other["type"], "").swap_remove(0).1)
                            })
                            .collect();
                        given.insert(name.clone(), value);
                        let inner = field.called("", &given, selection);
                        let (declared, inner) = inner.split_once('{').unwrap_or_default();
                        let document = format!("query{declared} {{ {fields} {{ {inner} }}");
                        let variables = Value::Object(given);
                        all.push(Question {
                            name: format!("{kind}.{}({name})", field.name),
                            document,
                            variables,
                            deep: false,
                        });
                    }
                }
            }
        }
        all
    }

    /// Types whose fields take an argument that is no part of paging, besides the root ones.
    pub(crate) fn with_arguments(&self) -> Vec<&str> {
        let takes = |kind: &Value| {
            let fields = kind["fields"].as_array().into_iter().flatten();
            fields
                .flat_map(|field| field["args"].as_array().into_iter().flatten())
                .any(|argument| !is_paging(argument))
        };
        let named = self.types.iter().filter(|(name, kind)| !name.starts_with("__") && takes(kind));
        let mut names: Vec<&str> = named.map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Root queries that are answered page by page.
    pub(crate) fn paged(&self) -> Vec<RootField> {
        let mut fields = self.fields_of("Query");
        fields.retain(|field| named_type(&field.field["type"]).ends_with("Connection"));
        fields.retain(|field| !field.arguments().iter().any(is_required));
        fields
    }

    /// What is tried for an argument of this type and name; of an input each of its fields, with the field's name.
    fn choices(&self, kind: &Value, name: &str) -> Vec<(String, Value)> {
        let alone = |values: Vec<Value>| values.into_iter().map(|value| (String::new(), value)).collect();
        match kind["kind"].as_str() {
            Some("NON_NULL") => return self.choices(&kind["ofType"], name),
            Some("LIST") => {
                let inner = self.choices(&kind["ofType"], name).into_iter();
                return inner.map(|(part, value)| (part, json!([value]))).collect();
            }
            _ => {}
        }
        let declared = &self.types[&named_type(kind)];
        match declared["kind"].as_str() {
            Some("ENUM") => {
                let values = declared["enumValues"].as_array().into_iter().flatten();
                alone(values.map(|value| value["name"].clone()).collect())
            }
            Some("INPUT_OBJECT") => {
                let fields: Vec<_> = declared["inputFields"].as_array().into_iter().flatten().collect();
                let required = fields.iter().filter(|field| is_required(field)).map(|field| {
                    let name = text(&field["name"]);
                    let value = self.choices(&field["type"], &name).swap_remove(0).1;
                    (name, value)
                });
                let base: Map<_, _> = required.collect();
                let mut found = Vec::new();
                for field in fields {
                    let name = text(&field["name"]);
                    for (_, value) in self.choices(&field["type"], &name) {
                        let mut given = base.clone();
                        given.extend(beside(&named_type(kind), &name));
                        given.insert(name.clone(), value);
                        found.push((format!(".{name}"), Value::Object(given)));
                    }
                }
                found
            }
            _ => alone(match named_type(kind).as_str() {
                "ID" => vec![json!(format!("@{}", kind_of(name) as u8))],
                "Int" => vec![json!(if name == "year" { 2026 } else { 1 })],
                "Boolean" => vec![json!(true), json!(false)],
                "Decimal" => vec![json!("1.0")],
                "DateTime" if ["to", "until"].contains(&name) => vec![json!("2026-03-05T00:00:00Z")],
                "DateTime" => vec![json!("2026-03-02T01:00:00Z")],
                "NaiveDate" => vec![json!("2026-03-02")],
                _ => words(name).iter().map(|word| json!(word)).collect(),
            }),
        }
    }
}

fn filled(value: &Value, named: &Named, number: &str) -> Value {
    match value {
        Value::String(text) if text == "@number" => json!(number),
        Value::String(text) => match text.strip_prefix('@').and_then(|kind| kind.parse::<u8>().ok()) {
            Some(kind) => {
                let there = named.of_kind.get(&kind).cloned();
                let kind = Kind::ALL.iter().find(|known| **known as u8 == kind);
                json!(there.or_else(|| kind.map(|kind| absent(*kind))))
            }
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(|item| filled(item, named, number)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| (name.clone(), filled(field, named, number))).collect()
        }
        _ => value.clone(),
    }
}

/// Texts that an argument of this name takes: such as are in what is hidden, wherever it takes any.
fn words(name: &str) -> &'static [&'static str] {
    match name {
        "number" | "numberPrefix" => &["@number", "VE-2026", "HIDDEN-1"],
        "channelNumber" | "channelNumberPrefix" => &["HIDDEN-1", "HID"],
        "query" => &["hidden", "HIDDEN-1", "VE-2026", "@number", "gateway", "parser", "CVE-2026-1000"],
        "assignee" | "person" => &["analyst-1", "engineer-9"],
        "period" => &["2026-03", "2026-02"],
        "month" => &["2026-03"],
        "timeZone" => &["Asia/Shanghai"],
        "currency" => &["CNY"],
        "line" => &["gateway", "router"],
        "language" => &["zh-CN", "en"],
        "aggregateKind" => &["event", "reporter", "payout"],
        "calendar" => &["china"],
        "channel" => &["cnvd", "src"],
        "kind" | "types" => &["report.received"],
        "regime" => &["cnvd"],
        "stage" => &["report"],
        "key" => &["china"],
        _ => &["x"],
    }
}

/// What a field of an input is not taken without.
fn beside(input: &str, field: &str) -> Map<String, Value> {
    let more = match (input, field) {
        ("StatisticsPeriod", "timeZone") => json!({ "period": "2026-03" }),
        ("StatisticsPeriod", "from") => json!({ "until": "2026-03-05T00:00:00Z" }),
        ("StatisticsPeriod", "until") => json!({ "from": "2026-03-02T01:00:00Z" }),
        _ => json!({}),
    };
    more.as_object().cloned().unwrap_or_default()
}

/// Whether an argument is about where a page begins and how long it is.
fn is_paging(argument: &Value) -> bool {
    ["after", "before", "first", "last"].iter().any(|name| argument["name"] == *name)
}
