//! What was lately written of whom, so that a request writes only what is new.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::auth::Identity;

/// How long an unchanged subject is not written again.
const INTERVAL: TimeDelta = TimeDelta::minutes(5);
/// Most subjects remembered; beyond, all are forgotten, which costs each one write.
const SUBJECTS: usize = 10_000;

/// What a token says of its subject besides the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) email: Option<String>,
    pub(super) roles: Vec<String>,
    pub(super) products: Vec<String>,
    pub(super) teams: Vec<String>,
    pub(super) channel: Option<String>,
}

impl Scope {
    pub(super) fn of(identity: &Identity) -> Self {
        Self {
            email: identity.email.clone(),
            roles: identity.roles.iter().map(|role| role.name().to_owned()).collect(),
            products: identity.products.clone(),
            teams: identity.teams.clone(),
            channel: identity.channel.clone(),
        }
    }
}

/// An issuer and a subject of its.
type Key = (String, String);

/// What this process lately wrote of each issuer's subjects, and when.
#[derive(Debug, Default)]
pub struct Cache(Mutex<HashMap<Key, (Scope, DateTime<Utc>)>>);

impl Cache {
    pub(super) fn is_due(&self, identity: &Identity, scope: &Scope, now: DateTime<Utc>) -> bool {
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written
            .get(&key(identity))
            .is_none_or(|(known, at)| known != scope || now.signed_duration_since(at) >= INTERVAL)
    }

    pub(super) fn written(&self, identity: &Identity, scope: Scope, now: DateTime<Utc>) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.len() >= SUBJECTS {
            written.clear();
        }
        written.insert(key(identity), (scope, now));
    }
}

fn key(identity: &Identity) -> Key {
    (identity.issuer.clone(), identity.subject.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;

    #[test]
    fn a_subject_is_written_when_new_changed_or_five_minutes_old() {
        let at = |minutes: i64| DateTime::from_timestamp(1_772_000_000 + minutes * 60, 0).unwrap();
        let mut identity = Identity {
            issuer: "https://id.example".to_owned(),
            subject: "analyst-1".to_owned(),
            email: None,
            roles: [Role::Analyst].into(),
            products: Vec::new(),
            teams: Vec::new(),
            channel: None,
            expires_at: at(60),
            token_id: None,
        };
        let cache = Cache::default();
        let due = |identity: &Identity, minutes| cache.is_due(identity, &Scope::of(identity), at(minutes));
        assert!(due(&identity, 0));
        cache.written(&identity, Scope::of(&identity), at(0));
        assert!(!due(&identity, 4));
        assert!(due(&identity, 5));
        identity.roles.insert(Role::Leader);
        assert!(due(&identity, 1), "new roles count at once");
        identity.roles.remove(&Role::Leader);
        identity.issuer.push('2');
        assert!(due(&identity, 1), "subjects are unique within their issuer only");
    }
}
