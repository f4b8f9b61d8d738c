//! Figures: what a period's events, times, deadlines and payouts come to, and how reporters stand.
//!
//! A figure is of what its caller may see, as a list would be: each is one statement that has the caller's visibility in
//! it ([`store`]), so that a hidden event changes none. What a role does not read, it is not told in figures either: times
//! of replies go by who reads replies, sums by who reads payouts, whether own staff found something by who reads reports
//! as received. There the figure is left out.
//!
//! Which time something belongs to is what makes figures comparable. Events belong to when they were *received*. What
//! ended belongs to when it *ended*: a verdict that was given, a reply that was sent, a clock that was settled, a payout
//! that was paid. What was counted of a month that is over therefore does not change because of what happens later, but for
//! what is corrected. Times are counted for every pass of the procedure: the first begins when the event is received,
//! each other one when it is reopened or returned to the analysis. They are spans of the clock on the wall, pauses
//! included; deadlines are what counts pauses and calendars.
//!
//! Median and ninetieth percentile are values that were measured, never something between two (`rules::rank`).
//!
//! The leaderboard ([`board`]) counts reports as bounties do. The team reads who is on it. To a reporter or a platform it
//! tells only what is meant to be told: the order of a period that is over, in their own channels, without what is for named people or
//! under embargo, and names of those alone who chose to be named.
//!
//! A [`report`] is a month's figures as a document, for people who do not call.

pub mod board;
pub mod graphql;
pub mod report;
pub mod rules;
pub mod store;
pub mod table;
#[cfg(test)]
mod tests;

use entity::vocabulary::{FigureGroup, TimeMeasure};
use futures_util::future::try_join_all;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, allows, require};
use crate::error::Result;
use crate::event::filter::EventFilter;
use rules::{Grouping, Span};
use store::{Asked, DeadlineRow, EventRow, PayoutRow, TimeRow};

/// What figures are asked for.
#[derive(Clone, Debug)]
pub struct Question {
    span: Span,
    filter: Option<sea_orm::Condition>,
}

/// All measures that a caller's roles read.
pub fn measures(actor: &Actor) -> impl Iterator<Item = TimeMeasure> {
    let replies = allows(actor, Action::ReadReplies);
    [TimeMeasure::Acknowledgement, TimeMeasure::Verdict, TimeMeasure::Fix, TimeMeasure::Reply]
        .into_iter()
        .filter(move |measure| replies || matches!(measure, TimeMeasure::Verdict | TimeMeasure::Fix))
}

impl Question {
    /// A question about the events that a list with this filter would show.
    ///
    /// # Errors
    /// FORBIDDEN when the actor's roles read no figures, or no events and there is a filter; those of the filter.
    pub fn new(app: &App, actor: &Actor, span: Span, filter: Option<&EventFilter>) -> Result<Self> {
        require(actor, Action::ReadFigures)?;
        let filter = match filter {
            Some(filter) => {
                require(actor, Action::ReadEvents)?;
                Some(filter.condition(app.database.backend(), actor, app.clock.now())?)
            }
            None => None,
        };
        Ok(Self { span, filter })
    }

    /// Of which time it is.
    pub fn span(&self) -> Span {
        self.span
    }

    fn asked(&self, actor: &Actor, by: Option<FigureGroup>) -> Result<Asked> {
        match by {
            // An event's channels are its reports'.
            Some(FigureGroup::Channel | FigureGroup::ChannelKind) => require(actor, Action::ReadRawReports)?,
            Some(FigureGroup::Day | FigureGroup::Week | FigureGroup::Month) | None => {}
            Some(_) => require(actor, Action::ReadEvents)?,
        }
        Ok(Asked { span: self.span, filter: self.filter.clone(), by: self.span.grouping(by)? })
    }

    /// Events that were received in the period; none for who reads no events. Each part of a period is there, also one
    /// without any.
    ///
    /// # Errors
    /// FORBIDDEN when the roles do not read what it is put together by; BAD_USER_INPUT on too many parts.
    pub async fn events(
        &self,
        app: &App,
        actor: &Actor,
        by: Option<FigureGroup>,
    ) -> Result<Option<Vec<EventRow>>> {
        if !allows(actor, Action::ReadEvents) {
            return Ok(None);
        }
        let asked = self.asked(actor, by)?;
        let mut rows = store::events(app, actor, &asked).await?;
        match &asked.by {
            Grouping::Whole if rows.is_empty() => rows.push(EventRow::default()),
            Grouping::Parts(parts) => {
                let mut found = rows.into_iter().peekable();
                let of = |part: &rules::Part| {
                    let key = Some(part.name.clone());
                    found
                        .next_if(|row| row.group_key == key)
                        .unwrap_or_else(|| EventRow { group_key: key, ..EventRow::default() })
                };
                rows = parts.iter().map(of).collect();
            }
            _ => {}
        }
        Ok(Some(rows))
    }

    /// Times that ended in the period, by measure; none for who reads no events.
    ///
    /// # Errors
    /// As with [`events`](Self::events).
    pub async fn times(
        &self,
        app: &App,
        actor: &Actor,
        by: Option<FigureGroup>,
    ) -> Result<Option<Vec<(TimeMeasure, TimeRow)>>> {
        if !allows(actor, Action::ReadEvents) {
            return Ok(None);
        }
        let asked = self.asked(actor, by)?;
        let found =
            try_join_all(measures(actor).map(|measure| store::times(app, actor, &asked, measure))).await?;
        let of = |(measure, rows): (_, Vec<_>)| rows.into_iter().map(move |row| (measure, row));
        Ok(Some(measures(actor).zip(found).flat_map(of).collect()))
    }

    /// Clocks that were settled in the period; none for who reads no clocks.
    ///
    /// # Errors
    /// As with [`events`](Self::events).
    pub async fn deadlines(
        &self,
        app: &App,
        actor: &Actor,
        by: Option<FigureGroup>,
    ) -> Result<Option<Vec<DeadlineRow>>> {
        if !allows(actor, Action::ReadDeadlines) {
            return Ok(None);
        }
        let asked = self.asked(actor, by)?;
        Ok(Some(store::deadlines(app, actor, &asked, app.clock.now()).await?))
    }

    /// Payouts of the period; none for who reads no figures of payouts. Whoever sees every payout puts them together by
    /// channel and by the level of the event too.
    ///
    /// # Errors
    /// As with [`events`](Self::events).
    pub async fn payouts(
        &self,
        app: &App,
        actor: &Actor,
        by: Option<FigureGroup>,
    ) -> Result<Option<Vec<PayoutRow>>> {
        if !allows(actor, Action::ReadPayoutFigures) {
            return Ok(None);
        }
        let asked = match by {
            Some(FigureGroup::Channel | FigureGroup::ChannelKind | FigureGroup::Level) => {
                Asked { span: self.span, filter: self.filter.clone(), by: self.span.grouping(by)? }
            }
            by => self.asked(actor, by)?,
        };
        Ok(Some(store::payouts(app, actor, &asked).await?))
    }
}
