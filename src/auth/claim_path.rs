//! Where a claim stands inside a token.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The names that lead from the token's claims to one value.
///
/// Written either as a text whose dots separate names (`realm_access.roles`), or as a list of names taken as
/// they are (`["https://psirt.example/roles"]`), for names that contain dots themselves. A text that contains
/// `://` is one name and not split: the usual form of such a name needs no list, so that it can be given in an
/// environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct ClaimPath(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Names(Vec<String>),
}

/// A path without names, or with an empty one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a claim path needs at least one name and no empty one, for example \"realm_access.roles\"")]
pub struct EmptyClaimName;

impl ClaimPath {
    /// The path through `names`, outermost first.
    ///
    /// # Errors
    /// [`EmptyClaimName`] when there is no name or one is empty.
    pub fn new(names: Vec<String>) -> Result<Self, EmptyClaimName> {
        if names.is_empty() || names.iter().any(String::is_empty) {
            Err(EmptyClaimName)
        } else {
            Ok(Self(names))
        }
    }

    /// A claim of the outermost object; `name` is not split.
    pub(super) fn top_level(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// The value at this path; a JSON null counts as absent.
    pub(super) fn get<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter()
            .try_fold(claims.get(first)?, |value, name| value.get(name))
            .filter(|value| !value.is_null())
    }

    /// Writes `value` at this path. What stood in the way and is no object gives way.
    pub(super) fn put(&self, claims: &mut Map<String, Value>, value: Value) {
        let Some((last, parents)) = self.0.split_last() else { return };
        let mut object = claims;
        for name in parents {
            let child = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if !child.is_object() {
                *child = Value::Object(Map::new());
            }
            let Value::Object(inner) = child else { return };
            object = inner;
        }
        object.insert(last.clone(), value);
    }
}

impl FromStr for ClaimPath {
    type Err = EmptyClaimName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.contains("://") {
            Self::new(vec![text.to_owned()])
        } else {
            Self::new(text.split('.').map(str::to_owned).collect())
        }
    }
}

impl TryFrom<Written> for ClaimPath {
    type Error = EmptyClaimName;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Text(text) => text.parse(),
            Written::Names(names) => Self::new(names),
        }
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("."))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims() -> Map<String, Value> {
        let Value::Object(claims) = json!({
            "roles": ["outer"],
            "realm_access": {"roles": ["inner"], "none": null},
            "https://psirt.example/roles": ["by url"],
            "a.b": "dotted",
        }) else {
            unreachable!()
        };
        claims
    }

    #[test]
    fn a_text_is_split_at_dots_and_a_list_is_not() {
        let claims = claims();
        let path: ClaimPath = "realm_access.roles".parse().unwrap();
        assert_eq!(path.get(&claims), Some(&json!(["inner"])));
        let path: ClaimPath = "a.b".parse().unwrap();
        assert_eq!(path.get(&claims), None);
        let path: ClaimPath = serde_json::from_value(json!(["a.b"])).unwrap();
        assert_eq!(path.get(&claims), Some(&json!("dotted")));
        let path: ClaimPath = serde_json::from_value(json!("https://psirt.example/roles")).unwrap();
        assert_eq!(path.get(&claims), Some(&json!(["by url"])));
    }

    #[test]
    fn null_and_paths_through_other_values_are_absent() {
        let claims = claims();
        for path in ["realm_access.none", "roles.0", "roles.inner", "missing.roles"] {
            assert_eq!(path.parse::<ClaimPath>().unwrap().get(&claims), None, "{path}");
        }
    }

    #[test]
    fn empty_names_are_refused() {
        for path in ["", ".", "a..b", "a."] {
            assert_eq!(path.parse::<ClaimPath>(), Err(EmptyClaimName), "{path:?}");
        }
        assert!(serde_json::from_value::<ClaimPath>(json!([])).is_err());
        assert!(serde_json::from_value::<ClaimPath>(json!(["a", ""])).is_err());
    }

    #[test]
    fn what_is_put_is_found() {
        let mut claims = claims();
        for path in ["realm_access.teams", "new.deep.path", "roles.replaced"] {
            let path: ClaimPath = path.parse().unwrap();
            path.put(&mut claims, json!("put"));
            assert_eq!(path.get(&claims), Some(&json!("put")), "{path}");
        }
        assert_eq!(claims["realm_access"]["roles"], json!(["inner"]));
    }
}
