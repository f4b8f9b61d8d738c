//! A row of a table, out of the JSON list of those of its columns that were read.
//!
//! The list goes straight into the row's type: a page holds hundreds of rows, and any form between is made for each.

use std::borrow::Cow;
use std::marker::PhantomData;

use sea_orm::{ColumnTrait, ColumnType, DatabaseBackend, EntityTrait, Iterable};
use serde::de::value::{BytesDeserializer, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IntoDeserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use uuid::Uuid;

use super::ahead::Columns;

/// How a column's values stand in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Boolean,
    Id,
    Time,
    Date,
    Json,
    Bytes,
}

impl Kind {
    fn of(column: &ColumnType) -> Option<Self> {
        Some(match column {
            ColumnType::String(_) | ColumnType::Text => Self::Text,
            ColumnType::Integer | ColumnType::BigInteger => Self::Number,
            ColumnType::Boolean => Self::Boolean,
            ColumnType::Uuid => Self::Id,
            ColumnType::TimestampWithTimeZone => Self::Time,
            ColumnType::Date => Self::Date,
            ColumnType::Json | ColumnType::JsonBinary => Self::Json,
            ColumnType::VarBinary(_) | ColumnType::Binary(_) | ColumnType::Blob => Self::Bytes,
            _ => return None,
        })
    }
}

/// A column, as rows are read from JSON.
pub(super) struct Cell<C> {
    /// The column.
    pub(super) column: C,
    kind: Kind,
    nullable: bool,
}

impl<C: ColumnTrait> Cell<C> {
    /// Writes the column of `table` as JSON can hold it.
    pub(super) fn write(&self, backend: DatabaseBackend, table: &str, sql: &mut String) {
        let column = format_args!("\"{table}\".\"{}\"", self.column.as_str());
        let digits = matches!(self.kind, Kind::Id | Kind::Bytes);
        let written = match backend {
            DatabaseBackend::Sqlite if self.kind == Kind::Json => format!("json({column})"),
            // SQLite knows numbers alone.
            DatabaseBackend::Sqlite if self.kind == Kind::Boolean => {
                format!("json(CASE {column} WHEN 0 THEN 'false' WHEN 1 THEN 'true' END)")
            }
            DatabaseBackend::Sqlite if digits && self.nullable => {
                format!("iif({column} IS NULL, NULL, hex({column}))")
            }
            DatabaseBackend::Sqlite if digits => format!("hex({column})"),
            _ => format!("{column}"),
        };
        sql.push_str(&written);
    }
}

/// The columns of a table.
///
/// # Panics
/// On a column of a kind that no table has.
#[expect(clippy::expect_used, reason = "a table's columns are known when it is written")]
pub(super) fn cells<E: EntityTrait>() -> Vec<Cell<E::Column>> {
    let cell = |column: E::Column| {
        let definition = column.def();
        let kind = Kind::of(definition.get_column_type()).expect("a kind of column that JSON has");
        Cell { column, kind, nullable: definition.is_null() }
    };
    E::Column::iter().map(cell).collect()
}

/// All columns of a row in the table's order: those that were read, one that is known, blanks for all others.
pub(super) struct Row<'c, C, A> {
    cells: std::iter::Enumerate<std::slice::Iter<'c, Cell<C>>>,
    columns: Columns,
    known: Option<(usize, Uuid)>,
    read: &'c mut A,
}

impl<'c, C, A> Row<'c, C, A> {
    /// A row of a table with `cells`, whose `columns` come from `read`, but for the `known` one.
    pub(super) fn new(
        cells: &'c [Cell<C>],
        columns: Columns,
        known: Option<(usize, Uuid)>,
        read: &'c mut A,
    ) -> Self {
        Self { cells: cells.iter().enumerate(), columns, known, read }
    }
}

impl<'de, C: ColumnTrait, A: SeqAccess<'de>> SeqAccess<'de> for Row<'_, C, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        let Some((place, cell)) = self.cells.next() else { return Ok(None) };
        if let Some((_, id)) = self.known.filter(|(known, _)| *known == place) {
            return seed.deserialize(Present(BytesDeserializer::new(id.as_bytes()))).map(Some);
        }
        if !self.columns.has(place) {
            return seed.deserialize(Blank(cell.kind, PhantomData)).map(Some);
        }
        let missing = || A::Error::custom(format_args!("no value for {}", cell.column.as_str()));
        if cell.kind != Kind::Bytes {
            return self.read.next_element_seed(seed)?.ok_or_else(missing).map(Some);
        }
        match self.read.next_element::<Option<Cow<'de, str>>>()?.ok_or_else(missing)? {
            Some(digits) => {
                // PostgreSQL says before the digits that they are such.
                let bytes =
                    hex::decode(digits.strip_prefix("\\x").unwrap_or(&digits)).map_err(A::Error::custom)?;
                seed.deserialize(Present(SeqDeserializer::new(bytes.into_iter()))).map(Some)
            }
            None => seed.deserialize(().into_deserializer()).map(Some),
        }
    }
}

impl<'de, C: ColumnTrait, A: SeqAccess<'de>> Deserializer<'de> for Row<'_, C, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_seq(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        debug_assert!(self.cells.clone().map(|(_, cell)| cell.column.as_str()).eq(fields.iter().copied()));
        visitor.visit_seq(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A value that is there, for columns that may be null and for those that may not.
struct Present<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Present<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_some(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// What stands in a row where a column was not read.
struct Blank<E>(Kind, PhantomData<E>);

impl<'de, E: serde::de::Error> Deserializer<'de> for Blank<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.0 {
            Kind::Text => visitor.visit_borrowed_str(""),
            Kind::Number | Kind::Time => visitor.visit_i64(0),
            Kind::Boolean => visitor.visit_bool(false),
            Kind::Id => visitor.visit_bytes(Uuid::nil().as_bytes()),
            Kind::Date => visitor.visit_borrowed_str("1970-01-01"),
            Kind::Json => visitor.visit_unit(),
            Kind::Bytes => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    /// A closed vocabulary has no word for nothing.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        let word = words.first().copied().ok_or_else(|| E::custom(format_args!("{name} has no words")))?;
        visitor.visit_enum(word.into_deserializer())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<u8>()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct map struct identifier ignored_any
    }
}
