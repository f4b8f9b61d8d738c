//! How a tracker is spoken to, as data: a preset's comes with the product, a custom tracker brings its own.
//!
//! Every text of a request is a template ([`template`](super::template)); a field of a body whose name ends in `?` is
//! left out where a parameter that it names was not given. Where something stands in an answer is a JSON Pointer
//! (RFC 6901).

use std::collections::{BTreeMap, BTreeSet};

use axum::http::HeaderName;
use entity::vocabulary::{RemediationState, TrackerPreset};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::template;
use crate::hook::proof::Proof;

/// Longest profile, in bytes of JSON.
const MOST_BYTES: usize = 20_000;

/// How a tracker is spoken to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What gives a token first, where one is needed.
    #[serde(default)]
    pub token: Option<TokenRequest>,
    /// Finds the ticket that carries our marker.
    pub search: Search,
    /// Makes it.
    pub create: Create,
    /// Reads it.
    pub read: Read,
    /// What has to be looked up before a status can be written.
    #[serde(default)]
    pub lookup: Option<Lookup>,
    /// Writes its status.
    pub update: Update,
    /// Reads what was said to people there.
    #[serde(default)]
    pub comments: Option<Comments>,
    /// Says something to them; goes with `comments`.
    #[serde(default)]
    pub comment: Option<Request>,
    /// Where people find it, below the base URL, when the answer does not say.
    #[serde(default)]
    pub browse: Option<String>,
    /// How its hooks prove that they are its own; none where it sends none that could, so that it is looked at in
    /// intervals.
    #[serde(default)]
    pub hook: Option<Proof>,
    /// Where a hook's body may name the ticket.
    #[serde(default)]
    pub hooks: Vec<String>,
    /// Which status stands for which state of a fix: what is told, and what somebody proposes who sets it there. A state
    /// without one is not told.
    pub statuses: BTreeMap<RemediationState, Status>,
    /// Statuses that propose that the fix is submitted, whatever else they stand for.
    #[serde(default)]
    pub ready_statuses: Vec<String>,
}

/// A status as it is written and as it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// What a request says.
    pub write: String,
    /// What an answer says afterwards.
    pub read: String,
}

/// What has to stand in an answer: trackers leave out without a word what they do not know or who asks may not set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Where it stands.
    pub at: String,
    /// What it is; a text is a template, and has to be in the text or the list that stands there. Nothing is expected
    /// where it names a parameter that is not needed and was not given.
    pub is: Value,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// GET, POST, PUT or PATCH.
    pub method: String,
    /// Below the base URL, from the slash on; what is put in is percent-encoded.
    pub url: String,
    /// The JSON body.
    #[serde(default)]
    pub body: Option<Value>,
}

macro_rules! requests {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $field_doc:literal])+ $(#[serde($($serde:tt)+)])? $field:ident: $type:ty,)* })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            /// The request.
            #[serde(flatten)]
            pub request: Request,
            $($(#[doc = $field_doc])+ $(#[serde($($serde)+)])? pub $field: $type,)*
        }
    )+};
}

requests! {
    /// Gives a token for one session.
    TokenRequest {
        /// Where the token stands.
        token: String,
    }
    /// Finds the ticket that carries our marker.
    Search {
        /// Where the list stands.
        list: String,
        /// Where an item's id stands.
        id: String,
        /// Where the marker stands in an item.
        text: String,
    }
    /// Makes a ticket.
    Create {
        /// Where its id stands.
        id: String,
        /// What it has when it is read afterwards.
        #[serde(default)]
        written: Vec<Expected>,
    }
    /// Reads a ticket.
    Read {
        /// Where its status stands.
        status: String,
        /// Where its address for people stands.
        #[serde(default)]
        link: Option<String>,
        /// What keeps it from the eyes of others, whenever it is read.
        #[serde(default)]
        confidential: Vec<Expected>,
    }
    /// Reads what was said to people there.
    Comments {
        /// Where the list stands.
        list: String,
        /// Where the words stand in an item.
        text: String,
        /// What keeps an item of ours from the eyes of others.
        #[serde(default)]
        confidential: Vec<Expected>,
        /// How many items a full page has, where the request asks for one `page` of several, from 1 on; else the answer has
        /// all that are looked for.
        #[serde(default)]
        page_size: Option<usize>,
    }
    /// Looks up by name what a status has to be written as.
    Lookup {
        /// Where the list stands.
        list: String,
        /// Where an item's name stands.
        name: String,
        /// Where stands what is then `found`.
        id: String,
    }
    /// Writes a ticket's status.
    Update {
        /// Whether the tracker refuses a change of what was changed meanwhile, by `If-Match`.
        #[serde(default)]
        if_match: bool,
    }
}

macro_rules! presets {
    ($($preset:ident $file:literal;)+) => {
        /// The text of a preset's profile; none for a custom tracker.
        fn text(preset: TrackerPreset) -> Option<&'static str> {
            match preset {
                $(TrackerPreset::$preset => Some(include_str!(concat!("presets/", $file, ".toml"))),)+
                TrackerPreset::Custom => None,
            }
        }
    };
}

presets! {
    JiraCloud "jira_cloud";
    JiraDataCenter "jira_data_center";
    ServiceNow "servicenow";
    Gitlab "gitlab";
    Github "github";
    Redmine "redmine";
    RequestTracker "request_tracker";
    Zentao "zentao";
}

/// Names that a tracker has to be given: parameters, then credentials.
pub type Needs = (BTreeSet<String>, BTreeSet<String>);

impl Profile {
    fn requests(&self) -> impl Iterator<Item = &Request> {
        let own = [&self.search.request, &self.create.request, &self.read.request, &self.update.request];
        let more = [
            self.lookup.as_ref().map(|lookup| &lookup.request),
            self.token.as_ref().map(|token| &token.request),
            self.comments.as_ref().map(|comments| &comments.request),
            self.comment.as_ref(),
        ];
        own.into_iter().chain(more.into_iter().flatten())
    }

    fn expected(&self) -> impl Iterator<Item = &Expected> {
        let comments = self.comments.iter().flat_map(|comments| &comments.confidential);
        self.create.written.iter().chain(&self.read.confidential).chain(comments)
    }

    /// Every template.
    fn templates(&self) -> Value {
        let requests: Vec<_> = self.requests().map(|request| json!([request.url, request.body])).collect();
        let expected: Vec<_> = self.expected().map(|expected| &expected.is).collect();
        json!([requests, expected, self.headers, self.browse])
    }

    /// What a tracker has to be given for these templates.
    ///
    /// # Errors
    /// The first that is no template.
    pub fn needs(&self) -> Result<Needs, minijinja::Error> {
        let names = template::names(&self.templates())?;
        let of = |kind: &str| {
            let named = |set: &BTreeSet<String>| -> BTreeSet<String> {
                set.iter().filter_map(|name| Some(name.strip_prefix(kind)?.to_owned())).collect()
            };
            &named(&names.needed) - &named(&names.optional)
        };
        Ok((of("parameters."), of("credentials.")))
    }
}

/// The profile of a preset.
///
/// # Errors
/// For a custom tracker, which brings its own.
pub fn of_preset(preset: TrackerPreset) -> anyhow::Result<Profile> {
    let text = text(preset).ok_or_else(|| anyhow::anyhow!("{preset} has no profile of its own"))?;
    Ok(toml::from_str(text)?)
}

/// A custom tracker's profile as it was sent.
///
/// # Errors
/// What is wrong with it, for who sent it.
pub fn parse(text: &str) -> Result<Profile, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("send at most {MOST_BYTES} bytes"));
    }
    let profile: Profile = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if profile.comments.is_some() != profile.comment.is_some() {
        return Err("comments and comment go together: a comment is looked for before it is made".to_owned());
    }
    for request in profile.requests() {
        if !["GET", "POST", "PUT", "PATCH"].contains(&request.method.as_str()) {
            return Err(format!("{:?} is no method: send GET, POST, PUT or PATCH", request.method));
        }
        if !request.url.starts_with('/') {
            return Err(format!("{:?} has to begin with a slash: it goes below the base URL", request.url));
        }
    }
    template::check(&profile.templates()).map_err(|error| error.to_string())?;
    if let Some(header) = profile.hook.as_ref().and_then(Proof::header)
        && HeaderName::try_from(header).is_err()
    {
        return Err(format!("{header:?} is no name of a header: name the one that proves a hook"));
    }
    if profile.hook.is_some() && profile.hooks.is_empty() {
        return Err("hooks has to say where a hook's body names the ticket".to_owned());
    }
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn every_preset_is_a_profile_as_a_custom_one_has_to_be() {
        for preset in TrackerPreset::iter().filter(|preset| *preset != TrackerPreset::Custom) {
            let profile = of_preset(preset).unwrap_or_else(|error| panic!("{preset}: {error}"));
            let again = parse(&serde_json::to_string(&profile).unwrap());
            assert_eq!(again.as_ref(), Ok(&profile), "{preset}");
            assert_eq!(profile.statuses.len(), RemediationState::iter().count(), "{preset}");
            let ready = &profile.statuses[&RemediationState::Submitted].read;
            assert!(profile.ready_statuses.contains(ready), "{preset}: what is accepted is not undone");
        }
    }

    #[test]
    fn a_profile_that_cannot_work_is_refused_with_words() {
        let mut profile = of_preset(TrackerPreset::Redmine).unwrap();
        profile.read.request.url = "https://elsewhere.example/".to_owned();
        assert!(parse(&serde_json::to_string(&profile).unwrap()).unwrap_err().contains("slash"));
        profile.read.request.url = "/{{ id".to_owned();
        assert!(parse(&serde_json::to_string(&profile).unwrap()).is_err());
        profile.read.request.url = "/".to_owned();
        profile.read.request.method = "DELETE".to_owned();
        assert!(parse(&serde_json::to_string(&profile).unwrap()).unwrap_err().contains("PATCH"));
        assert!(parse("{}").unwrap_err().contains("search"));
        let mut profile = of_preset(TrackerPreset::Redmine).unwrap();
        profile.hook = Some(Proof::SharedSecret { header: "two words".to_owned() });
        assert!(parse(&serde_json::to_string(&profile).unwrap()).unwrap_err().contains("header"));
        profile.hook = Some(Proof::StandardWebhooks);
        profile.hooks.clear();
        assert!(parse(&serde_json::to_string(&profile).unwrap()).unwrap_err().contains("names the ticket"));
    }
}
