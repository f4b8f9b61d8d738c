//! One file per table, columns only; the closed vocabularies that columns hold in [`vocabulary`].
//!
//! Rules, queries and answers stand in the main crate: nothing here decides anything.

mod aggregate;
pub mod texts;
pub mod vocabulary;

pub use aggregate::Aggregate;

pub mod access_record;
pub mod action_item;
pub mod affected_customer;
pub mod affected_product;
pub mod assignment;
pub mod audit_entry;
pub mod bonus_run;
pub mod budget;
pub mod budget_entry;
pub mod channel;
pub mod comment;
pub mod customer;
pub mod decision;
pub mod delivery;
pub mod delivery_attempt;
pub mod delivery_sequence;
pub mod duty;
pub mod event;
pub mod event_access;
pub mod event_link;
pub mod event_number_block;
pub mod hook_inbox;
pub mod hook_secret;
pub mod idempotency;
pub mod indicator;
pub mod instance;
pub mod message;
pub mod obligation;
pub mod payout;
pub mod payout_appeal;
pub mod payout_change;
pub mod platform_account;
pub mod principal;
pub mod product;
pub mod product_customer;
pub mod rating_policy;
pub mod remediation;
pub mod reply;
pub mod reply_draft;
pub mod reply_obligation;
pub mod reply_review;
pub mod report;
pub mod report_version;
pub mod reporter;
pub mod review;
pub mod reward_grid;
pub mod reward_grid_cell;
pub mod score;
pub mod sequence_head;
pub mod status_change;
pub mod team_member;
pub mod technical_severity;
pub mod ticket;
pub mod tracker;
pub mod verdict;
pub mod verification;
pub mod webhook_endpoint;
pub mod webhook_secret;
pub mod world_fact;
