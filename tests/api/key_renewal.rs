//! Another key: every column that holds something sealed goes over to it, and the old key can go.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;
use vulndesk::app::App;
use vulndesk::auth::{Actor, Role};
use vulndesk::clock::Ids;
use vulndesk::secret::renewal::{Renewed, renew};
use vulndesk::secret::{Column, Key, KeyRing, key_of};

use crate::harness::{TestApp, on_both};
use crate::hooks::rotate;
use crate::replies::{channel, routed};
use crate::ticket_hooks::rotate as rotate_of_tracker;
use crate::tickets::tracker;
use crate::webhooks::{portal, with};

/// All that is sealed, by table, column and row.
async fn sealed(app: &TestApp) -> BTreeMap<(&'static str, &'static str, Uuid), (Column, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for column in Column::all() {
        let (table, name) = column.names();
        let filled = Expr::col(name).is_not_null();
        let select = Query::select().columns(["id", name]).from(table).and_where(filled).take();
        for row in app.app.database.reader().query_all(&select).await.unwrap() {
            let id: Uuid = row.try_get("", "id").unwrap();
            let bytes: Vec<u8> = row.try_get("", name).unwrap();
            all.insert((table, name, id), (column, bytes));
        }
    }
    for column in Column::all() {
        let held = all.values().filter(|(other, _)| *other == column).count();
        assert!(held > 0, "the test puts no secret into {column:?}");
    }
    all
}

#[tokio::test]
async fn every_sealed_column_goes_over_to_a_new_key_and_the_old_one_can_go() {
    on_both(|app| async move {
        app.with_company().await;
        app.endpoint(portal()).await;
        app.endpoint(with(
            portal(),
            json!({ "preset": "WECOM", "url": "https://qyapi.example/send?key=k", "headers": [] }),
        ))
        .await;
        rotate(&app, "src", 24).await;
        let tracker = tracker(&app, json!({ "preset": "GITHUB", "baseUrl": "http://127.0.0.2:9000" })).await;
        rotate_of_tracker(&app, &tracker, 24).await;
        let bank = channel(&app, "bank", "CUSTOMER", false).await;
        routed(&app, &bank, json!({ "url": "http://127.0.0.2:9000/replies" })).await;

        let (old, new) = ([7; 32], [8; 32]);
        let ring = |keys: &[[u8; 32]]| KeyRing::new(keys.iter().copied().map(Key::new));
        let over = |ring: KeyRing| async {
            let ids = Ids::seeded(app.app.clock.clone(), 5);
            App::new(app.app.database.clone(), app.app.clock.clone(), ids).await.unwrap().with_secrets(ring)
        };
        let operator = Actor::operator("operator-1", [Role::Admin]);
        let before = sealed(&app).await;
        let alone = over(ring(&[new])).await;
        assert!(renew(&alone, &operator).await.is_err(), "the key that sealed is missing");
        assert_eq!(sealed(&app).await, before, "and nothing was lost by that");

        let both = over(ring(&[new, old])).await;
        let renewed = Renewed { endpoints: 2, senders: 2, trackers: 1, routes: 1 };
        assert_eq!(renew(&both, &operator).await.unwrap(), renewed);
        let after = sealed(&app).await;
        assert!(before.keys().eq(after.keys()));
        for (place, (column, bytes)) in &after {
            let place_of = column.of(place.2);
            assert!(ring(&[new]).has(key_of(bytes).unwrap()), "{place:?} is still under the old key");
            let opened = ring(&[new]).open(place_of, bytes).unwrap();
            let was = ring(&[old]).open(place_of, &before[place].1).unwrap();
            assert_eq!(opened.expose_secret(), was.expose_secret(), "{place:?}");
        }
        assert_eq!(renew(&both, &operator).await.unwrap(), Renewed::default(), "again changes nothing");
        assert!(vulndesk::audit::verify::verify(&app.app).await.unwrap().is_sound());
    })
    .await;
}
