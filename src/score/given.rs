//! The factors of a score as they are given: what is sent, what the products say instead, what is missing.

use async_graphql::InputObject;
use chrono::{DateTime, Utc};
use entity::decision;
use entity::vocabulary::DecisionKind;
use serde_json::{Map, Value};

use super::rules::{Factor, Factors};
use crate::error::{Error, Refusal, RefusalCode, Result};
use crate::event::optional_text;
use crate::graphql::scalars::Decimal;

/// Longest evidence, in characters.
const EVIDENCE: usize = 10_000;

/// The five factors, each "0.0" to "10.0" with at most one decimal. 定级五要素，每项 0.0 至 10.0。
#[derive(Clone, Debug, InputObject)]
pub struct ScoreFactorsInput {
    /// Importance of the product; by default the highest of the affected products. 产品重要程度；默认取受影响产品的最高值。
    pub product_importance: Option<Decimal>,
    /// Reach of the product; by default the highest of the affected products. 产品影响范围；默认取受影响产品的最高值。
    pub product_reach: Option<Decimal>,
    /// Public opinion. 社会舆论。
    pub public_opinion: Option<Decimal>,
    /// Exploit conditions. 漏洞利用条件。
    pub exploit_conditions: Option<Decimal>,
    /// Actual impact. 漏洞实际影响。
    pub actual_impact: Option<Decimal>,
}

/// What each factor rests on; asked for with every factor that is sent. 各要素的依据；每个提交的要素都须提供。
#[derive(Clone, Debug, Default, InputObject)]
pub struct ScoreEvidenceInput {
    /// For the product's importance. 产品重要程度的依据。
    pub product_importance: Option<String>,
    /// For the product's reach. 产品影响范围的依据。
    pub product_reach: Option<String>,
    /// For public opinion. 社会舆论的依据。
    pub public_opinion: Option<String>,
    /// For the exploit conditions. 漏洞利用条件的依据。
    pub exploit_conditions: Option<String>,
    /// For the actual impact. 漏洞实际影响的依据。
    pub actual_impact: Option<String>,
}

/// Factors that are complete, with their evidence by name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) factors: Factors,
    pub(super) evidence: Value,
}

/// Reads factors and evidence; `products` are the affected products' highest importance and reach.
///
/// # Errors
/// BAD_USER_INPUT for what is no factor; a refusal that names every factor and evidence that is missing.
pub(super) fn read(
    factors: &ScoreFactorsInput,
    evidence: &ScoreEvidenceInput,
    products: Option<(Factor, Factor)>,
) -> Result<Given> {
    let mut refusals = Vec::new();
    let mut kept = Map::new();
    let mut one = |name: &'static str,
                   field: [&'static str; 2],
                   value: &Option<Decimal>,
                   text: &Option<String>,
                   default: Option<Factor>|
     -> Result<Option<Factor>> {
        if let Some(text) = optional_text(&format!("input.{}", field[1]), text.as_ref(), EVIDENCE)? {
            kept.insert(name.to_owned(), Value::String(text));
        } else if value.is_some() {
            let message = format!("say what the factor rests on: send {}", field[1]);
            refusals.push(Refusal::on(RefusalCode::MissingFact, field[1], message));
        }
        let Some(Decimal(value)) = value else {
            if default.is_none() {
                let message = format!("send {}, from 0.0 to 10.0", field[0]);
                refusals.push(Refusal::on(RefusalCode::MissingFact, field[0], message));
            }
            return Ok(default);
        };
        let factor = value.parse::<Factor>();
        factor.map(Some).map_err(|error| Error::bad_input(format!("input.{}", field[0]), error.to_string()))
    };
    macro_rules! factor {
        ($field:ident, $name:literal, $default:expr) => {
            one(
                $name,
                [concat!("factors.", $name), concat!("evidence.", $name)],
                &factors.$field,
                &evidence.$field,
                $default,
            )?
        };
    }
    let (importance, reach) = products.unzip();
    let read = (
        factor!(product_importance, "productImportance", importance),
        factor!(product_reach, "productReach", reach),
        factor!(public_opinion, "publicOpinion", None),
        factor!(exploit_conditions, "exploitConditions", None),
        factor!(actual_impact, "actualImpact", None),
    );
    match read {
        (
            Some(product_importance),
            Some(product_reach),
            Some(public_opinion),
            Some(exploit_conditions),
            Some(actual_impact),
        ) if refusals.is_empty() => Ok(Given {
            factors: Factors {
                product_importance,
                product_reach,
                public_opinion,
                exploit_conditions,
                actual_impact,
            },
            evidence: Value::Object(kept),
        }),
        _ => Err(Error::Refused(refusals)),
    }
}

/// Whether `decision` is a leader's consent to leave RED or ORANGE: a settled dispute, granted, and decided after
/// the score that it lowers.
pub(super) fn consents(decision: &decision::Model, scored_at: DateTime<Utc>) -> bool {
    decision.kind == DecisionKind::SettleDispute
        && decision.granted == Some(true)
        && decision.decided_at.is_some_and(|decided_at| decided_at > scored_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::texts::Texts;
    use uuid::Uuid;

    fn decimal(text: &str) -> Option<Decimal> {
        Some(Decimal(text.to_owned()))
    }

    fn judged() -> (ScoreFactorsInput, ScoreEvidenceInput) {
        let text = |text: &str| Some(text.to_owned());
        let factors = ScoreFactorsInput {
            product_importance: None,
            product_reach: None,
            public_opinion: decimal("9"),
            exploit_conditions: decimal("8.5"),
            actual_impact: decimal("9"),
        };
        let evidence = ScoreEvidenceInput {
            public_opinion: text("three articles"),
            exploit_conditions: text("no login"),
            actual_impact: text("root"),
            ..ScoreEvidenceInput::default()
        };
        (factors, evidence)
    }

    fn fields(result: Result<Given>) -> Vec<&'static str> {
        match result {
            Err(Error::Refused(refusals)) => {
                refusals.into_iter().filter_map(|refusal| refusal.field).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn importance_and_reach_come_from_the_products() {
        let (factors, evidence) = judged();
        let nine = Factor::from_tenths(90).unwrap();
        let given = read(&factors, &evidence, Some((nine, nine))).unwrap();
        let rating = crate::score::rules::rate(&crate::score::rules::RatingPolicy::default(), &given.factors);
        assert_eq!((rating.total.units(), rating.rounded.get()), (89_500, 90));
        assert_eq!(given.evidence["exploitConditions"], "no login");
        assert_eq!(
            fields(read(&factors, &evidence, None)),
            ["factors.productImportance", "factors.productReach"]
        );
    }

    #[test]
    fn every_missing_factor_and_evidence_is_named() {
        let (mut factors, mut evidence) = judged();
        factors.public_opinion = None;
        evidence.actual_impact = Some("  ".to_owned());
        factors.product_reach = decimal("3.0");
        let nine = Factor::from_tenths(90).unwrap();
        let missing = fields(read(&factors, &evidence, Some((nine, nine))));
        assert_eq!(missing, ["evidence.productReach", "factors.publicOpinion", "evidence.actualImpact"]);
    }

    #[test]
    fn what_is_no_factor_is_named_by_its_path() {
        let (mut factors, evidence) = judged();
        factors.actual_impact = decimal("10.1");
        let nine = Factor::from_tenths(90).unwrap();
        match read(&factors, &evidence, Some((nine, nine))) {
            Err(Error::BadInput { field, .. }) => assert_eq!(field, "input.factors.actualImpact"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn consent_is_a_dispute_settled_after_the_score() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let decision = decision::Model {
            id: Uuid::from_u128(1),
            event_id: Uuid::from_u128(2),
            kind: DecisionKind::SettleDispute,
            question: "Is it still RED?".to_owned(),
            options: Texts::default(),
            line: None,
            asked_by: "analyst-1".to_owned(),
            asked_at: at(50),
            due_at: None,
            participants: Texts::default(),
            outcome: Some("lower it".to_owned()),
            granted: Some(true),
            extent: None,
            decided_by: Some("leader-1".to_owned()),
            decided_at: Some(at(101)),
            expires_at: None,
            expiry_told_at: None,
            version: 2,
        };
        assert!(consents(&decision, at(100)));
        assert!(!consents(&decision, at(101)), "it was about an earlier score");
        assert!(!consents(&decision::Model { granted: Some(false), ..decision.clone() }, at(100)));
        assert!(!consents(&decision::Model { kind: DecisionKind::Disclose, ..decision }, at(100)));
    }
}
