//! Which template fits, whether a text is a template, and what is made from one.

use entity::vocabulary::{ChannelKind, ReplyFormat, ReplyKind, Verdict};
use uuid::Uuid;

use super::engine::{self, Writes};
use super::facts::{self, Description, Facts};
use super::{Made, Template};
use crate::error::{Error, Refusal, RefusalCode, Result};

/// Formats that a reply can be rendered to; the rest are envelopes.
pub const FORMATS: [ReplyFormat; 4] =
    [ReplyFormat::Text, ReplyFormat::Html, ReplyFormat::Docx, ReplyFormat::Pdf];

/// What a template is looked for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The channel and its kind.
    pub channel: (Uuid, ChannelKind),
    /// What is answered.
    pub kind: ReplyKind,
    /// The regime, where one is named.
    pub regime: Option<&'a str>,
    /// The stage, where one is named.
    pub stage: Option<&'a str>,
    /// The event's verdict.
    pub verdict: Option<Verdict>,
    /// BCP 47 tag.
    pub language: &'a str,
}

/// Those that fit, the most particular first: for the channel before its kind, for the verdict before any, for the
/// language as it is before one that shares its first part, and a stored one before a built-in one.
pub fn fitting<'a>(templates: &'a [Template], wanted: &Wanted<'_>) -> Vec<&'a Template> {
    let mut fitting: Vec<_> = templates.iter().filter_map(|t| Some((rank(t, wanted)?, t))).collect();
    fitting.sort_by(|(a, first), (b, second)| b.cmp(a).then_with(|| first.key.cmp(&second.key)));
    fitting.into_iter().map(|(_, template)| template).collect()
}

fn rank(template: &Template, wanted: &Wanted<'_>) -> Option<[u8; 7]> {
    if !template.active || template.kind != wanted.kind {
        return None;
    }
    let fits = |own: Option<bool>| match own {
        Some(false) => None,
        Some(true) => Some(1),
        None => Some(0),
    };
    let first = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let language = if template.language.eq_ignore_ascii_case(wanted.language) {
        1
    } else if first(&template.language) == first(wanted.language) {
        0
    } else {
        return None;
    };
    // One of another regime answers something else. Where none is named, one of none in particular goes first.
    let named = |own: Option<&str>, wanted: Option<&str>| match (own, wanted) {
        (Some(own), Some(wanted)) => (own == wanted).then_some(2),
        (None, _) => Some(1),
        (Some(_), None) => Some(0),
    };
    Some([
        fits(template.channel.map(|id| id == wanted.channel.0))?,
        named(template.regime.as_deref(), wanted.regime)?,
        named(template.stage.as_deref(), wanted.stage)?,
        fits(template.verdict.map(|verdict| Some(verdict) == wanted.verdict))?,
        fits(template.channel_kind.map(|kind| kind == wanted.channel.1))?,
        language,
        u8::from(!template.builtin),
    ])
}

/// Whether a template is one: its syntax, names of facts alone, and no more work than is allowed.
///
/// # Errors
/// BAD_USER_INPUT naming the field and what is wrong.
pub fn check(template: &Template) -> Result<()> {
    for (field, text, writes) in
        [("input.subject", &template.subject, Writes::Line), ("input.body", &template.body, Writes::Markdown)]
    {
        let wrong =
            |error: minijinja::Error| Error::bad_input(field, format!("this is no template: {error}"));
        for name in engine::names(text).map_err(wrong)? {
            if facts::described(&name).is_none() {
                let message = format!("there is no fact {name:?}: templateFacts lists those there are");
                return Err(Error::bad_input(field, message));
            }
        }
        engine::render(text, &Facts::sample(), writes, &template.language).map_err(wrong)?;
        engine::render(text, &Facts::default(), writes, &template.language).map_err(wrong)?;
    }
    for name in &template.required {
        if facts::described(name).is_none() {
            let message = format!("there is no fact {name:?}: templateFacts lists those there are");
            return Err(Error::bad_input("input.required", message));
        }
    }
    formats("input.formats", &template.formats)
}

/// Whether a reply can be rendered to these.
///
/// # Errors
/// BAD_USER_INPUT naming `field`.
pub fn formats(field: &str, formats: &[ReplyFormat]) -> Result<()> {
    if formats.is_empty() || !formats.iter().all(|format| FORMATS.contains(format)) {
        return Err(Error::bad_input(field, "send one or more of TEXT, HTML, DOCX and PDF"));
    }
    Ok(())
}

/// Makes subject and body from a template.
///
/// # Errors
/// BAD_USER_INPUT when the template asks for too much.
pub fn make(template: &Template, facts: &Facts, language: &str) -> Result<Made> {
    let wrong = |error: minijinja::Error| {
        let message = format!("the template {:?} cannot be filled: {error}", template.key);
        Error::bad_input("input.fromTemplate", message)
    };
    Ok(Made {
        subject: engine::render(&template.subject, facts, Writes::Line, language).map_err(wrong)?,
        body: engine::render(&template.body, facts, Writes::Markdown, language)
            .map_err(wrong)?
            .trim()
            .to_owned(),
        missing: facts.missing(&template.required),
    })
}

/// The refusals for facts that a reply needs and that are not there.
pub fn missing_refusals(missing: &[Description]) -> Vec<Refusal> {
    let refusal = |fact: &Description| {
        let how = if fact.supplied {
            "supply it (reviseReply, facts)"
        } else {
            "record it on the event, or supply it"
        };
        Refusal::new(RefusalCode::MissingFact, format!("{} is missing: {how}. {}", fact.name, fact.meaning))
    };
    missing.iter().map(refusal).collect()
}

/// The refusal for a text that has a place to fill.
pub fn unfilled(subject: &str, body: &str) -> Option<Refusal> {
    let left = engine::PLACEHOLDERS.into_iter().find(|left| {
        // In a body made from a template, brackets may stand escaped.
        let escaped = left.replace('[', "\\[").replace(']', "\\]");
        [subject, body].iter().any(|text| text.contains(left) || text.contains(&escaped))
    })?;
    let message = format!("the text still has a place to fill, {left}: revise it first (reviseReply)");
    Some(Refusal::new(RefusalCode::MissingFact, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::builtin;

    fn wanted<'a>(kind: ReplyKind, channel: ChannelKind, language: &'a str) -> Wanted<'a> {
        let channel = (Uuid::from_u128(1), channel);
        Wanted { channel, kind, regime: None, stage: None, verdict: None, language }
    }

    fn best(wanted: &Wanted<'_>) -> Option<&'static str> {
        fitting(builtin::all(), wanted).first().map(|template| template.key.as_str())
    }

    #[test]
    fn the_most_particular_template_comes_first() {
        use ChannelKind::{NationalDatabase, Regulator, SrcPlatform};
        let verdict = |verdict| Wanted {
            verdict: Some(verdict),
            ..wanted(ReplyKind::Verdict, NationalDatabase, "zh-CN")
        };
        assert_eq!(best(&verdict(Verdict::EndOfLife)), Some("verdict-end-of-life-zh"));
        assert_eq!(best(&verdict(Verdict::NotReproducible)), Some("verdict-not-reproducible-zh"));
        let cnvd = Wanted { regime: Some("cnvd"), ..verdict(Verdict::Confirmed) };
        assert_eq!(best(&cnvd), Some("cnvd-confirmed-zh"));
        let cra =
            Wanted { regime: Some("cra-incident"), ..wanted(ReplyKind::EarlyWarning, Regulator, "en-IE") };
        assert_eq!(best(&cra), Some("cra-incident-early-warning-en"));
        let src = Wanted { regime: Some("src"), ..wanted(ReplyKind::Acknowledgement, SrcPlatform, "zh-CN") };
        assert_eq!(best(&src), Some("src-acknowledgement-zh"));
        assert_eq!(
            best(&wanted(ReplyKind::Acknowledgement, SrcPlatform, "zh-CN")),
            Some("acknowledgement-zh")
        );
        assert_eq!(best(&wanted(ReplyKind::Verdict, SrcPlatform, "fr")), None);
    }

    #[test]
    fn a_stored_template_goes_before_a_built_in_one_and_one_for_the_channel_before_both() {
        let built_in = builtin::all().iter().find(|t| t.key == "src-acknowledgement-zh").unwrap();
        let stored = Template { key: "ours".to_owned(), builtin: false, ..built_in.clone() };
        let ours = Template {
            key: "for-channel".to_owned(),
            channel: Some(Uuid::from_u128(1)),
            builtin: false,
            ..built_in.clone()
        };
        let other = Template { channel: Some(Uuid::from_u128(2)), key: "other".to_owned(), ..ours.clone() };
        let retired = Template { active: false, key: "retired".to_owned(), ..ours.clone() };
        let all = [built_in.clone(), stored, ours, other, retired];
        let wanted = Wanted {
            regime: Some("src"),
            ..wanted(ReplyKind::Acknowledgement, ChannelKind::SrcPlatform, "zh-CN")
        };
        let keys: Vec<_> = fitting(&all, &wanted).into_iter().map(|template| template.key.as_str()).collect();
        assert_eq!(keys, ["for-channel", "ours", "src-acknowledgement-zh"]);
    }

    #[test]
    fn what_is_no_template_is_refused_by_field() {
        let good = builtin::all()[0].clone();
        let refused = |template: Template| match check(&template) {
            Err(Error::BadInput { field, message }) => (field, message),
            other => panic!("{other:?}"),
        };
        let (field, message) = refused(Template { body: "{{ reporter }}".to_owned(), ..good.clone() });
        assert!(field == "input.body" && message.contains("reporter"), "{field} {message}");
        let looping = "{% for i in [1,2,3,4,5,6,7,8,9] %}".repeat(9) + "x" + &"{% endfor %}".repeat(9);
        assert_eq!(refused(Template { body: looping, ..good.clone() }).0, "input.body");
        assert_eq!(refused(Template { subject: "{{ ".to_owned(), ..good.clone() }).0, "input.subject");
        assert_eq!(
            refused(Template { required: vec!["colour".to_owned()], ..good.clone() }).0,
            "input.required"
        );
        assert_eq!(refused(Template { formats: vec![ReplyFormat::Mail], ..good }).0, "input.formats");
    }

    #[test]
    fn a_place_to_fill_is_found() {
        assert!(unfilled("a", "b 【待补充】").is_some() && unfilled("[to be supplied]", "").is_some());
        assert!(unfilled("a", "to be supplied").is_none());
    }
}
