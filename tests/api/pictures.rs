//! The same screenshot in two reports: found after it was committed, shown to who may see both, forgotten with its bytes.

use std::io::Cursor;

use entity::{attachment, picture, picture_band, picture_look};
use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, PaginatorTrait};
use serde_json::{Value, json};
use vulndesk::auth::Role;
use vulndesk::picture::{Gone, Unseen};
use vulndesk::schedule::{Swept, carry_out_all};

use crate::candidates::{OTHER, TEXT, TITLE, codes, received, reports, shown};
use crate::files::upload;
use crate::harness::{TestApp, on_both};
use crate::story::Story;

/// A picture of boxes that differ by `seed`.
pub(crate) fn boxes(seed: u32) -> RgbImage {
    let mut picture = RgbImage::from_pixel(800, 600, Rgb([240; 3]));
    for number in 0..40_u32 {
        let drawn = (number + 1) * (seed * 7 + 11);
        let (left, top) = (drawn * 131 % 760, drawn * 197 % 560);
        let grey = u8::try_from(drawn * 53 % 256).unwrap();
        for (x, y) in (0..90).flat_map(|x| (0..60).map(move |y| (x, y))) {
            if left + x < 800 && top + y < 600 {
                picture.put_pixel(left + x, top + y, Rgb([grey; 3]));
            }
        }
    }
    picture
}

pub(crate) fn saved(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture.clone()).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// What the worker does.
pub(crate) async fn look(app: &TestApp) {
    let mut swept = Swept::default();
    carry_out_all::<Unseen>(&app.app, &mut swept).await.unwrap();
    carry_out_all::<Gone>(&app.app, &mut swept).await.unwrap();
    assert_eq!(swept.failed, 0);
}

/// Somebody took to look at a file, until so many minutes from now.
async fn looks(app: &TestApp, minutes: i64) {
    let file = attachment::Entity::find().one(app.app.database.reader()).await.unwrap().unwrap();
    let look = picture_look::Model {
        attachment_id: file.id,
        lease_by: app.app.ids.next(),
        lease_until: app.app.clock.now() + chrono::TimeDelta::minutes(minutes),
    };
    look.into_active_model().reset_all().insert(app.app.database.writer()).await.unwrap();
}

#[tokio::test]
async fn a_picture_from_which_a_process_did_not_come_back_is_not_read_again() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let first = received(&app, "N-1", TITLE, TEXT).await;
        upload(&app, &analyst, &first.report, &saved(&boxes(1), ImageFormat::Png)).await;
        looks(&app, 3).await;
        look(&app).await;
        let unseen = json!([{ "picture": null, "available": true }]);
        assert_eq!(verdicts(&app, &analyst, &first.report).await, unseen, "another process is at it");
        app.advance(chrono::TimeDelta::minutes(3));
        look(&app).await;
        let gave_up = json!([{ "picture": "TOO_LARGE", "available": true }]);
        assert_eq!(verdicts(&app, &analyst, &first.report).await, gave_up, "its lease is over");
        let db = app.app.database.reader();
        assert_eq!(picture_look::Entity::find().count(db).await.unwrap(), 0);
        picture::Entity::delete_many().exec(app.app.database.writer()).await.unwrap();
        look(&app).await;
        let compared = json!([{ "picture": "COMPARED", "available": true }]);
        assert_eq!(verdicts(&app, &analyst, &first.report).await, compared);
        assert_eq!(picture_look::Entity::find().count(db).await.unwrap(), 0, "a look ends with its verdict");
    })
    .await;
}

async fn verdicts(app: &TestApp, token: &str, report: &str) -> Value {
    let seen = app.node(token, report, "Report", "attachments { nodes { picture available } }").await;
    seen["attachments"]["nodes"].clone()
}

#[tokio::test]
async fn the_same_screenshot_is_a_reason_for_who_may_see_both_and_goes_with_its_bytes() {
    on_both(|app| async move {
        app.with_company().await;
        let analyst = app.token(Role::Analyst, "analyst-1");
        let first = received(&app, "N-1", TITLE, TEXT).await;
        let red = {
            app.advance(chrono::TimeDelta::seconds(1));
            Story::receive(&app, "N-RED", json!({ "title": "Red", "text": "Words of its own", "tlp": "RED" }))
                .await
        };
        let unlike = received(&app, "N-2", "Mail relay", "A relay forwards what it should not.").await;
        let second = received(&app, "N-3", "Photo Album 越权", OTHER).await;
        let picture = boxes(1);
        let (_, png) = upload(&app, &analyst, &first.report, &saved(&picture, ImageFormat::Png)).await;
        upload(&app, &analyst, &red.report, &saved(&picture, ImageFormat::Bmp)).await;
        upload(&app, &analyst, &unlike.report, &saved(&boxes(9), ImageFormat::Png)).await;
        app.advance(chrono::TimeDelta::seconds(1));
        upload(&app, &analyst, &unlike.report, b"words, and no picture").await;
        let smaller = resize(&picture, 500, 375, FilterType::Triangle);
        upload(&app, &analyst, &second.report, &saved(&smaller, ImageFormat::Jpeg)).await;
        assert_eq!(shown(&app, &analyst, &second.report).await, json!([]), "nobody looked yet");
        look(&app).await;
        look(&app).await;

        let compared = json!({ "picture": "COMPARED", "available": true });
        assert_eq!(verdicts(&app, &analyst, &first.report).await, json!([compared]));
        let of_two = verdicts(&app, &analyst, &unlike.report).await;
        assert_eq!(of_two, json!([compared, { "picture": "NOT_A_PICTURE", "available": true }]));
        let found = shown(&app, &analyst, &second.report).await;
        assert_eq!(reports(&found), [&*red.report, &*first.report], "{found}");
        for candidate in found.as_array().unwrap() {
            assert_eq!(
                (candidate["kind"].as_str(), codes(candidate)[0]),
                (Some("STRONG"), "SAME_PICTURE"),
                "{found}"
            );
            let reason = &candidate["reasons"][0];
            assert_eq!(reason["value"], "poc.zip", "the own file's name, whatever it says of its type");
            let alike = reason["share"].as_u64().unwrap();
            assert!((85..=100).contains(&alike), "{alike}");
            assert_eq!(reason["english"], format!("same screenshot poc.zip, {alike} % of it alike"));
        }
        let other = app.token(Role::Analyst, "analyst-9");
        let without_red = shown(&app, &other, &second.report).await;
        assert_eq!(reports(&without_red), [&*first.report], "the other one is for named people");

        let remove = json!({ "attachment": png["id"], "expectedVersion": 1, "reason": "asked for" });
        app.made(&analyst, "removeAttachment", remove, "id").await;
        assert_eq!(shown(&app, &other, &second.report).await, json!([]), "at once");
        let db = app.app.database.reader();
        assert_eq!(picture::Entity::find().count(db).await.unwrap(), 5);
        look(&app).await;
        assert_eq!(picture::Entity::find().count(db).await.unwrap(), 4);
        let rows = picture_band::Entity::find().all(db).await.unwrap();
        let left: std::collections::BTreeSet<_> = rows.iter().map(|row| row.attachment_id).collect();
        assert_eq!(left.len(), 3, "nothing finds what is gone");
    })
    .await;
}
