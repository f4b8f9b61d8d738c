//! The decision whether undisclosed content goes abroad.

use super::*;

#[test]
fn exploitation_starts_the_clocks_of_the_cra_and_asks_whether_to_report_abroad() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.exploited();
    assert_eq!(story.due("cra-early-warning"), Some(at("2026-10-13T01:00:00Z")));
    assert_eq!(story.due("cra-notification"), Some(at("2026-10-15T01:00:00Z")));
    assert_eq!(story.clock("cra-final-report").none_reason, Some(NoDeadline::NoMeasureYet));
    let asked = &story.facts.decisions[0];
    assert_eq!((asked.kind, asked.due_at), (DecisionKind::ReportAbroad, Some(at("2026-10-13T01:00:00Z"))));
    for (hours, told) in [(5, 0), (1, 25), (6, 50), (6, 75), (6, 100)] {
        story.later(hours);
        assert_eq!(story.of_kind(DeadlineKind::Decision)[0].told_percent, told);
    }
    assert_eq!(story.due("cra-early-warning"), Some(at("2026-10-13T01:00:00Z")), "the clock never stops");
    story.decide(DecisionKind::ReportAbroad, true, Some(AbroadExtent::AllowReduced));
    assert_eq!(story.of_kind(DeadlineKind::Decision)[0].state, DeadlineState::Met);
    story.facts.remediations.push(remediation::Model {
        mitigation_available_at: Some(at("2026-10-13T03:00:00Z")),
        ..fix("gateway", RemediationState::Planned)
    });
    story.settle();
    assert_eq!(
        story.due("cra-final-report"),
        Some(at("2026-10-27T23:00:00Z")),
        "midnight in Brussels, in winter"
    );
    assert_eq!(story.facts.decisions.len(), 1);
}

#[test]
fn a_refusal_waives_with_both_names_and_a_later_duty_is_asked_for_again() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.exploited();
    story.later(1);
    story.decide(DecisionKind::ReportAbroad, false, Some(AbroadExtent::Refuse));
    let waived: Vec<_> =
        story.facts.obligations.iter().map(|row| row.waive_reason.clone().unwrap()).collect();
    assert_eq!(waived.len(), 3);
    assert!(waived.iter().all(|reason| reason.contains("leader-1") && reason.contains("legal-1")));
    assert!(story.facts.deadlines.iter().all(|row| row.state != DeadlineState::Open));
    story.later(1);
    story.decide(DecisionKind::SevereIncident, true, None);
    let questions = story.facts.decisions.iter().filter(|row| row.kind == DecisionKind::ReportAbroad);
    assert_eq!(questions.count(), 2);
}

#[test]
fn the_decision_that_was_made_last_counts_and_a_refusal_taken_back_opens_the_duties_again() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.exploited();
    story.later(1);
    // Asked later than the question of the procedure, and answered before it.
    let later = decision::Model { id: id(90), ..abroad_question(&story.facts, id(90), "analyst-1", None) };
    story.facts.decisions.push(decision::Model {
        granted: Some(true),
        extent: Some(AbroadExtent::Allow),
        decided_by: Some("leader-1".to_owned()),
        decided_at: Some(story.facts.at),
        ..later
    });
    story.settle();
    story.later(1);
    story.decide(DecisionKind::ReportAbroad, false, Some(AbroadExtent::Refuse));
    let state = |story: &Story| {
        let rows = story.facts.obligations.iter().rev();
        rows.take(3).map(|row| row.state).collect::<Vec<_>>()
    };
    assert_eq!(state(&story), [ObligationState::Waived; 3], "the refusal was asked first and made last");
    let due = story.due("cra-notification");
    story.later(1);
    story.decide(DecisionKind::ReportAbroad, true, Some(AbroadExtent::Allow));
    assert_eq!((story.facts.obligations.len(), state(&story)), (6, vec![ObligationState::Open; 3]));
    let clock = story.clock("cra-notification");
    assert_eq!((clock.state, clock.due_at), (DeadlineState::Open, due), "the clock never stopped");
    story.later(1);
    story.decide(DecisionKind::ReportAbroad, false, Some(AbroadExtent::Refuse));
    assert_eq!((story.facts.obligations.len(), state(&story)), (6, vec![ObligationState::Waived; 3]));
}

#[test]
fn a_notice_that_reaches_customers_abroad_asks_for_the_decision_too() {
    let notice = |abroad| {
        let mut story = Story::new(&[("customer", ChannelKind::Customer)]);
        story.facts.product_changed(product("gateway"));
        story.verdict(Verdict::Confirmed);
        let recorded = Recorded { customer: id(70), abroad, uses: Default::default() };
        story.facts.customers.recorded.push(recorded);
        story.level(Level::Orange);
        assert!(story.has("customer-notice"));
        story.facts.decisions.iter().filter(|row| row.kind == DecisionKind::ReportAbroad).count()
    };
    assert_eq!((notice(false), notice(true)), (0, 1));
}
