//! cynic: documents made of types, which are checked against the schema.

use std::error::Error;

use cynic::{GraphQlResponse, MutationBuilder as _, QueryBuilder as _};
use serde::Deserialize;

use crate::{BODY, Desk, Seen};

#[cynic::schema("vulndesk")]
mod schema {}

#[derive(cynic::Scalar, Debug)]
struct Decimal(String);

#[derive(cynic::Scalar, Debug)]
struct DateTime(String);

#[derive(cynic::Enum, Clone, Copy, Debug)]
enum Level {
    Red,
    Orange,
    Yellow,
    Blue,
    None,
}

#[derive(cynic::QueryVariables)]
struct Page {
    first: i32,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "Page")]
struct Events {
    #[arguments(first: $first, after: $after)]
    events: EventConnection,
}

#[derive(cynic::QueryFragment)]
struct EventConnection {
    nodes: Vec<Event>,
    page_info: PageInfo,
}

#[derive(cynic::QueryFragment)]
struct PageInfo {
    end_cursor: Option<String>,
    has_next_page: bool,
}

#[derive(cynic::QueryFragment, Debug)]
#[expect(dead_code, reason = "read to see that it can be")]
struct Event {
    id: cynic::Id,
    number: String,
    level: Level,
    total: Option<Decimal>,
    received_at: DateTime,
}

#[derive(cynic::QueryVariables)]
struct OfNode {
    id: cynic::Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "OfNode")]
struct Nodes {
    #[arguments(id: $id)]
    node: Option<Node>,
}

#[derive(cynic::InlineFragments)]
enum Node {
    Event(Event),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::InputObject, Clone)]
struct CommentOnEvent {
    event: cynic::Id,
    body: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
}

#[derive(cynic::QueryVariables)]
struct OfComment {
    input: CommentOnEvent,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "OfComment")]
struct AddComment {
    #[arguments(input: $input)]
    comment: CommentPayload,
}

#[derive(cynic::QueryFragment)]
struct CommentPayload {
    comment: Option<Comment>,
}

#[derive(cynic::QueryFragment)]
struct Comment {
    body: String,
}

#[derive(Deserialize)]
struct Extensions {
    code: String,
}

pub(crate) fn run(desk: &Desk) -> Result<Seen, Box<dyn Error>> {
    let mut numbers = Vec::new();
    let mut after = None;
    loop {
        let answer: GraphQlResponse<Events> = desk.ask(&Events::build(Page { first: 2, after }))?;
        let page = answer.data.ok_or("events")?.events;
        numbers.extend(page.nodes.into_iter().map(|event| event.number));
        if !page.page_info.has_next_page {
            break;
        }
        after = page.page_info.end_cursor;
    }
    let of = OfNode { id: cynic::Id::new(&desk.event) };
    let answer: GraphQlResponse<Nodes> = desk.ask(&Nodes::build(of))?;
    let Some(Node::Event(event)) = answer.data.ok_or("node")?.node else {
        return Err("the node is no event".into());
    };
    let of = |event: &str, key: &str| OfComment {
        input: CommentOnEvent {
            event: cynic::Id::new(event),
            body: BODY.to_owned(),
            idempotency_key: Some(key.to_owned()),
        },
    };
    let added: GraphQlResponse<AddComment> = desk.ask(&AddComment::build(of(&desk.event, "cynic")))?;
    let refused: GraphQlResponse<AddComment, Extensions> =
        desk.ask(&AddComment::build(of("nowhere", "cynic-2")))?;
    let error = refused.errors.unwrap_or_default().into_iter().next();
    Ok(Seen {
        numbers,
        node: event.number,
        comment: added.data.and_then(|data| data.comment.comment).ok_or("no comment was added")?.body,
        refused: error.and_then(|error| error.extensions).map(|of| of.code).unwrap_or_default(),
    })
}
