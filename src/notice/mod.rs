//! What people are told personally: of clocks that run out, and of trouble that needs a person.
//!
//! A notice is a row for one subject, read over the API (`notices`) by nobody else. It names what it is about and says
//! no more. Whoever makes the trouble known writes its notices in the same change ([`write`], [`tell_once`]), or the
//! sweep finds it from the rows ([`OwnersGone`]); a key sees to it that nobody is told of the same thing twice.
//!
//! Who is told: of an event's trouble those who answer for it ([`answerable`]), of the installation's those who look
//! after it ([`keepers`]). Once a day all that is unread goes out as one e-mail, with what is due ([`digest`]), to those
//! whose address is known and who did not say that they want none.

pub mod digest;
pub mod graphql;
pub mod rules;
pub mod store;

mod owners;
mod settings;

pub use owners::OwnersGone;
pub use settings::{DIGEST_KEPT_DAYS, Hour, NoticeSettings};

use std::collections::BTreeSet;

use async_graphql::InputObject;
use entity::vocabulary::{Function, NoticeKind};
use entity::{event, notice, principal};
use uuid::Uuid;

use crate::app::App;
use crate::auth::policy::{Action, require};
use crate::auth::{Actor, Origin, Role};
use crate::deadline;
use crate::error::Result;
use crate::graphql::scalars::Id;
use crate::outbox::{Bump, ChangeSet};

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it tells.
    pub kind: NoticeKind,
    /// How much of a clock's time is over, in percent.
    pub percent: Option<i32>,
    /// The event that it is about.
    pub event: Option<Uuid>,
    /// The row that it is about; its table follows from the kind.
    pub about: Uuid,
    /// What nobody is told of twice; none where the caller sees to that.
    pub once: Option<String>,
}

/// Writes the notices of `people` with the caller's change.
pub fn write(app: &App, changes: &mut ChangeSet, people: BTreeSet<String>, told: &Told) {
    for subject in people {
        changes.insert(&notice::Model {
            id: app.ids.next(),
            subject,
            kind: told.kind,
            percent: told.percent,
            event_id: told.event,
            about_id: told.about,
            once_key: told.once.clone(),
            created_at: changes.at(),
            read_at: None,
        });
    }
}

/// The same for those of `people` who were not told of it before; false when that is nobody. Two changes that tell of it at once meet at the key,
/// and the one that runs again finds that it was told.
///
/// # Errors
/// Of the database.
pub async fn tell_once(
    app: &App,
    changes: &mut ChangeSet,
    mut people: BTreeSet<String>,
    told: &Told,
) -> Result<bool> {
    people.remove(&*Actor::schedule().subject);
    if let Some(key) = &told.once {
        let known = store::told(app, key).await?;
        people.retain(|subject| !known.contains(subject));
    }
    let any = !people.is_empty();
    write(app, changes, people, told);
    Ok(any)
}

/// Those who look after the installation: people with one of these roles in their last token, as far as that counts.
///
/// # Errors
/// Of the database.
pub async fn keepers(app: &App, roles: &[Role]) -> Result<BTreeSet<String>> {
    let known = store::with_roles(app, roles).await?;
    let acting = known.iter().filter(|row| {
        let actor = crate::principal::acting(app, row, Origin::default());
        actor.is_some_and(|actor| actor.has_any(roles))
    });
    Ok(acting.map(|row| row.subject.clone()).collect())
}

/// Whoever is on duty for a function now, with their deputies.
///
/// # Errors
/// Of the database.
pub async fn on_duty(app: &App, function: Function) -> Result<BTreeSet<String>> {
    let duties = deadline::store::duties(app, app.clock.now()).await?;
    let of_function = duties.into_iter().filter(|duty| duty.function == function);
    Ok(of_function.flat_map(|duty| [Some(duty.subject), duty.deputy]).flatten().collect())
}

/// These people; where there are none, whoever leads, as far as a token told of them: what somebody has to know is not
/// lost because nobody is assigned, on duty or on the team.
///
/// # Errors
/// Of the database.
pub async fn or_leading(app: &App, people: BTreeSet<String>) -> Result<BTreeSet<String>> {
    if people.is_empty() { keepers(app, &[Role::Leader]).await } else { Ok(people) }
}

/// Those who answer for what an event says to the outside: whoever has the work of SECURITY on it, else whoever is on
/// duty for that; with them `also`, as far as the event is not for named people alone.
///
/// # Errors
/// Of the database.
pub async fn answerable(app: &App, event: &event::Model, also: Option<&str>) -> Result<BTreeSet<String>> {
    let known = deadline::store::people(app, event).await?;
    let mut people = deadline::rules::responsible(&[Function::Security].into(), None, &known.around());
    people.extend(also.filter(|also| !known.red || known.named.contains(*also)).map(str::to_owned));
    or_leading(app, people).await
}

/// Whoever has the work of these functions on the event, else whoever is on duty for them, as far as the event is theirs to
/// hear of.
///
/// # Errors
/// Of the database.
pub async fn having(
    app: &App,
    event: &event::Model,
    functions: &BTreeSet<Function>,
) -> Result<BTreeSet<String>> {
    let known = deadline::store::people(app, event).await?;
    Ok(deadline::rules::having(functions, None, &known.around()))
}

/// A notice that was read. 已读提醒。
#[derive(Clone, Debug, InputObject)]
pub struct MarkNoticeRead {
    /// The notice, one of your own. 本人的提醒。
    pub notice: Id<notice::Entity>,
}

/// Marks a notice of the actor's own as read; doing it again changes nothing.
///
/// # Errors
/// By policy; NOT_FOUND when it is another's, hidden or absent.
pub async fn mark_notice_read(app: &App, actor: &Actor, input: &MarkNoticeRead) -> Result<notice::Model> {
    require(actor, Action::MarkNoticeRead)?;
    let before = store::find(app, actor, input.notice.0).await?;
    if before.read_at.is_some() {
        return Ok(before);
    }
    let mut changes = ChangeSet::new(app, actor, Action::MarkNoticeRead);
    let after = notice::Model { read_at: Some(changes.at()), ..before.clone() };
    changes.update(&before, &after);
    changes.record(app, "notice", after.id);
    app.commit(changes).await?;
    Ok(after)
}

/// Whether you want the daily e-mail. 是否接收每日提醒邮件。
#[derive(Clone, Debug, InputObject)]
pub struct SetNoticeDigest {
    /// False for no daily e-mail. 为否则不再接收。
    pub wanted: bool,
}

/// Says whether the actor wants the daily e-mail; saying it again changes nothing.
///
/// # Errors
/// By policy.
pub async fn set_notice_digest(
    app: &App,
    actor: &Actor,
    input: &SetNoticeDigest,
) -> Result<principal::Model> {
    require(actor, Action::SetNoticeDigest)?;
    let before = crate::principal::store::latest(app, &actor.subject).await?;
    let before = before.ok_or_else(|| anyhow::anyhow!("the caller was not recorded as a principal"))?;
    if before.digest_off != input.wanted {
        return Ok(before);
    }
    let mut changes = ChangeSet::new(app, actor, Action::SetNoticeDigest);
    let after = principal::Model { digest_off: !input.wanted, ..before.clone() };
    let after = changes.revise(app, &before, after, None, Bump::RevisionOnly);
    app.commit(changes).await?;
    Ok(after)
}
