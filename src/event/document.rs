//! `docs/PROCEDURE.md`: the moves that the procedure knows, written from the table that enforces them.

use std::fmt::Write;

use super::rules::MOVES;

/// The words before the table.
const INTRODUCTION: &str = "\
# The procedure

The moves of an event's handling status, made from the code: `vulndesk moves doc > docs/PROCEDURE.md`. Any other move is
refused. An event's `allowedMoves` tells those from its present status, and what each still lacks.

| from | to | by | mutation |
| --- | --- | --- | --- |
";

/// The whole document.
pub fn document() -> String {
    let mut text = INTRODUCTION.to_owned();
    for entry in MOVES {
        let mutation = entry
            .cause
            .mutation()
            .map_or("follows by itself".to_owned(), |action| format!("`{}`", action.name()));
        // Writing to a String cannot fail.
        let by = entry.cause.description();
        let _ = writeln!(text, "| {} | {} | {by} | {mutation} |", entry.from, entry.to);
    }
    text
}
