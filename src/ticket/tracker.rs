//! Adding and changing trackers, and what of them is secret.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::{InputObject, MaybeUndefined};
use entity::tracker;
use entity::vocabulary::{RemediationState, Tlp, TrackerPreset, TrackerState};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;
use uuid::Uuid;

use super::profile::{self, Profile, Status};
use super::{SHORT, store};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, require};
use crate::error::{Error, Result};
use crate::event::{expect_version, require_text};
use crate::graphql::scalars::Id;
use crate::idempotency::{self, Replay};
use crate::outbox::{Bump, ChangeSet, retrying};
use crate::secret::{Column, Confidential, Place};

/// Most values, statuses or lines in one list.
const MOST: usize = 50;
/// Bounds on the seconds between two looks at a ticket.
const POLL: std::ops::RangeInclusive<i32> = 30..=86_400;
/// Seconds between two looks at a ticket of a tracker that sends no hooks, unless it is set.
const POLL_SECONDS: i32 = 300;

/// A value that a tracker's requests need. 请求所需的参数。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct TrackerParameterInput {
    /// Its name in the profile, for example project. 参数名。
    pub name: String,
    /// Its value. 参数值。
    pub value: String,
}

/// A credential for a tracker. 访问凭据。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct TrackerCredentialInput {
    /// Its name in the profile, for example token. 凭据名。
    pub name: String,
    /// Its value; kept sealed and never shown again. 凭据值；加密保存，不再显示。
    pub value: Confidential,
}

/// Which of a tracker's statuses stands for a state of a fix. 修复状态对应的工单状态。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct TrackerStatusInput {
    /// The state of the fix. 修复状态。
    pub state: RemediationState,
    /// What a request writes. 写入值。
    pub write: String,
    /// What an answer says afterwards. 读回值。
    pub read: String,
}

/// A new tracker. 新工单系统。
#[derive(Clone, Debug, InputObject, Serialize)]
pub struct CreateTracker {
    /// Name shown to people. 名称。
    pub name: String,
    /// Which system it is. 系统类型。
    pub preset: TrackerPreset,
    /// Where it is: every request goes below this URL. 基础地址。
    pub base_url: String,
    /// Values that its requests need: each that the profile names, unless in a field that it may leave out.
    /// 参数；接口描述中引用的均须提供，可省略的字段除外。
    #[graphql(default)]
    pub parameters: Vec<TrackerParameterInput>,
    /// How it is spoken to, as JSON: for CUSTOM, and for nothing else. 接口描述（JSON），仅限 CUSTOM。
    pub profile: Option<String>,
    /// Statuses that differ from the preset's. 与预设不同的状态对应。
    #[graphql(default)]
    pub statuses: Vec<TrackerStatusInput>,
    /// Statuses that propose that the fix is submitted; the preset's when empty. 表示修复已提交的工单状态；为空则用预设。
    #[graphql(default)]
    pub ready_statuses: Vec<String>,
    /// Credentials. 凭据。
    pub credentials: Vec<TrackerCredentialInput>,
    /// Highest TLP level that may be sent, at most AMBER_STRICT. 允许发送的最高共享级别，不超过 AMBER_STRICT。
    pub tlp_ceiling: Tlp,
    /// Outside the company's own jurisdiction. 是否境外。
    pub abroad: bool,
    /// Product lines whose tickets it takes; empty for all. 适用产品线；为空表示全部。
    #[graphql(default)]
    pub lines: Vec<String>,
    /// Seconds between two looks at a ticket, 30 to 86400; left out where hooks tell of changes, and for 300 where the
    /// tracker sends none. 轮询间隔秒数；由回调通知变更时可省略，不发送回调的系统默认 300。
    pub poll_seconds: Option<i32>,
    /// Recognises the creation when it is sent again. 幂等键。
    pub idempotency_key: Option<String>,
}

/// Changes of a tracker; what is left out stays. 工单系统变更；未提供的保持不变。
#[derive(Clone, Debug, InputObject)]
pub struct UpdateTracker {
    /// The tracker. 工单系统。
    pub tracker: Id<tracker::Entity>,
    /// The version that was seen. 所见版本。
    pub expected_version: i32,
    /// Name shown to people. 名称。
    pub name: Option<String>,
    /// Where it is; send the credentials too, since those at hand go to no other place. 基础地址；须同时提供凭据。
    pub base_url: Option<String>,
    /// Values that its requests need, as a whole. 参数（整体替换）。
    pub parameters: Option<Vec<TrackerParameterInput>>,
    /// Whether the tickets that it has are the same ones under a new address, new parameters or a new profile, as when the
    /// system has moved. If not, they are refused from now on: there, their ids mean others. Has to be said with any of the
    /// three. 新的地址、参数或接口下是否仍为同一批工单（如系统迁移）；若否，原有工单将被拒绝。修改三者之一时必填。
    pub same_tickets: Option<bool>,
    /// How a custom tracker is spoken to, as JSON; send the credentials too. 接口描述（JSON）；须同时提供凭据。
    pub profile: Option<String>,
    /// Statuses that differ from the preset's, as a whole. 状态对应（整体替换）。
    pub statuses: Option<Vec<TrackerStatusInput>>,
    /// Statuses that propose that the fix is submitted, as a whole. 表示修复已提交的工单状态（整体替换）。
    pub ready_statuses: Option<Vec<String>>,
    /// Credentials, as a whole. 凭据（整体替换）。
    pub credentials: Option<Vec<TrackerCredentialInput>>,
    /// Highest TLP level that may be sent, at most AMBER_STRICT. 允许发送的最高共享级别。
    pub tlp_ceiling: Option<Tlp>,
    /// Outside the company's own jurisdiction. 是否境外。
    pub abroad: Option<bool>,
    /// Product lines whose tickets it takes; empty for all. 适用产品线。
    pub lines: Option<Vec<String>>,
    /// Seconds between two looks at a ticket; null for none. 轮询间隔秒数；null 表示不轮询。
    pub poll_seconds: MaybeUndefined<i32>,
    /// Whether it is spoken to. 是否启用。
    pub state: Option<TrackerState>,
}

fn place(row: Uuid) -> Place {
    Column::TrackerCredentials.of(row)
}

/// Which place a tracker is at. The same one whenever it is there again.
fn place_id(row: &tracker::Model) -> Uuid {
    let place = json!([row.base_url, row.parameters, row.profile]);
    let digest = Sha256::digest(place.to_string());
    Uuid::from_slice(&digest[..16]).unwrap_or_default()
}

fn base_url(app: &App, text: &str) -> Result<String> {
    const FIELD: &str = "input.baseUrl";
    let url = Url::parse(text.trim())
        .map_err(|error| Error::bad_input(FIELD, format!("send an absolute URL: {error}")))?;
    app.outbound.check_url(&url).map_err(|refusal| Error::bad_input(FIELD, refusal.to_string()))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::bad_input(FIELD, "leave out query and fragment: requests go below it"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn named(field: &str, names: &[&str]) -> Result<()> {
    if names.len() > MOST {
        return Err(Error::bad_input(field, format!("send at most {MOST}")));
    }
    let plain = |name: &&str| {
        (1..=50).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !names.iter().all(plain) || names.iter().collect::<BTreeSet<_>>().len() != names.len() {
        return Err(Error::bad_input(field, "name each once, with letters, digits and underscores"));
    }
    Ok(())
}

fn parameters(given: &[TrackerParameterInput]) -> Result<Value> {
    const FIELD: &str = "input.parameters";
    named(FIELD, &given.iter().map(|one| one.name.as_str()).collect::<Vec<_>>())?;
    let values =
        given.iter().map(|one| Ok((one.name.clone(), require_text(FIELD, &one.value, SHORT)?.into())));
    Ok(Value::Object(values.collect::<Result<Map<_, _>>>()?))
}

fn statuses(given: &[TrackerStatusInput]) -> Result<Value> {
    const FIELD: &str = "input.statuses";
    let mut map = BTreeMap::new();
    for one in given {
        let status = Status {
            write: require_text(FIELD, &one.write, SHORT)?,
            read: require_text(FIELD, &one.read, SHORT)?,
        };
        if map.insert(one.state, status).is_some() {
            return Err(Error::bad_input(FIELD, format!("{} stands twice: send each once", one.state)));
        }
    }
    Ok(serde_json::to_value(map).map_err(anyhow::Error::from)?)
}

fn texts(field: &str, given: &[String]) -> Result<Vec<String>> {
    if given.len() > MOST {
        return Err(Error::bad_input(field, format!("send at most {MOST}")));
    }
    given.iter().map(|text| require_text(field, text, SHORT)).collect()
}

fn ceiling(tlp: Tlp) -> Result<Tlp> {
    if tlp == Tlp::Red {
        return Err(Error::bad_input(
            "input.tlpCeiling",
            "what is for named people goes to no tracker: send at most AMBER_STRICT",
        ));
    }
    Ok(tlp)
}

fn poll(seconds: Option<i32>) -> Result<Option<i32>> {
    match seconds {
        Some(seconds) if !POLL.contains(&seconds) => Err(Error::bad_input(
            "input.pollSeconds",
            format!("send {} to {}, or leave it out", POLL.start(), POLL.end()),
        )),
        seconds => Ok(seconds),
    }
}

fn custom_profile(text: &str) -> Result<Value> {
    let profile = profile::parse(text).map_err(|words| Error::bad_input("input.profile", words))?;
    Ok(serde_json::to_value(profile).map_err(anyhow::Error::from)?)
}

/// That every parameter and every credential that the requests name is given, where they are at hand.
fn supplied(row: &tracker::Model, credentials: Option<&[TrackerCredentialInput]>) -> Result<()> {
    let (parameters, secrets) = profile_of(row)?.needs().map_err(anyhow::Error::from)?;
    let lacking = |needed: BTreeSet<String>, given: &dyn Fn(&str) -> bool| {
        needed.into_iter().filter(|name| !given(name)).collect::<Vec<_>>().join(", ")
    };
    let parameters = lacking(parameters, &|name| row.parameters.get(name).is_some());
    if !parameters.is_empty() {
        return Err(Error::bad_input(
            "input.parameters",
            format!("its requests need {parameters}: send them"),
        ));
    }
    let Some(given) = credentials else { return Ok(()) };
    let secrets = lacking(secrets, &|name| given.iter().any(|one| one.name == name));
    if !secrets.is_empty() {
        return Err(Error::bad_input("input.credentials", format!("its requests need {secrets}: send them")));
    }
    Ok(())
}

fn seal(app: &App, tracker: Uuid, given: &[TrackerCredentialInput]) -> Result<Vec<u8>> {
    const FIELD: &str = "input.credentials";
    named(FIELD, &given.iter().map(|one| one.name.as_str()).collect::<Vec<_>>())?;
    let usable = |value: &str| (1..=2_000).contains(&value.len()) && !value.chars().any(char::is_control);
    if let Some(wrong) = given.iter().find(|one| !usable(one.value.expose())) {
        let message = format!("{} has to be 1 to 2000 bytes without control characters", wrong.name);
        return Err(Error::bad_input(FIELD, message));
    }
    let pairs: Vec<_> = given.iter().map(|one| (&*one.name, one.value.expose())).collect();
    app.secrets.seal_named(&app.ids, place(tracker), &pairs)
}

/// A tracker's credentials, opened.
///
/// # Errors
/// When no key at hand opens them.
pub(super) fn credentials(app: &App, tracker: &tracker::Model) -> Result<Vec<(String, SecretString)>> {
    app.secrets.open_named(place(tracker.id), &tracker.credentials)
}

/// How a tracker is spoken to, with its own statuses over those of its preset.
///
/// # Errors
/// When what is stored is no profile.
pub fn profile_of(tracker: &tracker::Model) -> Result<Profile> {
    let mut profile = match &tracker.profile {
        Some(own) => serde_json::from_value(own.clone()).map_err(anyhow::Error::from)?,
        None => profile::of_preset(tracker.preset)?,
    };
    let own: BTreeMap<RemediationState, Status> =
        serde_json::from_value(tracker.statuses.clone()).map_err(anyhow::Error::from)?;
    profile.statuses.extend(own);
    if !tracker.ready_statuses.0.is_empty() {
        profile.ready_statuses.clone_from(&tracker.ready_statuses.0);
    }
    Ok(profile)
}

/// Seconds between two looks at a ticket; none where hooks tell of changes.
pub(super) fn poll_seconds(tracker: &tracker::Model, profile: &Profile) -> Option<i32> {
    tracker.poll_seconds.or(profile.hook.is_none().then_some(POLL_SECONDS))
}

/// Adds a tracker.
///
/// # Errors
/// By policy; BAD_USER_INPUT on ill-formed values; a refusal when there is no key to seal credentials with.
pub async fn create(app: &App, actor: &Actor, input: &CreateTracker) -> Result<tracker::Model> {
    require(actor, Action::CreateTracker)?;
    let once = input.idempotency_key.as_deref();
    let once = match idempotency::replay(app, actor, Action::CreateTracker, once, input).await? {
        Replay::Done(id) => return store::tracker(app, id).await,
        Replay::First(once) => once,
    };
    let profile = match (input.preset == TrackerPreset::Custom, &input.profile) {
        (true, Some(text)) => Some(custom_profile(text)?),
        (false, None) => None,
        (true, None) => return Err(Error::bad_input("input.profile", "a CUSTOM tracker needs one")),
        (false, Some(_)) => {
            return Err(Error::bad_input(
                "input.profile",
                "leave it out: the preset brings its own, or send CUSTOM",
            ));
        }
    };
    let (id, now) = (app.ids.next(), app.clock.now());
    let row = tracker::Model {
        id,
        name: require_text("input.name", &input.name, SHORT)?,
        preset: input.preset,
        base_url: base_url(app, &input.base_url)?,
        place_id: None,
        parameters: parameters(&input.parameters)?,
        profile,
        statuses: statuses(&input.statuses)?,
        ready_statuses: texts("input.readyStatuses", &input.ready_statuses)?.into(),
        tlp_ceiling: ceiling(input.tlp_ceiling)?,
        abroad: input.abroad,
        lines: texts("input.lines", &input.lines)?.into(),
        poll_seconds: poll(input.poll_seconds)?,
        state: TrackerState::Active,
        credentials: seal(app, id, &input.credentials)?,
        version: 1,
        revision: 1,
        audit_head: Vec::new(),
        created_at: now,
        changed_at: now,
    };
    supplied(&row, Some(&input.credentials))?;
    let row = tracker::Model { place_id: Some(place_id(&row)), ..row };
    let mut changes = ChangeSet::new(app, actor, Action::CreateTracker);
    let row = changes.create(app, row, None);
    if let Some(once) = &once {
        changes.remember(once, row.id);
    }
    app.commit(changes).await?;
    Ok(row)
}

/// Changes a tracker. Credentials go only where they were given for: another place needs them anew.
///
/// # Errors
/// By policy and version; BAD_USER_INPUT on ill-formed values.
pub async fn update(app: &App, actor: &Actor, input: &UpdateTracker) -> Result<tracker::Model> {
    require(actor, Action::UpdateTracker)?;
    let before = store::tracker(app, input.tracker.0).await?;
    expect_version(before.version, input.expected_version)?;
    let mut after = before.clone();
    if let Some(name) = &input.name {
        after.name = require_text("input.name", name, SHORT)?;
    }
    if let Some(url) = &input.base_url {
        after.base_url = base_url(app, url)?;
    }
    if let Some(given) = &input.parameters {
        after.parameters = parameters(given)?;
    }
    if let Some(text) = &input.profile {
        if before.preset != TrackerPreset::Custom {
            return Err(Error::bad_input("input.profile", "leave it out: the preset brings its own"));
        }
        after.profile = Some(custom_profile(text)?);
    }
    if let Some(given) = &input.statuses {
        after.statuses = statuses(given)?;
    }
    if let Some(given) = &input.ready_statuses {
        after.ready_statuses = texts("input.readyStatuses", given)?.into();
    }
    let elsewhere = after.base_url != before.base_url || after.profile != before.profile;
    match &input.credentials {
        Some(given) => after.credentials = seal(app, before.id, given)?,
        None if elsewhere => {
            return Err(Error::bad_input(
                "input.credentials",
                "send them again: those at hand were given for the place and profile that it had",
            ));
        }
        None => {}
    }
    after.tlp_ceiling = ceiling(input.tlp_ceiling.unwrap_or(before.tlp_ceiling))?;
    after.abroad = input.abroad.unwrap_or(before.abroad);
    if let Some(given) = &input.lines {
        after.lines = texts("input.lines", given)?.into();
    }
    match input.poll_seconds {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => after.poll_seconds = None,
        MaybeUndefined::Value(seconds) => after.poll_seconds = poll(Some(seconds))?,
    }
    after.state = input.state.unwrap_or(before.state);
    if input.parameters.is_some() || input.profile.is_some() || input.credentials.is_some() {
        supplied(&after, input.credentials.as_deref())?;
    }
    let mut changes = ChangeSet::new(app, actor, Action::UpdateTracker);
    if elsewhere || after.parameters != before.parameters {
        let Some(same_tickets) = input.same_tickets else {
            let message = "say whether the tickets that it has are the same ones at its new place";
            return Err(Error::bad_input("input.sameTickets", message));
        };
        after.place_id = Some(place_id(&after));
        if same_tickets {
            let moved = store::moved(before.id, before.place_id, after.place_id);
            changes.update_rows(moved, json!("its tickets are at its new place"));
        }
    }
    let after = changes.revise(app, &before, after, None, Bump::Version);
    app.commit(changes).await?;
    Ok(after)
}

/// Seals every tracker's credentials with the first key; answers how many were changed. Safe to run again.
///
/// # Errors
/// By policy; when there is no key or one is missing that sealed something; of the database.
pub async fn reseal(app: &App, actor: &Actor) -> Result<usize> {
    require(actor, Action::RotateSecretKey)?;
    let mut changed = 0;
    for row in store::all_trackers(app).await? {
        changed += usize::from(retrying(|| reseal_one(app, actor, row.id)).await?);
    }
    Ok(changed)
}

async fn reseal_one(app: &App, actor: &Actor, id: Uuid) -> Result<bool> {
    let before = store::tracker(app, id).await?;
    let Some(credentials) = app.secrets.reseal(&app.ids, place(id), &before.credentials)? else {
        return Ok(false);
    };
    let mut changes = ChangeSet::new(app, actor, Action::RotateSecretKey);
    changes.revise(app, &before, tracker::Model { credentials, ..before.clone() }, None, Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(true)
}
