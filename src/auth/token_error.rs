//! Why a token was not accepted.

/// Why a token was not accepted.
///
/// The text of each is fixed, in ASCII and without quotes: it is meant for the caller, and holds nothing of the
/// token, the keys or the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES); it was not decoded.
    #[error("the token is longer than 8192 bytes: ask the issuer for one with fewer claims")]
    TooLarge,
    /// Not a JWT in compact form.
    #[error(
        "the token is not three base64url parts separated by dots: send a JWT as Authorization: Bearer TOKEN"
    )]
    MalformedToken,
    /// The first part is not the header of a JWT.
    #[error(
        "the token header is not a JSON object with unique names and values of the expected types: send a token as the issuer made it"
    )]
    MalformedHeader,
    /// The second part is not a claims set.
    #[error("the token claims are not a JSON object with unique names: send a token as the issuer made it")]
    MalformedClaims,
    /// The header has a `crit` list: no extension is understood here, so none may be critical (RFC 7515, 4.1.11).
    #[error("the token header crit names extensions, none is supported: have the issuer leave crit out")]
    CriticalExtension,
    /// The header asks for an unencoded payload (RFC 7797).
    #[error("the token header b64 asks for an unencoded payload: have the issuer leave b64 out")]
    UnencodedPayload,
    /// The header's `typ` names another kind of JWT.
    #[error("the token header typ is neither at+jwt nor JWT: send an access token")]
    WrongType,
    /// The header's `alg` is not the one algorithm of the key.
    #[error(
        "the token header alg is not the algorithm of the key: send a token that is signed by the configured issuer"
    )]
    AlgorithmNotAllowed,
    /// No published key has this `kid`, or the token names none and there are several.
    #[error("the token header kid names no published key of the issuer: ask the issuer for a new token")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the token signature is not the issuers: ask the issuer for a new token and send it unchanged")]
    InvalidSignature,
    /// The issuer's keys are not at hand. Our fault or the issuer's, not the caller's: answer 503, not 401.
    #[error("the keys of the token issuer are not available, try again later")]
    KeysUnavailable,
    /// A required claim is absent.
    #[error("the token lacks the claim {0}: have the issuer add it")]
    MissingClaim(&'static str),
    /// A claim has the wrong type, is too long or too many, or holds forbidden characters.
    #[error("the token claim {0} is ill-formed or too large: have the issuer correct it")]
    InvalidClaim(&'static str),
    /// `iss` is not the configured issuer.
    #[error("the token claim iss names another issuer: send a token of the configured one")]
    WrongIssuer,
    /// `aud` does not name this service.
    #[error("the token claim aud does not name this service: ask the issuer for a token for its audience")]
    WrongAudience,
    /// `exp` has passed.
    #[error("the token has expired by its claim exp: ask the issuer for a new one")]
    Expired,
    /// `nbf` lies in the future.
    #[error("the token is not valid yet by its claim nbf: send it later, or set the clocks right")]
    NotYetValid,
    /// None of the roles named is one of ours.
    #[error("the token carries no known role in its claim of roles: have the issuer give the subject one")]
    NoKnownRole,
    /// A service's role stands beside a person's: one of them was given by mistake.
    #[error(
        "the token mixes a service role with a human role in its claim of roles: have the issuer give one of them to another subject"
    )]
    MixedRoles,
}

impl TokenError {
    /// Whether the caller can do nothing about it: answer 503 without a challenge.
    pub fn is_unavailable(self) -> bool {
        self == Self::KeysUnavailable
    }

    /// The value of `www-authenticate` for a 401 answer (RFC 6750, section 3).
    pub fn challenge(self) -> String {
        format!("Bearer error=\"invalid_token\", error_description=\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_one_ascii_header_value() {
        assert_eq!(
            TokenError::MissingClaim("nbf").challenge(),
            "Bearer error=\"invalid_token\", error_description=\"the token lacks the claim nbf: have the issuer add it\""
        );
    }

    #[test]
    fn each_refusal_says_what_is_wrong_and_what_to_do() {
        use TokenError::*;
        for (error, named) in [
            (TooLarge, "8192"),
            (MalformedToken, "Bearer"),
            (MalformedHeader, "header"),
            (MalformedClaims, "claims"),
            (CriticalExtension, "crit"),
            (UnencodedPayload, "b64"),
            (WrongType, "typ"),
            (AlgorithmNotAllowed, "alg"),
            (UnknownKey, "kid"),
            (InvalidSignature, "signature"),
            (MissingClaim("sub"), "claim sub"),
            (InvalidClaim("roles"), "claim roles"),
            (WrongIssuer, "claim iss"),
            (WrongAudience, "claim aud"),
            (Expired, "claim exp"),
            (NotYetValid, "claim nbf"),
            (NoKnownRole, "claim of roles"),
            (MixedRoles, "claim of roles"),
        ] {
            let text = error.to_string();
            let (wrong, remedy) = text.split_once(": ").unwrap_or_else(|| panic!("{text} names no remedy"));
            assert!(text.contains(named) && !wrong.is_empty() && !remedy.is_empty(), "{text}");
            assert!(text.is_ascii() && !text.contains(['"', '\\']), "{text} is no part of a header");
        }
        assert!(KeysUnavailable.to_string().ends_with("try again later"));
    }
}
