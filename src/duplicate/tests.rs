//! What is sampled, and which reports remain where something is cut off.

use entity::report;
use entity::vocabulary::Tlp;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};

use super::features::{Posting, looked_up};
use super::store::{self, Cut};
use crate::auth::policy::Action;
use crate::auth::{Actor, Role};
use crate::intake::import::{ImportedReport, Item};
use crate::intake::importer::{ChannelSpec, ImportOptions, import};
use crate::intake::{ReceiveReport, receive_report};
use crate::outbox::ChangeSet;
use crate::testing::{TestApp, app, app_on_postgres};

const TEXT: &str =
    "The print daemon ends when the name of a job is longer than its buffer, and prints nothing after that.";

async fn bring(app: &TestApp, records: &[(&str, &str)]) {
    let actor = Actor::operator("analyst-1", [Role::Analyst]);
    let items = records.iter().map(|(number, text)| {
        let record = ImportedReport {
            number: (*number).to_owned(),
            title: "Print daemon".to_owned(),
            text: (*text).to_owned(),
            ..ImportedReport::default()
        };
        Ok(Item::Report(Box::new(record)))
    });
    import(app, &actor, &ChannelSpec::cnvd(), items, &ImportOptions::default(), |_| {}).await.unwrap();
}

async fn bring_red(app: &TestApp) {
    let input = ReceiveReport {
        channel: "cnvd".to_owned(),
        number: Some("RED-1".to_owned()),
        message_id: None,
        title: "Print daemon".to_owned(),
        text: Some(TEXT.to_owned()),
        notice_type: None,
        received_at: None,
        reporter: None,
        indicators: Vec::new(),
        tlp: Some(Tlp::Red),
        join_event: None,
        idempotency_key: None,
    };
    receive_report(app, &Actor::operator("analyst-1", [Role::Analyst]), &input).await.unwrap();
}

/// All reports in the order of their ids.
async fn all(app: &TestApp) -> Vec<report::Model> {
    report::Entity::find().order_by_asc(report::Column::Id).all(app.database.reader()).await.unwrap()
}

#[tokio::test]
async fn a_sample_has_each_report_once_and_none_that_is_for_named_people() {
    for app in [app("sampled").await, app_on_postgres("sampled").await] {
        bring(&app, &[("A-1", TEXT), ("A-2", TEXT), ("A-3", TEXT)]).await;
        let versions: Vec<String> = (0..9).map(|number| format!("{TEXT} Again {number}.")).collect();
        for version in &versions {
            bring(&app, &[("A-1", version)]).await;
        }
        bring_red(&app).await;
        assert_eq!(all(&app).await.len(), 4);
        let sample = store::sample(&app).await.unwrap();
        assert_eq!(sample.len(), 3);
        // Nine versions of one report are its newest three.
        assert_eq!(sample.iter().map(|compared| compared.words().len()).max(), Some(3));
        assert_eq!(store::open_reports(&app).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn what_is_cut_off_follows_from_the_reports_alone() {
    for app in [app("cut").await, app_on_postgres("cut").await] {
        bring(&app, &[("A-1", TEXT), ("A-2", TEXT), ("A-3", TEXT), ("A-4", TEXT), ("A-5", TEXT)]).await;
        let ids: Vec<_> = all(&app).await.iter().map(|report| report.id).collect();
        let own = all(&app).await.pop().unwrap();
        let weights = app.duplicates.weights();
        let features = store::material(&app, &own).await.unwrap().features(&own, &weights);
        let looked_up = looked_up(features[0].postings(&weights), 600);
        let segments = store::segments(&app.database).await.unwrap();
        let shared = |left_out: &[usize], sharing_one: u16, compared: u16| {
            let left_out: Vec<_> = left_out.iter().map(|place| ids[*place]).collect();
            let (app, own, looked_up, cut) = (&app, &own, &looked_up, Cut { sharing_one, compared });
            async move { store::sharing(app, own, segments, left_out.into_iter(), looked_up, cut).await.unwrap() }
        };
        assert_eq!(
            shared(&[], 9, 9).await,
            [ids[3], ids[2], ids[1], ids[0]],
            "the newest first, and not itself"
        );
        assert_eq!(shared(&[4], 2, 9).await, [ids[3], ids[2]]);
        // What is left out takes no place of what remains.
        assert_eq!(shared(&[4, 3], 2, 9).await, [ids[2], ids[1]]);
        assert_eq!(shared(&[4, 3, 2], 9, 1).await, [ids[1]]);
        // A later segment is newer, whatever stands in it.
        let later = Query::update()
            .table("report_feature")
            .value("segment", segments)
            .and_where(Expr::col("report_id").eq(ids[0]))
            .take();
        app.database.writer().execute(&later).await.unwrap();
        let shared = async |sharing_one: u16| {
            let left_out = [ids[4]].into_iter();
            let cut = Cut { sharing_one, compared: 9 };
            store::sharing(&app, &own, segments + 1, left_out, &looked_up, cut).await.unwrap()
        };
        assert_eq!(shared(1).await, [ids[0]]);
        assert_eq!(shared(2).await, [ids[3], ids[0]]);
    }
}

#[tokio::test]
async fn what_many_share_finds_less_than_what_few_do() {
    for app in [app("shared_by_many").await, app_on_postgres("shared_by_many").await] {
        let numbers: Vec<String> = (0..32).map(|number| format!("A-{number}")).collect();
        let records: Vec<_> = numbers.iter().map(|number| (number.as_str(), TEXT)).collect();
        bring(&app, &records).await;
        let reports = all(&app).await;
        let (own, earlier) = reports.split_last().unwrap();
        let (rare, common) = (earlier[0].id, &earlier[1..]);
        // One stands under what nothing else does; thirty share two that were as rare when weights were made.
        let actor = Actor::operator("analyst-1", [Role::Analyst]);
        let mut changes = ChangeSet::new(&app, &actor, Action::IndexForSearch);
        changes.post(0, rare, [-1]);
        for report in common {
            changes.post(0, report.id, [-2, -3]);
        }
        app.commit(changes).await.unwrap();
        let looked_up = [-1, -2, -3].map(|feature| Posting { feature, telling: 12, expected: 1 });
        let cut = Cut { sharing_one: 40, compared: 3 };
        let found = store::sharing(&app, own, 1, std::iter::empty(), &looked_up, cut).await.unwrap();
        assert_eq!(found, [rare, common[29].id, common[28].id]);
    }
}
