//! Pages of lists that grow: Relay connections over keyset cursors.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{InputObject, Object, OutputType, SimpleObject, TypeName};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement, SimpleExpr, UnionType};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IdenStatic, ModelTrait, Order, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select, Statement, Value,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::database::Database;
use crate::error::{Error, Result};
use crate::graphql::ahead::{Ahead, Plan, Selected};
use crate::graphql::errors::ApiResult;

/// Page size when none is asked for.
pub const DEFAULT_SIZE: u16 = 20;
/// Largest page.
pub const MAX_SIZE: u16 = 100;
/// Up to here lists are counted exactly.
pub const MAX_COUNT: u64 = 10_000;

/// Which page of a list. 分页参数。
#[derive(Clone, Debug, Default, InputObject)]
pub struct PageInput {
    /// Items from the front, 1 to 100; 20 when neither `first` nor `last` is given. 从前往后的条数。
    pub first: Option<i32>,
    /// Only what comes after this cursor. 该游标之后。
    pub after: Option<String>,
    /// Items from the back, 1 to 100. 从后往前的条数。
    pub last: Option<i32>,
    /// Only what comes before this cursor. 该游标之前。
    pub before: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    size: u16,
    backward: bool,
}

impl PageInput {
    /// How many items are asked for, from the front.
    ///
    /// # Errors
    /// BAD_USER_INPUT on a size that cannot be.
    pub fn size(&self) -> Result<usize> {
        Ok(self.window()?.size.into())
    }

    fn window(&self) -> Result<Window> {
        let size = |name: &str, value: i32| {
            u16::try_from(value)
                .ok()
                .filter(|size| (1..=MAX_SIZE).contains(size))
                .ok_or_else(|| Error::bad_input(name, format!("send 1 to {MAX_SIZE}")))
        };
        match (self.first, self.last) {
            (Some(_), Some(_)) => Err(Error::bad_input("last", "send either first or last")),
            (None, Some(last)) => Ok(Window { size: size("last", last)?, backward: true }),
            (Some(first), None) => Ok(Window { size: size("first", first)?, backward: false }),
            (None, None) => Ok(Window { size: DEFAULT_SIZE, backward: false }),
        }
    }
}

/// Where a row stands in an order: the sort column's value and the id that breaks ties.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    #[serde(rename = "o")]
    order: String,
    #[serde(rename = "k")]
    key: Key,
    #[serde(rename = "i")]
    id: Uuid,
}

impl Cursor {
    fn encode(&self) -> Result<String> {
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).map_err(anyhow::Error::from)?))
    }

    /// What `text` says, where it is a cursor of this order.
    fn decode(order: &str, field: &str, text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| unreadable(field))?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| unreadable(field))?;
        if cursor.order == order { Ok(cursor) } else { Err(unreadable(field)) }
    }
}

/// A row's place in a list; its cursor is put together for who asks.
#[derive(Clone, Debug)]
pub struct Place {
    order: Arc<str>,
    key: Key,
    id: Uuid,
}

impl Place {
    fn cursor(&self) -> Result<String> {
        Cursor { order: self.order.to_string(), key: self.key.clone(), id: self.id }.encode()
    }
}

/// The cursor of a place in a list of its own order, where `key` and `id` say which place it is.
///
/// # Errors
/// Of the encoding.
pub fn mark(order: &str, key: String, id: Uuid) -> Result<String> {
    Cursor { order: order.to_owned(), key: Key::Text(key), id }.encode()
}

/// What a cursor of [`mark`] says.
///
/// # Errors
/// BAD_USER_INPUT naming `field` when it is none of this order.
pub fn marked(order: &str, field: &str, text: &str) -> Result<(String, Uuid)> {
    let cursor = Cursor::decode(order, field, text)?;
    match cursor.key {
        Key::Text(key) => Ok((key, cursor.id)),
        Key::Time(_) | Key::Number(_) => Err(unreadable(field)),
    }
}

/// The error for a cursor that is none of this list.
pub fn unreadable(field: &str) -> Error {
    Error::bad_input(field, "not a cursor of this list and order: send one that it returned")
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Key {
    #[serde(rename = "t")]
    Time(i64),
    #[serde(rename = "n")]
    Number(i64),
    #[serde(rename = "s")]
    Text(String),
}

impl Key {
    fn of(value: Value) -> Result<Self> {
        match value {
            Value::ChronoDateTimeUtc(Some(at)) => Ok(Self::Time(at.timestamp_micros())),
            Value::Int(Some(number)) => Ok(Self::Number(number.into())),
            Value::BigInt(Some(number)) => Ok(Self::Number(number)),
            Value::String(Some(text)) => Ok(Self::Text(text)),
            other => Err(anyhow::anyhow!("no order by a column of {other:?}").into()),
        }
    }

    fn value(&self, like: &Value) -> Option<Value> {
        match (self, like) {
            (Self::Time(micros), Value::ChronoDateTimeUtc(_)) => {
                DateTime::<Utc>::from_timestamp_micros(*micros).map(Value::from)
            }
            (Self::Number(number), Value::Int(_)) => i32::try_from(*number).ok().map(Value::from),
            (Self::Number(number), Value::BigInt(_)) => Some(Value::from(*number)),
            (Self::Text(text), Value::String(_)) => Some(Value::from(text.clone())),
            _ => None,
        }
    }
}

/// An order of a list: a non-null indexed column, then the id.
#[derive(Clone, Copy, Debug)]
pub struct Keyset<C> {
    /// Sort column.
    pub column: C,
    /// The id.
    pub id: C,
    /// Newest or largest first.
    pub descending: bool,
}

impl<C: ColumnTrait> Keyset<C> {
    fn name(&self) -> String {
        format!("{}{}", self.column.to_string(), if self.descending { "-" } else { "+" })
    }

    /// The cursor of a row.
    ///
    /// # Errors
    /// For a sort column of a kind that no list has.
    pub fn cursor<M: ModelTrait<Entity: EntityTrait<Column = C>>>(&self, row: &M) -> Result<String> {
        self.place(self.name().into(), row)?.cursor()
    }

    /// Where a row stands in the order of this name.
    fn place<M: ModelTrait<Entity: EntityTrait<Column = C>>>(
        &self,
        order: Arc<str>,
        row: &M,
    ) -> Result<Place> {
        let Value::Uuid(Some(id)) = row.get(self.id) else {
            return Err(anyhow::anyhow!("a cursor's tie-break is an id").into());
        };
        Ok(Place { order, key: Key::of(row.get(self.column))?, id })
    }

    /// What lies beyond `text` in the given direction.
    ///
    /// # Errors
    /// BAD_USER_INPUT naming `field` when it is no cursor of this order.
    pub fn beyond(&self, field: &str, text: &str, forward: bool) -> Result<SimpleExpr> {
        let cursor = Cursor::decode(&self.name(), field, text)?;
        let like = match self.column.def().get_column_type() {
            sea_orm::ColumnType::Integer => Value::Int(None),
            sea_orm::ColumnType::BigInteger => Value::BigInt(None),
            sea_orm::ColumnType::TimestampWithTimeZone => Value::ChronoDateTimeUtc(None),
            _ => Value::String(None),
        };
        let value = cursor.key.value(&like).ok_or_else(|| unreadable(field))?;
        let row = Expr::tuple([Expr::col(self.column.as_column_ref()), Expr::col(self.id.as_column_ref())]);
        let bound = Expr::tuple([Expr::value(value), Expr::value(cursor.id)]);
        Ok(if forward == self.descending { row.lt(bound) } else { row.gt(bound) })
    }
}

/// A page of rows with their places.
#[derive(Debug)]
pub struct Page<M> {
    /// Rows in the list's order, each with its place in it.
    pub rows: Vec<(M, Place)>,
    has_next: bool,
    has_previous: bool,
    count: Count,
}

/// How many rows the whole list has: told by a statement, which is asked only where somebody wants to know, or known.
#[derive(Clone, Debug)]
enum Count {
    Asked(Box<SelectStatement>),
    Known(usize),
}

/// Reads one page of `select`, which already says what may be seen and what was asked for.
///
/// # Errors
/// BAD_USER_INPUT on a page size or cursor that cannot be; of the database.
pub async fn read<E, M>(
    database: &Database,
    select: Select<E>,
    keyset: Keyset<E::Column>,
    input: &PageInput,
) -> Result<Page<M>>
where
    E: EntityTrait<Model = M>,
    M: ModelTrait<Entity = E> + FromQueryResult,
{
    let window = input.window()?;
    let count = QueryTrait::into_query(select.clone());
    let statement = window.statement(database, select, keyset, input)?;
    let rows = E::find().from_raw_sql(statement).all(database.reader()).await?;
    window.page(rows, keyset, input, count)
}

/// Where the ids of a page's rows stand: at the beginning of these lists, each in the page's order by columns of the same name, that
/// hold them among them. So a page takes as long as there are lists, however much they hold and whatever else there is. None
/// without lists.
///
/// # Errors
/// BAD_USER_INPUT on a page size or cursor that cannot be.
pub fn heads<E: EntityTrait>(
    lists: Vec<Select<E>>,
    keyset: Keyset<E::Column>,
    input: &PageInput,
) -> Result<Option<SelectStatement>> {
    let window = input.window()?;
    let mut heads: Option<SelectStatement> = None;
    for list in lists {
        let list = list.select_only().column(keyset.column).column(keyset.id).distinct();
        let list = window.beyond(list, keyset, input)?.limit(u64::from(window.size) + 1);
        let head = Query::select().column(keyset.id).from_subquery(list.into_query(), "head").take();
        match &mut heads {
            Some(heads) => {
                heads.union(UnionType::All, head);
            }
            None => heads = Some(head),
        }
    }
    Ok(heads)
}

/// Which of the rows of a selection are listed.
#[derive(Debug)]
pub struct Listed {
    /// Those for which this holds.
    pub condition: Condition,
    /// Where their ids stand ([`heads`]), if there are such lists, which then have nothing else.
    pub heads: Option<SelectStatement>,
}

/// The same of those of `select` that are `listed`, with what `plan` says of each row and of what hangs on it, which is kept in
/// `ahead`.
///
/// # Errors
/// BAD_USER_INPUT on a page size or cursor that cannot be; of the database.
pub async fn read_ahead<E: Selected>(
    database: &Database,
    select: Select<E>,
    listed: Listed,
    keyset: Keyset<E::Column>,
    input: &PageInput,
    plan: Plan<E>,
    ahead: &Ahead,
) -> Result<Page<E::Model>> {
    let window = input.window()?;
    let plan = plan.with(&[keyset.column, keyset.id]);
    let page = plan.bare(select.clone());
    let count = QueryTrait::into_query(select.filter(listed.condition.clone()));
    let select = match listed.heads {
        Some(heads) => page.filter(keyset.id.in_subquery(heads)),
        None => page.filter(listed.condition),
    };
    let mut statement = window.statement(database, select, keyset, input)?;
    // The page first: SQLite would put together all that it has to sort, and what hangs on it.
    let direction = if keyset.descending == window.backward { "ASC" } else { "DESC" };
    statement.sql = format!(
        "SELECT {} FROM ({}) AS \"{}\" ORDER BY \"{}\" {direction}, \"{}\" {direction}",
        plan.sql(database.backend()),
        statement.sql,
        E::default().table_name(),
        keyset.column.as_str(),
        keyset.id.as_str(),
    );
    let rows = plan.rows(database.reader().query_all_raw(statement).await?, ahead)?;
    window.page(rows, keyset, input, count)
}

impl Window {
    /// The statement that reads a page, and one row more where there is one.
    fn statement<E: EntityTrait>(
        self,
        database: &Database,
        select: Select<E>,
        keyset: Keyset<E::Column>,
        input: &PageInput,
    ) -> Result<Statement> {
        let query = self.beyond(select, keyset, input)?.into_query();
        // A bound LIMIT is planned anew each time; this one is a checked number of ours.
        let mut statement = database.backend().build(&query);
        statement.sql = format!("{} LIMIT {}", statement.sql, self.size + 1);
        Ok(statement)
    }

    /// What lies beyond the cursors, in the order in which a page is read.
    fn beyond<E: EntityTrait>(
        self,
        mut select: Select<E>,
        keyset: Keyset<E::Column>,
        input: &PageInput,
    ) -> Result<Select<E>> {
        if let Some(after) = &input.after {
            select = select.filter(keyset.beyond("after", after, true)?);
        }
        if let Some(before) = &input.before {
            select = select.filter(keyset.beyond("before", before, false)?);
        }
        let order = if keyset.descending == self.backward { Order::Asc } else { Order::Desc };
        Ok(select.order_by(keyset.column, order.clone()).order_by(keyset.id, order))
    }

    /// The page of what its statement read.
    fn page<C: ColumnTrait, M: ModelTrait<Entity: EntityTrait<Column = C>>>(
        self,
        mut rows: Vec<M>,
        keyset: Keyset<C>,
        input: &PageInput,
        count: SelectStatement,
    ) -> Result<Page<M>> {
        let more = rows.len() > usize::from(self.size);
        rows.truncate(self.size.into());
        if self.backward {
            rows.reverse();
        }
        let order: Arc<str> = keyset.name().into();
        let rows = rows
            .into_iter()
            .map(|row| keyset.place(Arc::clone(&order), &row).map(|place| (row, place)))
            .collect::<Result<Vec<_>>>()?;
        let (has_next, has_previous) =
            if self.backward { (input.before.is_some(), more) } else { (more, input.after.is_some()) };
        Ok(Page { rows, has_next, has_previous, count: Count::Asked(Box::new(count)) })
    }
}

/// One page of a list that is held whole, in the order of `key`, which no two of its items share.
///
/// # Errors
/// BAD_USER_INPUT on a page size or cursor that cannot be.
pub fn of_list<T>(
    order: &str,
    mut items: Vec<T>,
    key: impl Fn(&T) -> &str,
    input: &PageInput,
) -> Result<Page<T>> {
    let window = input.window()?;
    let count = Count::Known(items.len());
    items.sort_by(|one, other| key(one).cmp(key(other)));
    if let Some(after) = &input.after {
        let (after, _) = marked(order, "after", after)?;
        items.retain(|item| key(item) > after.as_str());
    }
    if let Some(before) = &input.before {
        let (before, _) = marked(order, "before", before)?;
        items.retain(|item| key(item) < before.as_str());
    }
    let size = usize::from(window.size);
    let more = items.len() > size;
    if window.backward {
        items.drain(..items.len().saturating_sub(size));
    } else {
        items.truncate(size);
    }
    let order: Arc<str> = order.into();
    let placed = |item: T| {
        let place =
            Place { order: Arc::clone(&order), key: Key::Text(key(&item).to_owned()), id: Uuid::nil() };
        (item, place)
    };
    let rows = items.into_iter().map(placed).collect();
    let (has_next, has_previous) =
        if window.backward { (input.before.is_some(), more) } else { (more, input.after.is_some()) };
    Ok(Page { rows, has_next, has_previous, count })
}

/// About a page. 分页信息。
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether there is more after this page. 之后是否还有。
    has_next_page: bool,
    /// Whether there is more before this page, as far as the request tells. 之前是否还有。
    has_previous_page: bool,
    /// Cursor of the first item; null on an empty page. 首项游标。
    start_cursor: Option<String>,
    /// Cursor of the last item; null on an empty page. 末项游标。
    end_cursor: Option<String>,
}

impl PageInfo {
    /// About a page between these cursors.
    pub fn new(has_next: bool, has_previous: bool, start: Option<String>, end: Option<String>) -> Self {
        Self {
            has_next_page: has_next,
            has_previous_page: has_previous,
            start_cursor: start,
            end_cursor: end,
        }
    }
}

/// An item of a list with its place.
pub struct Edge<T> {
    node: T,
    place: Place,
}

/// A page of a list.
pub struct Connection<T> {
    edges: Vec<Edge<T>>,
    has_next: bool,
    has_previous: bool,
    count: Count,
}

impl<T> Connection<T> {
    /// The answer's form of a page.
    pub fn new<M: Into<T>>(page: Page<M>) -> Self {
        let edges = page.rows.into_iter().map(|(row, place)| Edge { node: row.into(), place }).collect();
        Self { edges, has_next: page.has_next, has_previous: page.has_previous, count: page.count }
    }

    async fn count(&self, database: &Database) -> Result<u64> {
        let mut rows = match &self.count {
            Count::Known(found) => return Ok(u64::try_from(*found).unwrap_or(u64::MAX)),
            Count::Asked(rows) => (**rows).clone(),
        };
        rows.clear_selects().expr(Expr::val(1)).limit(MAX_COUNT + 1);
        let counted =
            Query::select().expr_as(Expr::cust("COUNT(*)"), "found").from_subquery(rows, "rows").take();
        let row = database.reader().query_one(&counted).await?;
        let found: i64 = row.ok_or_else(|| anyhow::anyhow!("a count gave no row"))?.try_get("", "found")?;
        Ok(found.unsigned_abs())
    }
}

impl<T: OutputType> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

/// An item of a list with its cursor. 列表项及其游标。
#[Object(name_type)]
impl<T: OutputType> Edge<T> {
    /// The item. 列表项。
    async fn node(&self) -> &T {
        &self.node
    }

    /// Its place in the list, for `after` and `before`. 该项在列表中的位置。
    async fn cursor(&self) -> ApiResult<String> {
        Ok(self.place.cursor()?)
    }
}

impl<T: OutputType> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

/// A page of a list. 列表的一页。
#[Object(name_type)]
impl<T: OutputType> Connection<T> {
    /// Items with their cursors. 带游标的列表项。
    async fn edges(&self) -> &[Edge<T>] {
        &self.edges
    }

    /// The items alone. 列表项。
    async fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// About this page. 分页信息。
    async fn page_info(&self) -> ApiResult<PageInfo> {
        let cursor = |edge: Option<&Edge<T>>| edge.map(|edge| edge.place.cursor()).transpose();
        let (start, end) = (cursor(self.edges.first())?, cursor(self.edges.last())?);
        Ok(PageInfo::new(self.has_next, self.has_previous, start, end))
    }

    /// How many items the whole list has that you may see, counted only when asked for; null beyond 10,000.
    /// 您可见的总数，仅在请求时计算；超过一万为空。
    async fn total_count(&self, ctx: &async_graphql::Context<'_>) -> ApiResult<Option<i32>> {
        let found = self.count(&super::app(ctx).database).await?;
        Ok(i32::try_from(found).ok().filter(|_| found <= MAX_COUNT))
    }

    /// The same, bounded: 10,000 means 10,000 or more. 总数下限，最多显示一万。
    async fn total_count_at_least(&self, ctx: &async_graphql::Context<'_>) -> ApiResult<i32> {
        let found = self.count(&super::app(ctx).database).await?;
        Ok(i32::try_from(Ord::min(found, MAX_COUNT)).unwrap_or(i32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use entity::event;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{bent_text, jumble};

    const PARTS: &str = "{¦}¦,¦\"o\":\"changed_at-\"¦\"o\":\"score-\"¦\"o\":\"a+\"¦\"k\":{\"t\":¦\"k\":{\"n\":¦\
    \"k\":{\"s\":\"\"}¦9223372036854775807}¦-9223372036854775808}¦4294967296}¦1e99}¦\
    \"i\":\"00000000-0000-0000-0000-000000000000\"¦\"i\":\"\"";

    proptest! {
        #[test]
        fn any_cursor_never_panics(text in jumble(PARTS), bent in bent_text("cursor")) {
            for cursor in [text.clone(), URL_SAFE_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&bent)] {
                let _ = marked("a+", "after", &cursor);
                for column in [event::Column::ChangedAt, event::Column::Score, event::Column::Number] {
                    let keyset = Keyset { column, id: event::Column::Id, descending: true };
                    let _ = keyset.beyond("after", &cursor, true);
                }
            }
        }

        #[test]
        fn a_cursor_of_an_order_is_read_in_that_order_alone(key in ".{0,20}", id: u128) {
            let id = Uuid::from_u128(id);
            let cursor = mark("a+", key.clone(), id).unwrap();
            prop_assert_eq!(marked("a+", "after", &cursor).ok(), Some((key, id)));
            prop_assert!(marked("a-", "after", &cursor).is_err());
        }
    }
}
