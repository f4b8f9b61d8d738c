//! Where a reply goes. It is part of what is approved.

use entity::vocabulary::ReplyVia;
use entity::{channel, reply, reply_route};
use sha2::{Digest, Sha256};

use super::handover::{mail, platform};
use super::to_reporter::Addressee;
use crate::error::{Error, Refusal, RefusalCode, Result};

/// By which way a reply goes, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// The way; none when a person carries it.
    pub via: Option<ReplyVia>,
    /// Address of the e-mail, or host of the platform.
    pub recipient: Option<String>,
    /// SHA-256 of the platform's whole URL.
    pub url_sha256: Option<Vec<u8>>,
    /// Whose reporter gets the e-mail, at the address that stands with them.
    pub reporter: Option<Addressee>,
}

/// What a caller names of it.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// The way.
    pub via: Option<ReplyVia>,
    /// The address of an e-mail.
    pub to: Option<String>,
    /// The reporter who gets the e-mail.
    pub reporter: Option<Addressee>,
    /// The reporter who gets it where nothing is named and the channel's mail goes to reporters.
    pub usual: Option<Addressee>,
}

impl Named {
    /// Reads it.
    ///
    /// # Errors
    /// BAD_USER_INPUT on an address that is none, and on one for another way than e-mail.
    pub fn read(via: Option<ReplyVia>, to: Option<&str>) -> Result<Self> {
        let to = to.map(|text| crate::channel::email("input.to", text)).transpose()?;
        if to.as_deref().is_some_and(|to| mail::address(to).is_none()) {
            return Err(Error::bad_input("input.to", "send one e-mail address"));
        }
        if to.is_some() && via.is_some_and(|via| via != ReplyVia::Email) {
            return Err(Error::bad_input("input.to", "leave it out: only an e-mail goes to an address"));
        }
        Ok(Self { via, to, ..Self::default() })
    }

    /// The same, to a reporter. Nobody names two recipients, or a reporter for another way than e-mail.
    ///
    /// # Errors
    /// BAD_USER_INPUT where that was named.
    pub fn to_reporter(self, reporter: Option<Addressee>) -> Result<Self> {
        let by_other = self.via.is_some_and(|via| via != ReplyVia::Email);
        if reporter.is_some() && (self.to.is_some() || by_other) {
            let message =
                "leave out to, and via but for EMAIL: an e-mail to a reporter goes to their own address";
            return Err(Error::bad_input("input.toReporter", message));
        }
        Ok(Self { reporter, ..self })
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.via.is_none() && self.to.is_none() && self.reporter.is_none()
    }
}

impl Destination {
    /// That of a reply as it stands.
    pub fn of(reply: &reply::Model) -> Self {
        let reporter = reply.report_id.zip(reply.reporter_version);
        Self {
            via: reply.via,
            recipient: reply.recipient.clone(),
            url_sha256: reply.url_sha256.clone(),
            reporter: reporter.map(|(report, version)| Addressee { report, version }),
        }
    }

    /// The reply with this destination.
    pub fn put(self, reply: reply::Model) -> reply::Model {
        reply::Model {
            via: self.via,
            recipient: self.recipient,
            url_sha256: self.url_sha256,
            report_id: self.reporter.map(|reporter| reporter.report),
            reporter_version: self.reporter.map(|reporter| reporter.version),
            ..reply
        }
    }

    /// That of an e-mail.
    fn email(to: String) -> Self {
        Self { via: Some(ReplyVia::Email), recipient: Some(to), ..Self::default() }
    }

    fn reporter(reporter: Addressee) -> Self {
        Self { via: Some(ReplyVia::Email), reporter: Some(reporter), ..Self::default() }
    }

    fn platform(url: &str) -> Self {
        Self {
            via: Some(ReplyVia::Webhook),
            recipient: Some(platform::host(url)),
            url_sha256: Some(url_sha256(url)),
            reporter: None,
        }
    }
}

/// What stands for a platform's URL, whose path may be a secret.
pub fn url_sha256(url: &str) -> Vec<u8> {
    Sha256::digest(url.as_bytes()).to_vec()
}

/// Where a reply to a channel goes that names `named`, or by itself when it names nothing: by the channel's route.
///
/// # Errors
/// Refusals when the channel has no such way, or the address is not one of its own.
pub fn choose(
    channel: &channel::Model,
    route: Option<&reply_route::Model>,
    named: &Named,
) -> Result<Destination> {
    let of_route = route.and_then(|route| route.email.clone());
    let url = route.and_then(|route| route.url.as_deref());
    let mails_reporters = route.is_some_and(|route| route.to_reporter);
    if let Some(reporter) = named.reporter {
        if !mails_reporters {
            return Err(no_way("the channel's mail does not go to reporters (setReplyRoute, toReporter)"));
        }
        return Ok(Destination::reporter(reporter));
    }
    let usual = named.usual.filter(|_| mails_reporters).map(Destination::reporter);
    match (named.via, &named.to) {
        (Some(ReplyVia::ByHand), _) => {
            Ok(Destination { via: Some(ReplyVia::ByHand), ..Destination::default() })
        }
        (Some(ReplyVia::Webhook), _) => {
            let url = url.ok_or_else(|| no_way("the channel's platform has no URL (setReplyRoute)"))?;
            Ok(Destination::platform(url))
        }
        (_, Some(to)) => {
            if !is_of_channel(to, channel, route) {
                let message = "this is not the channel's address: name that of its route (setReplyRoute) or one of its \
                               contacts (updateChannel)";
                return Err(Error::Refused(vec![Refusal::on(RefusalCode::Contradiction, "to", message)]));
            }
            Ok(Destination::email(to.clone()))
        }
        (Some(ReplyVia::Email), None) => {
            let to = usual.or_else(|| of_route.map(Destination::email));
            to.ok_or_else(|| {
                no_way("the channel has no address (setReplyRoute), and no reporter's is known (toReporter)")
            })
        }
        (None, None) => {
            let by_mail = usual.or_else(|| of_route.map(Destination::email));
            Ok(by_mail.or_else(|| url.map(Destination::platform)).unwrap_or_default())
        }
    }
}

/// Where a reply goes after a change that names `named`: where it was to go, while that still is the channel's. Of one to a
/// reporter `named.usual` is that reporter, as far as they may still be written to.
///
/// # Errors
/// Those of [`choose`].
pub fn keep(
    channel: &channel::Model,
    route: Option<&reply_route::Model>,
    before: &reply::Model,
    named: &Named,
) -> Result<Destination> {
    if !named.is_empty() {
        return choose(channel, route, named);
    }
    if before.report_id.is_some() {
        // Whom it was for is looked at anew, so that what is known of them by now is meant; else a person carries it.
        let reporter = named.usual.filter(|_| route.is_some_and(|route| route.to_reporter));
        return Ok(reporter.map(Destination::reporter).unwrap_or_default());
    }
    let kept = match before.via {
        Some(ReplyVia::Email) => before.recipient.clone().filter(|to| is_of_channel(to, channel, route)),
        Some(ReplyVia::ByHand) => return Ok(Destination::of(before)),
        Some(ReplyVia::Webhook) | None => None,
    };
    match kept {
        Some(to) => Ok(Destination::email(to)),
        None if before.via == Some(ReplyVia::Webhook) && route.is_some_and(|route| route.url.is_some()) => {
            choose(channel, route, &Named { via: before.via, ..Named::default() })
        }
        None => choose(channel, route, &Named::default()),
    }
}

/// Where a reply that is sent by `via` goes. One that was approved goes where that was said, and nowhere else. Of one to a
/// reporter `named.usual` is that reporter, if an address of theirs is known.
///
/// # Errors
/// Those of [`choose`]; a refusal when something else was approved.
pub fn settle(
    channel: &channel::Model,
    route: Option<&reply_route::Model>,
    before: &reply::Model,
    named: &Named,
    is_approved: bool,
) -> Result<Destination> {
    let approved = Destination::of(before);
    let to = match (&named.to, &approved.recipient) {
        (None, Some(to))
            if named.via == Some(ReplyVia::Email)
                && before.via == named.via
                && (is_approved || is_of_channel(to, channel, route)) =>
        {
            Some(to.clone())
        }
        (to, _) => to.clone(),
    };
    let mut wanted = Named { via: named.via, to, ..named.clone() };
    if approved.reporter.is_some() && wanted.via == Some(ReplyVia::Email) && wanted.to.is_none() {
        let message = "no address of its reporter is known that mail goes to: enter it (updateReporter), or name another (to)";
        wanted.reporter = Some(named.usual.ok_or_else(|| no_way(message))?);
    }
    let wanted = choose(channel, route, &wanted)?;
    if is_approved && wanted != approved {
        let how = match (approved.via, &approved.recipient) {
            (Some(via), Some(recipient)) => format!("{via} to {recipient}"),
            (Some(via), None) if approved.reporter.is_some() => {
                format!("{via} to its report's reporter, as they then were known")
            }
            _ => "a person's hands".to_owned(),
        };
        let message = format!(
            "it was approved to go by {how}, and the way it would go now is another: revise it (reviseReply, via and to) \
             and have it approved again"
        );
        return Err(Error::refused(RefusalCode::FourEyes, message));
    }
    Ok(wanted)
}

/// Whether an address is that of the channel's route, or stands among its contacts.
fn is_of_channel(to: &str, channel: &channel::Model, route: Option<&reply_route::Model>) -> bool {
    let is_it = |text: &str| text.eq_ignore_ascii_case(to);
    let parts = |contact: &String| {
        contact.split(|c: char| c.is_whitespace() || "<>()[],;:，；：（）、\"".contains(c)).any(is_it)
    };
    route.and_then(|route| route.email.as_deref()).is_some_and(is_it) || channel.contacts.0.iter().any(parts)
}

fn no_way(message: &str) -> Error {
    Error::refused(RefusalCode::MissingFact, message)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use entity::vocabulary::{ChannelKind, ReplyKind, ReplyState};
    use uuid::Uuid;

    use super::*;
    use crate::reply::blank;

    fn channel(contacts: &[&str]) -> channel::Model {
        channel::Model {
            id: Uuid::from_u128(1),
            key: "cnvd".to_owned(),
            name: "CNVD".to_owned(),
            kind: ChannelKind::NationalDatabase,
            jurisdiction: "CN".to_owned(),
            abroad: false,
            reply_required: true,
            time_zone: "Asia/Shanghai".to_owned(),
            calendar_id: None,
            language: "zh-CN".to_owned(),
            contacts: contacts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>().into(),
            active: true,
            acknowledgement: entity::vocabulary::Acknowledgement::ByHand,
            replan_after: None,
            version: 1,
            revision: 1,
            audit_head: Vec::new(),
            created_at: DateTime::UNIX_EPOCH,
            changed_at: DateTime::UNIX_EPOCH,
        }
    }

    fn route(email: Option<&str>, url: Option<&str>) -> reply_route::Model {
        reply_route::Model {
            id: Uuid::from_u128(2),
            channel_id: Uuid::from_u128(1),
            to_reporter: false,
            email: email.map(str::to_owned),
            from_email: None,
            url: url.map(str::to_owned),
            sealed: None,
        }
    }

    fn reply(destination: Destination) -> reply::Model {
        let (id, event, channel) = (Uuid::from_u128(5), Uuid::from_u128(3), Uuid::from_u128(1));
        destination.put(reply::Model {
            state: ReplyState::Approved,
            ..blank(id, event, channel, ReplyKind::Verdict, "analyst-1", DateTime::UNIX_EPOCH)
        })
    }

    fn to(address: &str) -> Named {
        Named { via: Some(ReplyVia::Email), to: Some(address.to_owned()), ..Named::default() }
    }

    fn code<T: std::fmt::Debug>(outcome: Result<T>) -> RefusalCode {
        match outcome {
            Err(Error::Refused(refusals)) => refusals[0].code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_email_goes_to_the_channels_own_addresses_and_no_other() {
        let channel = channel(&["Desk <desk@cnvd.example>", "电话：010-1、邮箱：second@cnvd.example"]);
        let route = route(Some("replies@cnvd.example"), None);
        for address in
            ["desk@cnvd.example", "DESK@cnvd.example", "second@cnvd.example", "replies@cnvd.example"]
        {
            let chosen = choose(&channel, Some(&route), &to(address)).unwrap();
            assert_eq!(chosen.recipient.as_deref(), Some(address));
        }
        for address in ["k@cnvd.example", "desk@cnvd.example.org", "me@example.org"] {
            assert_eq!(
                code(choose(&channel, Some(&route), &to(address))),
                RefusalCode::Contradiction,
                "{address}"
            );
        }
        let by_mail = Named { via: Some(ReplyVia::Email), ..Named::default() };
        assert_eq!(code(choose(&channel, None, &by_mail)), RefusalCode::MissingFact);
        assert_eq!(choose(&channel, None, &Named::default()).unwrap(), Destination::default());
    }

    #[test]
    fn what_was_approved_goes_where_that_was_said() {
        let channel = channel(&["second@cnvd.example"]);
        let before = route(Some("desk@cnvd.example"), Some("https://cnvd.example/a"));
        let approved = reply(choose(&channel, Some(&before), &Named::default()).unwrap());
        let by_mail = Named { via: Some(ReplyVia::Email), ..Named::default() };
        let by_push = Named { via: Some(ReplyVia::Webhook), ..Named::default() };
        let of = |route, reply: &_, named: &Named, is_approved| {
            settle(&channel, Some(route), reply, named, is_approved)
        };
        assert_eq!(of(&before, &approved, &by_mail, true).unwrap(), Destination::of(&approved));
        assert_eq!(code(of(&before, &approved, &to("second@cnvd.example"), true)), RefusalCode::FourEyes);
        assert_eq!(code(of(&before, &approved, &by_push, true)), RefusalCode::FourEyes);
        assert!(
            of(&before, &approved, &to("second@cnvd.example"), false).is_ok(),
            "nobody had to approve it"
        );
        // Another route after the approval.
        let after = route(Some("admin@elsewhere.example"), Some("https://cnvd.example/b"));
        assert_eq!(code(of(&after, &approved, &by_mail, true)), RefusalCode::Contradiction);
        assert_eq!(code(of(&after, &approved, &to("admin@elsewhere.example"), true)), RefusalCode::FourEyes);
        let anew = of(&after, &approved, &by_mail, false).unwrap();
        assert_eq!(anew.recipient.as_deref(), Some("admin@elsewhere.example"));
        // The same host, another path.
        let pushed = reply(choose(&channel, Some(&before), &by_push).unwrap());
        assert!(of(&before, &pushed, &by_push, true).is_ok());
        assert_eq!(code(of(&after, &pushed, &by_push, true)), RefusalCode::FourEyes);
        // Approved to be carried by hand.
        let carried = reply(Destination::default());
        assert_eq!(code(of(&before, &carried, &by_mail, true)), RefusalCode::FourEyes);
    }

    #[test]
    fn a_revision_keeps_where_it_goes_while_that_is_the_channels() {
        let channel = channel(&["second@cnvd.example"]);
        let before = route(Some("desk@cnvd.example"), Some("https://cnvd.example/a"));
        let second = reply(choose(&channel, Some(&before), &to("second@cnvd.example")).unwrap());
        let kept = keep(&channel, Some(&before), &second, &Named::default()).unwrap();
        assert_eq!(kept, Destination::of(&second));
        let gone = reply(Destination::email("gone@cnvd.example".to_owned()));
        let anew = keep(&channel, Some(&before), &gone, &Named::default()).unwrap();
        assert_eq!(anew.recipient.as_deref(), Some("desk@cnvd.example"));
        let pushed = reply(Destination::platform("https://cnvd.example/old"));
        let anew = keep(&channel, Some(&before), &pushed, &Named::default()).unwrap();
        assert_eq!(anew, Destination::platform("https://cnvd.example/a"));
    }

    #[test]
    fn an_email_to_a_reporter_goes_to_who_was_meant_and_never_elsewhere_instead() {
        let channel = channel(&[]);
        let closed = route(Some("desk@cnvd.example"), None);
        let open = reply_route::Model { to_reporter: true, ..closed.clone() };
        let who = |version| Some(Addressee { report: Uuid::from_u128(7), version });
        let named = Named { reporter: who(1), ..Named::default() };
        let usual = |version, via| Named { usual: who(version), via, ..Named::default() };
        assert_eq!(code(choose(&channel, Some(&closed), &named)), RefusalCode::MissingFact);
        let chosen = choose(&channel, Some(&open), &named).unwrap();
        assert_eq!(
            (chosen.reporter, chosen.recipient.as_ref()),
            (who(1), None),
            "the address stands with them"
        );
        assert_eq!(choose(&channel, Some(&open), &usual(1, None)).unwrap(), chosen);
        let to_desk = choose(&channel, Some(&closed), &usual(1, None)).unwrap();
        assert_eq!(to_desk.recipient.as_deref(), Some("desk@cnvd.example"));
        let approved = reply(chosen.clone());
        let by_mail = Some(ReplyVia::Email);
        let of = |named: &Named, is_approved| settle(&channel, Some(&open), &approved, named, is_approved);
        assert_eq!(of(&usual(1, by_mail), true).unwrap(), chosen);
        assert_eq!(code(of(&usual(2, by_mail), true)), RefusalCode::FourEyes, "another address since");
        assert!(of(&usual(2, by_mail), false).is_ok());
        let nobody = Named { via: by_mail, ..Named::default() };
        assert_eq!(code(of(&nobody, false)), RefusalCode::MissingFact, "not to the desk instead");
        assert_eq!(keep(&channel, Some(&open), &approved, &usual(2, None)).unwrap().reporter, who(2));
        assert_eq!(
            keep(&channel, Some(&open), &approved, &Named::default()).unwrap(),
            Destination::default()
        );
        for other in [to("desk@cnvd.example"), Named { via: Some(ReplyVia::Webhook), ..Named::default() }] {
            assert!(matches!(other.to_reporter(who(1)), Err(Error::BadInput { .. })));
        }
    }
}
