//! What keeps a reply's content from leaving: going abroad, the event's level and embargo, and that what it was written
//! from no longer holds.

use entity::vocabulary::{ChannelKind, ReplyKind, Tlp};
use entity::{reply, reply_attachment};
use uuid::Uuid;

use crate::error::{Refusal, RefusalCode};
use crate::protection::rules::Reach;
use crate::template::facts::{self, Extent};
use crate::webhook::rules::Abroad;

/// Why a reply may not leave to a channel; empty when it may. `verdict` is the one in force.
pub fn refusals(
    reply: &reply::Model,
    channel: ChannelKind,
    verdict: Option<Uuid>,
    reach: &Reach,
) -> Vec<Refusal> {
    [
        abroad(reply, reach),
        by_level(reply.kind, channel, reach),
        other_verdict(reply, verdict),
        less_may_leave(reply, facts::extent(channel, reach)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a reply of this kind carries anything of the vulnerability, as far as its kind tells.
fn carries_content(kind: ReplyKind) -> bool {
    !matches!(kind, ReplyKind::Acknowledgement | ReplyKind::Thanks)
}

/// A kind alone proves nothing: what a person wrote may say anything. So what leaves on less than a full permission is a
/// template's text, which names only what may leave.
fn abroad(reply: &reply::Model, reach: &Reach) -> Option<Refusal> {
    if !reach.abroad || reach.disclosed {
        return None;
    }
    let limit = match reach.may_go {
        Some(Abroad::Full) => return None,
        Some(Abroad::Thin) => Extent::Reduced,
        None => Extent::Own,
    };
    let is_within =
        reply.as_made && reply.extent.is_some_and(|extent| extent <= limit) && supplies_within(reply, limit);
    let (code, message) = match limit {
        Extent::Own if carries_content(reply.kind) => (
            RefusalCode::NeedsLeader,
            "undisclosed content goes abroad only after a decision REPORT_ABROAD allows it (askDecision)",
        ),
        // Built-in templates are numbered 0.
        Extent::Own if is_within && reply.template_number == Some(0) => return None,
        Extent::Own => (
            RefusalCode::NeedsLeader,
            "without a decision REPORT_ABROAD (askDecision) this goes abroad only as a built-in template makes it: \
             draft it from one (draftReply, fromTemplate) and leave it as it is",
        ),
        _ if is_within => return None,
        _ => (
            RefusalCode::Contradiction,
            "only reduced content may go abroad: a template's text as it was made, without supplied facts that say \
             more (draftReply, fromTemplate)",
        ),
    };
    Some(Refusal::new(code, message))
}

/// Whether every fact that its drafter supplied may leave at this extent.
fn supplies_within(reply: &reply::Model, limit: Extent) -> bool {
    let Some(supplied) = &reply.supplied else { return true };
    let within = |name: &String| facts::described(name).is_some_and(|fact| fact.extent <= limit);
    supplied.as_object().is_some_and(|supplied| supplied.keys().all(within))
}

fn by_level(kind: ReplyKind, channel: ChannelKind, reach: &Reach) -> Option<Refusal> {
    if !carries_content(kind) {
        return None;
    }
    let inside = matches!(reach.tlp, Tlp::AmberStrict | Tlp::Red);
    // A customer who reported it is answered; none is notified.
    let to_customer =
        channel == ChannelKind::Customer && (!reach.reported || kind == ReplyKind::Notification);
    if inside && to_customer {
        let message = "customers are told nothing of it under TLP:AMBER+STRICT or TLP:RED: change the level first (setTlp)";
        return Some(Refusal::new(RefusalCode::Contradiction, message));
    }
    let to_public =
        kind == ReplyKind::Statement || matches!(channel, ChannelKind::Media | ChannelKind::CivilPlatform);
    if to_public && (inside || reach.embargoed) {
        let message = "the public is told nothing of it under TLP:AMBER+STRICT, TLP:RED or an embargo: change the level \
                       or end the embargo first (setTlp, setEmbargo)";
        return Some(Refusal::new(RefusalCode::Contradiction, message));
    }
    None
}

/// Whether a reply of this kind tells what is known so far: the law may ask for it before there is a conclusion.
pub fn is_before_conclusion(kind: ReplyKind) -> bool {
    use ReplyKind::{Acknowledgement, EarlyWarning, FollowUp, Notification};
    matches!(kind, Acknowledgement | EarlyWarning | Notification | FollowUp)
}

fn other_verdict(reply: &reply::Model, verdict: Option<Uuid>) -> Option<Refusal> {
    let said_none = reply.verdict_id.is_none() && is_before_conclusion(reply.kind);
    if !carries_content(reply.kind) || reply.verdict_id == verdict || said_none {
        return None;
    }
    let message = "the verdict is another than when it was written: write its body anew and have it approved again \
                   where that is asked for (reviseReply)";
    Some(Refusal::new(RefusalCode::Contradiction, message))
}

/// Why files may not leave with a reply of this kind: one was attached under another verdict, or when more could leave to
/// the channel. A new body says nothing of them, so each has to be attached again, or taken out.
pub fn of_files(
    kind: ReplyKind,
    files: &[reply_attachment::Model],
    verdict: Option<Uuid>,
    extent: Extent,
) -> Vec<Refusal> {
    let refusal = |file: &reply_attachment::Model| {
        let said_none = file.verdict_id.is_none() && is_before_conclusion(kind);
        let why = if file.extent.is_none_or(|attached| attached > extent) {
            "less may leave to this channel than when it was attached"
        } else if file.verdict_id != verdict && !said_none {
            "the verdict is another than when it was attached"
        } else {
            return None;
        };
        let message = format!("{}: {why}: take it out, or attach it again (reviseReply)", file.name);
        Some(Refusal::new(RefusalCode::Contradiction, message))
    };
    files.iter().filter_map(refusal).collect()
}

fn less_may_leave(reply: &reply::Model, extent: Extent) -> Option<Refusal> {
    if reply.extent.is_some_and(|written| written <= extent) {
        return None;
    }
    let message = "less may leave to this channel than when it was written: write its body anew and have it approved \
                   again where that is asked for (reviseReply)";
    Some(Refusal::new(RefusalCode::Contradiction, message))
}
