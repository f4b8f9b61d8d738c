//! The leaderboard: who sees which one, and what of it.

use entity::reporter;
use entity::vocabulary::LeaderboardOrder;
use uuid::Uuid;

use super::rules::{self, Span};
use super::store::board::{self, Asked, Place, Side};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, allows, require};
use crate::error::{Error, Result};

/// Places on a board when no number is asked for.
pub const USUAL: i32 = 20;
/// Most places of one answer.
pub const MOST: i32 = 100;

/// Which board is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// A period of the calendar; the last month when none is named.
    pub period: Option<&'a str>,
    /// Zone in which its days begin.
    pub zone: &'a str,
    /// Of this channel alone.
    pub channel: Option<Uuid>,
    /// What places follow from.
    pub order: LeaderboardOrder,
    /// How many.
    pub first: Option<i32>,
}

/// A place as its reader sees it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// From 1; those who are equal share it.
    pub place: i64,
    /// Accepted reports; none of somebody else who is not named.
    pub accepted: Option<i64>,
    /// Points; none of somebody else who is not named.
    pub points: Option<i64>,
    /// Their name, where they chose to be named.
    pub name: Option<String>,
    /// Whether it is the reader's own.
    pub own: bool,
    /// Who it is, for who reads reporters.
    pub reporters: Option<Vec<reporter::Model>>,
}

/// A board.
#[derive(Clone, Debug)]
pub struct Board {
    /// Of reports that were received then.
    pub span: Span,
    /// Its places.
    pub places: Vec<Shown>,
    /// Whether the reader chose to be named; none for who is no reporter.
    pub named: Option<bool>,
}

/// The board.
///
/// # Errors
/// FORBIDDEN by policy, and for a reporter or a platform that names a channel; BAD_USER_INPUT on what is no period, or
/// one that is not over for a reporter or a platform.
pub async fn leaderboard(app: &App, actor: &Actor, wanted: &Wanted<'_>) -> Result<Board> {
    require(actor, Action::ReadLeaderboard)?;
    let now = app.clock.now();
    let zone = rules::read_zone("timeZone", wanted.zone)?;
    let period = match wanted.period {
        Some(text) => rules::read_period("period", text)?,
        None => rules::last_month(now, zone)?,
    };
    let span = Span::of(period, zone);
    let first = wanted.first.unwrap_or(USUAL);
    let first = u64::try_from(first).ok().filter(|_| (1..=MOST).contains(&first));
    let first = first.ok_or_else(|| Error::bad_input("first", format!("send 1 to {MOST}")))?;
    let inside = allows(actor, Action::ReadReporters);
    if !inside {
        if wanted.channel.is_some() {
            require(actor, Action::ReadReporters)?;
        }
        // What is still growing would tell of each report by itself.
        if span.until > now {
            return Err(Error::bad_input("period", "send a period that is over"));
        }
    }
    let asked = Asked { span, channel: wanted.channel, order: wanted.order, first };
    let side = if inside { Side::Inside } else { Side::Public };
    let places = board::places(app, actor, side, &asked, now).await?;
    let known = if inside { Some(board::reporters(app, actor, &places).await?) } else { None };
    let named =
        if allows(actor, Action::SetLeaderboardName) { board::chosen(app, actor).await? } else { None };
    Ok(Board { span, places: shown(actor, places, known.as_deref()), named })
}

/// What the reader sees of each place.
fn shown(actor: &Actor, places: Vec<Place>, known: Option<&[reporter::Model]>) -> Vec<Shown> {
    let of = |place: Place| {
        let own = place.subject.as_deref() == Some(&*actor.subject);
        let told = own || known.is_some() || place.name.is_some();
        let theirs = |row: &&reporter::Model| match &place.subject {
            Some(subject) => row.subject.as_ref() == Some(subject),
            None => Some(row.id) == place.unlinked,
        };
        Shown {
            place: place.place,
            accepted: told.then_some(place.accepted),
            points: told.then_some(place.points),
            reporters: known.map(|rows| rows.iter().filter(theirs).cloned().collect()),
            name: place.name,
            own,
        }
    };
    places.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;

    fn place(subject: Option<&str>, name: Option<&str>) -> Place {
        Place {
            subject: subject.map(str::to_owned),
            unlinked: subject.is_none().then(|| Uuid::from_u128(7)),
            place: 1,
            accepted: 3,
            points: 40,
            name: name.map(str::to_owned),
        }
    }

    #[test]
    fn others_who_are_not_named_are_a_place_and_nothing_else() {
        let me = Actor::operator("reporter-1", [Role::Reporter]);
        let places = vec![
            place(Some("reporter-1"), None),
            place(Some("reporter-2"), Some("Moth")),
            place(Some("reporter-3"), None),
            place(None, None),
        ];
        let seen: Vec<_> = shown(&me, places.clone(), None)
            .into_iter()
            .map(|place| (place.own, place.accepted, place.points, place.name, place.reporters.is_some()))
            .collect();
        assert_eq!(
            seen,
            [
                (true, Some(3), Some(40), None, false),
                (false, Some(3), Some(40), Some("Moth".to_owned()), false),
                (false, None, None, None, false),
                (false, None, None, None, false),
            ]
        );
        let leader = Actor::operator("leader-1", [Role::Leader]);
        let inside = shown(&leader, places, Some(&[]));
        assert!(inside.iter().all(|place| place.accepted == Some(3) && !place.own));
    }
}
