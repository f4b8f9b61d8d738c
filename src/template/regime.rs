//! Which regime and stage of a template answer an obligation: the one place where the two vocabularies meet.

use entity::vocabulary::{Regime, ReplyKind};

/// What a template that answers an obligation is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Its regime; none where one of no regime in particular answers.
    pub regime: Option<&'static str>,
    /// Its stage of the regime.
    pub stage: Option<&'static str>,
}

impl Answers {
    /// Whether what is for this regime answers something else. Where no regime in particular is asked for, any does.
    pub fn is_other(&self, regime: &str) -> bool {
        self.regime.is_some_and(|own| own != regime)
    }
}

/// What answers a reply of `kind` that is owed under `regime` to the channel with this key.
pub fn of(regime: Option<Regime>, kind: ReplyKind, channel: &str) -> Answers {
    let regime = match regime {
        Some(Regime::SrcPromise) => Some("src"),
        Some(Regime::Rmsv) => Some("rmsv"),
        Some(Regime::CraVulnerability) => Some("cra-exploited"),
        Some(Regime::CraIncident) => Some("cra-incident"),
        Some(Regime::CacIncident) => Some("cac-incident"),
        Some(Regime::Coordination) => Some("cert-cc"),
        Some(Regime::Customer) => Some("customer"),
        // What a database's or coordinator's own form is follows from who it is.
        Some(Regime::Notice) | None => match channel {
            "cnvd" => Some("cnvd"),
            "cnnvd" => Some("cnnvd"),
            "cert-cc" => Some("cert-cc"),
            _ => None,
        },
        Some(Regime::Fix | Regime::Procedure) => None,
    };
    let stage = match (regime, kind) {
        (Some("rmsv"), ReplyKind::Notification) => Some("report"),
        (Some("rmsv"), ReplyKind::FixDone) => Some("update"),
        _ => None,
    };
    Answers { regime, stage }
}

#[cfg(test)]
mod tests {
    use entity::vocabulary::{ChannelKind, DeadlineTrigger, Verdict};
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;
    use crate::channel;
    use crate::deadline::rules::{Rule, default_policy};
    use crate::template::builtin;
    use crate::template::rules::{Wanted, fitting};

    /// Every channel that a rule of the built-in policy may be about: key, kind, languages.
    fn channels(rule: &Rule) -> Vec<(String, ChannelKind, Vec<String>)> {
        let both = || vec!["zh-CN".to_owned(), "en".to_owned()];
        if let Some(key) = &rule.recipient {
            let known = channel::builtin::ALL.iter().find(|known| known.key == key);
            let known = known.unwrap_or_else(|| panic!("{key} is not known"));
            return vec![(key.clone(), known.kind, vec![known.language.to_owned()])];
        }
        if rule.channels.is_empty() {
            let kinds = if rule.channel_kinds.is_empty() {
                ChannelKind::iter().collect()
            } else {
                rule.channel_kinds.clone()
            };
            return kinds.into_iter().map(|kind| ("any".to_owned(), kind, both())).collect();
        }
        let named = |key: &String| match key.as_str() {
            "cnvd" => (key.clone(), ChannelKind::NationalDatabase, vec!["zh-CN".to_owned()]),
            "cert-cc" => (key.clone(), ChannelKind::Vendor, vec!["en".to_owned()]),
            other => panic!("what is {other}?"),
        };
        rule.channels.iter().map(named).collect()
    }

    #[test]
    fn every_reply_that_the_built_in_policy_asks_for_has_a_template_in_its_channels_language() {
        let mut asked = 0;
        for rule in default_policy().unwrap().rules {
            let Some(kind) = rule.reply else { continue };
            for (key, channel, languages) in channels(&rule) {
                let answers = of(Some(rule.regime), kind, &key);
                for language in &languages {
                    for verdict in Verdict::iter() {
                        let wanted = Wanted {
                            channel: (Uuid::nil(), channel),
                            kind,
                            regime: answers.regime,
                            stage: answers.stage,
                            verdict: Some(verdict),
                            language,
                        };
                        let best = fitting(builtin::all(), &wanted).first().copied();
                        let best = best.unwrap_or_else(|| {
                            panic!("{}: no {kind} for {channel} in {language} after {verdict}", rule.key)
                        });
                        // A legal duty of one's own has a form of its own.
                        let own = rule.trigger != DeadlineTrigger::ReportReceived && rule.recipient.is_some();
                        if own {
                            assert!(answers.regime.is_some(), "{}", rule.key);
                            assert_eq!(best.regime.as_deref(), answers.regime, "{}", rule.key);
                            assert_eq!(best.stage.as_deref(), answers.stage, "{}", rule.key);
                        }
                        asked += 1;
                    }
                }
            }
        }
        assert!(asked > 100, "{asked}");
    }

    #[test]
    fn every_regime_of_a_template_answers_something() {
        let mut answered: Vec<_> = Regime::iter()
            .map(Some)
            .chain([None])
            .flat_map(|regime| ["cnvd", "cnnvd", "cert-cc", "any"].map(|channel| (regime, channel)))
            .flat_map(|(regime, channel)| ReplyKind::iter().map(move |kind| of(regime, kind, channel)))
            .collect();
        answered.dedup();
        for template in builtin::all() {
            let (regime, stage) = (template.regime.as_deref(), template.stage.as_deref());
            let found = answered.iter().any(|one| one.regime == regime && one.stage == stage);
            assert!(found, "nothing asks for {}", template.key);
        }
    }
}
