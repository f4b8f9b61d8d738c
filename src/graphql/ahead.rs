//! What a query selects below a row, read in the row's own statement.
//!
//! A field that finds rows looks at what is selected below it: the columns that those fields need, and the rows that
//! hang on each (lists of children, single rows that a column names), at any depth. The database puts a row and all of
//! that together as one JSON text, so a page with what hangs on its rows costs one statement, and none of what nobody
//! asked for is read.
//!
//! This moves nothing but where rows come from. The resolvers go on to ask the [loaders](super::loaders) for the rows
//! that hang on theirs, with every rule of who reads a field; what was read ahead is answered from here.
//! What a table's object reads from which column is said beside it, by [`Selected`]; a field of which nothing
//! is said has all columns.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::mem::discriminant;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, anyhow};
use async_graphql::{Context, Lookahead, SelectionField};
use chrono::{DateTime, NaiveDate};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ColumnType, ConnectionTrait, DatabaseBackend, EntityTrait, IdenStatic,
    Iterable, ModelTrait, Order, QueryResult, QuerySelect, QueryTrait, Select, TryIntoModel, Value,
};
use serde_json::Value as Json;
use uuid::Uuid;

use super::loaders::{Child, Lookup};
use crate::auth::Actor;
use crate::auth::policy::{Action, allows};
use crate::database::Database;
use crate::error::Result;

/// Columns of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Columns(u64);

impl Columns {
    /// All of them.
    pub const ALL: Self = Self(u64::MAX);

    /// These.
    pub fn of<E: EntityTrait>(columns: &[E::Column]) -> Self {
        let bit = |wanted: &E::Column| {
            let place = E::Column::iter().position(|column| discriminant(&column) == discriminant(wanted));
            place.map_or(u64::MAX, |place| 1 << place)
        };
        Self(columns.iter().map(bit).fold(0, |all, bit| all | bit))
    }

    /// All but these.
    pub fn but<E: EntityTrait>(columns: &[E::Column]) -> Self {
        Self(!Self::of::<E>(columns).0)
    }

    /// Whether all of `others` are among them.
    pub fn cover(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// Whether any of `others` is among them.
    pub fn meet(self, others: Self) -> bool {
        others.0 & self.0 != 0
    }

    fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    fn has(self, place: usize) -> bool {
        self.0 & (1 << place) != 0
    }

    /// Each column of the table with whether it is one of them.
    pub fn each<E: EntityTrait>(self) -> impl Iterator<Item = (E::Column, bool)> {
        E::Column::iter().enumerate().map(move |(place, column)| (column, self.has(place)))
    }
}

/// How a column's values stand in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    BigInteger,
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
            ColumnType::Integer => Self::Integer,
            ColumnType::BigInteger => Self::BigInteger,
            ColumnType::Boolean => Self::Boolean,
            ColumnType::Uuid => Self::Id,
            ColumnType::TimestampWithTimeZone => Self::Time,
            ColumnType::Date => Self::Date,
            ColumnType::Json | ColumnType::JsonBinary => Self::Json,
            ColumnType::VarBinary(_) | ColumnType::Binary(_) | ColumnType::Blob => Self::Bytes,
            _ => return None,
        })
    }

    fn null(self) -> Value {
        match self {
            Self::Text => Value::String(None),
            Self::Integer => Value::Int(None),
            Self::BigInteger => Value::BigInt(None),
            Self::Boolean => Value::Bool(None),
            Self::Id => Value::Uuid(None),
            Self::Time => Value::ChronoDateTimeUtc(None),
            Self::Date => Value::ChronoDate(None),
            Self::Json => Value::Json(None),
            Self::Bytes => Value::Bytes(None),
        }
    }

    /// What says nothing, where a column has to have something.
    fn nothing(self) -> Value {
        match self {
            Self::Id => Value::Uuid(Some(Uuid::nil())),
            Self::Json => Value::Json(Some(Box::new(Json::Null))),
            other => other.null().dummy_value(),
        }
    }

    /// The value that stands in `cell`.
    fn value(self, cell: Json) -> Option<Value> {
        Some(match (self, cell) {
            (kind, Json::Null) => kind.null(),
            (Self::Text, Json::String(text)) => Value::String(Some(text)),
            (Self::Integer, Json::Number(number)) => Value::Int(Some(number.as_i64()?.try_into().ok()?)),
            (Self::BigInteger, Json::Number(number)) => Value::BigInt(Some(number.as_i64()?)),
            (Self::Boolean, Json::Bool(yes)) => Value::Bool(Some(yes)),
            // As SQLite has it.
            (Self::Boolean, Json::Number(number)) => Value::Bool(Some(number.as_i64()? != 0)),
            (Self::Id, Json::String(text)) => Value::Uuid(Some(Uuid::try_parse(&text).ok()?)),
            (Self::Time, Json::String(text)) => {
                Value::ChronoDateTimeUtc(Some(DateTime::parse_from_rfc3339(&text).ok()?.to_utc()))
            }
            (Self::Date, Json::String(text)) => Value::ChronoDate(Some(text.parse::<NaiveDate>().ok()?)),
            (Self::Json, json) => Value::Json(Some(Box::new(json))),
            (Self::Bytes, Json::String(text)) => {
                // PostgreSQL says before the digits that they are such.
                Value::Bytes(Some(hex::decode(text.strip_prefix("\\x").unwrap_or(&text)).ok()?))
            }
            _ => return None,
        })
    }

    /// The column as JSON can hold it.
    fn write(self, backend: DatabaseBackend, nullable: bool, table: &str, column: &str, sql: &mut String) {
        let digits = matches!(self, Self::Id | Self::Bytes);
        let _ = match backend {
            DatabaseBackend::Sqlite if self == Self::Json => write!(sql, "json(\"{table}\".\"{column}\")"),
            DatabaseBackend::Sqlite if digits && nullable => {
                write!(sql, "iif(\"{table}\".\"{column}\" IS NULL, NULL, hex(\"{table}\".\"{column}\"))")
            }
            DatabaseBackend::Sqlite if digits => write!(sql, "hex(\"{table}\".\"{column}\")"),
            _ => write!(sql, "\"{table}\".\"{column}\""),
        };
    }
}

/// A column, as rows are read from JSON.
struct Cell<E: EntityTrait> {
    column: E::Column,
    kind: Kind,
    nullable: bool,
    /// What stands in a row where it was not read; none where a row cannot do without it.
    blank: Option<Value>,
}

/// What an object's fields read of their table, and what hangs on its rows.
pub struct Shape<E: EntityTrait> {
    cells: Vec<Cell<E>>,
    always: Columns,
    fields: HashMap<&'static str, Columns>,
    branches: Vec<(&'static str, Branch<E>)>,
}

impl<E: Selected> Shape<E> {
    /// The shape of a table whose rows all have `always`, and of which a field that is named in `fields` needs these columns besides.
    ///
    /// # Panics
    /// On a column of a kind that no table has, and on more of them than 64.
    #[expect(clippy::expect_used, reason = "a table's columns are known when it is written")]
    pub fn new(
        always: &[E::Column],
        fields: &[(&'static str, &[E::Column])],
        branches: Vec<(&'static str, Branch<E>)>,
    ) -> Self {
        let cells = E::Column::iter().map(|column| {
            let definition = column.def();
            let kind = Kind::of(definition.get_column_type()).expect("a kind of column that JSON has");
            let nullable = definition.is_null();
            let blank = if nullable { kind.null() } else { kind.nothing() };
            // A closed vocabulary has no word for nothing.
            let fits = <E::ActiveModel as ActiveModelTrait>::default().try_set(column, blank.clone()).is_ok();
            Cell { column, kind, nullable, blank: fits.then_some(blank) }
        });
        let cells: Vec<_> = cells.collect();
        assert!(cells.len() <= 64, "a table of more columns than Columns can tell");
        let whole = cells.iter().filter(|cell| cell.blank.is_none()).map(|cell| cell.column);
        let always = Columns::of::<E>(always).with(Columns::of::<E>(&whole.collect::<Vec<_>>()));
        let fields = fields.iter().map(|(name, columns)| (*name, Columns::of::<E>(columns))).collect();
        Self { cells, always, fields, branches }
    }

    /// The columns that what is selected below `look` is read from.
    pub fn need(&self, look: &Lookahead<'_>) -> Columns {
        let selected = look.selection_fields();
        let below = selected.iter().flat_map(SelectionField::selection_set);
        let of = |field: SelectionField<'_>| match field.name() {
            "__typename" => self.always,
            name => self.fields.get(name).copied().unwrap_or(Columns::ALL),
        };
        below.map(of).fold(self.always, Columns::with)
    }
}

/// A table of which an object's fields are read; made by [`selected!`].
pub trait Selected:
    EntityTrait<
        Model: Clone + Send + Sync,
        ActiveModel: TryIntoModel<Self::Model> + Send,
        Column: Send + Sync,
    > + Send
    + Sync
{
    /// Column of the id.
    const KEY: Self::Column;
    /// What its fields read, and what hangs on its rows.
    fn shape() -> &'static Shape<Self>;
    /// A row's id.
    fn key(row: &Self::Model) -> Uuid;
}

/// What there is of a branch, where the actor may find all of it.
type Grown<P> = Option<Box<dyn Limb<P>>>;
/// By the column that names it, what is selected below it, and for whom.
type Planned<P> = fn(Option<<P as EntityTrait>::Column>, &Lookahead<'_>, &Actor) -> Grown<P>;

/// Something that hangs on a row of `P`, and how what is selected of it is planned.
pub struct Branch<P: EntityTrait> {
    kind: TypeId,
    /// Column of the row that names it, where it is one row.
    by: Option<P::Column>,
    plan: Planned<P>,
    /// What a role has to be allowed for the field to show it.
    only: Option<Action>,
}

impl<P: Selected> Branch<P> {
    /// The rows of `E` that hang on a row. Where the actor may find not all of them, they are left to the loaders.
    pub fn many<E: Child + Selected>() -> Self {
        Self {
            kind: TypeId::of::<Many<E>>(),
            by: None,
            plan: |_, look, actor| {
                E::allowed(actor).is_empty().then(|| Box::new(Many(Plan::<E>::of(look, actor))) as _)
            },
            only: None,
        }
    }

    /// The row of `E` that the column `by` of a row names.
    pub fn one<E: Lookup + Selected>(by: P::Column) -> Self {
        Self {
            kind: TypeId::of::<One<E, P>>(),
            by: Some(by),
            plan: |by, look, actor| {
                let by = by.filter(|_| E::allowed(actor).is_empty())?;
                Some(Box::new(One { by, plan: Plan::<E>::of(look, actor) }))
            },
            only: None,
        }
    }

    /// The same, for roles alone that are allowed `action`: the field shows others nothing of it.
    #[must_use]
    pub fn only(mut self, action: Action) -> Self {
        self.only = Some(action);
        self
    }
}

/// Part of a statement: what hangs on rows of `P`.
trait Limb<P: EntityTrait>: Send + Sync {
    /// Writes what gives it as one JSON value.
    fn write(&self, backend: DatabaseBackend, sql: &mut String);
    /// Takes it out of a row's JSON.
    fn keep(&self, row: &P::Model, cell: Json, ahead: &Ahead) -> Result<()>;
}

struct Many<E: EntityTrait>(Plan<E>);

struct One<E: EntityTrait, P: EntityTrait> {
    by: P::Column,
    plan: Plan<E>,
}

/// Around what a statement of its own gives: SQLite forgets there that it was JSON.
fn nested(backend: DatabaseBackend, sql: &mut String, inner: impl FnOnce(&mut String)) {
    let sqlite = backend == DatabaseBackend::Sqlite;
    sql.push_str(if sqlite { "json((" } else { "(" });
    inner(sql);
    sql.push_str(if sqlite { "))" } else { ")" });
}

impl<P: Selected, E: Child + Selected> Limb<P> for Many<E> {
    fn write(&self, backend: DatabaseBackend, sql: &mut String) {
        let sqlite = backend == DatabaseBackend::Sqlite;
        let (table, of) = (E::default(), P::default());
        let (table, of) = (table.table_name(), of.table_name());
        let (order, direction) = E::ORDER;
        let direction = if matches!(direction, Order::Desc) { " DESC" } else { "" };
        nested(backend, sql, |sql| {
            sql.push_str(if sqlite { "SELECT json_group_array(" } else { "SELECT json_agg(" });
            self.0.write(backend, sql);
            let _ = write!(
                sql,
                " ORDER BY \"{table}\".\"{}\"{direction}, \"{table}\".\"{}\") FROM \"{table}\" WHERE \"{table}\".\"{}\" = \"{of}\".\"{}\"",
                order.as_str(),
                E::ID.as_str(),
                E::PARENT.as_str(),
                P::KEY.as_str(),
            );
        });
    }

    fn keep(&self, row: &P::Model, cell: Json, ahead: &Ahead) -> Result<()> {
        // No rows at all, as PostgreSQL says it.
        let rows = if cell.is_null() { Vec::new() } else { list(cell)? };
        let rows = rows.into_iter().map(|row| self.0.read(row, ahead)).collect::<Result<Arc<[_]>>>()?;
        ahead.keep::<E>(Hanging::On, P::key(row), self.0.columns, rows);
        Ok(())
    }
}

impl<P: Selected, E: Lookup + Selected> Limb<P> for One<E, P> {
    fn write(&self, backend: DatabaseBackend, sql: &mut String) {
        let (table, of) = (E::default(), P::default());
        let (table, of) = (table.table_name(), of.table_name());
        nested(backend, sql, |sql| {
            sql.push_str("SELECT ");
            self.plan.write(backend, sql);
            let (id, by) = (<E as Lookup>::ID.as_str(), self.by.as_str());
            let _ = write!(sql, " FROM \"{table}\" WHERE \"{table}\".\"{id}\" = \"{of}\".\"{by}\"");
        });
    }

    fn keep(&self, row: &P::Model, cell: Json, ahead: &Ahead) -> Result<()> {
        let Value::Uuid(Some(id)) = row.get(self.by) else { return Ok(()) };
        let rows = if cell.is_null() { Arc::from([]) } else { Arc::from([self.plan.read(cell, ahead)?]) };
        ahead.keep::<E>(Hanging::Named, id, self.plan.columns, rows);
        Ok(())
    }
}

/// What is read of a table's rows: columns, and what hangs on each.
pub struct Plan<E: EntityTrait> {
    columns: Columns,
    branches: Vec<Box<dyn Limb<E>>>,
}

impl<E: Selected> Plan<E> {
    /// What is selected below `look`, for who is `actor`.
    pub fn of(look: &Lookahead<'_>, actor: &Actor) -> Self {
        let shape = E::shape();
        let mut kinds: Vec<(&Branch<E>, Vec<SelectionField<'_>>)> = Vec::new();
        for (name, branch) in &shape.branches {
            let fields = look.field(name).selection_fields();
            if fields.is_empty() || branch.only.is_some_and(|action| !allows(actor, action)) {
                continue;
            }
            // Two fields may show the same rows.
            let same = |of: &&Branch<E>| {
                of.kind == branch.kind
                    && of.by.map(|by| discriminant(&by)) == branch.by.map(|by| discriminant(&by))
            };
            match kinds.iter_mut().find(|(of, _)| same(of)) {
                Some((_, known)) => known.extend(fields),
                None => kinds.push((branch, fields)),
            }
        }
        let named = kinds.iter().filter_map(|(branch, _)| branch.by);
        let named = Columns::of::<E>(&named.collect::<Vec<_>>());
        let grow = |(branch, fields): &(&Branch<E>, Vec<SelectionField<'_>>)| {
            let below = Lookahead::try_from(fields.as_slice()).ok()?;
            (branch.plan)(branch.by, &below, actor)
        };
        Self { columns: shape.need(look).with(named), branches: kinds.iter().filter_map(grow).collect() }
    }

    /// What is selected of the items of the connection that `ctx` resolves.
    pub fn of_items(ctx: &Context<'_>) -> Self {
        let look = ctx.look_ahead();
        let mut items = look.field("nodes").selection_fields();
        items.extend(look.field("edges").field("node").selection_fields());
        match Lookahead::try_from(items.as_slice()) {
            Ok(items) => Self::of(&items, super::actor(ctx)),
            Err(()) => Self::least(),
        }
    }

    /// All columns, and nothing below: for commands, which look at rows as a whole.
    pub fn whole() -> Self {
        Self { columns: Columns::ALL, branches: Vec::new() }
    }

    /// The columns that every row has, and nothing below.
    pub fn least() -> Self {
        Self { columns: E::shape().always, branches: Vec::new() }
    }

    /// The same with all rows of `C` that hang on each, whoever asks. A table stands once on the way to a row: a statement
    /// knows it by its name alone.
    #[must_use]
    pub fn many<C: Child + Selected>(mut self, below: Plan<C>) -> Self {
        debug_assert_ne!(TypeId::of::<E>(), TypeId::of::<C>(), "a table below itself");
        self.branches.push(Box::new(Many(below)));
        self
    }

    /// The same with the row of `L` that the column `by` of each names, whoever asks.
    #[must_use]
    pub fn one<L: Lookup + Selected>(mut self, by: E::Column, below: Plan<L>) -> Self {
        self.branches.push(Box::new(One { by, plan: below }));
        self
    }

    /// The same with these columns, whatever is selected.
    #[must_use]
    pub fn with(mut self, columns: &[E::Column]) -> Self {
        self.columns = self.columns.with(Columns::of::<E>(columns));
        self
    }

    /// What a statement over the table selects for it: one text.
    pub fn sql(&self, backend: DatabaseBackend) -> String {
        let mut sql = String::with_capacity(1_024);
        sql.push_str("CAST(");
        self.write(backend, &mut sql);
        sql.push_str(" AS text)");
        sql
    }

    /// `select` with the columns that [`sql`](Self::sql) is put together from.
    pub fn bare(&self, select: Select<E>) -> Select<E> {
        self.read_cells().fold(select.select_only(), |select, cell| select.column(cell.column))
    }

    fn write(&self, backend: DatabaseBackend, sql: &mut String) {
        let table = E::default();
        let sqlite = backend == DatabaseBackend::Sqlite;
        sql.push_str(if sqlite { "json_array(" } else { "json_build_array(" });
        let mut first = true;
        let mut next = |sql: &mut String| {
            if !std::mem::take(&mut first) {
                sql.push(',');
            }
        };
        for cell in self.read_cells() {
            next(sql);
            cell.kind.write(backend, cell.nullable, table.table_name(), cell.column.as_str(), sql);
        }
        for branch in &self.branches {
            next(sql);
            branch.write(backend, sql);
        }
        sql.push(')');
    }

    fn read_cells(&self) -> impl Iterator<Item = &'static Cell<E>> {
        E::shape()
            .cells
            .iter()
            .enumerate()
            .filter(|(place, _)| self.columns.has(*place))
            .map(|(_, cell)| cell)
    }

    /// Reads the rows that `select` finds; what hangs on them is kept in `ahead`.
    ///
    /// # Errors
    /// Of the database.
    pub async fn find(&self, database: &Database, select: Select<E>, ahead: &Ahead) -> Result<Vec<E::Model>> {
        let select =
            select.select_only().expr_as(Expr::cust(self.sql(database.backend())), "read").into_query();
        self.rows(database.reader().query_all(&select).await?, ahead)
    }

    /// The rows that a statement with [`sql`](Self::sql) gave; what hangs on them is kept in `ahead`.
    ///
    /// # Errors
    /// When they are none.
    pub fn rows(&self, found: Vec<QueryResult>, ahead: &Ahead) -> Result<Vec<E::Model>> {
        let row = |found: QueryResult| {
            let text: String = found.try_get_by_index(0)?;
            self.read(serde_json::from_str(&text).context("a row as JSON")?, ahead)
        };
        found.into_iter().map(row).collect()
    }

    fn read(&self, json: Json, ahead: &Ahead) -> Result<E::Model> {
        let mut cells = list(json)?.into_iter();
        let mut row = <E::ActiveModel as ActiveModelTrait>::default();
        for (place, cell) in E::shape().cells.iter().enumerate() {
            let value = if self.columns.has(place) {
                cells.next().and_then(|json| cell.kind.value(json))
            } else {
                cell.blank.clone()
            };
            let value = value.ok_or_else(|| anyhow!("no value for {}", cell.column.as_str()))?;
            row.try_set(cell.column, value)?;
        }
        let row = row.try_into_model()?;
        for (branch, cell) in self.branches.iter().zip(cells) {
            branch.keep(&row, cell, ahead)?;
        }
        Ok(row)
    }
}

fn list(json: Json) -> Result<Vec<Json>> {
    match json {
        Json::Array(items) => Ok(items),
        _ => Err(anyhow!("a row is a list of its columns").into()),
    }
}

/// How rows that were read ahead are found: by what they hang on, or by their own id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hanging {
    On,
    Named,
}

/// What was read ahead in one request.
#[derive(Default)]
pub struct Ahead(Mutex<HashMap<(TypeId, Hanging, Uuid), Held>>);

/// Rows of one table, an `Arc<[Model]>`, of which these columns were read.
struct Held {
    columns: Columns,
    rows: Box<dyn Any + Send>,
}

impl Ahead {
    fn keep<E: Selected>(&self, how: Hanging, id: Uuid, columns: Columns, rows: Arc<[E::Model]>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert((TypeId::of::<E>(), how, id), Held { columns, rows: Box::new(rows) });
    }

    /// The rows of `E` that hang on one, as a [`whole`](Plan::whole) plan read them.
    pub fn of<E: Child + Selected>(&self, parent: Uuid) -> Vec<E::Model> {
        self.find::<E>(Hanging::On, parent, Columns::ALL).map(|rows| rows.to_vec()).unwrap_or_default()
    }

    /// The ids of those rows, as any plan read them.
    pub fn ids_of<E: Child + Selected>(&self, parent: Uuid) -> Vec<Uuid> {
        let rows = self.find::<E>(Hanging::On, parent, E::shape().always);
        rows.iter().flat_map(|rows| rows.iter()).map(E::key).collect()
    }

    /// The row of `E` with this id, as a [`whole`](Plan::whole) plan read it.
    pub fn named<E: Lookup + Selected>(&self, id: Uuid) -> Option<E::Model> {
        self.find::<E>(Hanging::Named, id, Columns::ALL)?.first().cloned()
    }

    /// The rows of `E`, if they were read ahead with these columns.
    pub(super) fn find<E: EntityTrait>(
        &self,
        how: Hanging,
        id: Uuid,
        need: Columns,
    ) -> Option<Arc<[E::Model]>>
    where
        E::Model: Send + Sync,
    {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.get(&(TypeId::of::<E>(), how, id)).filter(|held| held.columns.cover(need))?;
        held.rows.downcast_ref::<Arc<[E::Model]>>().cloned()
    }
}

/// Says what an object's fields read of their table, and what hangs on its rows.
///
/// `always` are read whatever is selected. A field is named with its columns besides, where it reads these alone; for a
/// field that is not named all are read. `=> many(table)` and `=> one(table)` are rows that a field shows through the
/// loaders: those that hang on a row, and that which the named column names.
macro_rules! selected {
    (
        $table:ident, always [$($always:ident),*] {
            $($field:literal: [$($column:ident),*] $(=> $branch:ident($of:ident $(by $by:ident)?) $(if $action:ident)?)?;)*
        }
    ) => {
        impl $crate::graphql::ahead::Selected for entity::$table::Entity {
            const KEY: entity::$table::Column = entity::$table::Column::Id;

            fn shape() -> &'static $crate::graphql::ahead::Shape<Self> {
                use $crate::graphql::ahead::Shape;
                static SHAPE: std::sync::LazyLock<Shape<entity::$table::Entity>> = std::sync::LazyLock::new(|| {
                    #[allow(unused_imports)]
                    use entity::$table::Column::*;
                    Shape::new(
                        &[Id, $($always),*],
                        &[$(($field, &[$($column),*])),*],
                        vec![$($(($field, $crate::graphql::ahead::Branch::$branch::<entity::$of::Entity>($($by)?)
                            $(.only($crate::auth::policy::Action::$action))?),)?)*],
                    )
                });
                &SHAPE
            }

            fn key(row: &entity::$table::Model) -> uuid::Uuid {
                row.id
            }
        }
    };
}
pub(crate) use selected;
