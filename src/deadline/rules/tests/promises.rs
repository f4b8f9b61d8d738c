//! What a report, a level and a verdict ask for.

use super::*;

#[test]
fn a_clock_counts_from_the_anchor_that_its_rule_names() {
    let with = |key: &str, anchor, term| {
        let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
        let rule = story.basis.policy.rules.iter_mut().find(|rule| rule.key == key).unwrap();
        (rule.anchor, rule.term) = (anchor, Some(term));
        story.settle();
        story
    };
    let hours = |amount| Term { unit: entity::vocabulary::SpanUnit::Hours, amount };
    // Asked for at 01:00, decided ten hours later.
    let mut story = with("cra-incident-early-warning", DeadlineAnchor::DecisionMade, hours(24));
    let asked = decision::Model {
        kind: DecisionKind::SevereIncident,
        ..abroad_question(&story.facts, id(900), "analyst-1", None)
    };
    story.facts.decision_changed(&asked);
    story.later(10);
    story.decide(DecisionKind::SevereIncident, true, None);
    assert_eq!(story.due("cra-incident-early-warning"), Some(at("2026-10-13T11:00:00Z")));
    assert_eq!(
        story.due("cra-incident-notification"),
        Some(at("2026-10-15T01:00:00Z")),
        "from when it was learned of"
    );

    let mut story = with("question", DeadlineAnchor::Asked, hours(8));
    story.later(3);
    story.enter(ClockFactKind::Question, Some(id(20)), None);
    assert_eq!(story.due("question"), Some(at("2026-10-12T12:00:00Z")));
}

#[test]
fn a_platform_is_answered_in_working_days_and_the_verdict_acknowledges() {
    let mut story = Story::new(&[("src", ChannelKind::SrcPlatform)]);
    assert_eq!(story.due("src-acknowledgement"), Some(at("2026-10-15T16:00:00Z")));
    assert_eq!(story.due("src-verdict"), Some(at("2026-10-19T16:00:00Z")));
    story.later(200);
    story.send("src-verdict");
    let (first, verdict) = (story.clock("src-acknowledgement"), story.clock("src-verdict"));
    assert_eq!((first.state, verdict.state), (DeadlineState::Met, DeadlineState::Met));
    assert_eq!(verdict.breached_at, verdict.due_at, "it was late");
}

#[test]
fn what_was_given_before_it_was_asked_for_is_owed_no_more() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    story.later(1);
    story.send("notice-feedback");
    let acknowledged =
        story.basis.policy.rules.iter().find(|rule| rule.key == "src-acknowledgement").cloned();
    story.basis.policy.rules.push(Rule {
        key: "acknowledgement".to_owned(),
        channel_kinds: vec![ChannelKind::NationalDatabase],
        pauses: false,
        ..acknowledged.unwrap()
    });
    assert!(!story.plan().opens_obligation(), "the verdict acknowledged it");
    story.settle();
    let owed = story.facts.obligations.iter().find(|row| row.stage.as_deref() == Some("acknowledgement"));
    assert!(owed.unwrap().state == ObligationState::Met && !story.has("acknowledgement"));
}

#[test]
fn what_did_not_arrive_is_owed_again_by_its_old_instants() {
    let mut story = Story::new(&[("src", ChannelKind::SrcPlatform)]);
    story.later(1);
    story.send("src-verdict");
    let met: Vec<_> =
        story.facts.deadlines.iter().filter(|row| row.state == DeadlineState::Met).cloned().collect();
    assert_eq!(met.len(), 2, "the verdict, and with it the acknowledgement");
    story.facts.at += TimeDelta::hours(48);
    for row in &mut story.facts.obligations {
        (row.state, row.met_at, row.met_by_reply_id) = (ObligationState::Open, None, None);
    }
    let plan = story.plan();
    assert!(!plan.opens_obligation() && plan.deadlines.len() == 2, "no clock begins anew: {plan:#?}");
    for change in &plan.deadlines {
        let Change::Changed(before, after) = change else { panic!("{change:?}") };
        assert_eq!((before.state, after.state), (DeadlineState::Met, DeadlineState::Open));
        assert_eq!((after.due_at, after.met_at, after.anchor_at), (before.due_at, None, before.anchor_at));
    }
}

#[test]
fn waiting_for_the_reporter_pauses_the_platforms_clocks_alone_and_not_for_ever() {
    let kinds = [("src", ChannelKind::SrcPlatform), ("cnvd", ChannelKind::NationalDatabase)];
    for (waited, moved) in [(24, 1), (72, 3), (500, 3)] {
        let mut story = Story::new(&kinds);
        let published = story.due("cnvd-publication");
        story.facts.at = at("2026-10-12T16:00:00Z");
        story.facts.event.status = Status::NeedsInformation;
        story.facts.event.asked_at = Some(story.facts.at);
        story.facts.event.asked_report_id = Some(id(20));
        story.settle();
        assert_eq!(story.of_kind(DeadlineKind::Information)[0].due_at, Some(at("2026-10-15T16:00:00Z")));
        story.later(waited);
        story.facts.event.status = Status::Triaging;
        story.settle();
        assert_eq!(
            story.due("src-acknowledgement"),
            Some(at("2026-10-15T16:00:00Z") + days_off(moved)),
            "{waited}"
        );
        assert_eq!(story.due("cnvd-publication"), published);
        assert_eq!(story.of_kind(DeadlineKind::Information)[0].state, DeadlineState::Met);
    }
    let mut story = Story::new(&kinds);
    for (from, to) in
        [("2026-10-12T16:00:00Z", "2026-10-14T16:00:00Z"), ("2026-10-15T16:00:00Z", "2026-10-18T16:00:00Z")]
    {
        story.facts.at = at(from);
        story.facts.event.status = Status::NeedsInformation;
        story.facts.event.asked_at = Some(story.facts.at);
        story.facts.event.asked_report_id = Some(id(20));
        story.settle();
        story.facts.at = at(to);
        story.facts.event.status = Status::Triaging;
        story.settle();
    }
    let spans = &story.clock("src-verdict").pauses.0;
    assert_eq!(
        (spans[0].to - spans[0].from, spans[1].to - spans[1].from),
        (TimeDelta::hours(48), TimeDelta::hours(24))
    );
    assert_eq!(
        story.due("src-verdict"),
        Some(at("2026-10-22T16:00:00Z")),
        "asked twice, three days all the same"
    );
}

/// Thursday's end moved by working days: over the weekend from the second on.
fn days_off(working: i64) -> TimeDelta {
    TimeDelta::days(if working > 1 { working + 2 } else { working })
}

#[test]
fn a_question_opens_an_obligation_of_its_own() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    story.enter(ClockFactKind::Question, Some(id(20)), None);
    story.enter(ClockFactKind::Question, Some(id(20)), Some(at("2026-10-14T16:00:00Z")));
    let asked: Vec<_> =
        story.facts.obligations.iter().filter(|row| row.kind == ReplyKind::FollowUp).collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(story.due("question"), Some(at("2026-10-14T16:00:00Z")));
}

#[test]
fn what_a_database_calls_event_type_is_not_published() {
    let mut story = Story::new(&[("cnvd", ChannelKind::NationalDatabase)]);
    story.facts.reports[0].notice_type = Some(NoticeType::Generic);
    story.settle();
    assert!(story.due("cnvd-publication").is_some());
    story.facts.reports[0].notice_type = Some(NoticeType::EventType);
    story.settle();
    let clock = story.clock("cnvd-publication");
    assert_eq!(clock.state, DeadlineState::Waived);
    assert!(clock.waive_reason.as_ref().unwrap().contains("not published"));
    assert_eq!(story.clock("notice-feedback").state, DeadlineState::Open, "it is answered all the same");
    story.facts.reports[0].notice_type = None;
    story.settle();
    assert_eq!(story.clock("cnvd-publication").state, DeadlineState::Open, "the type was a mistake");
}

#[test]
fn fixes_count_from_the_first_score_and_follow_the_level() {
    let mut story = Story::new(&[("customer", ChannelKind::Customer)]);
    story.facts.product_changed(Product {
        product: product::Model { rmsv_library: None, ..product("gateway").product },
        ..product("gateway")
    });
    story.verdict(Verdict::Confirmed);
    story.level(Level::Orange);
    assert_eq!(story.due("fix-orange"), Some(at("2026-10-27T16:00:00Z")));
    assert!(story.has("customer-notice"));
    story.later(48);
    story.level(Level::Red);
    assert_eq!(story.due("mitigation-red"), Some(at("2026-10-13T01:00:00Z")), "from the same instant");
    story.level(Level::None);
    let fixes = story.of_kind(DeadlineKind::Fix);
    assert_eq!((fixes.len(), fixes[0].state), (1, DeadlineState::Waived));
    assert_eq!(story.clock("customer-notice").state, DeadlineState::Waived, "only the level opened it");
    let verdicts = story.facts.obligations.iter().filter(|row| row.kind == ReplyKind::Verdict);
    assert!(verdicts.into_iter().all(|row| row.state == ObligationState::Open), "the reply stands");
    story.level(Level::Blue);
    assert_eq!(story.clock("fix-blue").state, DeadlineState::Open, "it rose again");
    story.facts.fix_changed(&fix("gateway", RemediationState::Passed));
    story.settle();
    assert_eq!(story.clock("fix-blue").state, DeadlineState::Met);
}

#[test]
fn a_channel_that_was_answered_is_owed_a_changed_verdict() {
    let mut story = Story::new(&[("vendor", ChannelKind::Vendor)]);
    story.verdict(Verdict::NotReproducible);
    let first = &mut story.facts.obligations[0];
    (first.state, first.met_at) = (ObligationState::Met, Some(at("2026-10-12T01:00:00Z")));
    story.later(1);
    story.verdict(Verdict::NotReproducible);
    assert_eq!(story.facts.obligations.len(), 1, "the same verdict is no news");
    story.later(1);
    story.verdict(Verdict::Confirmed);
    assert_eq!(story.facts.obligations.len(), 2);
    assert_eq!(story.facts.obligations[1].trigger, "verdict changed");
}
