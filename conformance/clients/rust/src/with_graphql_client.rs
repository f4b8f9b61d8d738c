//! graphql_client: types made of documents.

use std::error::Error;

use graphql_client::{GraphQLQuery, Response};

use crate::{BODY, Desk, Seen};

type DateTime = String;
type Decimal = String;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "queries/desk.graphql",
    response_derives = "Debug",
    skip_serializing_none
)]
struct Events;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "queries/desk.graphql",
    response_derives = "Debug"
)]
struct Event;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "../../../schema.graphql",
    query_path = "queries/desk.graphql",
    response_derives = "Debug"
)]
struct Comment;

fn ask<Q: GraphQLQuery>(
    desk: &Desk,
    variables: Q::Variables,
) -> Result<Response<Q::ResponseData>, Box<dyn Error>> {
    desk.ask(&Q::build_query(variables))
}

pub(crate) fn run(desk: &Desk) -> Result<Seen, Box<dyn Error>> {
    let mut numbers = Vec::new();
    let mut after = None;
    loop {
        let variables = events::Variables { first: 2, after, filter: None };
        let page = ask::<Events>(desk, variables)?.data.ok_or("events")?.events;
        numbers.extend(page.nodes.into_iter().map(|event| event.number));
        if !page.page_info.has_next_page {
            break;
        }
        after = page.page_info.end_cursor;
    }
    let node = ask::<Event>(desk, event::Variables { id: desk.event.clone() })?.data.ok_or("node")?.node;
    let Some(event::EventNode::Event(node)) = node else {
        return Err("the node is no event".into());
    };
    let input = |event: &str, key: &str| comment::Variables {
        input: comment::CommentOnEvent {
            event: event.to_owned(),
            body: BODY.to_owned(),
            idempotency_key: Some(key.to_owned()),
        },
    };
    let added = ask::<Comment>(desk, input(&desk.event, "graphql_client"))?.data.ok_or("comment")?.comment;
    let refused = ask::<Comment>(desk, input("nowhere", "graphql_client-2"))?.errors.unwrap_or_default();
    let code = refused.first().and_then(|error| error.extensions.as_ref()?.get("code")?.as_str());
    Ok(Seen {
        numbers,
        node: node.number,
        comment: added.comment.ok_or("no comment was added")?.body,
        refused: code.unwrap_or_default().to_owned(),
    })
}
