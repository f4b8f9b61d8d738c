//! A row as a line: one form whichever database it comes from.
//!
//! An object with all columns, in the order of their names: UUIDs in lower case with hyphens, instants in UTC with as many digits as
//! they have, bytes in base64, JSON with its names in order.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use sea_orm::sea_query::Value;
use sea_orm::{QueryResult, TryGetable};
use serde_json::Value as Json;
use uuid::Uuid;

use super::catalogue::{Kind, Table};

/// The line of a row.
///
/// # Errors
/// When a column holds what is not of its kind: it is named.
pub(super) fn write(table: &Table, row: &QueryResult) -> anyhow::Result<String> {
    let mut line = String::from("{");
    for (name, kind) in &table.columns {
        if line.len() > 1 {
            line.push(',');
        }
        let value = read(row, name, *kind).with_context(|| format!("{}.{name}", table.name))?;
        line.push_str(&Json::from(name.as_str()).to_string());
        line.push(':');
        canonical(&value, &mut line);
    }
    line.push('}');
    Ok(line)
}

fn read(row: &QueryResult, name: &str, kind: Kind) -> anyhow::Result<Json> {
    fn of<T: TryGetable>(row: &QueryResult, name: &str, to: impl FnOnce(T) -> Json) -> anyhow::Result<Json> {
        Ok(row.try_get::<Option<T>>("", name)?.map_or(Json::Null, to))
    }
    match kind {
        Kind::Uuid => of::<Uuid>(row, name, |id| id.to_string().into()),
        Kind::Time => {
            of::<DateTime<Utc>>(row, name, |at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true).into())
        }
        Kind::Date => of::<NaiveDate>(row, name, |day| day.to_string().into()),
        Kind::Boolean => of::<bool>(row, name, Json::from),
        Kind::Integer => of::<i64>(row, name, Json::from),
        Kind::Text => of::<String>(row, name, Json::from),
        Kind::Bytes => of::<Vec<u8>>(row, name, |bytes| STANDARD.encode(bytes).into()),
        Kind::Json => match row.try_get::<Option<String>>("", name)? {
            // A JSON null is no absence.
            Some(text) => Ok(Json::from_iter([("json", serde_json::from_str::<Json>(&text)?)])),
            None => Ok(Json::Null),
        },
    }
}

/// JSON with the names of objects in order.
fn canonical(value: &Json, text: &mut String) {
    match value {
        Json::Object(members) => {
            let members: BTreeMap<&String, &Json> = members.iter().collect();
            text.push('{');
            for (place, (name, value)) in members.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&Json::from(name.as_str()).to_string());
                text.push(':');
                canonical(value, text);
            }
            text.push('}');
        }
        Json::Array(items) => {
            text.push('[');
            for (place, value) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                canonical(value, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// The values of a line, by column name.
///
/// # Errors
/// When the line is no object, lacks a column or has another, or a value is not of its column's kind: it is named.
pub(super) fn parse(table: &Table, line: &str) -> anyhow::Result<Vec<Value>> {
    let Json::Object(mut members) = serde_json::from_str::<Json>(line)? else { bail!("it is no object") };
    let mut values = Vec::with_capacity(table.columns.len());
    for (name, kind) in &table.columns {
        let value = members.remove(name).with_context(|| format!("it has no {name}"))?;
        values.push(to_value(*kind, value).with_context(|| format!("its {name}"))?);
    }
    ensure!(
        members.is_empty(),
        "it has a column {}, which the table has not",
        members.keys().next().map_or("", |name| name)
    );
    Ok(values)
}

fn to_value(kind: Kind, value: Json) -> anyhow::Result<Value> {
    if value.is_null() {
        return Ok(match kind {
            Kind::Uuid => Value::Uuid(None),
            Kind::Time => Value::ChronoDateTimeUtc(None),
            Kind::Date => Value::ChronoDate(None),
            Kind::Boolean => Value::Bool(None),
            Kind::Integer => Value::BigInt(None),
            Kind::Text => Value::String(None),
            Kind::Json => Value::Json(None),
            Kind::Bytes => Value::Bytes(None),
        });
    }
    let text = || value.as_str().context("it is no text");
    Ok(match kind {
        Kind::Uuid => text()?.parse::<Uuid>()?.into(),
        Kind::Time => DateTime::parse_from_rfc3339(text()?)?.to_utc().into(),
        Kind::Date => text()?.parse::<NaiveDate>()?.into(),
        Kind::Boolean => value.as_bool().context("it is neither true nor false")?.into(),
        Kind::Integer => value.as_i64().context("it is no whole number")?.into(),
        Kind::Text => text()?.into(),
        Kind::Bytes => STANDARD.decode(text()?)?.into(),
        Kind::Json => {
            let Json::Object(mut members) = value else { bail!("it is no object with json") };
            members.remove("json").filter(|_| members.is_empty()).context("it is no object with json")?.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let columns = [("a", Kind::Integer), ("b", Kind::Bytes), ("j", Kind::Json), ("t", Kind::Time)];
        Table::for_tests("thing", columns)
    }

    #[test]
    fn names_are_put_in_order_at_every_depth() {
        let mut text = String::new();
        let value = serde_json::from_str(r#"{"b":[{"d":1,"c":null}],"a":"x"}"#).unwrap();
        canonical(&value, &mut text);
        assert_eq!(text, r#"{"a":"x","b":[{"c":null,"d":1}]}"#);
    }

    #[test]
    fn a_line_has_exactly_the_columns_with_values_of_their_kinds() {
        let good = r#"{"a":9007199254740993,"b":"AP8=","j":{"json":null},"t":"2026-03-02T01:00:00.000001Z"}"#;
        let values = parse(&table(), good).unwrap();
        assert_eq!(values[0], Value::BigInt(Some(9_007_199_254_740_993)));
        assert_eq!(values[1], Value::from(vec![0_u8, 255]));
        assert_eq!(values[2], Value::from(Json::Null));
        for (from, to, fault) in [
            ("\"a\":9007199254740993,", "", "no a"),
            ("\"a\":9007199254740993", "\"a\":1.5", "its a"),
            ("\"a\":9007199254740993", "\"a\":\"1\"", "its a"),
            ("AP8=", "A$8=", "its b"),
            ("{\"json\":null}", "1", "its j"),
            ("2026-03-02T01", "yesterday", "its t"),
            ("\"t\":", "\"u\":1,\"t\":", "a column u"),
            ("}}", "}", "EOF"),
        ] {
            let line = good.replace(from, to);
            let line = if from == "}}" { good[..good.len() - 1].to_owned() } else { line };
            let error = format!("{:#}", parse(&table(), &line).unwrap_err());
            assert!(error.contains(fault), "{line}: {error}");
        }
    }
}
