//! Who reads which replies, through the API.

use std::sync::Arc;

use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Schema};
use entity::report;
use entity::vocabulary::{ChannelKind, Facet, Level, Origin, ReplyKind, Verdict};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::app::App;
use crate::graphql::loaders::Reader;
use crate::outbox::ChangeSet;
use crate::reply::draft_reply;
use crate::reply::tests::{Desk, person};

/// What the event's and the report's objects read.
struct Read {
    event: Uuid,
    report: Uuid,
}

#[Object]
impl Read {
    async fn replies(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<Reply>>> {
        replies_of(ctx, self.event).await
    }

    async fn obligations(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<Obligation>>> {
        obligations_of(ctx, self.event).await
    }

    async fn sent(&self, ctx: &Context<'_>) -> ApiResult<Option<Vec<Reply>>> {
        sent_replies_of_report(ctx, self.report).await
    }
}

async fn read(app: &Arc<App>, actor: Actor, event: Uuid, report: Uuid) -> Value {
    let reader = Reader::new(app.clone(), actor.clone(), 1_000);
    let loader = DataLoader::new(reader, TokioSpawner::current(), TokioTimer::default());
    let schema = Schema::build(Read { event, report }, EmptyMutation, EmptySubscription)
        .data(app.clone())
        .data(actor)
        .data(loader)
        .finish();
    let answer = schema
        .execute(
            "{ replies { kind needsApproval drafts { number } obligations { kind } }
               obligations { state } sent { kind body draftedBy drafts { number } } }",
        )
        .await;
    assert!(answer.errors.is_empty(), "{:?}", answer.errors);
    answer.data.into_json().unwrap()
}

/// A report of the channel, whose service may see its public side.
async fn report(desk: &Desk) -> Uuid {
    let analyst = person("analyst-1", Role::Analyst);
    let mut changes = ChangeSet::new(&desk.app, &analyst, Action::ReceiveReport);
    let row = report::Model {
        id: desk.app.ids.next(),
        event_id: desk.event.id,
        channel_id: desk.channel.id,
        channel_number: None,
        identity_key: "hash".to_owned(),
        reporter_id: None,
        origin: Origin::External,
        received_at: changes.at(),
        recorded_at: changes.at(),
        recorded_by: "analyst-1".to_owned(),
        current_version: 1,
        history: false,
        part_of: None,
        part_number: None,
        notice_type: None,
        withdrawn_at: None,
        withdrawal_reason: None,
        split: false,
        severity: None,
    };
    changes.write_row(&row);
    changes.write_row(&entity::event_access::Model {
        event_id: desk.event.id,
        facet: Facet::Public,
        principal: format!("channel:{}", desk.channel.key),
        report_id: row.id,
        received_at: desk.event.received_at,
    });
    desk.app.commit(changes).await.unwrap();
    row.id
}

#[tokio::test]
async fn readers_get_their_side_and_others_nothing() {
    for (name, kind) in [("read-customer", ChannelKind::Customer), ("read-src", ChannelKind::SrcPlatform)] {
        let desk = Desk::new(name, kind).await;
        desk.set(Some(Verdict::Confirmed), Level::Blue).await;
        let report = report(&desk).await;
        let analyst = person("analyst-1", Role::Analyst);
        let answered = desk.draft(ReplyKind::Thanks, false).await;
        let answered = draft_reply(&desk.app, &analyst, &answered).await.unwrap();
        desk.sent(&analyst, &answered).await.unwrap();
        desk.clock.advance(chrono::Duration::seconds(1));
        let open = desk.draft(ReplyKind::Verdict, true).await;
        draft_reply(&desk.app, &analyst, &open).await.unwrap();

        let event = desk.event.id;
        let app = Arc::new(desk.app);
        let thanks = json!({ "kind": "THANKS", "needsApproval": false, "drafts": [{ "number": 1 }], "obligations": [] });
        let verdict = json!({
            "kind": "VERDICT", "needsApproval": false, "drafts": [{ "number": 1 }],
            "obligations": [{ "kind": "VERDICT" }],
        });
        let all = json!([thanks, verdict]);
        let sent = json!([{
            "kind": "THANKS", "body": "It is confirmed.", "draftedBy": "analyst-1", "drafts": [{ "number": 1 }],
        }]);
        let seen = read(&app, analyst, event, report).await;
        // The desk's own, and what the report asks for: the first reply's change found that nothing was owed for it.
        let owed = json!([{ "state": "OPEN" }, { "state": "OPEN" }]);
        assert_eq!(seen, json!({ "replies": all, "obligations": owed, "sent": sent }));

        let support = read(&app, person("support-1", Role::Support), event, report).await;
        let customer = kind == ChannelKind::Customer;
        let expected = if customer { (all, owed) } else { (json!([]), json!([])) };
        assert_eq!((support["replies"].clone(), support["obligations"].clone()), expected);

        let engineer = read(&app, person("engineer-1", Role::Engineer), event, report).await;
        assert_eq!(engineer, json!({ "replies": null, "obligations": null, "sent": null }));

        let mut service = person("src-1", Role::Src);
        service.channel = Some(desk.channel.key.as_str().into());
        let sent =
            json!([{ "kind": "THANKS", "body": "It is confirmed.", "draftedBy": null, "drafts": null }]);
        let seen = read(&app, service.clone(), event, report).await;
        assert_eq!(seen, json!({ "replies": null, "obligations": null, "sent": sent }));
        service.channel = Some("other".into());
        assert_eq!(read(&app, service, event, report).await["sent"], Value::Null);
    }
}
