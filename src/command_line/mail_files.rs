//! `vulndesk intake mail`: mailboxes in, a summary out.

use crate::app::App;
use crate::error::Error;
use crate::mail::{Outcome, reader, source, take};
use anyhow::{Context, bail};

use super::cli::MailArgs;
use super::say;

/// Mails that a summary lists of each kind; all are counted.
const LISTED: usize = 100;

/// What became of the mails of one path.
#[derive(Default)]
struct Summary {
    received: u64,
    joined: u64,
    known: u64,
    bounced: u64,
    automatic: Remarks,
    refused: Remarks,
}

#[derive(Default)]
struct Remarks {
    count: u64,
    first: Vec<String>,
}

impl Remarks {
    fn add(&mut self, place: &str, words: &str) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(format!("{place}: {words}"));
        }
    }

    fn list(&self, what: &str) -> anyhow::Result<()> {
        for remark in &self.first {
            say(&format!("  {what}, {remark}\n"))?;
        }
        let more = self.count.saturating_sub(self.first.len() as u64);
        if more > 0 { say(&format!("  and {more} more of this kind\n")) } else { Ok(()) }
    }
}

/// Takes the mails at every path, prints each one's summary, and fails when one could not be read to its end.
pub(crate) async fn run(app: &App, args: &MailArgs) -> anyhow::Result<()> {
    let actor = reader(&args.subject, &args.channel);
    let mut failed = 0;
    for path in &args.paths {
        let mails =
            source::mails(path, app.mailroom.message_bytes).with_context(|| path.display().to_string())?;
        let mut summary = Summary::default();
        for (place, mail) in mails {
            let mail = match mail {
                Ok(mail) => mail,
                Err(error) => {
                    summary.refused.add(&place, &error.to_string());
                    failed += 1;
                    continue;
                }
            };
            let outcome = take(app, &actor, &args.channel, &mail, args.dry_run).await;
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(Error::Internal(cause)) => {
                    summary.refused.add(&place, &format!("it could not be recorded: {cause:#}"));
                    failed += 1;
                    continue;
                }
                Err(Error::Refused(refusals)) => {
                    let words: Vec<_> = refusals.into_iter().map(|refusal| refusal.message).collect();
                    bail!("--channel: {}", words.join("; "));
                }
                Err(other) => return Err(other.told()).context(place),
            };
            match outcome {
                Outcome::Received => summary.received += 1,
                Outcome::Joined => summary.joined += 1,
                Outcome::AlreadyKnown => summary.known += 1,
                Outcome::Bounced => summary.bounced += 1,
                Outcome::Automatic(reason) => summary.automatic.add(&place, reason.as_str()),
                Outcome::Refused(words) => summary.refused.add(&place, &words),
            }
        }
        let dry = if args.dry_run { " (dry run, nothing written)" } else { "" };
        say(&format!(
            "{}: {} received, {} joined, {} already known, {} bounces, {} automatic, {} refused{dry}\n",
            path.display(),
            summary.received,
            summary.joined,
            summary.known,
            summary.bounced,
            summary.automatic.count,
            summary.refused.count
        ))?;
        summary.automatic.list("automatic")?;
        summary.refused.list("refused")?;
    }
    if failed > 0 {
        bail!("{failed} of the mails could not be read or recorded; the others stand");
    }
    Ok(())
}
