//! A month's figures as a document: what its reader may see, with charts.
//!
//! It is made to be passed on. So it says whose view it is, and of the leaderboard it names those alone who chose to be named.

mod words;

use chrono::{DateTime, Utc};
use entity::vocabulary::{FigureGroup, LeaderboardOrder, MonthlyReportFormat, MonthlyReportLanguage};

use self::words::Words;
use super::board::{self, Board};
use super::rules::{self, Span};
use super::store::{DeadlineRow, EventRow, PayoutRow};
use super::{Question, table};
use crate::app::App;
use crate::auth::Actor;
use crate::auth::policy::{Action, allows, require};
use crate::error::{Error, RefusalCode, Result};
use crate::payout::period::Period;
use crate::render::{Chart, Part, RenderError, html, pdf};

/// Most bars of a chart, and most places of its board.
const BARS: usize = 15;
const PLACES: i32 = 10;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The month; the last one when none is named.
    pub month: Option<&'a str>,
    /// Zone in which it begins.
    pub zone: &'a str,
    /// Language.
    pub language: MonthlyReportLanguage,
    /// Form.
    pub format: MonthlyReportFormat,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Name to save it under.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// A report that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The document.
    pub file: File,
    /// Its media type.
    pub media_type: &'static str,
    /// Charts that it names, to be saved beside it.
    pub charts: Vec<File>,
}

impl Made {
    /// The document as text; none where it is none.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.file.bytes).ok().filter(|_| self.media_type.starts_with("text/"))
    }
}

/// Makes the report.
///
/// # Errors
/// FORBIDDEN when the actor's roles read no figures; BAD_USER_INPUT on what is no month or zone; a refusal when there is no
/// font for a PDF.
pub async fn make(app: &App, actor: &Actor, wanted: &Wanted<'_>) -> Result<Made> {
    require(actor, Action::ReadFigures)?;
    let now = app.clock.now();
    let zone = rules::read_zone("timeZone", wanted.zone)?;
    let month = match wanted.month {
        Some(text) => rules::read_month("month", text)?,
        None => rules::last_month(now, zone)?,
    };
    let words = Words::of(wanted.language);
    let title = format!("{} {month}", words.title);
    let parts = gather(app, actor, &words, &title, Span::of(month, zone), now).await?;
    let (format, fonts) = (wanted.format, app.replies.fonts.clone());
    let language = words.tag;
    let made = tokio::task::spawn_blocking(move || match format {
        MonthlyReportFormat::Markdown => markdown(month, &parts),
        MonthlyReportFormat::Html => {
            let page = html::report(&title, language, &parts)?;
            Ok(whole(month, "html", "text/html; charset=utf-8", page.into_bytes()))
        }
        MonthlyReportFormat::Pdf => {
            Ok(whole(month, "pdf", "application/pdf", pdf::report(&title, language, &parts, &fonts)?))
        }
    });
    made.await.map_err(|error| Error::Internal(error.into()))?.map_err(|error| match error {
        RenderError::Writer(_) => Error::Internal(error.into()),
        other => Error::refused(RefusalCode::MissingFact, other.to_string()),
    })
}

fn whole(month: Period, end: &str, media_type: &'static str, bytes: Vec<u8>) -> Made {
    Made { file: File { name: format!("monthly-{month}.{end}"), bytes }, media_type, charts: Vec::new() }
}

/// The parts as one Markdown text, each chart by the name of its file.
fn markdown(month: Period, parts: &[Part]) -> std::result::Result<Made, RenderError> {
    let (mut text, mut charts) = (String::new(), Vec::new());
    for part in parts {
        match part {
            Part::Text(source) => text.push_str(source),
            Part::Chart(chart) => {
                let name = format!("monthly-{month}-{}.svg", charts.len() + 1);
                text.push_str(&format!("![{}]({name})\n\n", escaped(&chart.title)));
                // Days are for the eye; the others are read as numbers too.
                if !chart.upright {
                    let numbers =
                        chart.bars.iter().map(|(label, value)| vec![label.clone(), value.to_string()]);
                    text.push_str(&rows(&[&chart.title, ""], numbers));
                }
                charts.push(File { name, bytes: chart.svg()?.into_bytes() });
            }
        }
    }
    let made = whole(month, "md", "text/markdown; charset=utf-8", text.into_bytes());
    Ok(Made { charts, ..made })
}

/// A text as Markdown that says nothing but it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            escaped.push('\\');
        }
        escaped.push(if character.is_control() { ' ' } else { character });
    }
    escaped
}

/// A table; its cells are text.
fn rows(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line =
        |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
    let mut text = line(&mut head.iter().map(|cell| escaped(cell)));
    text.push_str(&line(&mut head.iter().map(|_| "---".to_owned())));
    for row in rows {
        text.push_str(&line(&mut row.iter().map(|cell| escaped(cell))));
    }
    text.push('\n');
    text
}

fn per_cent(part: i64, whole: i64) -> String {
    rules::share(part, whole).map(|share| format!("{} %", table::tenths(share))).unwrap_or_default()
}

async fn gather(
    app: &App,
    actor: &Actor,
    words: &Words,
    title: &str,
    span: Span,
    now: DateTime<Utc>,
) -> Result<Vec<Part>> {
    let question = Question::new(app, actor, span, None)?;
    let local = |at: DateTime<Utc>| at.with_timezone(&span.zone).format("%Y-%m-%d %H:%M").to_string();
    let mut text = format!("# {}\n\n", escaped(title));
    let period = (words.period)(&local(span.from), &local(span.until), span.zone.name());
    text.push_str(&format!("{}\n\n", escaped(&period)));
    let made = now.with_timezone(&span.zone).format("%Y-%m-%d").to_string();
    let view = (words.view)(&actor.subject, &actor.role_names(), &made);
    text.push_str(&format!("{}\n\n", escaped(&view)));
    let mut parts = vec![Part::Text(text)];
    events(app, actor, words, &question, &mut parts).await?;
    if let Some(found) = question.times(app, actor, None).await? {
        let lines = found.iter().map(|(measure, row)| {
            let read = |seconds| rules::duration(seconds, words.chinese);
            vec![words.measure(*measure).to_owned(), row.count.to_string(), read(row.median), read(row.p90)]
        });
        section(&mut parts, words.times, words.times_note, words.nothing, &words.times_head, lines);
    }
    if let Some(found) = question.deadlines(app, actor, None).await? {
        let lines = found.iter().map(|row| deadline(words, row));
        section(
            &mut parts,
            words.deadlines,
            words.deadlines_note,
            words.nothing,
            &words.deadlines_head,
            lines,
        );
        let bars = found.iter().filter(|row| row.breached > 0);
        let bars = bars.map(|row| (clock(words, row), count(row.breached))).collect();
        chart(&mut parts, words.breached_chart, bars, false);
    }
    if let Some(found) = question.payouts(app, actor, None).await? {
        let lines = found.iter().map(|row| payout(words, row)).collect::<Result<Vec<_>>>()?;
        section(&mut parts, words.payouts, words.payouts_note, words.nothing, &words.payouts_head, lines);
    }
    if allows(actor, Action::ReadLeaderboard) {
        let month = span.from.with_timezone(&span.zone).format("%Y-%m").to_string();
        let wanted = board::Wanted {
            period: Some(&month),
            zone: span.zone.name(),
            channel: None,
            order: LeaderboardOrder::Accepted,
            first: Some(PLACES),
        };
        let board = board::leaderboard(app, actor, &wanted).await?;
        section(
            &mut parts,
            words.board,
            words.board_note,
            words.nothing,
            &words.board_head,
            places(words, &board),
        );
    }
    Ok(parts)
}

/// The events, beside those of the month before.
async fn events(
    app: &App,
    actor: &Actor,
    words: &Words,
    question: &Question,
    parts: &mut Vec<Part>,
) -> Result<()> {
    let Some(this) = question.events(app, actor, None).await? else { return Ok(()) };
    let span = question.span();
    let before = rules::last_month(span.from, span.zone)?;
    let before = Question::new(app, actor, Span::of(before, span.zone), None)?;
    let before = before.events(app, actor, None).await?.unwrap_or_default();
    let with_origin = allows(actor, Action::ReadRawReports);
    let column = |rows: &[EventRow]| {
        let row = rows.first().cloned().unwrap_or_default();
        let mut cells = vec![
            row.events.to_string(),
            row.judged.to_string(),
            of(row.duplicates, row.judged),
            row.ours.to_string(),
            row.known_internally.to_string(),
            row.already_fixed.to_string(),
        ];
        if with_origin {
            cells.extend([row.found_by_staff.to_string(), of(row.found_by_us, row.ours)]);
        }
        cells
    };
    let names = words.event_rows.iter().map(|name| (*name).to_owned());
    let lines =
        names.zip(column(&this)).zip(column(&before)).map(|((name, this), before)| vec![name, this, before]);
    section(parts, words.events, words.events_note, words.nothing, &words.events_head, lines);
    let by_day = question.events(app, actor, Some(FigureGroup::Day)).await?.unwrap_or_default();
    let day = |row: &EventRow| {
        row.group_key.as_deref().map(|day| day.chars().skip(8).collect()).unwrap_or_default()
    };
    chart(parts, words.by_day, by_day.iter().map(|row| (day(row), count(row.events))).collect(), true);
    let mut groups = vec![
        (FigureGroup::Level, words.by_level),
        (FigureGroup::Verdict, words.by_verdict),
        (FigureGroup::Product, words.by_product),
    ];
    if with_origin {
        groups.insert(0, (FigureGroup::Channel, words.by_channel));
    }
    for (group, title) in groups {
        let found = question.events(app, actor, Some(group)).await?.unwrap_or_default();
        let bars = found.iter().filter(|row| row.events > 0).take(BARS);
        let bars = bars.map(|row| (words.group(group, row), count(row.events))).collect();
        chart(parts, title, bars, false);
    }
    Ok(())
}

/// A number with its share.
fn of(part: i64, whole: i64) -> String {
    match per_cent(part, whole) {
        share if share.is_empty() => part.to_string(),
        share => format!("{part} ({share})"),
    }
}

fn count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

fn section(
    parts: &mut Vec<Part>,
    title: &str,
    note: &str,
    nothing: &str,
    head: &[&str],
    lines: impl IntoIterator<Item = Vec<String>>,
) {
    let mut lines = lines.into_iter().peekable();
    let mut text = format!("## {}\n\n{}\n\n", escaped(title), escaped(note));
    if lines.peek().is_none() {
        text.push_str(&format!("{}\n\n", escaped(nothing)));
    } else {
        text.push_str(&rows(head, lines));
    }
    parts.push(Part::Text(text));
}

/// A chart, where there is something to show.
fn chart(parts: &mut Vec<Part>, title: &str, bars: Vec<(String, u64)>, upright: bool) {
    if bars.iter().any(|(_, value)| *value > 0) {
        parts.push(Part::Chart(Chart { title: title.to_owned(), bars, upright }));
    }
}

fn clock(words: &Words, row: &DeadlineRow) -> String {
    format!("{} · {}", words.kind(row.kind), words.regime(row.regime))
}

fn deadline(words: &Words, row: &DeadlineRow) -> Vec<String> {
    let numbers = [row.met, row.breached, row.met_late, row.overdue].map(|number| number.to_string());
    let mut cells = vec![clock(words, row)];
    cells.extend(numbers);
    cells.push(per_cent(row.met, row.met + row.breached));
    cells
}

fn payout(words: &Words, row: &PayoutRow) -> Result<Vec<String>> {
    Ok(vec![
        words.stage(&row.stage).to_owned(),
        words.payout_kind(row.kind).to_owned(),
        row.count.to_string(),
        format!("{} {}", table::amount(row.amount, &row.currency)?, row.currency),
    ])
}

fn places(words: &Words, board: &Board) -> Vec<Vec<String>> {
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let line = |place: &board::Shown| {
        let name = place.name.clone().unwrap_or_else(|| words.anonymous.to_owned());
        vec![place.place.to_string(), name, number(place.accepted), number(place.points)]
    };
    board.places.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_no_markdown() {
        let cell = "a | b\n<script>x</script> [c](javascript:d) **e** `f` # ![g](h)";
        let text = rows(&["x"], [vec![cell.to_owned()]]);
        assert_eq!(text.trim_end().lines().count(), 3, "{text}");
        let page = html::report("<t>", "en", &[Part::Text(text)]).unwrap();
        for bad in ["<script", "href=", "<strong", "<code", "<img", "<t>"] {
            assert!(!page.contains(bad), "{bad} in {page}");
        }
        assert!(
            page.contains("a | b &lt;script&gt;x&lt;/script&gt; [c](javascript:d) **e** `f` # ![g](h)"),
            "{page}"
        );
    }
}
