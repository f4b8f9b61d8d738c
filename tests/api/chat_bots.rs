//! Chat bots, which say yes with status 200 even when they mean no.

use axum::http::StatusCode;
use axum::response::IntoResponse;
use chrono::TimeDelta;
use entity::vocabulary::DeliveryState;
use serde_json::json;

use crate::deliveries::{attempts_by_endpoint, deliver, deliveries};
use crate::harness::on_both;
use crate::receiver::Receiver;
use crate::webhooks::{portal, with};

#[tokio::test]
async fn each_bot_is_spoken_to_in_its_way_and_its_no_is_heard() {
    on_both(|app| async move {
        app.with_company().await;
        // Its signing secret, what it answers at first, after how many seconds it is tried again, and its yes.
        for (preset, secret, (status, no), seconds, yes) in [
            ("FEISHU", Some("bot-secret-1"), (200, r#"{"code":19021,"msg":"sign match fail"}"#), 6, r#"{"code":0}"#),
            ("FEISHU", None, (200, r#"{"code":11232,"msg":"frequency limited"}"#), 61, r#"{"code":0}"#),
            ("DINGTALK", Some("SECbot-secret"), (200, r#"{"errcode":310000,"errmsg":"sign not match"}"#), 6, r#"{"errcode":0}"#),
            ("DINGTALK", Some("SECbot-secret"), (200, r#"{"errcode":130101,"errmsg":"send too fast"}"#), 61, r#"{"errcode":0}"#),
            ("WECOM", None, (200, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#), 6, r#"{"errcode":0}"#),
            ("WECOM", None, (200, "<html>a login page</html>"), 6, r#"{"errcode":0}"#),
            ("SLACK", None, (400, "invalid_payload"), 6, "ok"),
        ] {
            let receiver = Receiver::start(move |before, _| async move {
                match before {
                    0 => (StatusCode::from_u16(status).unwrap(), no).into_response(),
                    _ => yes.into_response(),
                }
            })
            .await;
            let mut input = with(
                portal(),
                json!({ "preset": preset, "url": format!("{}?key=token-of-the-url", receiver.url), "headers": [],
                    "messageTypes": ["report.received"] }),
            );
            if let Some(secret) = secret {
                input["secret"] = json!(secret);
            }
            let endpoint = app.confirmed(input).await;
            let number = format!("{preset}-{}", app.now().timestamp());
            let received = app.receive("analyst-1", "src", &number, "AMBER").await;
            let own = async || {
                let rows = deliveries(&app).await.into_iter().filter(|row| row.endpoint_id == endpoint);
                rows.collect::<Vec<_>>()
            };
            deliver(&app).await;
            let rows = own().await;
            assert_eq!((rows.len(), rows[0].state, rows[0].attempts), (1, DeliveryState::Pending, 1), "{preset}");
            app.advance(TimeDelta::seconds(seconds - 5));
            if seconds > 6 {
                deliver(&app).await;
                assert_eq!(receiver.seen().len(), 1, "{preset}: left alone while it counts");
            }
            app.advance(TimeDelta::seconds(seconds));
            deliver(&app).await;
            let rows = own().await;
            assert_eq!((rows[0].state, rows[0].attempts), (DeliveryState::Delivered, 2), "{preset} {no}");
            let tried = attempts_by_endpoint(&app).await.into_iter().filter(|(to, _)| *to == endpoint);
            let answers: Vec<_> = tried.map(|(_, attempt)| attempt.answer.unwrap_or_default()).collect();
            assert_eq!(answers, [no, yes], "{preset}");

            let seen = &receiver.seen()[1];
            let (body, query) = (seen.json(), &seen.query);
            let text = match preset {
                "FEISHU" => &body["content"]["text"],
                "SLACK" => &body["text"],
                _ => &body["text"]["content"],
            };
            assert_eq!(text, &json!(received.number), "number and link alone: {body}");
            assert!(query.starts_with("key=token-of-the-url"), "{query}");
            assert_eq!(query.contains("&sign="), preset == "DINGTALK", "{query}");
            assert_eq!(body["sign"].is_string(), preset == "FEISHU" && secret.is_some(), "{body}");
            assert_eq!(seen.header("webhook-signature"), "");
            let pause = json!({ "endpoint": vulndesk::ids::encode(vulndesk::ids::Kind::WebhookEndpoint, endpoint), "expectedVersion": 2 });
            let admin = app.token(vulndesk::auth::Role::Admin, "admin-1");
            app.done(&admin, "pauseWebhookEndpoint", "PauseWebhookEndpoint", pause, "endpoint { state }").await;
        }
    })
    .await;
}

/// A receiver that says what it was sent, as the error page of a framework does.
#[tokio::test]
async fn what_a_receiver_echoes_of_our_secrets_is_not_kept() {
    on_both(|app| async move {
        app.with_company().await;
        let receiver = Receiver::start(|_, seen| async move {
            let token = seen.query.trim_start_matches("key=");
            let echo = format!("you sent {}{token}", seen.header("x-api-key"));
            (StatusCode::INTERNAL_SERVER_ERROR, echo).into_response()
        })
        .await;
        let url = format!("{}?key=token-of-the-url", receiver.url);
        let types = json!(["report.received"]);
        let standard =
            app.confirmed(with(portal(), json!({ "url": receiver.url, "messageTypes": types }))).await;
        let bot = json!({ "preset": "WECOM", "url": url, "headers": [], "messageTypes": types });
        let bot = app.confirmed(with(portal(), bot)).await;
        app.receive("analyst-1", "src", "1", "AMBER").await;
        deliver(&app).await;
        let tried = attempts_by_endpoint(&app).await;
        let answer =
            |endpoint| tried.iter().find(|(to, _)| *to == endpoint).unwrap().1.answer.clone().unwrap();
        assert_eq!(
            (answer(standard), answer(bot)),
            ("you sent [hidden]".to_owned(), "you sent [hidden]".to_owned())
        );
    })
    .await;
}
