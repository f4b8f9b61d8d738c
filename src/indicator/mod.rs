//! Indicators: what identifies what a report is about.
//!
//! Some are given with a report, some are found in its text when it arrives ([`rules`]). An analyst corrects them by hand:
//! adds what is missing, says that what was found or given is so, dismisses what is wrong. What was dismissed stays, so that the next version of the report does
//! not bring it back; it identifies nothing any more.

pub mod graphql;
pub mod rules;
pub mod store;

use async_graphql::InputObject;
use entity::vocabulary::{IndicatorKind, IndicatorSource};
use entity::{indicator, report};
use serde::Serialize;

use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::duplicate;
use crate::error::{Error, Result};
use crate::event::{INDEXED, require_text};
use crate::graphql::scalars::Id;
use crate::intake;
use crate::outbox::{Bump, ChangeSet, Opaque, message};
use crate::search::{self, fields::Said};

/// A row for what was said, or found, of a report.
pub fn row(
    app: &App,
    report: &report::Model,
    kind: IndicatorKind,
    value: String,
    source: IndicatorSource,
) -> indicator::Model {
    indicator::Model {
        id: app.ids.next(),
        report_id: report.id,
        kind,
        value,
        source,
        added_by: None,
        dismissed_by: None,
        dismissed_at: None,
    }
}

/// What an analyst says that a report is about. 补充线索。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct AddIndicator {
    /// The report. 报告。
    pub report: Id<report::Entity>,
    /// What it is. 类型。
    pub kind: IndicatorKind,
    /// Its value, in the form of its kind; defanged addresses are taken as they are meant. 值，须符合其类型的格式；去活地址自动还原。
    pub value: String,
}

/// What does not identify what a report is about. 排除线索。
#[derive(Clone, Debug, InputObject)]
pub struct DismissIndicator {
    /// The indicator. 线索。
    pub indicator: Id<indicator::Entity>,
}

/// Adds an indicator by hand; one that was dismissed counts again, and one that was found in the text is then said by a person. What
/// was given stays so, and a person vouches for it: [advisories](crate::advisory) name no CVE number for which nobody does.
///
/// # Errors
/// By policy and visibility; BAD_USER_INPUT on an ill-formed value.
pub async fn add(app: &App, actor: &Actor, input: &AddIndicator) -> Result<indicator::Model> {
    require(actor, Action::AddIndicator)?;
    let value = require_text("input.value", &input.value, INDEXED)?;
    let report = intake::store::find_inside(app, actor, input.report.0).await?;
    let value =
        rules::by_hand(input.kind, &value).map_err(|message| Error::bad_input("input.value", message))?;
    // The form in which it is kept may be longer.
    let value = require_text("input.value", &value, INDEXED)?;
    let known = store::same(app, report.id, input.kind, &value).await?;
    let is_said = |known: &&indicator::Model| known.dismissed_at.is_none() && known.added_by.is_some();
    if let Some(known) = known.as_ref().filter(is_said) {
        return Ok(known.clone());
    }
    let before = intake::store::event_of(app, &report).await?;
    let mut changes = ChangeSet::new(app, actor, Action::AddIndicator);
    let after = match &known {
        Some(known) => {
            let after = indicator::Model {
                source: match known.source {
                    IndicatorSource::Extracted => IndicatorSource::Added,
                    source => source,
                },
                added_by: known.added_by.clone().or_else(|| Some(changes.actor().to_owned())),
                dismissed_by: None,
                dismissed_at: None,
                ..known.clone()
            };
            changes.update(known, &after);
            after
        }
        None => {
            let row = row(app, &report, input.kind, value, IndicatorSource::Added);
            let row = indicator::Model { added_by: Some(changes.actor().to_owned()), ..row };
            changes.insert(&row);
            row
        }
    };
    if known.is_none_or(|known| known.dismissed_at.is_some()) {
        let added = (after.kind, after.value.clone());
        let more = |material: &mut duplicate::Material| material.indicators.push(added);
        duplicate::index_anew(app, &mut changes, &report, more).await?;
    }
    if after.source == IndicatorSource::Added {
        let more = |said: &mut Said| said.added.push(after.value.clone());
        search::index_report_anew(app, &mut changes, &report, more).await?;
    }
    let told = message::ReportIndicatorsChanged { report: Opaque::new(report.id) };
    changes.message(app, Some(before.id), &told);
    changes.revise(app, &before, before.clone(), Some(before.id), Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}

/// Dismisses an indicator; one that is dismissed stays so.
///
/// # Errors
/// By policy and visibility.
pub async fn dismiss(app: &App, actor: &Actor, input: &DismissIndicator) -> Result<indicator::Model> {
    require(actor, Action::DismissIndicator)?;
    let found = store::find(app, actor, input.indicator.0).await?;
    let report = intake::store::find_inside(app, actor, found.report_id).await?;
    if found.dismissed_at.is_some() {
        return Ok(found);
    }
    let before = intake::store::event_of(app, &report).await?;
    let mut changes = ChangeSet::new(app, actor, Action::DismissIndicator);
    let after = indicator::Model {
        dismissed_by: Some(changes.actor().to_owned()),
        dismissed_at: Some(changes.at()),
        ..found.clone()
    };
    changes.update(&found, &after);
    let without = |material: &mut duplicate::Material| {
        material.indicators.retain(|(kind, value)| *kind != after.kind || *value != after.value);
    };
    duplicate::index_anew(app, &mut changes, &report, without).await?;
    if after.source == IndicatorSource::Added {
        let without = |said: &mut Said| {
            if let Some(place) = said.added.iter().position(|value| *value == after.value) {
                said.added.remove(place);
            }
        };
        search::index_report_anew(app, &mut changes, &report, without).await?;
    }
    let told = message::ReportIndicatorsChanged { report: Opaque::new(report.id) };
    changes.message(app, Some(before.id), &told);
    changes.revise(app, &before, before.clone(), Some(before.id), Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}
