use serde_json::{Value, json};

use super::*;
use crate::auth::test_keys::{SigningKey, encode};

/// The key, message and signature of RFC 7515, appendix A.2.
const RSA_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-\
    yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-\
    UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkML\
    s91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RSA_MESSAGE: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm\
    NvbS9pc19yb290Ijp0cnVlfQ";
const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2\
    Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZ\
    RmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AX\
    LIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

fn rsa_jwk() -> Value {
    json!({"kty": "RSA", "kid": "rsa", "n": RSA_N, "e": "AQAB"})
}

fn set(keys: Value) -> KeySet {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

/// `jwk` with `changes` written over it; null takes a member away.
fn changed(mut jwk: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        jwk[name] = value.clone();
    }
    jwk
}

#[test]
fn the_examples_of_the_standards_verify() {
    let es256 = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    for (what, jwk, algorithm, message, signature) in [
        ("RFC 7515, A.2", rsa_jwk(), "RS256", RSA_MESSAGE.to_owned(), RSA_SIGNATURE),
        (
            "RFC 7515, A.3",
            es256,
            "ES256",
            RSA_MESSAGE.replace("SUzI1NiJ9", "FUzI1NiJ9"),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            "RFC 8037, A.4",
            ed25519,
            "EdDSA",
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ] {
        let set = set(json!([jwk]));
        let key = set.find(None).unwrap();
        assert_eq!(key.algorithm_name(), algorithm, "{what}");
        assert!(key.verifies(&message, signature), "{what}");
        assert!(!key.verifies(&format!("{message}A"), signature), "{what}");
        assert!(!key.verifies(&message, ""), "{what}");
    }
}

#[test]
fn keys_for_other_uses_algorithms_or_sizes_are_left_out() {
    let ed = SigningKey::ed25519("ed", 1).jwk();
    for (what, jwk, usable) in [
        ("as it is", rsa_jwk(), true),
        ("named algorithm", changed(rsa_jwk(), json!({"alg": "RS256", "key_ops": ["verify"]})), true),
        ("members not read", changed(rsa_jwk(), json!({"d": "AA", "x5u": "https://evil.example"})), true),
        ("for encryption", changed(rsa_jwk(), json!({"use": "enc"})), false),
        ("for wrapping", changed(rsa_jwk(), json!({"key_ops": ["wrapKey"]})), false),
        ("RS512", changed(rsa_jwk(), json!({"alg": "RS512"})), false),
        ("PS256", changed(rsa_jwk(), json!({"alg": "PS256"})), false),
        ("HS256 with an RSA key", changed(rsa_jwk(), json!({"alg": "HS256"})), false),
        ("1024 bits", changed(rsa_jwk(), json!({"n": encode([0xff; 128])})), false),
        ("2047 bits", changed(rsa_jwk(), json!({"n": encode([0x7f; 256])})), false),
        (
            "1024 bits behind zeros",
            changed(rsa_jwk(), json!({"n": encode([[0; 128], [0xff; 128]].concat())})),
            false,
        ),
        ("zero modulus", changed(rsa_jwk(), json!({"n": encode([0; 256])})), false),
        ("no exponent", changed(rsa_jwk(), json!({"e": null})), false),
        ("symmetric", json!({"kty": "oct", "alg": "HS256", "k": encode([7; 32])}), false),
        ("P-384", json!({"kty": "EC", "crv": "P-384", "x": encode([1; 48]), "y": encode([1; 48])}), false),
        (
            "short point",
            json!({"kty": "EC", "crv": "P-256", "x": encode([1; 31]), "y": encode([1; 33])}),
            false,
        ),
        ("Ed448", changed(ed.clone(), json!({"crv": "Ed448", "x": encode([1; 57])})), false),
        ("Ed25519", ed, true),
        ("no key type", json!({"kid": "x"}), false),
        ("not an object", json!("key"), false),
    ] {
        assert_eq!(set(json!([jwk])).len(), usize::from(usable), "{what}");
    }
}

#[test]
fn a_name_finds_its_key_and_no_name_the_only_one() {
    let (first, second) = (SigningKey::ed25519("one", 1).jwk(), SigningKey::es256("two", 2).jwk());
    let both = set(json!([first, second]));
    assert_eq!(both.find(Some("one")).unwrap().algorithm_name(), "EdDSA");
    assert_eq!(both.find(Some("two")).unwrap().algorithm_name(), "ES256");
    for missing in [Some("three"), Some(""), None] {
        assert!(both.find(missing).is_none(), "{missing:?}");
    }
    assert!(set(json!([first])).find(None).is_some());
    assert!(set(json!([])).find(None).is_none());
    let nameless = set(json!([changed(first, json!({"kid": null}))]));
    assert!(nameless.find(Some("one")).is_none());
}

#[test]
fn documents_that_are_no_key_set_are_refused() {
    for document in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
        assert!(matches!(KeySet::parse(document.as_bytes()), Err(KeySetError::Malformed(_))), "{document}");
    }
    let keys = |count| json!({"keys": vec![rsa_jwk(); count]}).to_string();
    assert_eq!(KeySet::parse(keys(20).as_bytes()).unwrap().len(), 20);
    assert!(matches!(KeySet::parse(keys(21).as_bytes()), Err(KeySetError::TooManyKeys(21))));
}
