//! Opaque typed ids: what a client gets for a row says which kind it is, and nothing else.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::error::{Error, Result};

macro_rules! kinds {
    ($(#[doc = $doc:literal] $kind:ident = $number:literal),+ $(,)?) => {
        /// Kinds of things that have an id of their own in the API. The number is part of every id: never reuse one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Kind { $(#[doc = $doc] $kind = $number,)+ }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];
        }
    };
}

kinds! {
    /// An event.
    Event = 1,
    /// A report.
    Report = 2,
    /// A reporter.
    Reporter = 3,
    /// A channel.
    Channel = 4,
    /// A product.
    Product = 5,
    /// A customer.
    Customer = 6,
    /// A duty.
    Duty = 7,
    /// A rating policy.
    RatingPolicy = 8,
    /// A verdict.
    Verdict = 9,
    /// A score.
    Score = 10,
    /// A technical severity.
    TechnicalSeverity = 11,
    /// A world fact.
    WorldFact = 12,
    /// A product's standing to an event.
    AffectedProduct = 13,
    /// A team member.
    TeamMember = 14,
    /// An assignment.
    Assignment = 15,
    /// A remediation.
    Remediation = 16,
    /// A verification.
    Verification = 17,
    /// A decision.
    Decision = 18,
    /// A review.
    Review = 19,
    /// An action item.
    ActionItem = 20,
    /// A comment.
    Comment = 21,
    /// An obligation.
    Obligation = 22,
    /// A reply.
    Reply = 23,
    /// A platform account.
    PlatformAccount = 24,
    /// An audit entry.
    AuditEntry = 25,
    /// A principal.
    Principal = 26,
    /// A customer touched by an event.
    AffectedCustomer = 27,
    /// An event link.
    EventLink = 28,
    /// A webhook endpoint.
    WebhookEndpoint = 60,
    /// A delivery to a webhook endpoint.
    Delivery = 61,
    /// A try of a delivery.
    DeliveryAttempt = 62,
    /// A payout.
    Payout = 40,
    /// A budget.
    Budget = 41,
    /// A version of the reward grid.
    RewardGrid = 42,
    /// A computation of bonuses.
    BonusRun = 43,
    /// A ticketing system.
    Tracker = 80,
    /// A ticket.
    Ticket = 81,
    /// A business calendar.
    Calendar = 90,
    /// A calendar feed.
    CalendarFeed = 91,
    /// A clock.
    Deadline = 95,
    /// A version of the deadline policy.
    DeadlinePolicy = 96,
    /// What a person was told about a clock.
    Notice = 97,
    /// A file that came with a report.
    Attachment = 110,
    /// A mail about a report.
    InboundMail = 111,
    /// A file that goes with a reply.
    ReplyAttachment = 112,
    /// A file that proves that a reply was sent.
    ReplyProof = 113,
    /// Something that identifies what a report is about.
    Indicator = 120,
    /// One report that was sent to several platforms.
    MultiPlatform = 121,
}

/// The id of a row of `kind`, for clients.
pub fn encode(kind: Kind, id: Uuid) -> String {
    let mut bytes = [0u8; 17];
    bytes[0] = kind as u8;
    bytes[1..].copy_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Splits an id into the number of its kind and the row's id; `None` when it was not made by [`encode`].
pub fn decode_any(text: &str) -> Option<(u8, Uuid)> {
    let bytes: [u8; 17] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (kind, id) = bytes.split_first()?;
    Some((*kind, Uuid::from_slice(id).ok()?))
}

/// The row that `text` means, when it is of `kind`.
///
/// # Errors
/// [`Error::BadInput`] naming `field` when it is no id or one of another kind.
pub fn decode(kind: Kind, field: &str, text: &str) -> Result<Uuid> {
    match decode_any(text) {
        Some((number, id)) if number == kind as u8 => Ok(id),
        _ => Err(Error::InvalidId { field: field.to_owned(), expected: format!("{kind:?}") }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_id_never_panics_and_is_written_in_one_way(
            text in prop_oneof!["[A-Za-z0-9_=-]{22,24}|(?s).{0,30}", crate::testing::bent_text("id")],
        ) {
            if let Some((number, id)) = decode_any(&text)
                && let Some(kind) = Kind::ALL.iter().find(|kind| **kind as u8 == number)
            {
                prop_assert_eq!(encode(*kind, id), text.clone());
                prop_assert_eq!(decode(*kind, "id", &text).ok(), Some(id));
            }
        }
    }
}
