//! How a sender proves that a hook is its own: one of three ways, with a secret that we made.

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::rules::{Claim, one};
use crate::webhook::sign::Key;

/// Longest value of a header that is looked at, in bytes.
const VALUE_BYTES: usize = 256;

/// How a sender proves that a hook is its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum Proof {
    /// Three headers by Standard Webhooks 1.0: id, time and body are signed.
    StandardWebhooks,
    /// A header with `sha256=` and the hexadecimal HMAC-SHA256 of the body under the text of the secret.
    HmacSha256 {
        /// The header.
        header: String,
    },
    /// A header with the text of the secret itself.
    SharedSecret {
        /// The header.
        header: String,
    },
}

impl Proof {
    /// The header that is its own; none of Standard Webhooks, whose headers are fixed.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::StandardWebhooks => None,
            Self::HmacSha256 { header } | Self::SharedSecret { header } => Some(header),
        }
    }

    /// The id of a hook that one of `secrets` proves, in a time that tells nothing of them; none when none does. Where
    /// the sender signs no id, the digest of the body stands for it.
    pub fn proven(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[SecretString],
        now: DateTime<Utc>,
    ) -> Option<String> {
        let texts = secrets.iter().map(|secret| secret.expose_secret().as_bytes());
        let mut macs = texts.filter_map(|text| Hmac::<Sha256>::new_from_slice(text).ok());
        let proven = match self {
            Self::StandardWebhooks => {
                let claim = Claim::read(headers, now)?;
                let keys: Vec<_> =
                    secrets.iter().filter_map(|secret| Key::parse(secret.expose_secret()).ok()).collect();
                return claim.is_signed(&keys, body, now).then_some(claim.id);
            }
            Self::HmacSha256 { header } => {
                let given = short(headers, header)?.strip_prefix("sha256=")?;
                let given = hex::decode(given).ok()?;
                macs.any(|mac| mac.chain_update(body).verify_slice(&given).is_ok())
            }
            Self::SharedSecret { header } => {
                // Two keys make the same code when they are the same; codes are compared in constant time.
                let given = Hmac::<Sha256>::new_from_slice(short(headers, header)?.as_bytes()).ok()?;
                let given = given.finalize();
                macs.any(|mac| mac.finalize() == given)
            }
        };
        proven.then(|| format!("sha256:{}", hex::encode(Sha256::digest(body))))
    }
}

fn short<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    one(headers, name).filter(|value| !value.is_empty() && value.len() <= VALUE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::sign::{secret_text, sign};

    const BODY: &[u8] = b"Hello, World!";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_413_200, 0).unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_vector_that_github_documents_is_met() {
        let proof = Proof::HmacSha256 { header: "X-Hub-Signature-256".to_owned() };
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let secrets = [SecretString::from("another"), SecretString::from("It's a Secret to Everybody")];
        let check = |value: &str, body: &[u8], secrets: &[SecretString]| {
            proof.proven(&headers(&[("x-hub-signature-256", value)]), body, secrets, now())
        };
        let id = check(signature, BODY, &secrets).unwrap();
        assert_eq!(id, "sha256:dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f");
        assert_eq!(check(signature, b"Hello, World?", &secrets), None);
        assert_eq!(check(signature, BODY, &secrets[..1]), None);
        assert_eq!(check(signature, BODY, &[]), None);
        for wrong in ["", "sha256=", "757107ea0eb2509f", "sha1=757107ea", &signature[..70], "sha256=zz"] {
            assert_eq!(check(wrong, BODY, &secrets), None, "{wrong}");
        }
        assert_eq!(proof.proven(&HeaderMap::new(), BODY, &secrets, now()), None);
        let twice = headers(&[("x-hub-signature-256", signature), ("x-hub-signature-256", signature)]);
        assert_eq!(proof.proven(&twice, BODY, &secrets, now()), None);
    }

    #[test]
    fn a_shared_secret_is_the_whole_text_and_nothing_less() {
        let proof = Proof::SharedSecret { header: "X-Gitlab-Token".to_owned() };
        let secrets = [SecretString::from("whsec_old"), SecretString::from("whsec_new")];
        let check = |value: &str| proof.proven(&headers(&[("x-gitlab-token", value)]), BODY, &secrets, now());
        assert!(check("whsec_new").is_some() && check("whsec_old").is_some());
        for wrong in ["", "whsec_", "whsec_newer", "WHSEC_NEW", &"x".repeat(300)] {
            assert_eq!(check(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn standard_webhooks_bring_their_own_id_and_time() {
        let text = secret_text(&[1; 32]);
        let signature = sign([&Key::parse(&text).unwrap()], "msg_1", now(), BODY);
        let time = now().timestamp().to_string();
        let sent = headers(&[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", &time),
            ("webhook-signature", &signature),
        ]);
        let check = |secret: &str, now| {
            Proof::StandardWebhooks.proven(&sent, BODY, &[SecretString::from(secret)], now)
        };
        assert_eq!(check(&text, now()).as_deref(), Some("msg_1"));
        assert_eq!(check(&secret_text(&[2; 32]), now()), None);
        assert_eq!(check("no secret of ours", now()), None);
        assert_eq!(check(&text, now() + chrono::TimeDelta::seconds(301)), None);
    }
}
