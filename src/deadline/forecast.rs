//! What would start if a verdict were given now, and who is on duty for it.

use std::collections::BTreeSet;

use async_graphql::InputObject;
use entity::vocabulary::{Function, Level, Verdict};
use entity::{deadline, duty, event};
use uuid::Uuid;

use super::rules::{self, Change, Given, Scored, functions};
use super::{Clocks, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::Result;
use crate::graphql::scalars::Id;

/// What is assumed. 预测所作的假设。
#[derive(Clone, Debug, InputObject)]
pub struct Forecast {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// The verdict that would be given now. 假设现在给出的研判结论。
    pub if_verdict: Verdict,
    /// The level that it would be rated; the present one when left out. 假设的事件等级；省略时为当前等级。
    pub if_level: Option<Level>,
}

/// A clock as it would be.
#[derive(Clone, Debug)]
pub struct ForecastClock {
    /// The clock as it would be.
    pub clock: deadline::Model,
    /// Whether it would be opened; else it runs already and would change.
    pub opens: bool,
}

/// Who is responsible for a function now.
#[derive(Clone, Debug)]
pub struct OnDuty {
    /// The function.
    pub function: Function,
    /// Their duty; none where nobody is on duty.
    pub duty: Option<duty::Model>,
}

/// The clocks that would start or change, and who answers for them now. Nothing is written.
///
/// # Errors
/// By policy and visibility.
pub async fn forecast(
    app: &App,
    actor: &Actor,
    input: &Forecast,
) -> Result<(Vec<ForecastClock>, Vec<OnDuty>)> {
    require(actor, Action::ReadDeadlines)?;
    let mut clocks = Clocks::find(app, actor, input.event.0).await?;
    let event = clocks.facts.event.clone();
    let at = app.clock.now();
    let facts = &mut clocks.facts;
    facts.news =
        crate::verdict::rules::changes_verdict(facts.event.verdict, input.if_verdict).then(Uuid::nil);
    facts.event.verdict = Some(input.if_verdict);
    facts.verdicts.push(Given { id: Uuid::nil(), verdict: input.if_verdict, at });
    if let Some(level) = input.if_level {
        facts.event.level = level;
        if !facts.scores.iter().any(|score| score.pass == event.pass) {
            facts.scores.push(Scored { pass: event.pass, at });
        }
    }
    let plan = rules::plan(&clocks.facts, &clocks.counting.basis, &actor.subject, || app.ids.next());
    let mut found = Vec::new();
    let mut needed: BTreeSet<Function> = BTreeSet::new();
    for change in plan.deadlines {
        let (clock, opens) = match change {
            Change::New(row) => (row, true),
            Change::Changed(_, row) => (row, false),
        };
        needed.extend(functions(clock.kind, 0));
        found.push(ForecastClock { clock, opens });
    }
    found.sort_by_key(|row| (row.clock.sort_at, row.clock.id));
    let duties = store::duties(app, at).await?;
    let mut on_duty = Vec::new();
    for function in needed {
        let of_function: Vec<_> = duties.iter().filter(|duty| duty.function == function).cloned().collect();
        if of_function.is_empty() {
            on_duty.push(OnDuty { function, duty: None });
        }
        on_duty.extend(of_function.into_iter().map(|duty| OnDuty { function, duty: Some(duty) }));
    }
    Ok((found, on_duty))
}
