//! Whom the built-in deadline policy names: there from the first start, so that nothing comes with what is owed to them.

use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::channel;
use vulndesk::clock::Ids;

use crate::deadlines::with_camera;
use crate::harness::{TestApp, on_both};
use crate::story::Story;

const CHANNELS: &str =
    "{ channels { totalCount nodes { key name kind jurisdiction abroad replyRequired timeZone language
    active version contacts accounts { id } calendar { key } } } }";

async fn channels(app: &TestApp, role: Role, subject: &str) -> Value {
    app.graphql(&app.token(role, subject), CHANNELS, Value::Null).await["data"]["channels"].clone()
}

/// How many entries the trail has, which has to be sound.
async fn entries(app: &TestApp) -> u64 {
    let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
    assert!(report.is_sound(), "{report}");
    report.entries
}

#[tokio::test]
async fn a_new_installation_has_whom_the_built_in_policy_names_and_keeps_what_is_made_of_them() {
    on_both(|app| async move {
        let china = ("CN", false, "Asia/Shanghai", "zh-CN", "china");
        let all = [
            ("cac", "Cyberspace administration 网信部门", "REGULATOR", china),
            (
                "csirt-eu",
                "CRA single reporting platform 欧盟CRA统一报告平台",
                "REGULATOR",
                ("EU", true, "Europe/Brussels", "en", "eu"),
            ),
            ("customers", "Customers 国内客户", "CUSTOMER", china),
            ("customers-abroad", "Customers abroad 境外客户", "CUSTOMER", ("ZZ", true, "UTC", "en", "none")),
            ("nvdb", "MIIT vulnerability platform 工信部漏洞平台", "NATIONAL_DATABASE", china),
            ("police", "Police 公安机关", "REGULATOR", china),
            (
                "protection-department",
                "Department that protects critical infrastructure 关键信息基础设施保护工作部门",
                "REGULATOR",
                china,
            ),
        ];
        let all = all.map(|(key, name, kind, (jurisdiction, abroad, zone, language, calendar))| {
            json!({
                "key": key, "name": name, "kind": kind, "jurisdiction": jurisdiction, "abroad": abroad,
                "replyRequired": kind != "CUSTOMER", "timeZone": zone, "language": language, "active": false,
                "version": 1, "contacts": [], "accounts": [], "calendar": { "key": calendar },
            })
        });
        let seen = channels(&app, Role::Admin, "admin-1").await;
        assert_eq!(seen, json!({ "totalCount": 7, "nodes": all }));
        assert_eq!(entries(&app).await, 0);

        let admin = app.token(Role::Admin, "admin-1");
        let police = json!({
            "channel": app.channel("police").await, "expectedVersion": 1, "name": "Police of the district",
            "contacts": ["desk@example.org"], "active": true,
        });
        app.made(&admin, "updateChannel", police, "id").await;
        let before = channels(&app, Role::Admin, "admin-1").await;
        assert_eq!(before["nodes"][5]["contacts"], json!(["desk@example.org"]), "{before}");
        let ids = Ids::seeded(app.clock.clone(), 9);
        channel::store::ensure_builtin(&app.app.database, app.clock.as_ref(), &ids).await.unwrap();
        assert_eq!(channels(&app, Role::Admin, "admin-1").await, before, "it starts once more");
        assert_eq!(entries(&app).await, 1, "from its first change on it is recorded");

        let again = json!({
            "key": "cac", "name": "Ours", "kind": "REGULATOR", "jurisdiction": "CN", "abroad": false, "replyRequired": true,
        });
        let refused = app.call(&admin, "createChannel", again, "id").await;
        assert_eq!(refused["userErrors"][0]["code"], "ALREADY_EXISTS", "{refused}");
        assert!(refused["userErrors"][0]["message"].as_str().unwrap().contains("updateChannel"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn the_first_that_is_owed_to_somebody_is_told_to_nobody_who_does_not_see_it() {
    on_both(|app| async move {
        app.with_company().await;
        let camera = with_camera(&app).await;
        let open = Story::receive(&app, "OPEN-1", json!({ "channel": "src" })).await;
        open.product(camera.as_str().unwrap(), "AFFECTED").await;
        let foreseen = "query($input: Forecast!) { deadlineForecast(input: $input) { deadlines { rule dueAt opens channel { key } } } }";
        let input = json!({ "input": { "event": open.event, "ifVerdict": "CONFIRMED", "ifLevel": "YELLOW" } });
        let analyst = app.token(Role::Analyst, "analyst-2");
        let ask = async || {
            let listed = [
                channels(&app, Role::Analyst, "analyst-2").await,
                channels(&app, Role::Admin, "admin-1").await,
            ];
            let (forecast, sql) = app.sorted_sql_of(app.graphql(&analyst, foreseen, input.clone())).await;
            (listed, forecast["data"].clone(), sql)
        };
        // The first call of each is recorded.
        ask().await;
        let before = ask().await;
        assert!(before.1.to_string().contains("{\"key\":\"nvdb\"}"), "{}", before.1);

        let hidden = Story::receive(&app, "RED-1", json!({ "channel": "src", "tlp": "RED" })).await;
        hidden.confirm().await;
        hidden.product(camera.as_str().unwrap(), "AFFECTED").await;
        let owed = hidden.look("obligations { regime channel { key } }").await["obligations"].clone();
        let nvdb = json!({ "regime": "RMSV", "channel": { "key": "nvdb" } });
        assert!(owed.as_array().unwrap().contains(&nvdb), "{owed}");
        assert_eq!(ask().await, before);
    })
    .await;
}
