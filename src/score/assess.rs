//! Recording the technical severity: CVSS and CWE, ours and others'.

use async_graphql::InputObject;
use entity::vocabulary::SeveritySource;
use entity::{event, technical_severity};
use serde::Serialize;

use super::cvss::{self, Vector};
use super::cwe::Cwe;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::{self as events, optional_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{Replay, replay};
use crate::outbox::{Bump, ChangeSet, Opaque, Tenths, message};

/// Longest name of a source, in characters.
const NAME: usize = 200;
/// Most weaknesses of one assessment.
const MAX_CWES: usize = 20;
/// What our own assessments are called when no name is sent.
const OURS: &str = "PSIRT";

/// A CVSS assessment. CVSS 评分。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct AssessSeverity {
    /// The event. 事件。
    pub event: Id<event::Entity>,
    /// Ours or another's. 我方或他方。
    pub source: SeveritySource,
    /// Who assessed; asked for with THEIRS. 评分方名称；他方时必填。
    pub source_name: Option<String>,
    /// A complete CVSS vector of version 2.0, 3.0, 3.1 or 4.0. 完整的 CVSS 向量。
    pub vector: String,
    /// Weaknesses, for example "CWE-79". 弱点类型，例如 "CWE-79"。
    #[graphql(default)]
    pub cwe: Vec<String>,
    /// Sent again with the same input, it answers what the first one did. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Records an assessment beside the earlier ones.
///
/// # Errors
/// By policy and visibility; BAD_USER_INPUT for what is no vector or weakness; a refusal when THEIRS has no name.
pub async fn assess_severity(app: &App, actor: &Actor, input: &AssessSeverity) -> Result<event::Model> {
    require(actor, Action::AssessSeverity)?;
    let name = optional_text("input.sourceName", input.source_name.as_ref(), NAME)?;
    let vector =
        Vector::parse(&input.vector).map_err(|error| Error::bad_input("input.vector", error.to_string()))?;
    let cwe = read_cwes(&input.cwe)?;
    let before = events::store::find(app, actor, input.event.0).await?;
    let key = input.idempotency_key.as_deref();
    let key = match replay(app, actor, Action::AssessSeverity, key, input).await? {
        Replay::Done(_) => return Ok(before),
        Replay::First(key) => key,
    };
    let source_name = match (name, input.source) {
        (Some(name), _) => name,
        (None, SeveritySource::Ours) => OURS.to_owned(),
        (None, SeveritySource::Theirs) => {
            let message = "say who assessed it: send sourceName";
            return Err(Error::Refused(vec![Refusal::on(RefusalCode::MissingFact, "sourceName", message)]));
        }
    };
    let mut changes = ChangeSet::new(app, actor, Action::AssessSeverity);
    let row = technical_severity::Model {
        id: app.ids.next(),
        event_id: before.id,
        source: input.source,
        source_name,
        cvss_version: vector.version().number().to_owned(),
        vector: vector.to_string(),
        base: vector.base_score().get().into(),
        score: vector.score().get().into(),
        band: vector.band(),
        cwe: cwe.into(),
        assessed_by: changes.actor().to_owned(),
        assessed_at: changes.at(),
    };
    changes.insert(&row);
    let told = message::EventSeverityAssessed {
        assessment: Opaque::new(row.id),
        score: Tenths(row.score),
        band: row.band,
    };
    changes.message(app, Some(before.id), &told);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    let after = changes.revise(app, &before, before.clone(), Some(before.id), Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Weaknesses in their canonical form, each once, in the order given.
fn read_cwes(texts: &[String]) -> Result<Vec<String>> {
    if texts.len() > MAX_CWES {
        return Err(Error::bad_input("input.cwe", format!("send at most {MAX_CWES} weaknesses")));
    }
    let mut cwes: Vec<Cwe> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let cwe = text.parse().map_err(|error: super::cwe::CweError| {
            Error::bad_input(format!("input.cwe.{index}"), error.to_string())
        })?;
        if !cwes.contains(&cwe) {
            cwes.push(cwe);
        }
    }
    Ok(cwes.iter().map(Cwe::to_string).collect())
}

/// Whether another's assessment differs notably from ours.
///
/// # Errors
/// Internal when a stored vector does not parse.
pub fn differs(ours: &technical_severity::Model, theirs: &technical_severity::Model) -> Result<bool> {
    let parse = |row: &technical_severity::Model| Vector::parse(&row.vector).map_err(anyhow::Error::from);
    Ok(cvss::differs(&parse(ours)?, &parse(theirs)?).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weaknesses_are_kept_once_and_a_wrong_one_is_named() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let read = read_cwes(&texts(&["CWE-79", "CWE-20", "CWE-79"])).unwrap();
        assert_eq!(read, ["CWE-79", "CWE-20"]);
        match read_cwes(&texts(&["CWE-79", "XSS"])) {
            Err(Error::BadInput { field, .. }) => assert_eq!(field, "input.cwe.1"),
            other => panic!("{other:?}"),
        }
        assert!(read_cwes(&vec!["CWE-79".to_owned(); 21]).is_err());
    }

    #[test]
    fn a_notable_difference_is_flagged() {
        let row = |vector: &str| technical_severity::Model {
            id: uuid::Uuid::from_u128(1),
            event_id: uuid::Uuid::from_u128(2),
            source: SeveritySource::Ours,
            source_name: OURS.to_owned(),
            cvss_version: "3.1".to_owned(),
            vector: vector.to_owned(),
            base: 0,
            score: 0,
            band: cvss::Band::None,
            cwe: Vec::new().into(),
            assessed_by: "analyst-1".to_owned(),
            assessed_at: chrono::DateTime::UNIX_EPOCH,
        };
        let critical = row("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H");
        let high = row("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H");
        assert!(differs(&critical, &high).unwrap());
        assert!(!differs(&critical, &critical).unwrap());
        assert!(differs(&critical, &row("nonsense")).is_err());
    }
}
