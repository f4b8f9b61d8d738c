//! Data that benchmarks measure over.

use std::sync::Arc;

use entity::vocabulary::{
    AffectedState, AssignmentState, Function, Level, ReplyKind, ReplyState, Tlp, Verdict,
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, Set};
use serde_json::json;
use vulndesk::app::App;
use vulndesk::auth::Actor;
use vulndesk::auth::policy::Action;
use vulndesk::auth::visibility::{AccessFacts, regrant};
use vulndesk::deadline::Clocks;
use vulndesk::deadline::rules::{Product, Scored};
use vulndesk::event;
use vulndesk::outbox::{ChangeSet, retrying};
use vulndesk::search::indexing::{index_event, index_product, index_reply};

/// Events with a product, a score, two assignments and a reply each, and all that follows from these: clocks, and the words
/// that they are found by. A server that is measured over them has nothing to catch up with.
pub(crate) async fn fill(app: &Arc<App>, actor: &Actor, events: usize) -> Vec<(uuid::Uuid, String)> {
    let db = app.database.writer();
    let policy = entity::rating_policy::Entity::find().one(db).await.unwrap().unwrap();
    let now = app.clock.now();
    let product = entity::product::Model {
        id: app.ids.next(),
        key: "edge-gateway".into(),
        name: "Edge Gateway".into(),
        line: "gateway".into(),
        owner_team: "gateway-team".into(),
        provider_entity: "Example Networks".into(),
        kind: entity::vocabulary::ProductKind::Product,
        importance: 90,
        reach: 90,
        customer_coverage: String::new(),
        asset_tier: entity::vocabulary::AssetTier::Core,
        lifecycle: entity::vocabulary::Lifecycle::Supported,
        end_of_life_notice: None,
        last_supported_version: None,
        successor: None,
        rmsv_library: None,
        cra_in_scope: false,
        cra_member_states: entity::texts::Texts::default(),
        cra_support_until: None,
        critical_infrastructure: false,
        central_organ: false,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    let product = product.into_active_model().insert(db).await.unwrap();
    let channel = entity::channel::ActiveModel {
        replan_after: Set(None),
        id: Set(app.ids.next()),
        key: Set("cnvd".into()),
        name: Set("CNVD".into()),
        kind: Set(entity::vocabulary::ChannelKind::NationalDatabase),
        jurisdiction: Set("CN".into()),
        abroad: Set(false),
        reply_required: Set(true),
        time_zone: Set("Asia/Shanghai".into()),
        calendar_id: Set(None),
        language: Set("zh-CN".into()),
        contacts: Set(entity::texts::Texts::default()),
        active: Set(true),
        acknowledgement: Set(entity::vocabulary::Acknowledgement::ByHand),
        version: Set(1),
        revision: Set(1),
        audit_head: Set(Vec::new()),
        created_at: Set(now),
        changed_at: Set(now),
    };
    let channel = channel.insert(db).await.unwrap();
    let mut changes = ChangeSet::new(app, actor, Action::IndexForSearch);
    index_product(&mut changes, &product);
    app.commit(changes).await.unwrap();
    let mut made = Vec::with_capacity(events);
    while made.len() < events {
        let changes = retrying(|| async {
            let mut changes = ChangeSet::new(app, actor, Action::ReceiveReport);
            let mut batch = Vec::new();
            for index in 0..100 {
                let received = now - chrono::Duration::minutes(i64::try_from(made.len() + index).unwrap());
                let mut row = event::new(app, "A hole in the gateway 网关漏洞", received, Tlp::Amber).await?;
                row.verdict = Some(Verdict::Confirmed);
                row.level = Level::Red;
                event::record_first_status(app, &mut changes, &row);
                let mut facts = AccessFacts::new(row.clone());
                let affected = entity::affected_product::Model {
                    id: app.ids.next(),
                    event_id: row.id,
                    product_id: product.id,
                    line: product.line.clone(),
                    state: AffectedState::Affected,
                    reason: None,
                    justification: None,
                    affected_versions: None,
                    fixed_versions: None,
                    version: 1,
                    received_at: row.received_at,
                };
                changes.write_row(&affected);
                facts.products.push((affected.clone(), product.key.clone()));
                let mut clocks = Clocks::new(app, &row).await?;
                clocks.facts.products.push(Product { affected, product: product.clone() });
                clocks.facts.scores.push(Scored { pass: 1, at: now });
                clocks.replan(app, &mut changes, &mut row)?;
                changes.write_row(&entity::score::Model {
                    id: app.ids.next(),
                    event_id: row.id,
                    pass: 1,
                    product_importance: 90,
                    product_reach: 90,
                    public_opinion: 90,
                    exploit_conditions: 85,
                    actual_impact: 90,
                    total: 89_500,
                    rounded: 90,
                    level: Level::Red,
                    policy_id: policy.id,
                    evidence: json!({}),
                    reason: None,
                    consented_by: None,
                    scored_by: "analyst-1".into(),
                    scored_at: now,
                    superseded_at: None,
                });
                for function in [Function::RAndD, Function::TechnicalService] {
                    changes.write_row(&entity::assignment::Model {
                        id: app.ids.next(),
                        event_id: row.id,
                        function,
                        subject: Some("engineer-1".into()),
                        team: None,
                        line: Some("gateway".into()),
                        due_at: None,
                        state: AssignmentState::Open,
                        note: None,
                        decline_reason: None,
                        assigned_by: "analyst-1".into(),
                        assigned_at: now,
                        version: 1,
                        received_at: row.received_at,
                    });
                }
                let reply = entity::reply::Model {
                    id: app.ids.next(),
                    event_id: row.id,
                    report_id: None,
                    comment_id: None,
                    reporter_version: None,
                    channel_id: channel.id,
                    kind: ReplyKind::Verdict,
                    state: ReplyState::Draft,
                    language: "zh-CN".into(),
                    subject: "Verdict".into(),
                    body: "Confirmed".into(),
                    draft_number: 1,
                    drafted_by: "analyst-1".into(),
                    drafted_at: now,
                    approved_by: None,
                    approved_at: None,
                    sent_by: None,
                    sent_at: None,
                    sent_via: None,
                    receipt_number: None,
                    proof: None,
                    content_hash: None,
                    template: None,
                    template_number: None,
                    required: None,
                    supplied: None,
                    formats: None,
                    as_made: false,
                    verdict_id: None,
                    extent: None,
                    via: None,
                    recipient: None,
                    url_sha256: None,
                    created_at: now,
                    version: 1,
                };
                changes.write_row(&reply);
                index_reply(&mut changes, &reply);
                index_event(&mut changes, &row);
                regrant(&mut changes, None, &facts);
                let row = changes.create(app, row.clone(), Some(row.id));
                batch.push((row.id, row.number));
            }
            app.commit(changes).await?;
            Ok(batch)
        });
        made.extend(changes.await.unwrap());
    }
    made
}
