//! The whole way from a token to its key, against an issuer on the loopback. No test sleeps: the clock is set.

mod issuer;

use serde_json::{Value, json};

use self::issuer::{Answer, Hold, Issuer, documents};
use super::*;
use crate::auth::test_keys::{SigningKey, encode, good_claims, now};
use crate::auth::{AuthSettings, Identity, Verifier};
use crate::clock::SetClock;

/// A verifier that trusts one issuer, and the clock it goes by.
struct Desk {
    verifier: Arc<Verifier>,
    clock: Arc<SetClock>,
    issuer: String,
}

impl Desk {
    fn new(issuer: &str, settings: Value) -> Self {
        let mut settings: AuthSettings = serde_json::from_value(settings).unwrap();
        settings.issuer = Some(issuer.to_owned());
        let clock = Arc::new(SetClock::new(now()));
        let verifier = Arc::new(Verifier::new(settings, clock.clone()).unwrap());
        Self { verifier, clock, issuer: issuer.to_owned() }
    }

    fn token(&self, key: &SigningKey) -> String {
        key.issue(&good_claims(&self.issuer))
    }

    /// Verifies a token of `key`. The tokens' own times stand still: only the keys age.
    async fn accepts(&self, key: &SigningKey) -> Result<(), TokenError> {
        self.verifier.verify(&self.token(key), now()).await.map(|_: Identity| ())
    }

    fn wait(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }
}

fn old_key() -> SigningKey {
    SigningKey::ed25519("old", 1)
}

fn new_key() -> SigningKey {
    SigningKey::es256("new", 2)
}

#[tokio::test]
async fn keys_are_found_by_discovery_once() {
    let issuer = Issuer::start(&[&old_key(), &new_key()]).await;
    let desk = Desk::new(&issuer.url, json!({}));
    assert_eq!(issuer.fetches(), 0, "nothing is fetched at start");
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));
    assert_eq!(desk.accepts(&new_key()).await, Ok(()));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn a_key_that_rotates_in_is_accepted_at_once() {
    let issuer = Issuer::start(&[&old_key()]).await;
    let desk = Desk::new(&issuer.url, json!({}));
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));
    issuer.answer(documents(&[&old_key(), &new_key()]));
    assert_eq!(desk.accepts(&new_key()).await, Ok(()));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn an_unknown_key_causes_one_fetch_and_then_a_pause() {
    let issuer = Issuer::start(&[&old_key()]).await;
    let desk = Desk::new(&issuer.url, json!({}));
    assert!(desk.verifier.ready().await);
    let callers = (0..20).map(|_| async { desk.accepts(&new_key()).await });
    for refused in futures_util::future::join_all(callers).await {
        assert_eq!(refused, Err(TokenError::UnknownKey));
    }
    assert_eq!(issuer.fetches(), 2, "twenty callers share one fetch");

    issuer.answer(documents(&[&new_key()]));
    desk.wait(29);
    assert_eq!(desk.accepts(&new_key()).await, Err(TokenError::UnknownKey));
    assert_eq!(desk.accepts(&old_key()).await, Ok(()), "kept keys serve during the pause");
    assert_eq!(issuer.fetches(), 2);
    desk.wait(1);
    assert_eq!(desk.accepts(&new_key()).await, Ok(()));
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test]
async fn a_removed_key_stops_within_the_life_of_the_cache() {
    let issuer = Issuer::start(&[&old_key(), &new_key()]).await;
    let desk = Desk::new(&issuer.url, json!({"jwks_cache_seconds": 60}));
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));
    issuer.answer(documents(&[&new_key()]));
    desk.wait(59);
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));
    desk.wait(1);
    assert_eq!(desk.accepts(&old_key()).await, Err(TokenError::UnknownKey));
    // The last key can be withdrawn as well.
    issuer.answer(documents(&[]));
    desk.wait(60);
    assert_eq!(desk.accepts(&new_key()).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn kept_keys_serve_while_the_issuer_is_down_up_to_the_limit() {
    let issuer = Issuer::start(&[&old_key()]).await;
    let desk = Desk::new(&issuer.url, json!({"jwks_max_stale_seconds": 600}));
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));
    issuer.answer(Answer::Down);
    desk.wait(300);
    for _ in 0..3 {
        assert_eq!(desk.accepts(&old_key()).await, Ok(()));
    }
    assert_eq!(issuer.fetches(), 2, "a failed fetch pauses too");
    desk.wait(299);
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));
    desk.wait(1);
    assert_eq!(desk.accepts(&old_key()).await, Err(TokenError::KeysUnavailable));
    assert!(!desk.verifier.ready().await);
    issuer.answer(documents(&[&old_key()]));
    desk.wait(30);
    assert!(desk.verifier.ready().await);
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));
}

#[tokio::test]
async fn an_issuer_that_is_down_at_start_is_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let desk = Desk::new(&format!("http://{address}"), json!({}));
    assert!(!desk.verifier.ready().await);
    assert_eq!(desk.accepts(&old_key()).await, Err(TokenError::KeysUnavailable));
}

#[tokio::test]
async fn a_clock_that_is_set_back_prolongs_nothing() {
    let issuer = Issuer::start(&[&old_key()]).await;
    let desk = Desk::new(&issuer.url, json!({}));
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));
    issuer.answer(documents(&[&new_key()]));
    desk.wait(-86_400);
    assert_eq!(desk.accepts(&old_key()).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn a_slow_issuer_holds_up_one_caller_and_hanging_up_does_not_end_the_fetch() {
    let issuer = Issuer::start(&[&old_key()]).await;
    let desk = Desk::new(&issuer.url, json!({}));
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));
    let hold = Arc::new(Hold::default());
    issuer.answer(Answer::Held(json!({"keys": [new_key().jwk()]}), hold.clone()));
    desk.wait(300);
    let (verifier, token) = (desk.verifier.clone(), desk.token(&old_key()));
    let first = tokio::spawn(async move { verifier.verify(&token, now()).await });
    hold.asked.notified().await;
    assert_eq!(desk.accepts(&old_key()).await, Ok(()), "served by the kept key meanwhile");
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    hold.release.notify_one();
    // Waits for the fetch under way, since the kept keys do not have this one.
    assert_eq!(desk.accepts(&new_key()).await, Ok(()));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn doubtful_documents_are_refused() {
    let good = Issuer::start(&[&old_key()]).await;
    let url = good.url.clone();
    let port = url.rsplit_once(':').unwrap().1;
    let own = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
    let with = |name: &str, value: String| {
        let mut document = own.clone();
        document[name] = json!(value);
        document
    };
    let keys = documents(&[&old_key()]);
    let oversize = json!({"keys": [old_key().jwk()], "padding": "x".repeat(64 * 1024)});
    let crowd = json!({"keys": vec![old_key().jwk(); 21]});
    for (what, discovery, answer) in [
        ("a redirect", own.clone(), Answer::Redirect),
        ("more than 64 kB", own.clone(), Answer::Document(oversize)),
        ("21 keys", own.clone(), Answer::Document(crowd)),
        ("no key set", own.clone(), Answer::Document(json!({"error": "none"}))),
        ("other issuer", with("issuer", "http://127.0.0.1:1".to_owned()), keys.clone()),
        ("issuer with a slash", with("issuer", format!("{url}/")), keys.clone()),
        ("keys at another host", with("jwks_uri", format!("http://localhost:{port}/keys")), keys.clone()),
        ("keys without TLS", with("jwks_uri", "http://id.example/keys".to_owned()), keys.clone()),
        ("keys in a file", with("jwks_uri", "file:///etc/keys".to_owned()), keys.clone()),
        ("no discovery document", json!("none"), keys.clone()),
    ] {
        good.discovery(discovery);
        good.answer(answer);
        let desk = Desk::new(&url, json!({}));
        assert_eq!(desk.accepts(&old_key()).await, Err(TokenError::KeysUnavailable), "{what}");
    }
    assert_eq!(good.asked_elsewhere(), 0, "the redirect was not followed");
    good.discovery(own);
    good.answer(keys);
    assert_eq!(Desk::new(&url, json!({})).accepts(&old_key()).await, Ok(()), "and the plain case works");
}

#[tokio::test]
async fn named_hosts_and_a_fixed_place_are_used() {
    let issuer = Issuer::start(&[&old_key()]).await;
    let port = issuer.url.rsplit_once(':').unwrap().1;
    issuer.discovery(json!({"issuer": issuer.url, "jwks_uri": format!("http://localhost:{port}/keys")}));
    let desk = Desk::new(&issuer.url, json!({"jwks_hosts": ["localhost"]}));
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));

    issuer.discovery(json!("none"));
    let desk = Desk::new(&issuer.url, json!({"jwks_uri": format!("{}/keys", issuer.url)}));
    assert_eq!(desk.accepts(&old_key()).await, Ok(()));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn public_keys_do_not_serve_as_secrets() {
    let key = old_key();
    let issuer = Issuer::start(&[&key, &new_key()]).await;
    // A published symmetric key is no secret, and is not used.
    let published = json!({"kty": "oct", "kid": "oct", "alg": "HS256", "k": encode([7; 32])});
    issuer.answer(Answer::Document(json!({"keys": [key.jwk(), new_key().jwk(), published]})));
    let desk = Desk::new(&issuer.url, json!({}));
    let claims = good_claims(&issuer.url).to_string();
    let public = key.jwk().to_string();
    let x = key.jwk()["x"].as_str().unwrap().to_owned();
    let attacker = SigningKey::ed25519("old", 9);
    for (attack, token, expected) in [
        (
            "HS256 with the JWK",
            SigningKey::hs256(public.as_bytes()).sign(r#"{"alg":"HS256","kid":"old"}"#, &claims),
            TokenError::AlgorithmNotAllowed,
        ),
        (
            "HS256 with x",
            SigningKey::hs256(x.as_bytes()).sign(r#"{"alg":"HS256","kid":"old"}"#, &claims),
            TokenError::AlgorithmNotAllowed,
        ),
        (
            "HS256 with the published oct key",
            SigningKey::hs256(&[7; 32]).sign(r#"{"alg":"HS256","kid":"oct"}"#, &claims),
            TokenError::AlgorithmNotAllowed,
        ),
        (
            "none",
            format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims)),
            TokenError::AlgorithmNotAllowed,
        ),
        (
            "another key's algorithm",
            key.sign(r#"{"alg":"EdDSA","kid":"new"}"#, &claims),
            TokenError::AlgorithmNotAllowed,
        ),
        ("same kid, other key", attacker.issue(&good_claims(&issuer.url)), TokenError::InvalidSignature),
        ("no kid, two keys", key.sign(r#"{"alg":"EdDSA"}"#, &claims), TokenError::UnknownKey),
        ("empty kid", key.sign(r#"{"alg":"EdDSA","kid":""}"#, &claims), TokenError::UnknownKey),
        (
            "kid is a path",
            key.sign(r#"{"alg":"EdDSA","kid":"../keys/old"}"#, &claims),
            TokenError::UnknownKey,
        ),
        ("another issuer's token", key.issue(&good_claims("http://127.0.0.1:1")), TokenError::WrongIssuer),
    ] {
        assert_eq!(desk.verifier.verify(&token, now()).await, Err(expected), "{attack}");
    }
}
