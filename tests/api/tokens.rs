//! Attacks on the token, over the router: each is refused before anything else of the request is looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use vulndesk::auth::{AuthSettings, DEVELOPMENT_ISSUER, Verifier};

use crate::harness::{SECRET, START, TestApp};

/// A key that signs any header over any claims.
struct Key {
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Key {
    fn hmac(secret: &[u8]) -> Self {
        Self { algorithm: Algorithm::HS256, key: EncodingKey::from_secret(secret) }
    }

    /// The Ed25519 key of a repeated byte, in PKCS #8 (RFC 8410, section 7).
    fn ed25519(seed: u8) -> Self {
        let mut der = hex::decode("302e020100300506032b657004220420").unwrap();
        der.extend([seed; 32]);
        Self { algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(&der) }
    }

    fn jwk(&self, kid: &str) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// The public key in PEM, as an attacker who confuses algorithms uses it.
    fn pem(&self) -> String {
        let mut der = hex::decode("302a300506032b6570032100").unwrap();
        der.extend(URL_SAFE_NO_PAD.decode(self.jwk("")["x"].as_str().unwrap()).unwrap());
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    fn sign(&self, header: &Value, claims: &str) -> String {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

fn encode(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// Whose tokens an app accepts: the key, its name, and the issuer.
struct Trusted {
    key: Key,
    kid: &'static str,
    issuer: String,
}

impl Trusted {
    fn header(&self) -> Value {
        json!({ "alg": format!("{:?}", self.key.algorithm), "typ": "at+jwt", "kid": self.kid })
    }

    fn claims(&self) -> Value {
        let now = START.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
        json!({
            "iss": self.issuer, "aud": "vulndesk", "sub": "analyst-1", "roles": ["ANALYST"],
            "nbf": now - 60, "exp": now + 300,
        })
    }

    fn good(&self) -> String {
        self.key.sign(&self.header(), &self.claims().to_string())
    }

    /// Well signed, with one member of the header set.
    fn with_header(&self, name: &str, value: Value) -> String {
        let mut header = self.header();
        header[name] = value;
        self.key.sign(&header, &self.claims().to_string())
    }

    /// Well signed, with one claim set, or taken away by null.
    fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims.as_object_mut().unwrap().remove(name);
        if !value.is_null() {
            claims[name] = value;
        }
        self.key.sign(&self.header(), &claims.to_string())
    }

    /// Tokens that nobody may be let in with.
    fn attacks(&self) -> Vec<(&'static str, String)> {
        let now = self.claims()["nbf"].as_i64().unwrap() + 60;
        let body = self.claims().to_string();
        let good = self.good();
        let (message, signature) = good.rsplit_once('.').unwrap();
        let attacker = Key::ed25519(9);
        let by_attacker = |extra: Value| {
            let mut header = json!({ "alg": "EdDSA", "kid": self.kid });
            header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            attacker.sign(&header, &body)
        };
        let unsigned =
            |alg: &str| format!("{}.{}.", encode(json!({ "alg": alg }).to_string()), encode(&body));
        let public_key = Key::hmac(self.public().as_bytes());
        let mut promoted = self.claims();
        promoted["roles"] = json!(["ADMIN"]);
        let swapped =
            format!("{}.{}.{signature}", encode(self.header().to_string()), encode(promoted.to_string()));
        let twice = |member: &str| {
            self.key.sign(&self.header(), &format!("{},{member}}}", body.strip_suffix('}').unwrap()))
        };
        let elsewhere = "https://attacker.example/keys";
        vec![
            ("nothing", String::new()),
            ("no token at all", "analyst-1".to_owned()),
            ("two parts", message.to_owned()),
            ("alg none", unsigned("none")),
            ("alg NONE", unsigned("NONE")),
            ("no signature", format!("{message}.")),
            ("public key as secret", public_key.sign(&json!({ "alg": "HS256", "kid": self.kid }), &body)),
            ("public key as secret, alg kept", public_key.sign(&self.header(), &body)),
            ("other key", by_attacker(json!({}))),
            ("other secret", Key::hmac(&[7; 32]).sign(&json!({ "alg": "HS256", "kid": self.kid }), &body)),
            ("empty secret", Key::hmac(b"").sign(&json!({ "alg": "HS256", "kid": self.kid }), &body)),
            ("claims exchanged", swapped),
            ("key in the header", by_attacker(json!({ "jwk": attacker.jwk(self.kid) }))),
            ("place of keys in the header", by_attacker(json!({ "jku": elsewhere }))),
            ("place of a certificate in the header", by_attacker(json!({ "x5u": elsewhere, "x5t": "x" }))),
            ("kid as path", by_attacker(json!({ "kid": "../../../../dev/null" }))),
            ("kid as SQL", by_attacker(json!({ "kid": "x' UNION SELECT 'secret' --" }))),
            ("kid as place", by_attacker(json!({ "kid": elsewhere }))),
            ("crit", self.with_header("crit", json!(["exp"]))),
            ("crit of an unknown extension", self.with_header("crit", json!(["x"]))),
            ("b64 false", self.with_header("b64", json!(false))),
            ("alg is a list", self.with_header("alg", json!(["EdDSA", "HS256"]))),
            ("a logout token", self.with_header("typ", json!("logout+jwt"))),
            ("expired", self.with_claim("exp", json!(now - 31))),
            ("not valid yet", self.with_claim("nbf", json!(now + 31))),
            ("no exp", self.with_claim("exp", Value::Null)),
            ("no iss", self.with_claim("iss", Value::Null)),
            ("no aud", self.with_claim("aud", Value::Null)),
            ("no sub", self.with_claim("sub", Value::Null)),
            ("other iss", self.with_claim("iss", json!("https://attacker.example"))),
            ("other aud", self.with_claim("aud", json!("billing"))),
            ("other auds", self.with_claim("aud", json!(["billing", "mail"]))),
            ("aud is an object", self.with_claim("aud", json!({ "vulndesk": true }))),
            ("exp is a text", self.with_claim("exp", json!("9999999999"))),
            ("no roles", self.with_claim("roles", Value::Null)),
            ("no known role", self.with_claim("roles", json!(["root", "analyst"]))),
            ("a person and a service", self.with_claim("roles", json!(["ANALYST", "SRC"]))),
            ("roles twice", twice(r#""roles":["ADMIN"]"#)),
            ("exp twice", twice(r#""exp":9999999999"#)),
            ("sub twice, escaped", twice(r#""\u0073ub":"leader-1""#)),
            ("20 kB", self.with_claim("padding", json!("x".repeat(20_000)))),
        ]
    }

    /// What an attacker who knows all that is public would sign with.
    fn public(&self) -> String {
        if self.key.algorithm == Algorithm::EdDSA { self.key.pem() } else { self.issuer.clone() }
    }
}

/// A body longer than the limit, and whether anybody asked for any of it.
fn untouched_body() -> (Body, Arc<AtomicBool>) {
    let touched = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&touched);
    let stream = futures_util::stream::poll_fn(move |_| {
        noted.store(true, Ordering::SeqCst);
        Poll::Ready(Some(Ok::<_, std::io::Error>(vec![b' '; 64 * 1024])))
    });
    (Body::from_stream(stream), touched)
}

/// Sends `request` with a body that is too long and demands the answer to who is not known.
async fn is_refused(app: &TestApp, what: &str, request: axum::http::request::Builder) {
    let (body, touched) = untouched_body();
    let request = request
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, 100 << 20)
        .body(body)
        .unwrap();
    let response = app.respond(request).await;
    assert_eq!(response.status(), 401, "{what}");
    let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().to_owned();
    assert!(challenge.starts_with("Bearer "), "{what}: {challenge}");
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(answer["errors"][0]["extensions"], json!({ "code": "UNAUTHENTICATED" }), "{what}");
    assert!(answer["data"].is_null(), "{what}");
    assert!(!touched.load(Ordering::SeqCst), "{what}: the body was read");
    for secret in ["attacker", "analyst-1", "UNION", "/dev/null", "xxxx"] {
        assert!(!challenge.contains(secret) && !answer.to_string().contains(secret), "{what}: {answer}");
    }
}

async fn all_are_refused(app: &TestApp, trusted: &Trusted) {
    let good = trusted.good();
    let welcome = app.graphql(&good, "{ viewer { subject } }", Value::Null).await;
    assert_eq!(welcome["data"]["viewer"]["subject"], "analyst-1", "what the attacks differ from: {welcome}");
    for (what, token) in trusted.attacks() {
        let request = Request::post("/graphql").header(header::AUTHORIZATION, format!("Bearer {token}"));
        is_refused(app, what, request).await;
    }
    let bearer = format!("Bearer {good}");
    let twice = Request::post("/graphql")
        .header(header::AUTHORIZATION, &bearer)
        .header(header::AUTHORIZATION, &bearer);
    is_refused(app, "two headers", twice).await;
    is_refused(app, "no header", Request::post("/graphql")).await;
    is_refused(app, "in the query string", Request::post(format!("/graphql?access_token={good}"))).await;
    let get = Request::get(format!("/graphql?access_token={good}&query=%7Bviewer%7Bsubject%7D%7D"));
    is_refused(app, "in the query string of GET", get).await;
    for value in [
        good.clone(),
        format!("Basic {good}"),
        format!("Token {good}"),
        format!("Bearer {good} x"),
        format!("Bearer,{good}"),
    ] {
        is_refused(app, "another scheme", Request::post("/graphql").header(header::AUTHORIZATION, value))
            .await;
    }
    let after = app.graphql(&good, "{ viewer { subject } }", Value::Null).await;
    assert_eq!(after, welcome, "the attacks locked nobody out");
}

#[tokio::test]
async fn attacks_on_a_token_of_the_shared_secret_are_refused() {
    let app = TestApp::sqlite().await;
    let trusted = Trusted { key: Key::hmac(SECRET), kid: "", issuer: DEVELOPMENT_ISSUER.to_owned() };
    all_are_refused(&app, &trusted).await;
}

#[tokio::test]
async fn attacks_on_a_token_of_an_issuer_with_published_keys_are_refused() {
    let trusted = Key::ed25519(1);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let discovery = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
    let keys = json!({ "keys": [trusted.jwk("key-1"), Key::ed25519(2).jwk("key-2")] });
    let answer = |document: Value| axum::routing::get(move || async move { axum::Json(document) });
    let documents = axum::Router::new()
        .route("/.well-known/openid-configuration", answer(discovery))
        .route("/keys", answer(keys));
    tokio::spawn(async move { axum::serve(listener, documents).await });
    let settings = AuthSettings { issuer: Some(issuer.clone()), ..AuthSettings::default() };
    let app = TestApp::sqlite_with(|_, clock| Verifier::new(settings, clock).unwrap()).await;
    let trusted = Trusted { key: trusted, kid: "key-1", issuer };
    all_are_refused(&app, &trusted).await;
    // A good key's signature under another good key's name, and under none.
    for (what, kid) in [("other kid", json!("key-2")), ("no kid", Value::Null)] {
        let mut header = trusted.header();
        header.as_object_mut().unwrap().remove("kid");
        if !kid.is_null() {
            header["kid"] = kid;
        }
        let token = trusted.key.sign(&header, &trusted.claims().to_string());
        let request = Request::post("/graphql").header(header::AUTHORIZATION, format!("Bearer {token}"));
        is_refused(&app, what, request).await;
    }
}
