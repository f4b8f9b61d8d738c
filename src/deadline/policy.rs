//! Introducing a version of the policy, through the API or from a file.

use std::collections::BTreeSet;

use async_graphql::InputObject;
use chrono::NaiveDate;
use entity::deadline_policy;
use entity::vocabulary::{
    ChannelKind, DeadlineAnchor, DeadlineKind, DeadlineTrigger, Level, Regime, ReplyKind, SpanUnit,
};
use serde::Serialize;

use super::rules::{Policy, Rule, Term};
use super::store;
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::idempotency::{Replay, replay};
use crate::outbox::ChangeSet;

/// A rule by which clocks run. 时限规则。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct DeadlineRuleInput {
    /// Stable short name, once in a policy: lower-case letters, digits and hyphens. 规则标识。
    pub key: String,
    /// Promise or law. 依据。
    pub regime: Regime,
    /// What opens it. 触发条件。
    pub trigger: DeadlineTrigger,
    /// What it waits for. 时限对象。
    pub kind: DeadlineKind,
    /// Which reply is owed, of a REPLY. 应作出的回复类型。
    pub reply: Option<ReplyKind>,
    /// Only for reports through channels of these kinds; any when empty. 仅适用的渠道类型；为空则不限。
    #[graphql(default)]
    pub channel_kinds: Vec<ChannelKind>,
    /// Only for reports through these channels, by key; any when empty. 仅适用的渠道标识；为空则不限。
    #[graphql(default)]
    pub channels: Vec<String>,
    /// Only at these levels, and waived when the event falls out of them; any when empty. 仅适用的事件等级；为空则不限。
    #[graphql(default)]
    pub levels: Vec<Level>,
    /// Only where a product for critical infrastructure is affected, or only where none is. 是否仅涉及（或不涉及）关键信息基础设施。
    pub critical_infrastructure: Option<bool>,
    /// Only where a product of a central organ of the state is affected, or only where none is. 是否仅涉及（或不涉及）中央和国家机关及其管理的单位。
    pub central_organ: Option<bool>,
    /// Key of the channel that a duty of the event is owed to. 事件自身义务的接收渠道标识。
    pub recipient: Option<String>,
    /// From what it counts. 起算点。
    pub anchor: DeadlineAnchor,
    /// The earlier rule whose reply has to be submitted first, with PREVIOUS_SUBMITTED. 须先提交的上一阶段规则。
    pub after: Option<String>,
    /// Unit of its length; with `amount`. 时限单位。
    pub unit: Option<SpanUnit>,
    /// Its length; left out where nothing sets a time. 时限长度；未规定时省略。
    pub amount: Option<i32>,
    /// Whether it stands still while the reporter is asked, at most 72 hours. 向报告人询问期间是否中止（最多72小时）。
    #[graphql(default)]
    pub pauses: bool,
    /// Whether days and months that end on a day that is not worked go on to the next that is, as under Regulation 1182/71.
    /// 以自然日或月计的时限，末日为非工作日时是否顺延至下一工作日（如欧盟第1182/71号条例）。
    #[graphql(default)]
    pub rolls_over: bool,
    /// Whether it opens only once its anchor has happened. 是否在起算点发生后才产生。
    #[graphql(default)]
    pub waits_for_anchor: bool,
    /// Only for what is learned of from this day on. 仅适用于该日及以后获知的事项。
    pub since: Option<NaiveDate>,
}

/// The rules by which clocks run from now on. 新的时限规则。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateDeadlinePolicy {
    /// All of them: what is left out no longer runs. Of two for the same thing the first holds.
    /// 全部规则；未列出的不再适用，同一事项以在前者为准。
    pub rules: Vec<DeadlineRuleInput>,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Introduces a version of the policy. What is open is counted anew by it, what is met never.
///
/// # Errors
/// By policy; BAD_USER_INPUT naming the rule and field where it contradicts itself.
pub async fn create_policy(
    app: &App,
    actor: &Actor,
    input: &CreateDeadlinePolicy,
) -> Result<deadline_policy::Model> {
    require(actor, Action::CreateDeadlinePolicy)?;
    let key = input.idempotency_key.as_deref();
    let key = match replay(app, actor, Action::CreateDeadlinePolicy, key, input).await? {
        Replay::Done(id) => return store::policy(app, id).await,
        Replay::First(key) => key,
    };
    let rules = input.rules.iter().enumerate().map(|(number, rule)| rule_of(number, rule));
    let policy = Policy { rules: rules.collect::<Result<_>>()? };
    let number = check(app, &policy).await?;
    let mut changes = ChangeSet::new(app, actor, Action::CreateDeadlinePolicy);
    let row = store::row(app.ids.next(), number, &policy, &actor.subject, changes.at())?;
    changes.insert(&row);
    if let Some(key) = &key {
        changes.remember(key, row.id);
    }
    changes.record(app, "deadline_policy", row.id);
    app.commit(changes).await?;
    Ok(row)
}

/// Checks a policy and answers the number that it gets.
async fn check(app: &App, policy: &Policy) -> Result<i32> {
    if policy.rules.is_empty() {
        let message = "a policy without rules would end every clock, those of the law too: send all rules that are to hold";
        return Err(Error::bad_input("input.rules", message));
    }
    if let Some(fault) = policy.faults().first() {
        let field = format!("input.rules.{}.{}", fault.rule, fault.field);
        return Err(Error::bad_input(&field, fault.message.clone()));
    }
    let named = policy.rules.iter().flat_map(|rule| rule.recipient.iter().chain(&rule.channels));
    let named: BTreeSet<&str> = named.map(String::as_str).collect();
    let known = store::known_channels(app, &named).await?;
    // Databases that the built-in policy treats apart, whether the installation hears from them or not.
    let built_in = super::rules::default_policy()?;
    let built_in: BTreeSet<&str> =
        built_in.rules.iter().flat_map(|rule| &rule.channels).map(String::as_str).collect();
    for (number, rule) in policy.rules.iter().enumerate() {
        let unknown = |key: &&String| !known.contains_key(key.as_str()) && !built_in.contains(key.as_str());
        if let Some(key) = rule.channels.iter().find(unknown) {
            let field = format!("input.rules.{number}.channels");
            return Err(Error::bad_input(
                &field,
                format!("there is no channel {key}: create it first (createChannel)"),
            ));
        }
        let Some(key) = rule.recipient.as_deref() else { continue };
        let field = format!("input.rules.{number}.recipient");
        let Some(kind) = known.get(key).copied() else {
            let message = format!("there is no channel {key}: create it first (createChannel)");
            return Err(Error::bad_input(&field, message));
        };
        let to_customers = rule.trigger == DeadlineTrigger::CustomerAffected;
        if to_customers != (kind == ChannelKind::Customer) {
            let message = "customers are told through a channel of kind CUSTOMER, and nobody else is";
            return Err(Error::bad_input(&field, message));
        }
    }
    Ok(store::policy_row(app).await?.map_or(0, |row| row.number) + 1)
}

fn rule_of(number: usize, input: &DeadlineRuleInput) -> Result<Rule> {
    let field = format!("input.rules.{number}.amount");
    let term = match (input.unit, input.amount) {
        (None, None) => None,
        (Some(unit), Some(amount)) => {
            let amount = u16::try_from(amount)
                .map_err(|_| Error::bad_input(&field, "send 1 to 4000, of months 1 to 1200"))?;
            Some(Term { unit, amount })
        }
        _ => return Err(Error::bad_input(&field, "send unit and amount together, or neither")),
    };
    let DeadlineRuleInput {
        key,
        regime,
        trigger,
        kind,
        reply,
        channel_kinds,
        channels,
        levels,
        critical_infrastructure,
        central_organ,
        recipient,
        anchor,
        after,
        unit: _,
        amount: _,
        pauses,
        rolls_over,
        waits_for_anchor,
        since,
    } = input.clone();
    Ok(Rule {
        key,
        regime,
        trigger,
        kind,
        reply,
        channel_kinds,
        channels,
        levels,
        critical_infrastructure,
        central_organ,
        recipient,
        anchor,
        after,
        term,
        pauses,
        rolls_over,
        waits_for_anchor,
        since,
    })
}

/// A policy as a file has it.
///
/// # Errors
/// When the file is no policy, with the place.
pub fn from_toml(text: &str) -> anyhow::Result<CreateDeadlinePolicy> {
    let policy: Policy = toml::from_str(text)?;
    let rules = policy.rules.into_iter().map(|rule| DeadlineRuleInput {
        key: rule.key,
        regime: rule.regime,
        trigger: rule.trigger,
        kind: rule.kind,
        reply: rule.reply,
        channel_kinds: rule.channel_kinds,
        channels: rule.channels,
        levels: rule.levels,
        critical_infrastructure: rule.critical_infrastructure,
        central_organ: rule.central_organ,
        recipient: rule.recipient,
        anchor: rule.anchor,
        after: rule.after,
        unit: rule.term.map(|term| term.unit),
        amount: rule.term.map(|term| term.amount.into()),
        pauses: rule.pauses,
        rolls_over: rule.rolls_over,
        waits_for_anchor: rule.waits_for_anchor,
        since: rule.since,
    });
    Ok(CreateDeadlinePolicy { rules: rules.collect(), idempotency_key: None })
}

/// A policy as a file has it.
///
/// # Errors
/// When it cannot be written.
pub fn to_toml(policy: &Policy) -> anyhow::Result<String> {
    Ok(toml::to_string_pretty(policy)?)
}
