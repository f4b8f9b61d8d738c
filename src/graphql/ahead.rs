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

use anyhow::Context as _;
use async_graphql::{Context, Lookahead, SelectionField};
use foldhash::fast::RandomState;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, DatabaseBackend, EntityTrait, IdenStatic, Iterable, ModelTrait,
    Order, QueryResult, QuerySelect, QueryTrait, Select, Value,
};
use serde::de::{
    Deserialize as _, DeserializeOwned, DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::cells::{Cell, Row, cells};
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

    /// Whether the column at this place is among them.
    pub(super) fn has(self, place: usize) -> bool {
        self.0 & (1 << place) != 0
    }

    /// Each column of the table with whether it is one of them.
    pub fn each<E: EntityTrait>(self) -> impl Iterator<Item = (E::Column, bool)> {
        E::Column::iter().enumerate().map(move |(place, column)| (column, self.has(place)))
    }
}

/// What an object's fields read of their table, and what hangs on its rows.
pub struct Shape<E: EntityTrait> {
    rows: Select<E>,
    cells: Vec<Cell<E::Column>>,
    always: Columns,
    fields: HashMap<&'static str, Columns>,
    branches: Vec<(&'static str, Branch<E>)>,
}

impl<E: Selected> Shape<E> {
    /// The shape of a table whose rows all have `always`, and of which a field that is named in `fields` needs these columns besides.
    ///
    /// # Panics
    /// On a column of a kind that no table has, and on more of them than 64.
    pub fn new(
        always: &[E::Column],
        fields: &[(&'static str, &[E::Column])],
        branches: Vec<(&'static str, Branch<E>)>,
    ) -> Self {
        let cells = cells::<E>();
        assert!(cells.len() <= 64, "a table of more columns than Columns can tell");
        let fields = fields.iter().map(|(name, columns)| (*name, Columns::of::<E>(columns))).collect();
        let rows = E::find().select_only();
        Self { rows, cells, always: Columns::of::<E>(always), fields, branches }
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
    EntityTrait<Model: Clone + Send + Sync + DeserializeOwned, Column: Send + Sync> + Send + Sync
{
    /// Column of the id.
    const KEY: Self::Column;
    /// What its fields read, and what hangs on its rows.
    fn shape() -> &'static Shape<Self>;
    /// A row's id.
    fn key(row: &Self::Model) -> Uuid;
}

/// The rows of a table, for a [`Plan`] to say what is read of them. `find` names each column first, only for them to be left out.
pub fn rows<E: Selected>() -> Select<E> {
    E::shape().rows.clone()
}

/// The rows of a table with nothing in these columns, which are then not read.
pub fn without<E: EntityTrait>(columns: &[E::Column]) -> Select<E> {
    let mut select = E::find().select_only();
    for (column, is_left_out) in Columns::of::<E>(columns).each::<E>() {
        select = if is_left_out {
            let blank = match column.def().get_column_type() {
                ColumnType::Json | ColumnType::JsonBinary => Expr::val(serde_json::Value::Null),
                _ => Expr::val(""),
            };
            select.expr_as(blank, column.as_str())
        } else {
            select.column(column)
        };
    }
    select
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
                E::allowed(actor).is_empty().then(|| Box::new(Many::of(Plan::<E>::of(look, actor))) as _)
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
                Some(Box::new(One::of(by, Plan::<E>::of(look, actor))))
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
    fn keep(&self, row: &P::Model, json: &str, ahead: &Ahead) -> serde_json::Result<()>;
}

struct Many<E: EntityTrait>(Plan<E>);

impl<E: Child + Selected> Many<E> {
    fn of(plan: Plan<E>) -> Self {
        Self(plan.knowing(E::PARENT))
    }
}

struct One<E: EntityTrait, P: EntityTrait> {
    by: P::Column,
    plan: Plan<E>,
}

impl<E: Lookup + Selected, P: EntityTrait> One<E, P> {
    fn of(by: P::Column, plan: Plan<E>) -> Self {
        Self { by, plan: plan.knowing(<E as Lookup>::ID) }
    }
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
            let (order, id) = (order.as_str(), E::ID.as_str());
            let _ = write!(sql, " ORDER BY \"{table}\".\"{order}\"{direction}");
            if order != id {
                let _ = write!(sql, ", \"{table}\".\"{id}\"");
            }
            let (parent, key) = (E::PARENT.as_str(), P::KEY.as_str());
            let _ = write!(sql, ") FROM \"{table}\" WHERE \"{table}\".\"{parent}\" = \"{of}\".\"{key}\"");
        });
    }

    fn keep(&self, row: &P::Model, json: &str, ahead: &Ahead) -> serde_json::Result<()> {
        let id = P::key(row);
        // No rows at all, as PostgreSQL says it.
        let rows = if json == "null" { Vec::new() } else { read(json, Rows(self.0.each(id, ahead)))? };
        ahead.keep::<E>(Hanging::On, id, self.0.columns, rows.into());
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

    fn keep(&self, row: &P::Model, json: &str, ahead: &Ahead) -> serde_json::Result<()> {
        let Value::Uuid(Some(id)) = row.get(self.by) else { return Ok(()) };
        let row = if json == "null" { None } else { Some(read(json, self.plan.each(id, ahead))?) };
        let rows = row.into_iter().collect();
        ahead.keep::<E>(Hanging::Named, id, self.plan.columns, rows);
        Ok(())
    }
}

/// What is read of a table's rows: columns, and what hangs on each.
pub struct Plan<E: EntityTrait> {
    columns: Columns,
    /// Place of the column that is known of each row from what it hangs on.
    known: Option<usize>,
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
        let mut named = Columns::of::<E>(&named.collect::<Vec<_>>());
        if !kinds.is_empty() {
            named = named.with(Columns::of::<E>(&[E::KEY]));
        }
        let grow = |(branch, fields): &(&Branch<E>, Vec<SelectionField<'_>>)| {
            let below = Lookahead::try_from(fields.as_slice()).ok()?;
            (branch.plan)(branch.by, &below, actor)
        };
        let branches = kinds.iter().filter_map(grow).collect();
        Self { columns: shape.need(look).with(named), known: None, branches }
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
        Self { columns: Columns::ALL, known: None, branches: Vec::new() }
    }

    /// The columns that every row has, and nothing below.
    pub fn least() -> Self {
        Self { columns: E::shape().always, known: None, branches: Vec::new() }
    }

    /// The same with all rows of `C` that hang on each, whoever asks. A table stands once on the way to a row: a statement
    /// knows it by its name alone.
    #[must_use]
    pub fn many<C: Child + Selected>(mut self, below: Plan<C>) -> Self {
        debug_assert_ne!(TypeId::of::<E>(), TypeId::of::<C>(), "a table below itself");
        self.branches.push(Box::new(Many::of(below)));
        self.with(&[E::KEY])
    }

    /// The same with the row of `L` that the column `by` of each names, whoever asks.
    #[must_use]
    pub fn one<L: Lookup + Selected>(mut self, by: E::Column, below: Plan<L>) -> Self {
        self.branches.push(Box::new(One::of(by, below)));
        self.with(&[by])
    }

    /// The same with these columns, whatever is selected.
    #[must_use]
    pub fn with(mut self, columns: &[E::Column]) -> Self {
        self.columns = self.columns.with(Columns::of::<E>(columns));
        self
    }

    /// The same, of rows of which `column` is known from what they hang on.
    fn knowing(self, column: E::Column) -> Self {
        let known = E::Column::iter().position(|other| discriminant(&other) == discriminant(&column));
        Self { known, ..self.with(&[column]) }
    }

    /// What a statement over the table selects for it: one text.
    pub fn sql(&self, backend: DatabaseBackend) -> String {
        let mut sql = String::with_capacity(1_024);
        sql.push_str("CAST(");
        self.write(backend, &mut sql);
        sql.push_str(" AS text)");
        sql
    }

    /// What a statement over another table selects for the rows that `from` finds: one text, for [`listed`](Self::listed).
    pub fn list(&self, backend: DatabaseBackend, from: &str) -> String {
        let mut sql = String::with_capacity(1_024);
        let sqlite = backend == DatabaseBackend::Sqlite;
        sql.push_str("CAST(");
        nested(backend, &mut sql, |sql| {
            sql.push_str(if sqlite { "SELECT json_group_array(" } else { "SELECT json_agg(" });
            self.write(backend, sql);
            let _ = write!(sql, ") {from}");
        });
        sql.push_str(" AS text)");
        sql
    }

    /// The rows that [`list`](Self::list) gave; what hangs on them is kept in `ahead`.
    ///
    /// # Errors
    /// When they are none.
    pub fn listed(&self, text: Option<&str>, ahead: &Ahead) -> Result<Vec<E::Model>> {
        // No rows at all, as PostgreSQL says it.
        let Some(text) = text else { return Ok(Vec::new()) };
        Ok(read(text, Rows(self.each(Uuid::nil(), ahead))).context("rows as JSON")?)
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
            cell.write(backend, table.table_name(), sql);
        }
        for branch in &self.branches {
            next(sql);
            branch.write(backend, sql);
        }
        sql.push(')');
    }

    fn read_cells(&self) -> impl Iterator<Item = &'static Cell<E::Column>> {
        let read = |place: &usize| self.columns.has(*place) && self.known != Some(*place);
        E::shape().cells.iter().enumerate().filter(move |(place, _)| read(place)).map(|(_, cell)| cell)
    }

    /// How each row is read, of those of which `id` is known.
    fn each<'p>(&'p self, id: Uuid, ahead: &'p Ahead) -> Each<'p, E> {
        Each { plan: self, id, ahead }
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
            Ok(read(&text, self.each(Uuid::nil(), ahead)).context("a row as JSON")?)
        };
        found.into_iter().map(row).collect()
    }
}

fn read<'de, T: DeserializeSeed<'de>>(json: &'de str, how: T) -> serde_json::Result<T::Value> {
    let mut json = serde_json::Deserializer::from_str(json);
    let read = how.deserialize(&mut json)?;
    json.end()?;
    Ok(read)
}

/// Reads a row, and keeps what hangs on it.
struct Each<'p, E: EntityTrait> {
    plan: &'p Plan<E>,
    id: Uuid,
    ahead: &'p Ahead,
}

impl<E: EntityTrait> Clone for Each<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E: EntityTrait> Copy for Each<'_, E> {}

impl<'de, E: Selected> DeserializeSeed<'de> for Each<'_, E> {
    type Value = E::Model;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<E::Model, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de, E: Selected> Visitor<'de> for Each<'_, E> {
    type Value = E::Model;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a row as the list of its columns")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> std::result::Result<E::Model, A::Error> {
        let Self { plan, id, ahead } = self;
        let known = plan.known.map(|place| (place, id));
        let row = E::Model::deserialize(Row::new(&E::shape().cells, plan.columns, known, &mut cells))?;
        for branch in &plan.branches {
            let json: &RawValue =
                cells.next_element()?.ok_or_else(|| A::Error::custom("a branch is missing"))?;
            branch.keep(&row, json.get(), ahead).map_err(A::Error::custom)?;
        }
        Ok(row)
    }
}

/// Reads a list of them.
struct Rows<'p, E: EntityTrait>(Each<'p, E>);

impl<'de, E: Selected> DeserializeSeed<'de> for Rows<'_, E> {
    type Value = Vec<E::Model>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> std::result::Result<Vec<E::Model>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de, E: Selected> Visitor<'de> for Rows<'_, E> {
    type Value = Vec<E::Model>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Vec<E::Model>, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = list.next_element_seed(self.0)? {
            rows.push(row);
        }
        Ok(rows)
    }
}

/// How rows that were read ahead are found: by what they hang on, or by their own id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hanging {
    On,
    Named,
}

/// What was read ahead in one request, by ids of this database, which nobody chooses.
#[derive(Default)]
pub struct Ahead(Mutex<HashMap<(TypeId, Hanging, Uuid), Held, RandomState>>);

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

    /// Whether any row of `E` hangs on one.
    pub fn any<E: Child + Selected>(&self, parent: Uuid) -> bool {
        self.find::<E>(Hanging::On, parent, E::shape().always).is_some_and(|rows| !rows.is_empty())
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
                        &[$($always),*],
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
