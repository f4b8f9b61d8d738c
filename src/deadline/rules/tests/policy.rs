//! Policies, and what makes them contradict themselves.

use super::*;

#[test]
fn the_built_in_policy_holds_and_survives_a_file() {
    let policy = default_policy().unwrap();
    assert_eq!(policy.faults(), []);
    let text = toml::to_string_pretty(&policy).unwrap();
    assert_eq!(toml::from_str::<Policy>(&text).unwrap(), policy);
}

#[test]
fn a_policy_that_contradicts_itself_says_where() {
    let first_of = |key: &str, change: fn(&mut Rule)| {
        let mut policy = default_policy().unwrap();
        let rule = policy.rules.iter_mut().find(|rule| rule.key == key).unwrap();
        change(rule);
        policy.faults().first().map(|fault| fault.field)
    };
    type Fault = fn(&mut Rule);
    let table: [(&str, Fault, &str); 17] = [
        ("affected-customers", |rule| rule.recipient = None, "recipient"),
        ("affected-customers", |rule| rule.anchor = DeadlineAnchor::Received, "anchor"),
        ("affected-customers", |rule| rule.pauses = true, "pauses"),
        ("affected-customers", |rule| rule.since = "2026-01-01".parse().ok(), "since"),
        ("rmsv-report", |rule| rule.central_organ = Some(true), "centralOrgan"),
        ("src-verdict", |rule| rule.term = rule.term.map(|term| Term { amount: 4_001, ..term }), "term"),
        (
            "cra-incident-final-report",
            |rule| rule.term = rule.term.map(|term| Term { amount: 1_201, ..term }),
            "term",
        ),
        ("src-verdict", |rule| rule.key = "src-acknowledgement".to_owned(), "key"),
        ("src-verdict", |rule| rule.reply = None, "reply"),
        ("src-verdict", |rule| rule.term = rule.term.map(|term| Term { amount: 0, ..term }), "term"),
        ("notice-feedback", |rule| rule.pauses = true, "pauses"),
        ("rmsv-report", |rule| rule.recipient = None, "recipient"),
        ("rmsv-report", |rule| rule.levels = vec![Level::Red], "levels"),
        ("cra-incident-final-report", |rule| rule.after = Some("src-verdict".to_owned()), "after"),
        ("fix-orange", |rule| rule.levels = vec![Level::Red], "levels"),
        ("fix-red", |rule| rule.term = None, "term"),
        ("cnvd-publication", |rule| rule.channels = vec!["cert-cc".to_owned()], "levels"),
    ];
    for (key, change, field) in table {
        assert_eq!(first_of(key, change), Some(field), "{key}: {field}");
    }
}

#[test]
fn a_rule_to_which_those_before_it_leave_nothing_is_refused_together_or_alone() {
    use ChannelKind::{Customer, SrcPlatform, Vendor};
    let all = default_policy().unwrap().rules;
    let rule = |key: &str| all.iter().find(|rule| rule.key == key).unwrap().clone();
    let last_is_dead = |rules: Vec<Rule>| {
        let rules = rules.into_iter().enumerate();
        let rules =
            rules.map(|(number, rule)| Rule { key: format!("rule-{number}"), after: None, ..rule }).collect();
        let faults = Policy { rules }.faults();
        let last =
            faults.iter().filter(|fault| fault.message.contains("never be used")).map(|fault| fault.rule);
        last.collect::<Vec<_>>()
    };
    let none: [usize; 0] = [];
    let of_levels = |levels: &[Level]| Rule { levels: levels.to_vec(), ..rule("fix-red") };
    let (red, orange) = (of_levels(&[Level::Red]), of_levels(&[Level::Orange]));
    assert_eq!(last_is_dead(vec![red.clone(), orange.clone(), of_levels(&[Level::Red, Level::Orange])]), [2]);
    assert_eq!(last_is_dead(vec![red, orange, of_levels(&[Level::Red, Level::Yellow])]), none);
    let by = |kinds: &[ChannelKind], channels: &[&str]| Rule {
        channel_kinds: kinds.to_vec(),
        channels: channels.iter().map(|&key| key.to_owned()).collect(),
        pauses: false,
        ..rule("src-verdict")
    };
    assert_eq!(
        last_is_dead(vec![by(&[SrcPlatform], &[]), by(&[Vendor], &[]), by(&[Vendor, SrcPlatform], &["a"])]),
        [2]
    );
    assert_eq!(
        last_is_dead(vec![by(&[SrcPlatform], &[]), by(&[Vendor], &[]), by(&[Vendor, Customer], &[])]),
        none
    );
    assert_eq!(last_is_dead(vec![by(&[], &["a"]), by(&[], &["b"]), by(&[], &["b", "a"])]), [2]);
    assert_eq!(last_is_dead(vec![by(&[], &["a"]), by(&[], &[])]), none, "there are others");
    let of_network =
        |critical| Rule { critical_infrastructure: critical, ..rule("cra-incident-early-warning") };
    let of_network = |critical| Rule { trigger: DeadlineTrigger::NetworkIncident, ..of_network(critical) };
    assert_eq!(last_is_dead(vec![of_network(Some(true)), of_network(Some(false)), of_network(None)]), [2]);
    assert_eq!(last_is_dead(vec![of_network(Some(true)), of_network(None)]), none);
    let of_organ = |critical, central| Rule { central_organ: central, ..of_network(critical) };
    let (rest, both) = (of_organ(Some(false), Some(true)), of_organ(Some(false), Some(false)));
    assert_eq!(last_is_dead(vec![of_network(Some(true)), rest.clone(), both, of_network(None)]), [3]);
    assert_eq!(last_is_dead(vec![of_network(Some(true)), rest, of_network(None)]), none);
    let to_customers = |levels: &[Level]| Rule { levels: levels.to_vec(), ..rule("affected-customers") };
    assert_eq!(last_is_dead(vec![to_customers(&[]), to_customers(&[Level::Red])]), [1]);
    assert_eq!(last_is_dead(vec![to_customers(&[Level::Red]), to_customers(&[])]), none);
    let from = |day: &str| Rule { since: Some(day.parse().unwrap()), ..rule("cra-early-warning") };
    assert_eq!(last_is_dead(vec![from("2026-09-11"), from("2027-01-01")]), [1]);
    assert_eq!(last_is_dead(vec![from("2027-01-01"), from("2026-09-11")]), none, "before that day it holds");
    let waiting = Rule { waits_for_anchor: true, ..rule("cra-final-report") };
    assert_eq!(last_is_dead(vec![waiting, rule("cra-final-report")]), none, "until then the other holds");
}

#[test]
fn only_days_and_months_are_rolled_over() {
    let rules = default_policy().unwrap().rules;
    let rule = rules.into_iter().find(|rule| rule.key == "cra-final-report").unwrap();
    let with = |unit, rolls_over| {
        let term = Some(Term { unit, amount: 2 });
        let policy = Policy { rules: vec![Rule { term, rolls_over, ..rule.clone() }] };
        policy.faults().into_iter().map(|fault| fault.field).collect::<Vec<_>>()
    };
    for unit in [SpanUnit::CalendarDays, SpanUnit::Months] {
        assert_eq!(with(unit, true), [""; 0]);
    }
    for unit in [SpanUnit::Hours, SpanUnit::WorkingDays, SpanUnit::WorkingHours] {
        assert_eq!(with(unit, true), ["rollsOver"]);
        assert_eq!(with(unit, false), [""; 0]);
    }
}
