//! The API of the search.

use async_graphql::{Context, Object, SimpleObject};
use entity::vocabulary::{SearchField, SearchKind};

use super::rules::{Fragment, Part};
use super::{Budget, Found, Hit, Hits};
use crate::event::graphql::Event;
use crate::graphql::errors::ApiResult;
use crate::graphql::node::Node;
use crate::graphql::page::{PageInfo, PageInput};
use crate::graphql::{actor, app, sensitive};
use crate::intake::graphql::Report;
use crate::product::graphql::Product;
use crate::reply::graphql::Reply;

/// A part of a fragment. 片段的一部分。
#[derive(Clone, Debug, SimpleObject)]
pub struct SearchFragmentPart {
    /// Its text: plain text, whatever it looks like. 文本（纯文本，不含标记语言）。
    text: String,
    /// Whether it is what was asked for. 是否为命中内容。
    matched: bool,
}

/// What of a field has what was asked for, in the form in which texts are compared: without characters that nobody sees, in
/// one width, addresses as they are meant. 命中的字段片段（规范化文本：去除不可见字符、统一全半角、还原地址）。
#[derive(Clone, Debug, SimpleObject)]
pub struct SearchFragment {
    /// The field. 字段。
    field: SearchField,
    /// Its text in its order, cut where it is long. 依序排列的文本，过长时截断。
    parts: Vec<SearchFragmentPart>,
}

impl From<Fragment> for SearchFragment {
    fn from(fragment: Fragment) -> Self {
        let part = |part: Part| SearchFragmentPart { text: part.text, matched: part.matched };
        Self { field: fragment.field, parts: fragment.parts.into_iter().map(part).collect() }
    }
}

/// Something that was found. 一条搜索结果。
pub struct SearchHit(Hit);

/// Something that has all that was asked for. 一条搜索结果。
#[Object]
impl SearchHit {
    /// What it is. 类别。
    async fn kind(&self) -> SearchKind {
        match self.0.found {
            Found::Event(_) => SearchKind::Event,
            Found::Report(_) => SearchKind::Report,
            Found::Reply(_) => SearchKind::Reply,
            Found::Product(_) => SearchKind::Product,
        }
    }

    /// The event, report, reply or product. 命中的事件、报告、回复或产品。
    async fn item(&self) -> Node {
        match &self.0.found {
            Found::Event(row) => Node::Event(Event::from(row.clone())),
            Found::Report(row) => Node::Report(Report::from(row.clone())),
            Found::Reply(row) => Node::Reply(Reply::from(row.clone())),
            Found::Product(row) => Node::Product(Product::from(row.clone())),
        }
    }

    /// Where it has it, at most four fields. 命中的片段，最多四个字段。
    async fn fragments(&self) -> Vec<SearchFragment> {
        self.0.fragments.iter().cloned().map(SearchFragment::from).collect()
    }
}

/// A hit with its cursor. 搜索结果及其游标。
#[derive(Clone, Copy)]
pub struct SearchHitEdge<'a>(&'a Hit);

/// A hit with its cursor. 搜索结果及其游标。
#[Object]
impl SearchHitEdge<'_> {
    /// The hit. 搜索结果。
    async fn node(&self) -> SearchHit {
        SearchHit(self.0.clone())
    }

    /// Its place among the hits, for `after`. 该结果的位置，用于 `after`。
    async fn cursor(&self) -> &str {
        &self.0.cursor
    }
}

/// A page of hits.
pub struct SearchHitConnection {
    hits: Hits,
    has_previous: bool,
}

/// A page of hits. A page may be short, or empty, and yet have a next one: then many things had the words, and not as they
/// were asked for, or much text was read for it. 一页搜索结果；可能不足一页甚至为空但仍有下一页：此时许多内容含有这些词但不符合所查的形式，或已读取大量文本。
#[Object]
impl SearchHitConnection {
    /// Hits with their cursors. 带游标的搜索结果。
    async fn edges(&self) -> Vec<SearchHitEdge<'_>> {
        self.hits.hits.iter().map(SearchHitEdge).collect()
    }

    /// The hits alone. 搜索结果。
    async fn nodes(&self) -> Vec<SearchHit> {
        self.hits.hits.iter().cloned().map(SearchHit).collect()
    }

    /// About this page. 分页信息。
    async fn page_info(&self) -> PageInfo {
        let start = self.hits.hits.first().map(|hit| hit.cursor.clone());
        PageInfo::new(self.hits.has_next, self.has_previous, start, self.hits.end.clone())
    }
}

/// Queries of the search.
#[derive(Default)]
pub struct SearchQuery;

/// Search. 搜索。
#[Object]
impl SearchQuery {
    /// What has all that you ask for, among what you may see and read: events by the beginning of their number first, then
    /// what has it in its title, then the rest; within each what was recorded last first. Of each text the first 50,000
    /// characters are searched, of a report its three newest versions. 搜索您可见且可读的内容：先按编号前缀匹配事件，
    /// 再按标题命中，再按其余字段命中；同级按登记先后倒序。每段文本检索前 50,000 字，报告检索最新三个版本。
    async fn search(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "What to look for, at most 200 characters: words separated by spaces, all of which a hit has; two characters \
                    of Chinese or more; words of English in any form; numbers and versions by their beginning; hosts. What \
                    stands between two spaces is found as it stands. Nothing in it is an operator. 查询内容，最多 200 字：\
                    以空格分隔的词须全部命中；中文至少两个字；英文不分词形；编号与版本按前缀；主机名。空格之间的内容须连续出现；不含任何运算符。"
        )]
        query: String,
        #[graphql(
            desc = "Of which kinds; all that your roles may read when left out. 类别；缺省为您的角色可读的全部类别。"
        )]
        kinds: Option<Vec<SearchKind>>,
        #[graphql(desc = "Items from the front, 1 to 100; 20 when left out. 从前往后的条数。")] first: Option<
            i32,
        >,
        #[graphql(desc = "Only what comes after this cursor. 该游标之后。")] after: Option<String>,
    ) -> ApiResult<SearchHitConnection> {
        let has_previous = after.is_some();
        let page = PageInput { first, after, ..PageInput::default() };
        let own = Budget::default();
        let budget = ctx.data_opt::<Budget>().unwrap_or(&own);
        let found = super::search(app(ctx), actor(ctx), &query, kinds.as_deref(), &page, budget);
        let hits = Box::pin(found).await?;
        for hit in &hits.hits {
            match &hit.found {
                Found::Event(row) => sensitive::note(ctx, row),
                Found::Report(row) => sensitive::touch(ctx, row.event_id),
                Found::Reply(row) => sensitive::touch(ctx, row.event_id),
                Found::Product(_) => {}
            }
        }
        Ok(SearchHitConnection { hits, has_previous })
    }
}
