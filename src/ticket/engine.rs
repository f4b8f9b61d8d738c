//! The conversation with a tracker, as its profile describes it. One engine for all of them.

use entity::tracker;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::profile::{Comments, Expected, Profile, Request, Status};
use super::template;
use crate::app::App;
use crate::outbound::{Answer, Client, Failure, readable};
use crate::webhook::schedule::{self, Outcome};

/// Bytes of an answer that are read: lists are the longest.
const ANSWER_BYTES: usize = 1024 * 1024;
/// Bytes of a tracker's words that are kept.
const WORDS_BYTES: usize = 500;
/// Most pages of what was said there that are read for our own words.
const MOST_PAGES: usize = 50;
/// Longest id, status or address that is taken from an answer, in bytes.
const VALUE_BYTES: usize = 500;

/// Why it did not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The tracker refuses, or its answer is of no use: a person has to look.
    Refused(String),
    /// It may do better later.
    Later {
        /// What came of it.
        outcome: Outcome,
        /// In the tracker's own words, where it has some.
        words: String,
    },
}

/// A ticket as the tracker has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its status.
    pub status: String,
    /// Where people find it.
    pub url: Option<String>,
    etag: Option<String>,
    whole: Value,
}

/// A conversation about one ticket.
pub struct Session<'a> {
    app: &'a App,
    client: &'a Client,
    base: String,
    profile: &'a Profile,
    context: Map<String, Value>,
    hidden: Vec<SecretString>,
}

type Heard<T> = Result<T, Trouble>;

fn refused(words: impl Into<String>) -> Trouble {
    Trouble::Refused(words.into())
}

impl<'a> Session<'a> {
    /// Begins one. `about` is what templates may name besides parameters and credentials.
    ///
    /// # Errors
    /// When no token is to be had.
    pub async fn open(
        app: &'a App,
        client: &'a Client,
        tracker: &tracker::Model,
        profile: &'a Profile,
        credentials: Vec<(String, SecretString)>,
        about: Map<String, Value>,
    ) -> Heard<Self> {
        let mut context = about;
        context.insert("parameters".to_owned(), tracker.parameters.clone());
        let named = credentials.iter().map(|(name, value)| (name.clone(), value.expose_secret().into()));
        context.insert("credentials".to_owned(), Value::Object(named.collect()));
        let base = tracker.base_url.trim_end_matches('/').to_owned();
        let hidden = credentials.into_iter().map(|(_, value)| value).collect();
        let mut session = Self { app, client, base, profile, context, hidden };
        if let Some(token) = &profile.token {
            let (_, answer) = session.ask_with(&token.request, HeaderMap::new()).await?;
            let given = session.value(&answer, &token.token)?;
            session.hidden.push(given.clone().into());
            session.put("token", given);
        }
        Ok(session)
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.context.insert(name.to_owned(), value.into());
    }

    /// The id of the ticket that carries our marker.
    ///
    /// # Errors
    /// What the tracker makes of it.
    pub async fn find(&self, marker: &str) -> Heard<Option<String>> {
        let search = &self.profile.search;
        let (_, answer) = self.ask(&search.request, None).await?;
        let list = answer.pointer(&search.list).and_then(Value::as_array);
        let list = list.ok_or_else(|| self.unexpected(&answer))?;
        // Trackers search by words, some loosely: it counts what the item itself says.
        let ours = list
            .iter()
            .find(|item| item.pointer(&search.text).is_some_and(|text| text.to_string().contains(marker)));
        ours.map(|item| self.value(item, &search.id)).transpose()
    }

    /// Makes the ticket and answers its id.
    ///
    /// # Errors
    /// What the tracker makes of it.
    pub async fn create(&self) -> Heard<String> {
        let (_, answer) = self.ask(&self.profile.create.request, None).await?;
        self.value(&answer, &self.profile.create.id)
    }

    /// Whether a ticket that was made has what was written.
    ///
    /// # Errors
    /// Refused, naming what it lacks.
    pub fn check_written(&self, seen: &Seen) -> Heard<()> {
        self.check(&self.profile.create.written, &seen.whole)
    }

    /// Whether a ticket is as confidential as it has to be. Some trackers leave that out without a word.
    ///
    /// # Errors
    /// Refused, naming what it lacks.
    pub fn check_confidential(&self, seen: &Seen) -> Heard<()> {
        self.check(&self.profile.read.confidential, &seen.whole)
    }

    fn check(&self, expected: &[Expected], answer: &Value) -> Heard<()> {
        let context = Value::Object(self.context.clone());
        for Expected { at, is } in expected {
            let wanted = match template::json(is, &context) {
                // It names a parameter that nobody has to give.
                Err(error) if error.kind() == minijinja::ErrorKind::UndefinedError => continue,
                wanted => wanted.map_err(|error| refused(error.to_string()))?,
            };
            let found = answer.pointer(at).unwrap_or(&Value::Null);
            if !holds(found, &wanted) {
                let found = self.words(found.to_string().as_bytes());
                return Err(refused(format!(
                    "{at} was to be {wanted} and is {found}: the tracker took the rest and left that out"
                )));
            }
        }
        Ok(())
    }

    /// Reads the ticket.
    ///
    /// # Errors
    /// What the tracker makes of it.
    pub async fn read(&mut self, id: &str) -> Heard<Seen> {
        self.put("id", id);
        let read = &self.profile.read;
        let (whole, answer) = self.ask(&read.request, None).await?;
        let given = read.link.as_ref().and_then(|link| self.value(&answer, link).ok());
        let url = match (given, &self.profile.browse) {
            (None, Some(browse)) => Some(format!("{}{}", self.base, self.path(browse)?)),
            (given, _) => given,
        };
        // Where it leads is shown to people: only what is a web address.
        let url = url.filter(|url| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "https" | "http")));
        Ok(Seen { status: self.value(&answer, &read.status)?, url, etag: whole.etag, whole: answer })
    }

    /// Writes the status of the ticket that was just read, reads it back, and answers what it then is. That a tracker
    /// says yes means nothing: some say so of a status that they do not know.
    ///
    /// # Errors
    /// What the tracker makes of it; refused when it is not as it was written.
    pub async fn write(&mut self, id: &str, seen: &Seen, status: &Status) -> Heard<Seen> {
        let profile = self.profile;
        self.put("status", status.write.as_str());
        if let Some(lookup) = &profile.lookup {
            let (_, answer) = self.ask(&lookup.request, None).await?;
            let list = answer.pointer(&lookup.list).and_then(Value::as_array);
            let list = list.ok_or_else(|| self.unexpected(&answer))?;
            let named = |item: &&Value| self.value(item, &lookup.name).ok().as_ref() == Some(&status.write);
            let Some(item) = list.iter().find(named) else {
                let offered: Vec<_> =
                    list.iter().filter_map(|item| self.value(item, &lookup.name).ok()).collect();
                let words =
                    format!("from {:?} the tracker offers {offered:?}, not {:?}", seen.status, status.write);
                return Err(refused(words));
            };
            let found = self.value(item, &lookup.id)?;
            self.put("found", found);
        }
        let etag = seen.etag.as_deref().filter(|_| profile.update.if_match);
        let (answer, _) = self.ask(&profile.update.request, etag).await?;
        let now = self.read(id).await?;
        if now.status == status.read {
            return Ok(now);
        }
        let words = format!(
            "it was to be {:?} and is {:?}; the tracker said {}: {}",
            status.read,
            now.status,
            answer.status,
            self.words(&answer.body)
        );
        Err(refused(words))
    }

    /// Says the event's number and link to the people there, once: the mark tells whether it was said before, and
    /// whether it was taken. Where a profile has no comments, nothing is said.
    ///
    /// # Errors
    /// What the tracker makes of it; refused when it is not there afterwards, or for more eyes than it was meant for.
    pub async fn remark(&mut self, id: &str, mark: &str) -> Heard<()> {
        let profile = self.profile;
        let (Some(comments), Some(comment)) = (&profile.comments, &profile.comment) else { return Ok(()) };
        self.put("id", id);
        // In brackets, so that no mark is the beginning of another.
        let mark = format!("({mark})");
        self.put("mark", mark.as_str());
        if let Some(said) = self.said(comments, &mark).await? {
            return self.check(&comments.confidential, &said);
        }
        let (answer, _) = self.ask(comment, None).await?;
        match self.said(comments, &mark).await? {
            Some(said) => self.check(&comments.confidential, &said),
            None => Err(refused(format!(
                "it is not there; the tracker said {}: {}",
                answer.status,
                self.words(&answer.body)
            ))),
        }
    }

    /// The item with our mark among what was said there.
    async fn said(&mut self, comments: &Comments, mark: &str) -> Heard<Option<Value>> {
        for page in 1..=MOST_PAGES {
            self.put("page", page.to_string());
            let (_, answer) = self.ask(&comments.request, None).await?;
            let list = answer.pointer(&comments.list).and_then(Value::as_array);
            let list = list.ok_or_else(|| self.unexpected(&answer))?;
            let ours = |item: &&Value| {
                item.pointer(&comments.text).is_some_and(|text| text.to_string().contains(mark))
            };
            if let Some(found) = list.iter().find(ours) {
                return Ok(Some(found.clone()));
            }
            if comments.page_size.is_none_or(|size| list.len() < size) {
                return Ok(None);
            }
        }
        Err(refused(format!(
            "more than {MOST_PAGES} pages were said there: our own words are not looked for further"
        )))
    }

    async fn ask(&self, request: &Request, etag: Option<&str>) -> Heard<(Answer, Value)> {
        let mut headers = HeaderMap::new();
        let context = Value::Object(self.context.clone());
        for (name, value) in &self.profile.headers {
            let value = template::text(value, &context).map_err(|error| refused(error.to_string()))?;
            let name = HeaderName::try_from(name.as_str());
            let value = HeaderValue::try_from(value);
            let (Ok(name), Ok(mut value)) = (name, value) else {
                return Err(refused("a header of the profile is none once its values are put in"));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if let Some(etag) = etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
            headers.insert(IF_MATCH, etag);
        }
        self.ask_with(request, headers).await
    }

    async fn ask_with(&self, request: &Request, mut headers: HeaderMap) -> Heard<(Answer, Value)> {
        let context = Value::Object(self.context.clone());
        let url = format!("{}{}", self.base, self.path(&request.url)?);
        let url = Url::parse(&url).map_err(|error| refused(format!("the profile makes no URL: {error}")))?;
        let method = Method::try_from(request.method.as_str());
        let method = method.map_err(|_| refused("the profile names no method"))?;
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        let body = match &request.body {
            Some(body) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                template::json(body, &context).map_err(|error| refused(error.to_string()))?.to_string()
            }
            None => String::new(),
        };
        let answer = self.client.send(method, &url, headers, body, ANSWER_BYTES).await;
        let answer = answer.map_err(|failure| match failure {
            Failure::Refused(refusal) => refused(format!("not sent: {refusal}")),
            other => Trouble::Later { outcome: Outcome::Failed, words: other.to_string() },
        })?;
        let outcome = schedule::outcome(answer.status, answer.retry_after.as_deref(), self.app.clock.now());
        let words = || format!("{}: {}", answer.status, self.words(&answer.body));
        match (outcome, answer.status) {
            (Outcome::Delivered, _) => {}
            // Changed meanwhile, too slow, too early, or its own fault: it may do better.
            (Outcome::Busy(_), _) | (_, 408 | 409 | 412 | 425 | 500..) => {
                return Err(Trouble::Later { outcome, words: words() });
            }
            _ => return Err(refused(words())),
        }
        if answer.broken {
            let words = format!("{}: the answer broke off or did not end in time", answer.status);
            return Err(Trouble::Later { outcome: Outcome::Failed, words });
        }
        if answer.cut {
            let words = format!(
                "{}: the answer has more than {ANSWER_BYTES} bytes: let the profile ask for less at once",
                answer.status
            );
            return Err(refused(words));
        }
        // A change may be answered with nothing.
        let value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        Ok((answer, value))
    }

    fn path(&self, template: &str) -> Heard<String> {
        let context = Value::Object(self.context.clone());
        template::url(template, &context).map_err(|error| refused(error.to_string()))
    }

    /// A short text or a number that has to stand at `pointer`.
    fn value(&self, answer: &Value, pointer: &str) -> Heard<String> {
        let text = match answer.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return Err(self.unexpected(answer)),
        };
        let plain = !text.is_empty() && text.len() <= VALUE_BYTES && !text.chars().any(char::is_control);
        // As a segment of a path these would lead elsewhere.
        if plain && text != "." && text != ".." { Ok(text) } else { Err(self.unexpected(answer)) }
    }

    fn unexpected(&self, answer: &Value) -> Trouble {
        refused(format!(
            "the answer is not as the profile says: {}",
            self.words(answer.to_string().as_bytes())
        ))
    }

    fn words(&self, body: &[u8]) -> String {
        readable(body, self.hidden.iter().map(ExposeSecret::expose_secret), WORDS_BYTES)
    }
}

/// Whether what was found is what was wanted: a wanted text stands in a text, or in one of a list's or an object's.
fn holds(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(found), Value::String(wanted)) => found.contains(wanted.as_str()),
        (Value::Array(items), Value::String(_)) => items.iter().any(|item| holds(item, wanted)),
        (Value::Object(fields), Value::String(_)) => fields.values().any(|field| holds(field, wanted)),
        _ => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_wanted_is_there_or_it_is_not() {
        for (found, wanted, is_there) in [
            (json!(true), json!(true), true),
            (json!(false), json!(true), false),
            (Value::Null, json!(true), false),
            (json!("[1] A hole (m-1)"), json!("m-1"), true),
            (json!(["a", "m-1"]), json!("m-1"), true),
            (json!([{ "name": "m-1" }]), json!("m-1"), true),
            (json!([]), json!("m-1"), false),
            (Value::Null, json!("m-1"), false),
            (json!(1), json!("1"), false),
        ] {
            assert_eq!(holds(&found, &wanted), is_there, "{found} for {wanted}");
        }
    }
}
