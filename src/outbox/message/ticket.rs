//! Messages about tickets.

use entity::vocabulary::{Facet, TicketState};

use super::{Audience, team};
use crate::auth::policy::Action;
use crate::outbox::field::Opaque;

messages! {
    /// A ticket was opened, made, refused, given up or unlinked. 工单的创建、关联、拒绝、放弃或解除关联。
    TicketChanged "ticket.changed" [team(Action::ReadTickets), Audience::of(Facet::Tickets, Action::ReadTickets)] {
        /// The ticket. 工单。
        ticket: Opaque<entity::ticket::Entity>,
        /// The fix that it stands for. 对应的产品线修复。
        remediation: Opaque<entity::remediation::Entity>,
        /// Where it stands. 工单状态。
        state: TicketState,
    }
}
