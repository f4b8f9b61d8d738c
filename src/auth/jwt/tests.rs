use futures_util::FutureExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::auth::test_keys::{SECRET, SigningKey, encode, good_claims, now};
use crate::testing::{bent_text, jumble};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn verifier() -> Verifier {
    Verifier::development(AuthSettings::default(), &DevelopmentSecret::new(SECRET).unwrap())
}

async fn verify(token: &str) -> Result<Identity, TokenError> {
    verifier().verify(token, now()).await
}

fn key() -> SigningKey {
    SigningKey::hs256(SECRET)
}

fn claims() -> Value {
    good_claims(DEVELOPMENT_ISSUER)
}

/// A signed token whose header is `header`.
fn with_header(header: &str) -> String {
    key().sign(header, &claims().to_string())
}

/// A signed token with one claim changed, or taken away by null.
fn with_claim(name: &str, value: Value) -> String {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    key().sign(HEADER, &claims.to_string())
}

/// A signed token with `member` written behind the good claims.
fn with_text(member: &str) -> String {
    let good = claims().to_string();
    key().sign(HEADER, &format!("{},{member}}}", good.strip_suffix('}').unwrap()))
}

async fn assert_all_refused(attacks: impl IntoIterator<Item = (&str, String, TokenError)>) {
    for (attack, token, expected) in attacks {
        assert_eq!(verify(&token).await, Err(expected), "{attack}");
    }
}

#[tokio::test]
async fn a_good_token_tells_who_acts() {
    let token = key().sign(HEADER, &claims().to_string());
    let identity = verify(&token).await.unwrap();
    assert_eq!(identity.issuer, "vulndesk-development");
    assert_eq!(identity.subject, "analyst-1");
    assert_eq!(identity.expires_at, now() + chrono::TimeDelta::seconds(300));
    assert!(verifier().ready().await);
}

/// What looks odd and is right: each differs from an attack below in one detail.
#[tokio::test]
async fn harmless_headers_and_claims_are_accepted() {
    for (what, token) in [
        ("typ at+jwt", with_header(r#"{"alg":"HS256","typ":"at+jwt"}"#)),
        ("typ in capitals", with_header(r#"{"alg":"HS256","typ":"AT+JWT"}"#)),
        ("typ in full", with_header(r#"{"alg":"HS256","typ":"application/at+jwt"}"#)),
        ("no typ", with_header(r#"{"alg":"HS256"}"#)),
        ("b64 true", with_header(r#"{"alg":"HS256","b64":true}"#)),
        ("kid that is a path", with_header(r#"{"alg":"HS256","kid":"../../../dev/null"}"#)),
        ("kid that is SQL", with_header(r#"{"alg":"HS256","kid":"x' UNION SELECT 'k'--"}"#)),
        ("empty kid", with_header(r#"{"alg":"HS256","kid":""}"#)),
        ("aud list with ours", with_claim("aud", json!(["other", "vulndesk"]))),
        ("exp within the leeway", with_claim("exp", json!(now().timestamp() - 29))),
        ("nbf within the leeway", with_claim("nbf", json!(now().timestamp() + 30))),
        ("exp with a fraction", with_claim("exp", json!(1_795_594_800.5))),
        ("unknown role beside a known one", with_claim("roles", json!(["offline_access", "ANALYST"]))),
        ("unknown claim", with_text(r#""scope":"openid""#)),
    ] {
        assert_eq!(
            verify(&token).await.map(|identity| identity.subject),
            Ok("analyst-1".to_owned()),
            "{what}"
        );
    }
}

#[tokio::test]
async fn attacks_on_the_shape_are_refused() {
    use TokenError::*;
    let good = key().sign(HEADER, &claims().to_string());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let twenty_megabytes = format!("{message}.{}", "A".repeat(20_000_000));
    let longest = with_claim("padding", json!("x".repeat(9_000)));
    assert_all_refused([
        ("20 MB", twenty_megabytes, TooLarge),
        ("well signed and over 8 kB", longest, TooLarge),
        ("empty", String::new(), MalformedToken),
        ("one part", "token".to_owned(), MalformedToken),
        ("two parts", message.to_owned(), MalformedToken),
        ("four parts", format!("{good}.{signature}"), MalformedToken),
        ("five parts, as JWE", format!("{good}.{signature}.{signature}"), MalformedToken),
        ("padding", good.replacen('.', "=.", 1), MalformedToken),
        ("white space in front", format!(" {good}"), MalformedToken),
        ("line break behind", format!("{good}\n"), InvalidSignature),
        ("header is a list", key().sign("[]", "{}"), MalformedHeader),
        ("header is no JSON", key().sign("{alg}", "{}"), MalformedHeader),
        ("claims are a list", key().sign(HEADER, "[]"), MalformedClaims),
        ("claims are a text", key().sign(HEADER, "\"claims\""), MalformedClaims),
    ])
    .await;
}

#[tokio::test]
async fn attacks_on_the_header_are_refused() {
    use TokenError::*;
    assert_all_refused([
        ("no alg", with_header(r#"{"typ":"JWT"}"#), MalformedHeader),
        ("alg is a list", with_header(r#"{"alg":["HS256"]}"#), MalformedHeader),
        ("two algs", with_header(r#"{"alg":"HS256","alg":"HS256"}"#), MalformedHeader),
        ("kid is a number", with_header(r#"{"alg":"HS256","kid":1}"#), MalformedHeader),
        ("kid is null", with_header(r#"{"alg":"HS256","kid":null}"#), MalformedHeader),
        ("crit", with_header(r#"{"alg":"HS256","crit":["exp"],"exp":1}"#), CriticalExtension),
        ("empty crit", with_header(r#"{"alg":"HS256","crit":[]}"#), CriticalExtension),
        ("crit is null", with_header(r#"{"alg":"HS256","crit":null}"#), CriticalExtension),
        ("b64 with crit", with_header(r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#), CriticalExtension),
        ("b64 false", with_header(r#"{"alg":"HS256","b64":false}"#), UnencodedPayload),
        ("b64 is a text", with_header(r#"{"alg":"HS256","b64":"false"}"#), UnencodedPayload),
        ("logout token", with_header(r#"{"alg":"HS256","typ":"logout+jwt"}"#), WrongType),
        ("empty typ", with_header(r#"{"alg":"HS256","typ":""}"#), WrongType),
        ("alg in lower case", with_header(r#"{"alg":"hs256"}"#), AlgorithmNotAllowed),
        ("HS512", with_header(r#"{"alg":"HS512"}"#), AlgorithmNotAllowed),
        ("RS256 over an HMAC", with_header(r#"{"alg":"RS256"}"#), AlgorithmNotAllowed),
    ])
    .await;
}

#[tokio::test]
async fn attacks_on_the_signature_are_refused() {
    use TokenError::*;
    let good = key().sign(HEADER, &claims().to_string());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let unsigned =
        |alg: &str| format!("{}.{}.", encode(format!(r#"{{"alg":"{alg}"}}"#)), encode(claims().to_string()));
    let mut promoted = claims();
    promoted["roles"] = json!(["LEADER"]);
    let (header, _) = message.split_once('.').unwrap();
    let swapped = format!("{header}.{}.{signature}", encode(promoted.to_string()));
    let attacker = SigningKey::ed25519("attacker", 9);
    let own_key = json!({"alg": "EdDSA", "jwk": attacker.jwk()}).to_string();
    let own_key_as_hmac = json!({"alg": "HS256", "jwk": {"kty": "oct", "k": encode([7; 32])}}).to_string();
    let elsewhere = r#"{"alg":"HS256","jku":"https://evil.example/keys","x5u":"https://evil.example/cert"}"#;
    let null_device = r#"{"alg":"HS256","kid":"../../../dev/null"}"#;
    let body = claims().to_string();
    assert_all_refused([
        ("alg none", unsigned("none"), AlgorithmNotAllowed),
        ("alg nOnE", unsigned("nOnE"), AlgorithmNotAllowed),
        ("no signature", unsigned("HS256"), InvalidSignature),
        ("cut signature", format!("{message}.{}", &signature[..20]), InvalidSignature),
        ("signature in standard base64", format!("{message}.{}+/", &signature[..41]), InvalidSignature),
        ("claims swapped", swapped, InvalidSignature),
        ("other secret", SigningKey::hs256(&[7; 32]).sign(HEADER, &body), InvalidSignature),
        ("empty secret", SigningKey::hs256(b"").sign(HEADER, &body), InvalidSignature),
        ("empty secret by kid", SigningKey::hs256(b"").sign(null_device, &body), InvalidSignature),
        ("key in the header", attacker.sign(&own_key, &body), AlgorithmNotAllowed),
        ("secret in the header", SigningKey::hs256(&[7; 32]).sign(&own_key_as_hmac, &body), InvalidSignature),
        (
            "place of a key in the header",
            SigningKey::hs256(&[7; 32]).sign(elsewhere, &body),
            InvalidSignature,
        ),
    ])
    .await;
}

#[tokio::test]
async fn attacks_on_the_claims_are_refused() {
    use TokenError::*;
    let at = |seconds: i64| json!(now().timestamp() + seconds);
    assert_all_refused([
        ("no iss", with_claim("iss", Value::Null), MissingClaim("iss")),
        ("no aud", with_claim("aud", Value::Null), MissingClaim("aud")),
        ("no exp", with_claim("exp", Value::Null), MissingClaim("exp")),
        ("no nbf", with_claim("nbf", Value::Null), MissingClaim("nbf")),
        ("no sub", with_claim("sub", Value::Null), MissingClaim("sub")),
        ("other iss", with_claim("iss", json!("https://evil.example")), WrongIssuer),
        ("iss in capitals", with_claim("iss", json!("VULNDESK-DEVELOPMENT")), WrongIssuer),
        ("iss is a list", with_claim("iss", json!([DEVELOPMENT_ISSUER])), InvalidClaim("iss")),
        ("other aud", with_claim("aud", json!("vulndesk2")), WrongAudience),
        ("other auds", with_claim("aud", json!(["other", "Vulndesk"])), WrongAudience),
        ("empty aud", with_claim("aud", json!([])), WrongAudience),
        ("aud is an object", with_claim("aud", json!({"vulndesk": 1})), InvalidClaim("aud")),
        ("aud list with a number", with_claim("aud", json!(["vulndesk", 1])), InvalidClaim("aud")),
        ("expired", with_claim("exp", at(-30)), Expired),
        ("expired long ago", with_claim("exp", json!(0)), Expired),
        ("exp is a text", with_claim("exp", json!("1795594800")), InvalidClaim("exp")),
        ("exp beyond the calendar", with_claim("exp", json!(1e300)), InvalidClaim("exp")),
        ("exp is the largest integer", with_claim("exp", json!(u64::MAX)), InvalidClaim("exp")),
        ("not valid yet", with_claim("nbf", at(31)), NotYetValid),
        ("nbf is a text", with_claim("nbf", json!("0")), InvalidClaim("nbf")),
        ("exp twice", with_text(r#""exp":9999999999"#), MalformedClaims),
        ("roles twice", with_text(r#""roles":["ADMIN"]"#), MalformedClaims),
        ("sub twice, escaped", with_text(r#""\u0073ub":"leader-1""#), MalformedClaims),
        ("unknown claim twice", with_text(r#""a":1,"a":2"#), MalformedClaims),
        ("no roles", with_claim("roles", Value::Null), NoKnownRole),
        ("empty roles", with_claim("roles", json!([])), NoKnownRole),
        ("unknown roles only", with_claim("roles", json!(["analyst", "root"])), NoKnownRole),
        ("service and human", with_claim("roles", json!(["SRC", "ANALYST"])), MixedRoles),
        ("roles is an object", with_claim("roles", json!({"ADMIN": true})), NoKnownRole),
    ])
    .await;
}

#[tokio::test]
async fn exactly_eight_kilobytes_are_read() {
    let padded = |length| with_claim("padding", json!("x".repeat(length)));
    let overhead = padded(0).len();
    // Three bytes of claims are four of the token.
    let length = (MAX_TOKEN_BYTES - overhead) / 4 * 3;
    let longest =
        (length..length + 6).map(padded).take_while(|token| token.len() <= MAX_TOKEN_BYTES).last().unwrap();
    assert!(longest.len() > MAX_TOKEN_BYTES - 4);
    assert!(verify(&longest).await.is_ok());
}

#[tokio::test]
async fn issuers_that_leave_out_nbf_need_a_setting_and_a_future_nbf_is_refused_all_the_same() {
    let settings = AuthSettings { require_nbf: false, ..AuthSettings::default() };
    let verifier = Verifier::development(settings, &DevelopmentSecret::new(SECRET).unwrap());
    assert!(verifier.verify(&with_claim("nbf", Value::Null), now()).await.is_ok());
    let future = with_claim("nbf", json!(now().timestamp() + 31));
    assert_eq!(verifier.verify(&future, now()).await, Err(TokenError::NotYetValid));
}

/// What stands in tokens, or is written in its stead.
const PARTS: &str = "{¦}¦[¦]¦:¦,¦\"¦\\u0061¦null¦true¦1e999¦-9223372036854775809¦253402300800¦\"alg\":\"HS256\"¦\
    \"typ\":\"JWT\"¦\"kid\":¦\"crit\":[]¦\"b64\":false¦\"iss\":\"vulndesk-development\"¦\
    \"aud\":\"vulndesk\"¦\"sub\":¦\"exp\":¦\"nbf\":¦\"jti\":¦\"roles\":[\"ANALYST\"]¦.";

/// Nothing is fetched for a token of development, so nothing is waited for.
fn verified(token: &str) -> Result<Identity, TokenError> {
    verify(token).now_or_never().unwrap()
}

proptest! {
    #[test]
    fn any_token_never_panics(
        token in jumble(PARTS),
        header in jumble(PARTS),
        claims in jumble(PARTS),
        bent in bent_text("jwt"),
    ) {
        prop_assert!(verified(&token).is_err());
        let _ = verified(&key().sign(&header, &claims));
        let _ = verified(&with_text(&claims));
        let _ = verified(&with_header(&header));
        let _ = (verified(&key().sign(HEADER, &bent)), verified(&with_header(&bent)));
    }

    /// Of a token that is good no other one is, whichever of its characters is exchanged.
    #[test]
    fn a_changed_token_never_panics_and_never_passes(place in any::<prop::sample::Index>(), by in "[A-Za-z0-9_.=-]") {
        let mut token = with_header(HEADER);
        let place = place.index(token.len());
        prop_assume!(token[place..=place] != by);
        token.replace_range(place..=place, &by);
        prop_assert!(verified(&token).is_err());
    }
}
