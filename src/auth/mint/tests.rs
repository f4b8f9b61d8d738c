use super::*;
use crate::auth::Verifier;
use crate::auth::test_keys::{SECRET, now};

fn secret() -> DevelopmentSecret {
    DevelopmentSecret::new(SECRET).unwrap()
}

fn request() -> MintRequest {
    MintRequest {
        subject: "src-platform".to_owned(),
        roles: vec![Role::Src],
        products: vec!["router".to_owned()],
        teams: vec!["network".to_owned()],
        channel: Some("src-portal".to_owned()),
        email: Some("src@psirt.example".to_owned()),
        now: now(),
        lifetime: TimeDelta::hours(1),
    }
}

#[tokio::test]
async fn what_is_minted_is_accepted_until_it_ends() {
    let settings: AuthSettings = serde_json::from_value(json!({
        "audience": "psirt", "roles_claim": "realm_access.roles", "channel_claim": "https://psirt.example/channel",
    }))
    .unwrap();
    let token = mint(&secret(), &settings, &request()).unwrap();
    let verifier = Verifier::development(settings, &secret());
    let identity = verifier.verify(&token, now()).await.unwrap();
    assert_eq!(identity.subject, "src-platform");
    assert_eq!(identity.roles.into_iter().collect::<Vec<_>>(), [Role::Src]);
    assert_eq!(identity.products, ["router"]);
    assert_eq!(identity.teams, ["network"]);
    assert_eq!(identity.channel.as_deref(), Some("src-portal"));
    assert_eq!(identity.email.as_deref(), Some("src@psirt.example"));
    assert_eq!(identity.expires_at, now() + TimeDelta::hours(1));
    let after = now() + TimeDelta::seconds(3630);
    assert_eq!(verifier.verify(&token, after).await, Err(TokenError::Expired));
}

#[test]
fn a_token_that_would_be_refused_is_not_made() {
    let settings = AuthSettings::default();
    for (request, expected) in [
        (MintRequest { roles: vec![], ..request() }, TokenError::NoKnownRole),
        (MintRequest { roles: vec![Role::Src, Role::Admin], ..request() }, TokenError::MixedRoles),
        (MintRequest { subject: String::new(), ..request() }, TokenError::InvalidClaim("sub")),
        (MintRequest { lifetime: TimeDelta::hours(-1), ..request() }, TokenError::Expired),
        (MintRequest { lifetime: TimeDelta::MAX, ..request() }, TokenError::InvalidClaim("exp")),
    ] {
        assert_eq!(mint(&secret(), &settings, &request), Err(expected));
    }
}
