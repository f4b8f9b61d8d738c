//! Business calendars: the built-in ones, changes, files, and what channels make of them.

use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::{calendar, channel};

use crate::harness::{TestApp, on_both};

const CALENDAR: &str =
    "calendar { id key version weekend byYear years { year source } days(year: 2027) { date kind name } }";

async fn read(app: &TestApp, token: &str, key: &str) -> Value {
    let document =
        format!("query($key: String!) {{ {} }}", CALENDAR.replacen("calendar", "calendar(key: $key)", 1));
    let answer = app.graphql(token, &document, json!({ "key": key })).await;
    answer["data"]["calendar"].clone()
}

/// What a calendar says of so many of a unit from noon in Shanghai.
async fn check(app: &TestApp, token: &str, day: &str, amount: i32, unit: &str) -> Value {
    let document = "query($from: DateTime!, $amount: Int!, $unit: SpanUnit!) {
        calendarCheck(calendar: \"china\", from: $from, amount: $amount, unit: $unit) {
            missingYear computation { dayZero lastDay dueAt timeZone noted { date counted name } }
        }
    }";
    let from = format!("{day}T04:00:00Z");
    let answer = app.graphql(token, document, json!({ "from": from, "amount": amount, "unit": unit })).await;
    answer["data"]["calendarCheck"].clone()
}

fn day(date: &str, kind: &str, name: &str) -> Value {
    json!({ "date": date, "kind": kind, "name": name })
}

#[tokio::test]
async fn the_built_in_calendars_count_as_the_notices_say() {
    on_both(|app| async move {
        let analyst = app.token(Role::Analyst, "analyst-1");
        let answer = app.graphql(&analyst, "{ calendars { nodes { key } } }", Value::Null).await;
        let keys = json!([{ "key": "china" }, { "key": "eu" }, { "key": "none" }]);
        assert_eq!(answer["data"]["calendars"]["nodes"], keys, "{answer}");
        for (from, days, last) in [
            ("2026-02-13", 3, "2026-02-25"),
            ("2026-09-30", 5, "2026-10-13"),
            ("2026-04-30", 3, "2026-05-08"),
        ] {
            let found = check(&app, &analyst, from, days, "WORKING_DAYS").await;
            assert_eq!(found["computation"]["lastDay"], last, "{found}");
            assert_eq!(found["computation"]["dayZero"], from);
        }
        let found = check(&app, &analyst, "2026-05-08", 1, "WORKING_DAYS").await;
        let computation = &found["computation"];
        assert_eq!(computation["dueAt"], "2026-05-09T16:00:00+00:00", "24:00 in Shanghai");
        assert_eq!(
            computation["noted"],
            json!([{ "date": "2026-05-09", "counted": true, "name": "劳动节" }])
        );
        let untold = check(&app, &analyst, "2026-12-31", 1, "WORKING_DAYS").await;
        assert_eq!(untold, json!({ "missingYear": 2027, "computation": null }));
        let hours = check(&app, &analyst, "2026-12-31", 48, "HOURS").await;
        assert_eq!(hours["computation"]["dueAt"], "2027-01-02T04:00:00+00:00");
        // They are there once, however often a process starts.
        let ids = vulndesk::clock::Ids::seeded(app.clock.clone(), 9);
        calendar::store::ensure_builtin(&app.app.database, app.clock.as_ref(), &ids).await.unwrap();
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound() && report.entries == 0, "{report}");
    })
    .await;
}

#[tokio::test]
async fn a_year_is_entered_replaced_and_told() {
    on_both(|app| async move {
        let admin = app.token(Role::Admin, "admin-1");
        let before = read(&app, &admin, "china").await;
        let set = |version: i64, days: Value| {
            json!({ "calendar": before["id"], "expectedVersion": version, "year": 2027, "days": days, "source": "a notice" })
        };
        let kind = "SetCalendarYear";
        let days = json!([
            day("2027-01-01", "HOLIDAY", "元旦"),
            day("2027-01-02", "HOLIDAY", "元旦"),
            day("2027-01-03", "MAKE_UP_WORKDAY", "元旦"),
        ]);
        let made = app.done(&admin, "setCalendarYear", kind, set(1, days.clone()), CALENDAR).await;
        assert_eq!(made["calendar"]["version"], 2);
        assert_eq!(made["calendar"]["days"], days);
        assert_eq!(made["calendar"]["years"][3], json!({ "year": 2027, "source": "a notice" }));
        let found = check(&app, &admin, "2026-12-31", 1, "WORKING_DAYS").await;
        assert_eq!(found["computation"]["lastDay"], "2027-01-03");

        let stale = app.change(&admin, "setCalendarYear", kind, set(1, json!([])), CALENDAR).await;
        assert_eq!(stale["errors"][0]["extensions"]["code"], "CONFLICT", "{stale}");
        let changed = json!([day("2027-01-01", "HOLIDAY", "New Year"), day("2027-01-04", "HOLIDAY", "元旦")]);
        let made = app.done(&admin, "setCalendarYear", kind, set(2, changed.clone()), CALENDAR).await;
        assert_eq!(made["calendar"]["days"], changed);
        let cleared = app.done(&admin, "setCalendarYear", kind, set(3, json!([])), CALENDAR).await;
        assert_eq!(cleared["calendar"]["days"], json!([]));
        let found = check(&app, &admin, "2026-12-31", 1, "WORKING_DAYS").await;
        assert_eq!(found["computation"]["lastDay"], "2027-01-01", "a year without holidays is known");

        let twice = json!([day("2027-01-01", "HOLIDAY", "x"), day("2027-01-01", "HOLIDAY", "y")]);
        let elsewhere = json!([day("2028-01-01", "HOLIDAY", "x")]);
        let worked = json!([day("2027-01-04", "MAKE_UP_WORKDAY", "a Monday")]);
        for wrong in [twice, elsewhere, worked] {
            let refused = app.change(&admin, "setCalendarYear", kind, set(4, wrong), CALENDAR).await;
            let message = refused["errors"][0]["message"].as_str().unwrap_or_default();
            assert!(message.starts_with("input.days: 202"), "{refused}");
        }
        let told = app.app.database.reader();
        let messages = <entity::message::Entity as sea_orm::EntityTrait>::find().all(told).await.unwrap();
        let versions: Vec<_> = messages.iter().filter(|message| message.kind == "calendar.changed").collect();
        assert_eq!(versions.iter().map(|message| &message.data["version"]).collect::<Vec<_>>(), [2, 3, 4]);
        let report = vulndesk::audit::verify::verify(&app.app).await.unwrap();
        assert!(report.is_sound() && report.entries == 3, "{report}");
    })
    .await;
}

#[tokio::test]
async fn a_file_is_taken_whole_or_not_at_all() {
    on_both(|app| async move {
        let admin = app.token(Role::Admin, "admin-1");
        let before = read(&app, &admin, "china").await;
        let import = |version: i64, format: &str, text: &str, years: &[i32]| {
            json!({
                "calendar": before["id"], "expectedVersion": version, "format": format, "text": text, "years": years,
            })
        };
        let run = async |input: Value| app.change(&admin, "importCalendar", "ImportCalendar", input, CALENDAR).await;
        let faulty = "date,kind,name\n2027-01-01,HOLIDAY,x\n2027-13-01,HOLIDAY,x\n2028-01-01,HOLIDAY,x\n";
        let refused = run(import(1, "CSV", faulty, &[2027])).await;
        let message = refused["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("input.text: line 3: "), "{refused}");
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        let beyond = run(import(1, "CSV", &faulty.replace("2027-13-01", "2027-12-01"), &[2027])).await;
        let message = beyond["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("input.text: line 4: 2028-01-01 lies neither in 2027"), "{beyond}");
        assert_eq!(read(&app, &admin, "china").await, before, "nothing was taken");

        // A notice can move a day of the year before: it is added to what stands there.
        let text = "date,kind,name\n2027-01-01,HOLIDAY,元旦\n2026-12-31,HOLIDAY,元旦\n";
        let taken = run(import(1, "CSV", text, &[2027])).await;
        assert_eq!(taken["calendar"]["days"], json!([day("2027-01-01", "HOLIDAY", "元旦")]), "{taken}");
        let found = check(&app, &admin, "2026-12-30", 1, "WORKING_DAYS").await;
        assert_eq!(found["computation"]["lastDay"], "2027-01-04", "the Thursday and the Friday are passed over: {found}");
    })
    .await;
}

#[tokio::test]
async fn a_channel_has_the_calendar_of_its_jurisdiction_until_it_names_one() {
    on_both(|app| async move {
        app.with_company().await;
        let admin = app.token(Role::Admin, "admin-1");
        let input = json!({ "key": "team", "name": "The team's", "weekend": ["SUNDAY", "FRIDAY", "FRIDAY"], "byYear": false,
            "idempotencyKey": "once" });
        let made = app.done(&admin, "createCalendar", "CreateCalendar", input.clone(), CALENDAR).await;
        assert_eq!(made["calendar"]["weekend"], json!(["FRIDAY", "SUNDAY"]));
        let again = app.done(&admin, "createCalendar", "CreateCalendar", input, CALENDAR).await;
        assert_eq!(again["calendar"]["id"], made["calendar"]["id"]);

        let cnvd = app.channel("cnvd").await;
        let seen = app.node(&admin, &cnvd, "Channel", "calendar { key }").await;
        assert_eq!(seen["calendar"]["key"], "china");
        let named = json!({ "channel": cnvd, "expectedVersion": 1, "calendar": made["calendar"]["id"] });
        let fields = "channel { calendar { key } }";
        let changed = app.done(&admin, "updateChannel", "UpdateChannel", named, fields).await;
        assert_eq!(changed["channel"]["calendar"]["key"], "team");
        let unknown = json!({ "channel": cnvd, "expectedVersion": 2,
            "calendar": crate::generate::absent(vulndesk::ids::Kind::Calendar) });
        let refused = app.change(&admin, "updateChannel", "UpdateChannel", unknown, fields).await;
        assert_eq!(refused["userErrors"][0]["code"], "UNKNOWN_REFERENCE", "{refused}");

        let row = channel::store::by_key(&app.app, "cnvd").await.unwrap().unwrap();
        let found = calendar::of_channel(&app.app, &row).await.unwrap();
        assert_eq!(found.zone, chrono_tz::Asia::Shanghai, "days begin and end in the channel's zone");

        let week = json!({ "calendar": made["calendar"]["id"], "expectedVersion": 1,
            "weekend": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"] });
        let refused = app.change(&admin, "updateCalendar", "UpdateCalendar", week, CALENDAR).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
        let zone = json!({ "calendar": made["calendar"]["id"], "expectedVersion": 1, "timeZone": "Europe/Berlin" });
        let changed = app.done(&admin, "updateCalendar", "UpdateCalendar", zone, "calendar { timeZone version }").await;
        assert_eq!(changed["calendar"], json!({ "timeZone": "Europe/Berlin", "version": 2 }));
    })
    .await;
}
