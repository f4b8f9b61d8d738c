//! Why a token was not accepted.

/// Why a token was not accepted.
///
/// The text of each is fixed, in ASCII and without quotes: it is meant for the caller, and holds nothing of the
/// token, the keys or the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES); it was not decoded.
    #[error("the token is longer than 8192 bytes")]
    TooLarge,
    /// Not a JWT in compact form.
    #[error("the token is not three base64url parts separated by dots")]
    MalformedToken,
    /// The first part is not the header of a JWT.
    #[error("the token header is not a JSON object with unique names and values of the expected types")]
    MalformedHeader,
    /// The second part is not a claims set.
    #[error("the token claims are not a JSON object with unique names")]
    MalformedClaims,
    /// The header has a `crit` list: no extension is understood here, so none may be critical (RFC 7515, 4.1.11).
    #[error("the token header names critical extensions, none is supported")]
    CriticalExtension,
    /// The header asks for an unencoded payload (RFC 7797).
    #[error("the token header asks for an unencoded payload")]
    UnencodedPayload,
    /// The header's `typ` names another kind of JWT.
    #[error("the token typ is neither at+jwt nor JWT")]
    WrongType,
    /// The header's `alg` is not the one algorithm of the key.
    #[error("the token algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// No published key has this `kid`, or the token names none and there are several.
    #[error("the token key is unknown")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the token signature is invalid")]
    InvalidSignature,
    /// The issuer's keys are not at hand. Our fault or the issuer's, not the caller's: answer 503, not 401.
    #[error("the keys of the token issuer are not available, try again later")]
    KeysUnavailable,
    /// A required claim is absent.
    #[error("the token lacks the claim {0}")]
    MissingClaim(&'static str),
    /// A claim has the wrong type, is too long or too many, or holds forbidden characters.
    #[error("the token claim {0} is ill-formed or too large")]
    InvalidClaim(&'static str),
    /// `iss` is not the configured issuer.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// `aud` does not name this service.
    #[error("the token is for another audience")]
    WrongAudience,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// None of the roles named is one of ours.
    #[error("the token carries no known role")]
    NoKnownRole,
    /// A service's role stands beside a person's: one of them was given by mistake.
    #[error("the token mixes a service role with a human role")]
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
            "Bearer error=\"invalid_token\", error_description=\"the token lacks the claim nbf\""
        );
    }
}
