use serde_json::{Value, json};

use super::*;
use crate::auth::test_keys::{good_claims, now};

const ISSUER: &str = "https://id.example";

/// The identity from the good claims with `changes` written over them.
fn identity_with(settings: &AuthSettings, changes: Value) -> Result<Identity, TokenError> {
    let (Value::Object(mut claims), Value::Object(changes)) = (good_claims(ISSUER), changes) else {
        panic!("objects");
    };
    claims.extend(changes);
    Identity::from_claims(&claims, settings, ISSUER, now())
}

fn identity(changes: Value) -> Result<Identity, TokenError> {
    identity_with(&AuthSettings::default(), changes)
}

#[test]
fn every_claim_has_its_place() {
    let read = identity(json!({
        "sub": "engineer-1", "email": "engineer-1@psirt.example", "roles": ["ENGINEER", "SUPPORT", "ENGINEER"],
        "products": ["router", "camera"], "teams": "network", "jti": "t-1", "channel": null,
    }));
    let expected = Identity {
        issuer: ISSUER.to_owned(),
        subject: "engineer-1".to_owned(),
        email: Some("engineer-1@psirt.example".to_owned()),
        roles: BTreeSet::from([Role::Engineer, Role::Support]),
        products: vec!["router".to_owned(), "camera".to_owned()],
        teams: vec!["network".to_owned()],
        channel: None,
        expires_at: now() + TimeDelta::seconds(300),
        token_id: Some("t-1".to_owned()),
    };
    assert_eq!(read, Ok(expected));
}

#[test]
fn an_issuer_may_name_claims_and_roles_its_own_way() {
    let settings: AuthSettings = serde_json::from_value(json!({
        "roles_claim": "realm_access.roles",
        "products_claim": ["https://psirt.example/products"],
        "role_names": {"psirt-analyst": "ANALYST", "ADMIN": "AUDITOR"},
    }))
    .unwrap();
    let read = identity_with(
        &settings,
        json!({
            "roles": ["FINANCE"],
            "realm_access": {"roles": ["psirt-analyst", "ADMIN", "LEGAL", "offline_access"]},
            "https://psirt.example/products": ["router"],
        }),
    )
    .unwrap();
    assert_eq!(read.roles, BTreeSet::from([Role::Analyst, Role::Auditor, Role::Legal]));
    assert_eq!(read.products, ["router"]);
}

#[test]
fn a_channel_is_for_services_only() {
    let service = identity(json!({"roles": ["SRC"], "channel": "src-portal"})).unwrap();
    assert_eq!(service.channel.as_deref(), Some("src-portal"));
    let person = identity(json!({"roles": ["REPORTER"], "channel": "src-portal"})).unwrap();
    assert_eq!(person.channel, None);
}

#[test]
fn service_roles_stand_alone() {
    for (roles, expected) in [
        (json!(["SRC", "TICKETING"]), Ok(2)),
        (json!(["TICKETING", "unknown"]), Ok(1)),
        (json!(["TICKETING", "ADMIN"]), Err(TokenError::MixedRoles)),
        (json!(["REPORTER", "SRC"]), Err(TokenError::MixedRoles)),
    ] {
        assert_eq!(identity(json!({"roles": roles})).map(|read| read.roles.len()), expected, "{roles}");
    }
}

#[test]
fn what_is_no_role_of_ours_is_ignored_beside_one_that_is() {
    let many = (0..1_000).map(|index| json!(format!("group-{index}"))).chain([json!("ANALYST")]);
    for roles in [
        json!("ANALYST"),
        json!(["ANALYST", "offline_access"]),
        json!([1, null, {"name": "ADMIN"}, "x".repeat(300), "a\nb", "ANALYST"]),
        Value::from_iter(many),
    ] {
        let read = identity(json!({"roles": roles})).map(|read| read.roles);
        assert_eq!(read, Ok(BTreeSet::from([Role::Analyst])), "{roles}");
    }
    for roles in [json!([]), json!(["offline_access"]), json!(1), json!({"name": "ADMIN"}), Value::Null] {
        assert_eq!(identity(json!({"roles": roles})), Err(TokenError::NoKnownRole), "{roles}");
    }
}

#[test]
fn an_unverified_address_is_not_used() {
    let address = "reporter-1@psirt.example";
    for (verified, expected) in
        [(json!(true), Some(address)), (Value::Null, Some(address)), (json!(false), None)]
    {
        let read = identity(json!({"email": address, "email_verified": verified})).unwrap();
        assert_eq!(read.email.as_deref(), expected, "{verified}");
    }
}

#[test]
fn sizes_and_characters_are_bounded() {
    let names = |count: usize| (0..count).map(|index| format!("name-{index}")).collect::<Vec<_>>();
    for (claim, largest, too_large) in [
        ("sub", json!("x".repeat(255)), json!("x".repeat(256))),
        // Bytes count, not characters: 85 of three bytes each.
        ("sub", json!("安".repeat(85)), json!("安".repeat(86))),
        ("jti", json!("x".repeat(255)), json!("x".repeat(256))),
        ("email", json!("x".repeat(255)), json!("x".repeat(256))),
        ("channel", json!("x".repeat(255)), json!("x".repeat(256))),
        ("products", json!(names(1_000)), json!(names(1_001))),
        ("teams", json!(names(1_000)), json!(names(1_001))),
        ("teams", json!(["x".repeat(255)]), json!(["x".repeat(256)])),
        ("sub", json!("a b"), json!("a\nb")),
        ("sub", json!("-"), json!("")),
        ("sub", json!("vulndesk-1"), json!("vulndesk")),
        ("sub", json!("hooks"), json!("hook:src:src")),
        ("sub", json!("webhook"), json!("webhook:x")),
        ("sub", json!("reporter-1"), json!("reporter:x")),
        ("sub", json!("a"), json!(" ")),
        ("sub", json!("1"), json!(1)),
        ("email", Value::Null, json!(["a@psirt.example"])),
        ("products", json!(["a"]), json!(["a", null])),
        ("teams", json!(["a"]), json!(["a\u{7f}"])),
    ] {
        assert!(identity(json!({claim: largest})).is_ok(), "{claim}");
        assert_eq!(
            identity(json!({claim: too_large})),
            Err(TokenError::InvalidClaim(claim)),
            "{claim}: {too_large}"
        );
    }
}
