//! Comments and messages to reporters.
use crate::app::App;
use crate::outbox::ChangeSet;
use entity::{event, report};
/// Writes a message that the report's reporter reads, inside the caller's change.
pub fn write_to_reporter(
    _app: &App,
    _changes: &mut ChangeSet,
    _event: &event::Model,
    _report: &report::Model,
    _body: &str,
) {
}
