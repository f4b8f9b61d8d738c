//! Who is connected: how many from where and as whom, until when, and who has to go.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::auth::Identity;
use crate::principal::store::token_hash;

/// An issuer and a subject of its.
pub type Who = (String, String);

/// Who may no longer act, and which tokens are accepted no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denials {
    /// Issuers and subjects.
    pub subjects: HashSet<Who>,
    /// Tokens, as [`token_hash`] names them.
    pub tokens: HashSet<Vec<u8>>,
}

impl Denials {
    /// Whether they are of who came with this token.
    pub fn are_of(&self, identity: &Identity) -> bool {
        self.meet(&who(identity), token_of(identity).as_deref())
    }

    fn meet(&self, who: &Who, token: Option<&[u8]>) -> bool {
        self.subjects.contains(who) || token.is_some_and(|token| self.tokens.contains(token))
    }
}

fn who(identity: &Identity) -> Who {
    (identity.issuer.clone(), identity.subject.clone())
}

fn token_of(identity: &Identity) -> Option<Vec<u8>> {
    identity.token_id.as_deref().map(token_hash)
}

/// Why an open connection ends before its client wants it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its token is over.
    Expired,
    /// Its subject may no longer act, or its token is accepted no more.
    Denied,
}

/// Most connections at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Of the process.
    pub all: usize,
    /// From one address.
    pub per_address: usize,
    /// As one principal.
    pub per_principal: usize,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    all: usize,
    addresses: HashMap<IpAddr, usize>,
    principals: HashMap<Who, usize>,
    named: HashMap<u64, Named>,
}

#[derive(Debug)]
struct Named {
    who: Who,
    token: Option<Vec<u8>>,
    expires_at: DateTime<Utc>,
    ending: watch::Sender<Option<Ending>>,
}

/// The open connections of this process.
#[derive(Debug)]
pub struct Guests {
    room: Room,
    open: Mutex<Open>,
}

/// There is no room for one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Guests {
    /// Nobody, with this much room.
    pub fn new(room: Room) -> Self {
        Self { room, open: Mutex::default() }
    }

    /// Lets in a connection from `address`, of which nobody knows yet whose it is.
    ///
    /// # Errors
    /// When there is no room.
    pub fn arrive(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Full> {
        let address = neighbourhood(address);
        let mut open = self.open();
        let from_there = open.addresses.get(&address).copied().unwrap_or_default();
        if open.all >= self.room.all || from_there >= self.room.per_address {
            return Err(Full);
        }
        open.all += 1;
        open.addresses.insert(address, from_there + 1);
        Ok(Seat { guests: Arc::clone(self), address, named: None })
    }

    /// Whether nobody is here whose name is known.
    pub fn is_empty(&self) -> bool {
        self.open().named.is_empty()
    }

    /// Tells those to go whose token is over at `now`, and those who are `denied`.
    pub fn end(&self, now: DateTime<Utc>, denied: &Denials) {
        for named in self.open().named.values() {
            let ending = if denied.meet(&named.who, named.token.as_deref()) {
                Ending::Denied
            } else if named.expires_at <= now {
                Ending::Expired
            } else {
                continue;
            };
            named.ending.send_if_modified(|told| told.replace(ending).is_none());
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one address: a customer's line has the rest of an IPv6 address to itself.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// One connection's place, given back when it is dropped.
#[derive(Debug)]
pub struct Seat {
    guests: Arc<Guests>,
    address: IpAddr,
    named: Option<(u64, Who)>,
}

impl Seat {
    /// Says whose connection it is, and answers how it learns that it has to end.
    ///
    /// # Errors
    /// When the principal has no room for one more.
    pub fn name(&mut self, identity: &Identity) -> Result<watch::Receiver<Option<Ending>>, Full> {
        let mut open = self.guests.open();
        let who = who(identity);
        let theirs = open.principals.get(&who).copied().unwrap_or_default();
        if self.named.is_some() || theirs >= self.guests.room.per_principal {
            return Err(Full);
        }
        open.principals.insert(who.clone(), theirs + 1);
        open.next += 1;
        let id = open.next;
        let (ending, receiver) = watch::channel(None);
        let token = token_of(identity);
        open.named.insert(id, Named { who: who.clone(), token, expires_at: identity.expires_at, ending });
        drop(open);
        self.named = Some((id, who));
        Ok(receiver)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.guests.open();
        open.all -= 1;
        one_less(&mut open.addresses, &self.address);
        if let Some((id, who)) = &self.named {
            open.named.remove(id);
            one_less(&mut open.principals, who);
        }
    }
}

fn one_less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::auth::Role;

    fn identity(subject: &str) -> Identity {
        Identity {
            issuer: "https://id.example".to_owned(),
            subject: subject.to_owned(),
            email: None,
            roles: [Role::Analyst].into(),
            products: Vec::new(),
            teams: Vec::new(),
            channel: None,
            expires_at: DateTime::UNIX_EPOCH + TimeDelta::hours(1),
            token_id: None,
        }
    }

    fn guests(all: usize, per_address: usize, per_principal: usize) -> Arc<Guests> {
        Arc::new(Guests::new(Room { all, per_address, per_principal }))
    }

    #[test]
    fn room_is_counted_and_given_back() {
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let guests = guests(3, 2, 1);
        let mut first = guests.arrive(here).unwrap();
        let mut second = guests.arrive(here).unwrap();
        assert!(guests.arrive(here).is_err(), "two from one address");
        let third = guests.arrive(there).unwrap();
        assert!(guests.arrive(there).is_err(), "three in all");
        assert!(first.name(&identity("analyst-1")).is_ok());
        assert!(second.name(&identity("analyst-1")).is_err(), "one as one principal");
        assert!(second.name(&identity("analyst-2")).is_ok());
        drop((first, third));
        let mut again = guests.arrive(here).unwrap();
        assert!(again.name(&identity("analyst-1")).is_ok());
        drop((second, again));
        let open = guests.open();
        assert!(
            open.all == 0 && open.addresses.is_empty() && open.principals.is_empty() && open.named.is_empty()
        );
    }

    #[test]
    fn one_line_has_one_address() {
        let guests = guests(9, 1, 9);
        let of = |text: &str| guests.arrive(text.parse().unwrap());
        let _first = of("2001:db8:0:1::1").unwrap();
        assert!(of("2001:db8:0:1:ffff::2").is_err());
        let _other = of("2001:db8:0:2::1").unwrap();
        let _mapped = of("::ffff:192.0.2.1").unwrap();
        assert!(of("192.0.2.1").is_err());
    }

    #[test]
    fn who_is_denied_and_whose_token_is_over_is_told_to_go() {
        let guests = guests(9, 9, 9);
        let mut seat = guests.arrive(IpAddr::from([127, 0, 0, 1])).unwrap();
        let ending = seat.name(&identity("analyst-1")).unwrap();
        let at = |hours| DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
        let of_subject = |subject: &str| Denials {
            subjects: [("https://id.example".to_owned(), subject.to_owned())].into(),
            tokens: HashSet::new(),
        };
        let of_token = |id: &str| Denials { subjects: HashSet::new(), tokens: [token_hash(id)].into() };
        for other in [of_subject("analyst-2"), of_token("analyst-1")] {
            guests.end(at(0), &other);
            assert_eq!(*ending.borrow(), None, "{other:?}");
        }
        guests.end(at(0), &of_subject("analyst-1"));
        assert_eq!(*ending.borrow(), Some(Ending::Denied));
        let mut other = guests.arrive(IpAddr::from([127, 0, 0, 1])).unwrap();
        let ending = other.name(&identity("analyst-3")).unwrap();
        guests.end(at(1), &Denials::default());
        assert_eq!(*ending.borrow(), Some(Ending::Expired));

        // Of two tokens of one subject the one that is denied.
        let with_id = |id: &str| Identity { token_id: Some(id.to_owned()), ..identity("analyst-4") };
        let mut seats = [(); 2].map(|()| guests.arrive(IpAddr::from([127, 0, 0, 1])).unwrap());
        let [stolen, own] = ["stolen", "own"].map(with_id);
        let endings = [seats[0].name(&stolen).unwrap(), seats[1].name(&own).unwrap()];
        let denied = of_token("stolen");
        guests.end(at(0), &denied);
        assert_eq!(endings.map(|ending| *ending.borrow()), [Some(Ending::Denied), None]);
        assert!(denied.are_of(&stolen) && !denied.are_of(&own));
    }
}
