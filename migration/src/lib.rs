//! Schema changes, one file each, valid on SQLite and PostgreSQL. Never imports the entities: a change keeps
//! its meaning when the entities move on.

pub use sea_orm_migration::migrator::MigratorTrait;
use sea_orm_migration::prelude::{Index, IndexCreateStatement, MigrationTrait};

mod m01_configuration;
mod m02_event;
mod m03_intake;
mod m04_reply;
mod m05_record;
mod m06_procedure;
mod m06_sequence;
mod m06_webhook;
mod m07_payout;
mod m07_principal;
mod m08_delivery_number;
mod m08_hook;
mod m08_payout;
mod m08_ticket;
mod m09_calendar;
mod m09_delivery_room;
mod m09_reply;
mod m09_ticket_hook;
mod m10_calendar_feed;
mod m10_deadline;
mod m10_withdrawal;
mod m11_acknowledgement;
mod m11_mail;
mod m11_notice;
mod m11_notice_type;
mod m11_replan;
mod m11_reply_approval;
mod m12_attachment;
mod m12_clock;
mod m12_duplicate;
mod m12_reply_attachment;
mod m13_attachment;
mod m13_reply_attachment;
mod m13_reply_file;
mod m13_report_parts;
mod m14_multi_platform;
mod m14_picture;
mod m14_reply_proof;
mod m14_reply_to_reporter;
mod m14_search;
mod m14_ticket_asked;
mod m14_working_hours;
mod m15_bonus_differing;
mod m15_customer_notice;
mod m15_figures;
mod m15_indicator_index;
mod m15_justification;
mod m15_picture_look;
mod m15_search_words;
mod m15_ticket_place;
mod m16_denied_token;
mod m16_figures;
mod m16_picture_sketch;
mod m17_audit_anchor;
mod m17_deadline_order;
mod m18_growth;
mod m19_delivery_index;
mod m20_last_attempt;
mod m21_message_index;
mod m21_received_at;
mod m21_search_blocks;

/// Applies every change that a database lacks, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m01_configuration::Migration),
            Box::new(m02_event::Migration),
            Box::new(m03_intake::Migration),
            Box::new(m04_reply::Migration),
            Box::new(m05_record::Migration),
            Box::new(m06_procedure::Migration),
            Box::new(m06_sequence::Migration),
            Box::new(m07_principal::Migration),
            Box::new(m06_webhook::Migration),
            Box::new(m07_payout::Migration),
            Box::new(m08_delivery_number::Migration),
            Box::new(m08_payout::Migration),
            Box::new(m08_hook::Migration),
            Box::new(m08_ticket::Migration),
            Box::new(m09_delivery_room::Migration),
            Box::new(m09_ticket_hook::Migration),
            Box::new(m09_reply::Migration),
            Box::new(m10_withdrawal::Migration),
            Box::new(m09_calendar::Migration),
            Box::new(m10_calendar_feed::Migration),
            Box::new(m10_deadline::Migration),
            Box::new(m11_mail::Migration),
            Box::new(m11_notice::Migration),
            Box::new(m11_replan::Migration),
            Box::new(m11_notice_type::Migration),
            Box::new(m11_acknowledgement::Migration),
            Box::new(m11_reply_approval::Migration),
            Box::new(m12_clock::Migration),
            Box::new(m12_attachment::Migration),
            Box::new(m12_reply_attachment::Migration),
            Box::new(m12_duplicate::Migration),
            Box::new(m13_attachment::Migration),
            Box::new(m13_reply_attachment::Migration),
            Box::new(m13_reply_file::Migration),
            Box::new(m13_report_parts::Migration),
            Box::new(m14_ticket_asked::Migration),
            Box::new(m14_reply_to_reporter::Migration),
            Box::new(m14_reply_proof::Migration),
            Box::new(m14_working_hours::Migration),
            Box::new(m14_multi_platform::Migration),
            Box::new(m14_picture::Migration),
            Box::new(m14_search::Migration),
            Box::new(m15_ticket_place::Migration),
            Box::new(m15_bonus_differing::Migration),
            Box::new(m15_indicator_index::Migration),
            Box::new(m15_justification::Migration),
            Box::new(m15_picture_look::Migration),
            Box::new(m15_search_words::Migration),
            Box::new(m15_customer_notice::Migration),
            Box::new(m15_figures::Migration),
            Box::new(m16_denied_token::Migration),
            Box::new(m16_picture_sketch::Migration),
            Box::new(m16_figures::Migration),
            Box::new(m17_audit_anchor::Migration),
            Box::new(m17_deadline_order::Migration),
            Box::new(m18_growth::Migration),
            Box::new(m19_delivery_index::Migration),
            Box::new(m20_last_attempt::Migration),
            Box::new(m21_received_at::Migration),
            Box::new(m21_search_blocks::Migration),
            Box::new(m21_message_index::Migration),
        ]
    }
}

/// An index named after its table and columns.
fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{table}_{}", columns.join("_"))).table(table);
    for column in columns {
        index.col(*column);
    }
    index
}
