use async_graphql::MaybeUndefined;
use entity::vocabulary::{AffectedState, AssetTier, Function, Lifecycle, ProductKind, Status, Verdict};
use entity::{affected_customer, customer, product, team_member};
use sea_orm::EntityTrait;

use super::*;
use crate::auth::policy::Action;
use crate::auth::{Actor, Role};
use crate::error::{Error, RefusalCode};
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet};
use crate::testing::procedure::{TestApp, analyst, app, at, triaging};

async fn gateway(app: &TestApp) -> product::Model {
    let mut changes = ChangeSet::new(app, &analyst(), Action::CreateProduct);
    let row = product::Model {
        id: app.ids.next(),
        key: "gateway".to_owned(),
        name: "Gateway".to_owned(),
        line: "network".to_owned(),
        owner_team: "network".to_owned(),
        provider_entity: "the company".to_owned(),
        kind: ProductKind::Product,
        importance: 80,
        reach: 70,
        customer_coverage: "all".to_owned(),
        asset_tier: AssetTier::Core,
        lifecycle: Lifecycle::Supported,
        end_of_life_notice: None,
        last_supported_version: None,
        successor: None,
        rmsv_library: None,
        cra_in_scope: false,
        cra_member_states: Vec::new().into(),
        cra_support_until: None,
        critical_infrastructure: false,
        central_organ: false,
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: at(8),
        changed_at: at(8),
    };
    let row = changes.create(app, row, None);
    app.commit(changes).await.unwrap();
    row
}

#[tokio::test]
async fn a_new_line_brings_a_verified_event_back_to_its_fix() {
    let app = app("lines").await;
    let product = gateway(&app).await;
    let before = triaging(&app).await;
    let mut event = before.clone();
    event.status = Status::Verifying;
    event.verdict = Some(Verdict::Confirmed);
    let mut changes = ChangeSet::new(&app, &analyst(), Action::GiveVerdict);
    let event = changes.revise(&app, &before, event, Some(before.id), Bump::Version);
    app.commit(changes).await.unwrap();
    let mut input = SetAffectedProduct {
        event: Id::new(event.id),
        product: Id::new(product.id),
        expected_version: None,
        state: AffectedState::Affected,
        reason: None,
        justification: None,
        affected_versions: MaybeUndefined::Value("before 4.2".to_owned()),
        fixed_versions: MaybeUndefined::Undefined,
    };
    let after = set_affected_product(&app, &analyst(), &input).await.unwrap();
    assert_eq!(after.status, Status::Remediating);
    let engineer =
        Actor { products: ["gateway".to_owned()].into(), ..Actor::operator("engineer-1", [Role::Engineer]) };
    assert!(
        matches!(set_affected_product(&app, &engineer, &input).await, Err(Error::Conflict)),
        "it has a row now"
    );
    input.expected_version = Some(1);
    input.state = AffectedState::NotAffected;
    match set_affected_product(&app, &engineer, &input).await {
        Err(Error::Refused(refusals)) => assert_eq!(refusals[0].code, RefusalCode::MissingFact),
        other => panic!("{other:?}"),
    }
    input.reason = Some("the module is not built in".to_owned());
    set_affected_product(&app, &engineer, &input).await.unwrap();
    let hidden = set_affected_product(&app, &engineer, &input).await;
    assert!(matches!(hidden, Err(Error::NotFound)), "an unaffected product no longer opens the event");
}

#[tokio::test]
async fn an_affected_customer_brings_its_account_manager() {
    let app = app("customer").await;
    let event = triaging(&app).await;
    let mut changes = ChangeSet::new(&app, &analyst(), Action::CreateCustomer);
    let row = customer::Model {
        id: app.ids.next(),
        key: "customer-1".to_owned(),
        name: "Customer 1".to_owned(),
        contact: None,
        abroad: false,
        account_manager: Some("account-manager-1".to_owned()),
        replan_after: None,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: at(8),
        changed_at: at(8),
    };
    let customer = changes.create(&app, row, None);
    app.commit(changes).await.unwrap();
    let input = AddAffectedCustomer {
        event: Id::new(event.id),
        customer: Id::new(customer.id),
        note: None,
        idempotency_key: None,
    };
    add_affected_customer(&app, &analyst(), &input).await.unwrap();
    match add_affected_customer(&app, &analyst(), &input).await {
        Err(Error::Refused(refusals)) => assert_eq!(refusals[0].code, RefusalCode::AlreadyExists),
        other => panic!("{other:?}"),
    }
    assert_eq!(affected_customer::Entity::find().all(app.database.reader()).await.unwrap().len(), 1);
    let team = team_member::Entity::find().all(app.database.reader()).await.unwrap();
    let joined: Vec<_> = team.iter().map(|member| (member.function, member.subject.as_deref())).collect();
    assert_eq!(joined, [(Some(Function::AccountManagement), Some("account-manager-1"))]);
}
