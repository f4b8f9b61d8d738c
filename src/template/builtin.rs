//! Templates that come with the product: files with their settings in front, embedded.

use std::sync::LazyLock;

use entity::vocabulary::{ChannelKind, ReplyFormat, ReplyKind, Verdict};
use rust_embed::RustEmbed;
use serde::Deserialize;

use super::Template;

#[derive(RustEmbed)]
#[folder = "src/template/builtin"]
struct Files;

/// What stands in front of a file, between two lines `+++`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    name: String,
    kind: ReplyKind,
    channel_kind: Option<ChannelKind>,
    regime: Option<String>,
    stage: Option<String>,
    verdict: Option<Verdict>,
    language: String,
    subject: String,
    #[serde(default)]
    required: Vec<String>,
    formats: Vec<ReplyFormat>,
}

/// Those of the files that are templates: a test sees to it that all are.
static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let mut templates: Vec<_> = Files::iter().filter_map(|file| read(&file).ok()).collect();
    templates.sort_by(|a, b| a.key.cmp(&b.key));
    templates
});

/// Every built-in template, by key.
pub fn all() -> &'static [Template] {
    &TEMPLATES
}

fn read(file: &str) -> anyhow::Result<Template> {
    let embedded = Files::get(file).ok_or_else(|| anyhow::anyhow!("{file} is missing"))?;
    let text = std::str::from_utf8(&embedded.data)?;
    let parts = text.strip_prefix("+++\n").and_then(|rest| rest.split_once("\n+++\n"));
    let (front, body) = parts.ok_or_else(|| anyhow::anyhow!("{file} has no settings in front"))?;
    let front: Front = toml::from_str(front)?;
    Ok(Template {
        key: file.trim_end_matches(".md").to_owned(),
        number: 0,
        builtin: true,
        active: true,
        version: 0,
        name: front.name,
        channel: None,
        channel_kind: front.channel_kind,
        kind: front.kind,
        regime: front.regime,
        stage: front.stage,
        verdict: front.verdict,
        language: front.language,
        subject: front.subject,
        body: body.trim().to_owned(),
        required: front.required,
        formats: front.formats,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::rules;

    #[test]
    fn every_file_is_a_template_that_names_facts_alone() {
        let mut count = 0;
        for file in Files::iter() {
            let template = read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
            rules::check(&template).unwrap_or_else(|error| panic!("{file}: {error:?}"));
            crate::channel::key("key", &template.key).unwrap();
            count += 1;
        }
        assert_eq!(count, all().len());
        assert!(count > 30, "{count}");
    }

    #[test]
    fn every_regime_has_its_stages_and_the_facts_that_they_need() {
        for (regime, kind, stage, fact) in [
            ("rmsv", ReplyKind::Notification, Some("report"), "technical_characteristics"),
            ("rmsv", ReplyKind::FixDone, Some("update"), "measures_taken"),
            ("cnvd", ReplyKind::Verdict, None, "verdict"),
            ("cnnvd", ReplyKind::Verdict, None, "verdict"),
            ("cra-exploited", ReplyKind::EarlyWarning, None, "member_states"),
            ("cra-exploited", ReplyKind::Notification, None, "exploit_nature"),
            ("cra-exploited", ReplyKind::FinalReport, None, "impact"),
            ("cra-incident", ReplyKind::EarlyWarning, None, "suspected_malicious"),
            ("cra-incident", ReplyKind::Notification, None, "incident_assessment"),
            ("cra-incident", ReplyKind::FinalReport, None, "root_cause"),
            ("cac-incident", ReplyKind::EarlyWarning, None, "incident_summary"),
            ("cert-cc", ReplyKind::Verdict, None, "explanation"),
            ("src", ReplyKind::Acknowledgement, None, "report_received_on"),
            ("src", ReplyKind::Verdict, None, "verdict"),
        ] {
            let found = all().iter().find(|template| {
                template.regime.as_deref() == Some(regime)
                    && template.kind == kind
                    && template.stage.as_deref() == stage
            });
            let found = found.unwrap_or_else(|| panic!("{regime} {kind} {stage:?}"));
            assert!(found.required.iter().any(|name| name == fact), "{regime} {kind}: {fact}");
        }
        // What the single reporting platform asks for at each of its stages.
        let common =
            ["company", "title", "product_names", "product_type", "product_categories", "member_states"];
        let of_cra =
            |template: &&Template| template.regime.as_deref().is_some_and(|name| name.starts_with("cra-"));
        let mut stages = 0;
        for template in all().iter().filter(of_cra) {
            for fact in common {
                assert!(template.required.iter().any(|name| name == fact), "{}: {fact}", template.key);
                assert!(template.body.contains(&format!("{{{{ {fact} }}}}")), "{}: {fact}", template.key);
            }
            stages += 1;
        }
        assert_eq!(stages, 6);
    }
}
