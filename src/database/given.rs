//! Rows that a statement is given as bound values, as many whatever their number, so that it is prepared once.

use chrono::DateTime;
use sea_orm::sea_query::{ArrayType, Value};
use sea_orm::{DatabaseBackend, JsonValue};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Id,
    Text,
    Number,
    Time,
    Bytes,
    Json,
}

impl Kind {
    /// As PostgreSQL calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Id => "uuid",
            Self::Text => "text",
            Self::Number => "bigint",
            Self::Time => "timestamptz",
            Self::Bytes => "bytea",
            Self::Json => "jsonb",
        }
    }

    /// As the library calls it, with what stands for nothing, which it takes into no array, and how that is written.
    fn bound(self) -> (ArrayType, Value, &'static str) {
        match self {
            Self::Id => (ArrayType::Uuid, Uuid::max().into(), "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"),
            Self::Text => (ArrayType::String, "\u{1}".into(), "chr(1)"),
            Self::Number => (ArrayType::BigInt, i64::MIN.into(), "(-9223372036854775808)::bigint"),
            Self::Time => {
                let long_ago = DateTime::from_timestamp(-62_135_596_800, 0).unwrap_or_default();
                (ArrayType::ChronoDateTimeUtc, long_ago.into(), "'0001-01-01 00:00:00+00'::timestamptz")
            }
            Self::Bytes => (ArrayType::Bytes, Vec::<u8>::new().into(), "''::bytea"),
            Self::Json => (ArrayType::Json, JsonValue::Null.into(), "'null'::jsonb"),
        }
    }
}

/// A column of rows that a statement is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenColumn {
    name: &'static str,
    kind: Kind,
    may_be_null: bool,
}

impl GivenColumn {
    /// The same, where a value may be lacking.
    pub const fn or_null(self) -> Self {
        Self { may_be_null: true, ..self }
    }
}

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident $kind:ident;)*) => {$(
        $(#[$doc])*
        pub const fn $name(name: &'static str) -> GivenColumn {
            GivenColumn { name, kind: Kind::$kind, may_be_null: false }
        }
    )*};
}

columns! {
    /// A column of UUIDs.
    id Id;
    /// A column of texts.
    text Text;
    /// A column of whole numbers.
    number Number;
    /// A column of instants.
    time Time;
    /// A column of bytes.
    bytes Bytes;
    /// A column of any JSON.
    json Json;
}

/// Rows that a statement is given, by their columns.
#[derive(Clone, Copy, Debug)]
pub struct Given<const N: usize>(pub [GivenColumn; N]);

impl<const N: usize> Given<N> {
    /// A source of the rows for FROM, named `given`, out of the bound values from `$first` on.
    pub fn source(&self, backend: DatabaseBackend, first: usize) -> String {
        let list = |each: &dyn Fn(usize, &GivenColumn) -> String| {
            self.0
                .iter()
                .enumerate()
                .map(|(place, column)| each(place, column))
                .collect::<Vec<_>>()
                .join(", ")
        };
        if backend != DatabaseBackend::Postgres {
            let columns = list(&|place, GivenColumn { name, kind, may_be_null }| match kind {
                Kind::Id | Kind::Bytes => format!("unhex(value ->> {place}) AS {name}"),
                Kind::Json if *may_be_null => format!("NULLIF(value -> {place}, 'null') AS {name}"),
                Kind::Json => format!("value -> {place} AS {name}"),
                Kind::Text | Kind::Number | Kind::Time => format!("value ->> {place} AS {name}"),
            });
            return format!("(SELECT {columns} FROM json_each(${first})) AS given");
        }
        let columns = list(&|_, GivenColumn { name, kind, may_be_null }| {
            if *may_be_null {
                format!("NULLIF({name}, {}) AS {name}", kind.bound().2)
            } else {
                (*name).to_owned()
            }
        });
        // By the length of a value that it knows PostgreSQL would plan each statement anew, and tell by its time how long it is.
        let arrays = list(&|place, column| format!("(SELECT ${}::{}[])", first + place, column.kind.name()));
        let names = list(&|_, column| column.name.to_owned());
        format!("(SELECT {columns} FROM unnest({arrays}) AS rows({names})) AS given")
    }

    /// The rows as bound values, for the source.
    pub fn bind(&self, backend: DatabaseBackend, rows: impl IntoIterator<Item = [Value; N]>) -> Vec<Value> {
        if backend != DatabaseBackend::Postgres {
            let rows = rows.into_iter().map(|row| JsonValue::from_iter(row.map(written)));
            return vec![JsonValue::from_iter(rows).to_string().into()];
        }
        let mut arrays = [const { Vec::new() }; N];
        for row in rows {
            for ((value, column), array) in row.into_iter().zip(&self.0).zip(&mut arrays) {
                let is_null = value == value.as_null();
                debug_assert!(column.may_be_null || !is_null, "{} is said to be always there", column.name);
                array.push(if is_null { column.kind.bound().1 } else { value });
            }
        }
        let bound = self.0.iter().zip(arrays);
        bound.map(|(column, array)| Value::Array(column.kind.bound().0, Some(Box::new(array)))).collect()
    }
}

/// A value as SQLite reads it out of JSON.
fn written(value: Value) -> JsonValue {
    match value {
        Value::Uuid(Some(id)) => id.simple().to_string().into(),
        Value::String(Some(text)) => text.into(),
        Value::BigInt(Some(number)) => number.into(),
        // In the form in which SQLite keeps it.
        Value::ChronoDateTimeUtc(Some(at)) => at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false).into(),
        Value::Bytes(Some(bytes)) => hex::encode(bytes).into(),
        Value::Json(Some(json)) => *json,
        _ => JsonValue::Null,
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use sea_orm::{ConnectionTrait, Statement};
    use serde_json::json;

    use super::*;
    use crate::testing::{app, app_on_postgres};

    /// Every kind, which may be lacking.
    const ALL: Given<6> = Given([
        id("id").or_null(),
        text("said").or_null(),
        number("count").or_null(),
        time("at").or_null(),
        bytes("digest").or_null(),
        json("data").or_null(),
    ]);

    type Row = (
        Option<Uuid>,
        Option<String>,
        Option<i64>,
        Option<DateTime<Utc>>,
        Option<Vec<u8>>,
        Option<JsonValue>,
    );

    fn values(row: Row) -> [Value; 6] {
        [row.0.into(), row.1.into(), row.2.into(), row.3.into(), row.4.into(), row.5.into()]
    }

    #[tokio::test]
    async fn what_is_given_comes_back_in_its_order_and_what_lacks_is_null() {
        let at = DateTime::from_timestamp_micros(1_900_000_000_123_456).unwrap();
        let whole: Row = (
            Some(Uuid::from_u128(7)),
            Some("it's \"said\" \\ 漏洞".to_owned()),
            Some(i64::MAX),
            Some(at),
            Some(vec![0, 255]),
            Some(json!({ "a": ["b", null] })),
        );
        let other: Row = (
            Some(Uuid::nil()),
            Some(String::new()),
            Some(0),
            Some(DateTime::UNIX_EPOCH),
            Some(vec![1]),
            Some(json!([])),
        );
        let none: Row = (None, None, None, None, None, None);
        for app in [app("given_rows").await, app_on_postgres("given_rows").await] {
            let backend = app.database.backend();
            for rows in [vec![], vec![whole.clone(), none.clone(), other.clone()]] {
                let mut bound = vec![Value::from("own")];
                bound.extend(ALL.bind(backend, rows.iter().cloned().map(values)));
                let sql = format!("SELECT given.* FROM {} WHERE $1 = 'own'", ALL.source(backend, 2));
                let found = Statement::from_sql_and_values(backend, sql, bound);
                let found = app.database.reader().query_all_raw(found).await.unwrap();
                let read = |row: &sea_orm::QueryResult| -> Row {
                    macro_rules! column {
                        ($name:literal) => {
                            row.try_get("", $name).unwrap()
                        };
                    }
                    (
                        column!("id"),
                        column!("said"),
                        column!("count"),
                        column!("at"),
                        column!("digest"),
                        column!("data"),
                    )
                };
                assert_eq!(found.iter().map(read).collect::<Vec<_>>(), rows);
            }
        }
    }
}
