//! Chat bots as receivers: how each wants to be spoken to, and what its answers mean.
//!
//! They take a text and no structure, and a chat is no place for content: the text is the event's number and a link.
//! All of them say yes with status 200 even when they mean no; what counts is the code in the answer.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use entity::vocabulary::WebhookPreset;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;

use super::schedule::Outcome;

/// How long a bot that is over its rate is left alone: they count by the minute.
const RATE_HOLD: TimeDelta = TimeDelta::seconds(60);

/// What a bot says of a delivery: the event's number and a link to it, `{number}` in `link` standing for it. What is
/// about no event is named by its type.
pub fn text(body: &[u8], link: &str) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match body["data"]["number"].as_str() {
        Some(number) if link.is_empty() => number.to_owned(),
        Some(number) => format!("{number} {}", link.replace("{number}", number)),
        None => body["type"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Where a text goes and as what, when it is sent at `now`; `secret` is the bot's signing secret, where it has one.
pub fn request(
    preset: WebhookPreset,
    url: &Url,
    text: &str,
    secret: Option<&str>,
    now: DateTime<Utc>,
) -> (Url, Vec<u8>) {
    let mut url = url.clone();
    let body = match preset {
        WebhookPreset::Feishu => {
            let mut body = json!({ "msg_type": "text", "content": { "text": text } });
            if let Some(secret) = secret {
                let timestamp = now.timestamp().to_string();
                body["sign"] = hmac(&format!("{timestamp}\n{secret}"), "").into();
                body["timestamp"] = timestamp.into();
            }
            body
        }
        WebhookPreset::DingTalk => {
            if let Some(secret) = secret {
                let timestamp = now.timestamp_millis().to_string();
                let sign = hmac(secret, &format!("{timestamp}\n{secret}"));
                url.query_pairs_mut().append_pair("timestamp", &timestamp).append_pair("sign", &sign);
            }
            json!({ "msgtype": "text", "text": { "content": text } })
        }
        WebhookPreset::WeCom => json!({ "msgtype": "text", "text": { "content": text } }),
        WebhookPreset::Slack | WebhookPreset::Standard => json!({ "text": text }),
    };
    (url, body.to_string().into_bytes())
}

/// What a bot's answer with a status of success means.
pub fn outcome(preset: WebhookPreset, body: &[u8]) -> Outcome {
    // (member that holds the code, codes that say "too fast")
    let (members, too_fast): (&[&str], &[i64]) = match preset {
        // Slack answers "ok", and uses the status for what went wrong.
        WebhookPreset::Slack | WebhookPreset::Standard => return Outcome::Delivered,
        WebhookPreset::Feishu => (&["code", "StatusCode"], &[11_232]),
        WebhookPreset::DingTalk => (&["errcode"], &[130_101, 90_030]),
        WebhookPreset::WeCom => (&["errcode"], &[45_009]),
    };
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match members.iter().find_map(|member| answer[*member].as_i64()) {
        Some(0) => Outcome::Delivered,
        Some(code) if too_fast.contains(&code) => Outcome::Busy(Some(RATE_HOLD)),
        // An answer without its code is not the bot's.
        _ => Outcome::Failed,
    }
}

fn hmac(key: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(message.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(preset: WebhookPreset, secret: Option<&str>) -> (String, Value) {
        let url = Url::parse("https://bot.example/hook?access_token=abc").unwrap();
        let now = DateTime::from_timestamp_millis(1_772_000_000_123).unwrap();
        let (url, body) = request(preset, &url, "VE-2026-004711", secret, now);
        (url.into(), serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn each_bot_gets_its_form_and_signature() {
        let plain = "https://bot.example/hook?access_token=abc";
        // The signatures were computed with another implementation.
        assert_eq!(
            sent(WebhookPreset::Feishu, Some("SECdemo")),
            (
                plain.to_owned(),
                json!({
                    "msg_type": "text", "content": { "text": "VE-2026-004711" }, "timestamp": "1772000000",
                    "sign": "RuPM7dxARHibxWHJ2fVh4i6H1ZYvLFk43YnRIQSPvoo=",
                })
            )
        );
        let text = json!({ "msgtype": "text", "text": { "content": "VE-2026-004711" } });
        let signed = "&timestamp=1772000000123&sign=rUzpGaDJVvFzqZLW%2BnAjtcqadES1iLgrQ57QbkaEgJs%3D";
        assert_eq!(
            sent(WebhookPreset::DingTalk, Some("SECdemo")),
            (format!("{plain}{signed}"), text.clone())
        );
        assert_eq!(sent(WebhookPreset::DingTalk, None), (plain.to_owned(), text.clone()));
        assert_eq!(sent(WebhookPreset::WeCom, Some("unused")), (plain.to_owned(), text));
        assert_eq!(sent(WebhookPreset::Slack, None), (plain.to_owned(), json!({ "text": "VE-2026-004711" })));
        assert_eq!(sent(WebhookPreset::Feishu, None).1.get("sign"), None);
    }

    #[test]
    fn the_text_is_number_and_link_and_nothing_else() {
        let body = json!({
            "type": "event.scored", "sequence": 7,
            "data": { "number": "VE-2026-004711", "level": "RED", "content": { "title": "Login takes any password" } },
        });
        let body = body.to_string();
        assert_eq!(text(body.as_bytes(), ""), "VE-2026-004711");
        let link = "https://portal.example/events/{number}";
        assert_eq!(
            text(body.as_bytes(), link),
            "VE-2026-004711 https://portal.example/events/VE-2026-004711"
        );
        assert_eq!(text(br#"{"type":"webhook.test","data":{"endpoint":"abc"}}"#, link), "webhook.test");
    }

    #[test]
    fn a_yes_counts_only_with_code_zero() {
        use WebhookPreset::{DingTalk, Feishu, Slack, WeCom};
        let slow = Outcome::Busy(Some(RATE_HOLD));
        for (preset, body, expected) in [
            (Feishu, r#"{"code":0,"msg":"success"}"#, Outcome::Delivered),
            (Feishu, r#"{"StatusCode":0,"StatusMessage":"success"}"#, Outcome::Delivered),
            (
                Feishu,
                r#"{"code":19021,"msg":"sign match fail or timestamp is not within one hour"}"#,
                Outcome::Failed,
            ),
            (Feishu, r#"{"code":11232,"msg":"frequency limited"}"#, slow),
            (DingTalk, r#"{"errcode":0,"errmsg":"ok"}"#, Outcome::Delivered),
            (DingTalk, r#"{"errcode":310000,"errmsg":"sign not match"}"#, Outcome::Failed),
            (DingTalk, r#"{"errcode":130101,"errmsg":"send too fast"}"#, slow),
            (WeCom, r#"{"errcode":0,"errmsg":"ok"}"#, Outcome::Delivered),
            (WeCom, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#, Outcome::Failed),
            (WeCom, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#, slow),
            (WeCom, "<html>a login page</html>", Outcome::Failed),
            (WeCom, r#"{"errcode":"0"}"#, Outcome::Failed),
            (WeCom, "", Outcome::Failed),
            (Slack, "ok", Outcome::Delivered),
        ] {
            assert_eq!(outcome(preset, body.as_bytes()), expected, "{preset} {body}");
        }
    }
}
