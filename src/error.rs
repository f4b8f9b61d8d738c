//! What can go wrong, told apart by who can mend it.
//!
//! A caller's fault carries words for the caller; our own fault ([`Error::Internal`]) carries its cause for
//! the log only. Nothing here implements `Display` towards a client: `graphql::errors` decides what leaves.

use std::io;

use async_graphql::Enum;

use crate::database;

/// The result of every command and finder.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a command or a read did not happen. Nothing was written.
#[derive(Debug)]
pub enum Error {
    /// The actor's roles never allow this act, whatever it is done to.
    Forbidden {
        /// What was tried, as the policy table names it.
        action: &'static str,
    },
    /// The thing does not exist, or does not exist for this actor: never told apart.
    NotFound,
    /// Somebody else changed the thing since the caller read it, or did so at the same moment.
    Conflict,
    /// The write lost a race; [`outbox::retrying`](crate::outbox::retrying) runs the command again. Never leaves.
    Race,
    /// An id that is none, or is one of another kind.
    InvalidId {
        /// Path of the input field.
        field: String,
        /// Kind of id that belongs there.
        expected: String,
    },
    /// A value that is ill-formed whatever the state of the data.
    BadInput {
        /// Path of the input field, for example `input.factors.actualImpact`.
        field: String,
        /// What is wrong and what to send instead.
        message: String,
    },
    /// A question that takes more than an answer may.
    TooComplex {
        /// The bound, and what to ask for instead.
        message: String,
    },
    /// A rule of the procedure refused a well-formed request.
    Refused(Vec<Refusal>),
    /// Our fault, for now ([`passes`]) or not. The cause is logged with the request's id and never sent.
    Internal(anyhow::Error),
}

/// One reason why a rule refused, for the caller to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable, for programs.
    pub code: RefusalCode,
    /// The input field it is about, where one is.
    pub field: Option<&'static str>,
    /// What is missing or forbidden and what to do.
    pub message: String,
}

/// Reasons for which a rule refuses. 规则拒绝的原因。
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "UserErrorCode")]
pub enum RefusalCode {
    /// The procedure has no such move from the current status. 当前状态不允许该流转。
    MoveNotAllowed,
    /// A fact that the act needs is not recorded yet. 缺少必要事实。
    MissingFact,
    /// Another person has to do this: four eyes. 须由另一人完成（四眼原则）。
    FourEyes,
    /// A leader's consent or decision is needed. 需要领导小组同意或决定。
    NeedsLeader,
    /// The same key came with other content. 相同的键对应不同的内容。
    KeyReused,
    /// It exists already. 已存在。
    AlreadyExists,
    /// The value contradicts what is recorded. 与已记录的内容矛盾。
    Contradiction,
    /// What the input names does not exist for you. 引用的对象不存在。
    UnknownReference,
    /// It is frozen: what was sent, closed or decided is never changed. 已冻结，不可修改。
    Frozen,
}

impl Error {
    /// An ill-formed value in `field`; `message` names the remedy.
    pub fn bad_input(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadInput { field: field.into(), message: message.into() }
    }

    /// In words for who runs the product: its cause where it is our fault.
    pub fn told(self) -> anyhow::Error {
        match self {
            Self::Forbidden { action } => {
                anyhow::anyhow!("the roles that this is done with do not allow {action}")
            }
            Self::NotFound => anyhow::anyhow!("there is no such thing, or none that may be seen"),
            Self::Conflict | Self::Race => anyhow::anyhow!("it was changed meanwhile: do it again"),
            Self::InvalidId { field, expected } => anyhow::anyhow!("{field}: not the id of a {expected}"),
            Self::BadInput { field, message } => anyhow::anyhow!("{field}: {message}"),
            Self::TooComplex { message } => anyhow::anyhow!(message),
            Self::Refused(refusals) => {
                let words: Vec<_> = refusals.into_iter().map(|refusal| refusal.message).collect();
                anyhow::anyhow!(words.join("; "))
            }
            Self::Internal(cause) => cause,
        }
    }

    /// A refusal by one rule.
    pub fn refused(code: RefusalCode, message: impl Into<String>) -> Self {
        Self::Refused(vec![Refusal::new(code, message)])
    }
}

impl Refusal {
    /// A refusal that is about the whole request.
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, field: None, message: message.into() }
    }

    /// A refusal that is about one input field.
    pub fn on(code: RefusalCode, field: &'static str, message: impl Into<String>) -> Self {
        Self { code, field: Some(field), message: message.into() }
    }
}

/// Whether a fault of ours passes by itself: the database cannot be had at present, or a disk is full. The same request can
/// succeed later; a change may have been made all the same.
pub fn passes(cause: &anyhow::Error) -> bool {
    cause.chain().any(|cause| {
        let is_full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
        cause.downcast_ref().is_some_and(database::is_away) || cause.downcast_ref().is_some_and(is_full)
    })
}

impl From<sea_orm::DbErr> for Error {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Internal(error.into())
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_runs_the_product_reads_words_and_no_form_of_the_program() {
        let field = || "input.month".to_owned();
        let errors = [
            (Error::Forbidden { action: "readFigures" }, "do not allow readFigures"),
            (Error::NotFound, "there is no such thing"),
            (Error::Conflict, "it was changed meanwhile"),
            (Error::Race, "it was changed meanwhile"),
            (
                Error::InvalidId { field: field(), expected: "Report".to_owned() },
                "input.month: not the id of a Report",
            ),
            (Error::bad_input(field(), "send a month"), "input.month: send a month"),
            (Error::TooComplex { message: "ask for less".to_owned() }, "ask for less"),
            (Error::refused(RefusalCode::Frozen, "it is closed"), "it is closed"),
            (Error::Internal(anyhow::anyhow!("the disk is full")), "the disk is full"),
        ];
        for (error, words) in errors {
            let told = format!("{:#}", error.told());
            assert!(told.contains(words) && !told.contains(['{', '"']), "{told}");
        }
    }
}
