//! Whom a message may concern, decided in memory before anything is read for anybody.

use std::collections::{HashMap, HashSet};

use entity::vocabulary::Facet;
use uuid::Uuid;

use crate::auth::Actor;
use crate::outbox::MessageKind;
use crate::outbox::audience::{SIDES, may_receive};

/// What a subscriber wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Types of messages.
    pub kinds: HashSet<MessageKind>,
    /// The one event; all that they see when left out.
    pub event: Option<Uuid>,
}

/// Who may see which side of some events, as it is granted.
pub type Grants = HashMap<Uuid, HashMap<Facet, HashSet<String>>>;

/// A message, as far as it decides whom it concerns.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its type.
    pub kind: MessageKind,
    /// The event, unless it is about none.
    pub event: Option<Uuid>,
}

/// Whether a message may concern somebody: they want it, their roles may receive it, and they are found among the
/// grants of a side on which it may find them. Whoever pays, and whatever keeps tickets, is found by what hangs on the
/// event, which is looked at when they are told.
pub fn may_concern(
    keys: &HashMap<Facet, Vec<String>>,
    actor: &Actor,
    interest: &Interest,
    about: About,
    grants: &Grants,
) -> bool {
    if !interest.kinds.contains(&about.kind) {
        return false;
    }
    let Some(event) = about.event else {
        // A payout for no event is its payee's and their channel's too: its finder tells whose.
        let is_payees =
            || keys.contains_key(&Facet::Public) && may_receive(actor, about.kind, Some(Facet::Public));
        return interest.event.is_none() && (may_receive(actor, about.kind, None) || is_payees());
    };
    if interest.event.is_some_and(|wanted| wanted != event) {
        return false;
    }
    // What is cheap to tell comes first: most messages concern few.
    let is_found = |facet| {
        let Some(own) = keys.get(&facet) else { return false };
        match facet {
            Facet::Content | Facet::Public => grants
                .get(&event)
                .and_then(|granted| granted.get(&facet))
                .is_some_and(|granted| own.iter().any(|key| granted.contains(key))),
            Facet::Money | Facet::Tickets => true,
        }
    };
    SIDES.into_iter().any(|facet| is_found(facet) && may_receive(actor, about.kind, Some(facet)))
}

/// By which keys an actor is found among the grants of each side.
pub fn keys(actor: &Actor) -> HashMap<Facet, Vec<String>> {
    SIDES.into_iter().map(|facet| (facet, actor.keys(facet))).filter(|(_, keys)| !keys.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;

    const EVENT: Uuid = Uuid::from_u128(1);

    fn concerned(actor: &Actor, kind: MessageKind, event: Option<Uuid>, granted: &[(Facet, &str)]) -> bool {
        let mut grants: HashMap<Facet, HashSet<String>> = HashMap::new();
        for (facet, key) in granted {
            grants.entry(*facet).or_default().insert((*key).to_owned());
        }
        let interest = Interest { kinds: MessageKind::ALL.iter().copied().collect(), event: None };
        may_concern(&keys(actor), actor, &interest, About { kind, event }, &[(EVENT, grants)].into())
    }

    #[test]
    fn only_who_is_granted_a_side_that_the_type_is_for_is_concerned() {
        use MessageKind::{EventScored, PayoutProposed, ReportStatusChanged, TrackerFailing};
        let analyst = Actor::operator("analyst-1", [Role::Analyst]);
        let reporter = Actor::operator("reporter-1", [Role::Reporter]);
        let finance = Actor::operator("finance-1", [Role::Finance]);
        let admin = Actor::operator("admin-1", [Role::Admin]);
        let open = [(Facet::Content, "readers:open"), (Facet::Public, "subject:reporter-1")];
        let event = Some(EVENT);
        assert!(concerned(&analyst, EventScored, event, &open));
        assert!(!concerned(&analyst, EventScored, event, &[(Facet::Content, "readers:red")]));
        assert!(
            !concerned(&analyst, EventScored, Some(Uuid::from_u128(2)), &open),
            "nothing is granted of it"
        );
        assert!(!concerned(&analyst, ReportStatusChanged, event, &open), "a reporter's alone");
        assert!(concerned(&reporter, ReportStatusChanged, event, &open));
        assert!(!concerned(&reporter, EventScored, event, &open));
        assert!(!concerned(&reporter, EventScored, event, &[(Facet::Content, "subject:reporter-1")]));
        assert!(
            concerned(&finance, PayoutProposed, event, &[])
                && !concerned(&finance, EventScored, event, &open)
        );
        assert!(
            concerned(&admin, TrackerFailing, None, &[]) && !concerned(&analyst, TrackerFailing, None, &[])
        );
    }

    #[test]
    fn what_was_not_asked_for_does_not_concern() {
        let analyst = Actor::operator("analyst-1", [Role::Analyst]);
        let readers = [(Facet::Content, ["readers:open".to_owned()].into())].into();
        let grants: Grants = [(EVENT, readers)].into();
        let about = About { kind: MessageKind::EventScored, event: Some(EVENT) };
        let of = |kinds: &[MessageKind], event| {
            let interest = Interest { kinds: kinds.iter().copied().collect(), event };
            may_concern(&keys(&analyst), &analyst, &interest, about, &grants)
        };
        assert!(of(&[MessageKind::EventScored], None) && of(&[MessageKind::EventScored], Some(EVENT)));
        assert!(!of(&[MessageKind::EventDescribed], None));
        assert!(!of(&[MessageKind::EventScored], Some(Uuid::from_u128(2))));
    }
}
