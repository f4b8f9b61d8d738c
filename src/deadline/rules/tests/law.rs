//! Duties that the law opens.

use super::*;

#[test]
fn what_is_ours_is_reported_within_48_hours_but_not_to_who_reported_it() {
    let mut story = Story::new(&[("customer", ChannelKind::Customer)]);
    story.facts.product_changed(product("gateway"));
    story.later(10);
    assert!(!story.has("rmsv-report"));
    story.verdict(Verdict::Confirmed);
    assert_eq!(story.due("rmsv-report"), Some(at("2026-10-14T11:00:00Z")));
    story.enter(ClockFactKind::LearnedVulnerability, None, Some(at("2026-10-11T00:00:00Z")));
    assert_eq!(story.due("rmsv-report"), Some(at("2026-10-13T00:00:00Z")));
    assert!(!story.has("rmsv-update"), "there is no measure yet");
    let mut told = Story::new(&[("nvdb", ChannelKind::NationalDatabase)]);
    told.basis.recipients.insert("nvdb".to_owned(), told.facts.channels[&id(50)].clone());
    told.facts.product_changed(product("gateway"));
    told.verdict(Verdict::Confirmed);
    assert!(!told.has("rmsv-report"));
}

#[test]
fn who_may_lengthen_a_term_is_asked_by_the_anchor_in_use_and_a_breach_stays() {
    let mut story = Story::new(&[("customer", ChannelKind::Customer)]);
    let rule = story.basis.policy.rules.iter_mut().find(|rule| rule.key == "rmsv-report").unwrap();
    rule.anchor = DeadlineAnchor::FirstReceived;
    story.facts.product_changed(product("gateway"));
    story.later(10);
    story.verdict(Verdict::Confirmed);
    let received = at("2026-10-12T01:00:00Z");
    let counted = story.facts.counts_from(ClockFactKind::LearnedVulnerability, None);
    assert_eq!(counted, Some(received), "not from the verdict, ten hours later");
    assert_eq!(story.due("rmsv-report"), Some(received + TimeDelta::hours(48)));
    story.later(50);
    let breached = Some(received + TimeDelta::hours(48));
    assert_eq!(story.clock("rmsv-report").breached_at, breached);
    story.enter(ClockFactKind::LearnedVulnerability, None, Some(story.facts.at));
    story.later(1);
    let clock = story.clock("rmsv-report");
    assert_eq!((clock.breached_at, clock.due_at), (breached, Some(received + TimeDelta::hours(108))));
    let mut led =
        Story { facts: story.facts.clone(), basis: story.basis.clone(), next: story.next, told: Vec::new() };
    story.send("rmsv-report");
    assert_eq!(story.clock("rmsv-report").breached_at, breached, "met, and late all the same");
    led.facts.by_leader = true;
    led.enter(ClockFactKind::LearnedVulnerability, None, Some(led.facts.at));
    assert_eq!(led.clock("rmsv-report").breached_at, None, "a leader said that it was learned of later");
}

#[test]
fn exploitation_opens_the_duties_of_whatever_may_be_ours() {
    use Verdict::{AlreadyFixed, Confirmed, Duplicate, NotReproducible, Spam};
    for (status, verdict, opens) in [
        (Status::Received, None, true),
        (Status::Triaging, Some(NotReproducible), true),
        (Status::NeedsInformation, Some(Spam), true),
        (Status::Triaging, Some(Duplicate), true),
        (Status::Replying, Some(AlreadyFixed), true),
        (Status::Closed, Some(AlreadyFixed), true),
        (Status::Verifying, Some(Confirmed), true),
        (Status::Replying, Some(NotReproducible), false),
        (Status::Closed, Some(Duplicate), false),
    ] {
        let mut story = Story::new(&[]);
        story.facts.product_changed(product("gateway"));
        story.facts.event.status = status;
        story.facts.event.verdict = verdict;
        story.exploited();
        assert_eq!(story.has("cra-early-warning"), opens, "{status:?} after {verdict:?}");
    }
}

#[test]
fn a_law_begins_with_its_day_where_it_holds() {
    for (learned, begun) in [("2026-09-10T21:59:00Z", false), ("2026-09-10T22:00:00Z", true)] {
        let mut story = Story::new(&[]);
        story.facts.product_changed(product("gateway"));
        story.facts.at = at(learned);
        story.exploited();
        assert_eq!(story.has("cra-early-warning"), begun, "{learned}, in Brussels");
    }
}

#[test]
fn a_correction_covers_what_was_on_record_and_nothing_after_it() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.later(10);
    story.exploited();
    story.later(1);
    story.enter(ClockFactKind::LearnedExploitation, None, Some(at("2026-10-12T12:00:00Z")));
    assert_eq!(story.due("cra-early-warning"), Some(at("2026-10-13T12:00:00Z")), "corrected to later");
    story.later(1);
    let mut earlier = story.facts.world[0].clone();
    (earlier.id, earlier.recorded_at) = (id(61), story.facts.at);
    earlier.learned_at = at("2026-10-12T05:00:00Z");
    story.facts.world.push(earlier);
    story.settle();
    assert_eq!(
        story.due("cra-early-warning"),
        Some(at("2026-10-13T05:00:00Z")),
        "it came to light afterwards"
    );
}

#[test]
fn a_measure_counts_that_is_about_a_product_in_scope_and_not_from_before_it_was_learned_of() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    let outside = product("intranet");
    story.facts.product_changed(Product {
        product: product::Model { id: id(32), cra_in_scope: false, ..outside.product },
        ..outside
    });
    story.later(24);
    story.exploited();
    let release = |line: &str, number: u128, at: DateTime<Utc>| remediation::Model {
        id: id(number),
        available_at: Some(at),
        ..fix(line, RemediationState::Passed)
    };
    story.facts.fix_changed(&release("intranet", 41, story.facts.at));
    story.settle();
    assert_eq!(story.clock("cra-final-report").none_reason, Some(NoDeadline::NoMeasureYet));
    story.facts.fix_changed(&release("gateway", 42, at("2026-03-01T00:00:00Z")));
    story.settle();
    let clock = story.clock("cra-final-report");
    assert_eq!(
        clock.anchor_at,
        Some(at("2026-10-13T01:00:00Z")),
        "from an earlier pass: there since it was learned of"
    );
    assert_eq!(clock.due_at, Some(at("2026-10-27T23:00:00Z")));
}

#[test]
fn the_final_report_of_an_incident_counts_from_its_notification() {
    let mut story = Story::new(&[]);
    story.decide(DecisionKind::SevereIncident, true, None);
    assert_eq!(story.clock("cra-incident-final-report").none_reason, Some(NoDeadline::PreviousNotSubmitted));
    story.facts.at = at("2027-01-31T12:00:00Z");
    story.send("cra-incident-notification");
    assert_eq!(story.due("cra-incident-final-report"), Some(at("2027-02-28T23:00:00Z")));
}

#[test]
fn a_correction_moves_the_clocks_of_the_incident_that_it_is_about_alone() {
    for (kind, of, stage, hours) in [
        (
            DecisionKind::SevereIncident,
            ClockFactKind::LearnedSevereIncident,
            "cra-incident-early-warning",
            24,
        ),
        (DecisionKind::NetworkIncident, ClockFactKind::LearnedNetworkIncident, "cac-report", 4),
    ] {
        let mut story = Story::new(&[]);
        story.decide(kind, true, None);
        story.later(10);
        story.decide(kind, true, None);
        let declared: Vec<_> = story.facts.incidents(kind).cloned().collect();
        let dues = |story: &Story| {
            let of_stage = story.facts.deadlines.iter().filter(|row| row.rule.as_deref() == Some(stage));
            of_stage.map(|row| row.due_at.unwrap()).collect::<Vec<_>>()
        };
        let (first, second) = (at("2026-10-12T01:00:00Z"), at("2026-10-12T11:00:00Z"));
        let term = TimeDelta::hours(hours);
        assert_eq!(dues(&story), [first + term, second + term]);
        let learned = at("2026-10-12T06:00:00Z");
        story.enter_for(of, None, Some(declared[1].id), Some(learned));
        assert_eq!(dues(&story), [first + term, learned + term], "the first stays");
        let counted = |number: usize| story.facts.counts_from(of, Some(&declared[number]));
        assert_eq!((counted(0), counted(1)), (Some(first), Some(learned)));
    }
}

#[test]
fn a_stage_whose_content_was_given_by_a_later_one_is_skipped() {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.exploited();
    story.decide(DecisionKind::SevereIncident, true, None);
    story.later(30);
    story.send("cra-notification");
    let first = story.clock("cra-early-warning");
    assert_eq!((first.state, first.met_at), (DeadlineState::Met, Some(story.facts.at)));
    assert_eq!(first.breached_at, first.due_at, "what is given later is late all the same");
    assert_eq!(story.clock("cra-final-report").state, DeadlineState::Open, "it holds more");
    assert_eq!(
        story.clock("cra-incident-early-warning").state,
        DeadlineState::Open,
        "that is about something else"
    );
    story.later(1);
    story.send("cra-incident-final-report");
    for stage in ["cra-incident-early-warning", "cra-incident-notification"] {
        assert_eq!(story.clock(stage).state, DeadlineState::Met, "{stage}");
    }
}

#[test]
fn the_stage_before_is_found_though_its_rule_has_another_name() {
    let mut story = Story::new(&[]);
    story.decide(DecisionKind::SevereIncident, true, None);
    story.facts.at = at("2027-01-31T12:00:00Z");
    story.send("cra-incident-notification");
    for rule in &mut story.basis.policy.rules {
        for key in [Some(&mut rule.key), rule.after.as_mut()].into_iter().flatten() {
            *key = key.replace("cra-incident-notification", "cra-incident-72-hours");
        }
    }
    assert_eq!(story.basis.policy.faults(), []);
    story.basis.policy_id = Some(id(2));
    story.settle();
    assert_eq!(story.due("cra-incident-final-report"), Some(at("2027-02-28T23:00:00Z")));
}

#[test]
fn a_network_incident_is_reported_in_four_hours_two_or_one_by_whose_it_is() {
    let (one, two, four) = ("2026-10-12T02:00:00Z", "2026-10-12T03:00:00Z", "2026-10-12T05:00:00Z");
    let protectors = [("protection-department", one), ("police", one)];
    for (critical, central, expected) in [
        (false, false, &[("cac", four)][..]),
        (false, true, &[("cac", two)]),
        (true, false, &protectors),
        (true, true, &protectors),
    ] {
        let mut story = Story::new(&[]);
        let mut affected = product("gateway");
        affected.product.critical_infrastructure = critical;
        affected.product.central_organ = central;
        story.facts.product_changed(affected);
        story.decide(DecisionKind::NetworkIncident, true, None);
        let replies = story.of_kind(DeadlineKind::Reply);
        let key = |id: Option<Uuid>| story.facts.channels[&id.unwrap()].key.as_str();
        let dues: Vec<_> = replies.iter().map(|row| (key(row.channel_id), row.due_at.unwrap())).collect();
        let expected: Vec<_> = expected.iter().map(|(key, due)| (*key, at(due))).collect();
        assert_eq!(dues, expected, "critical {critical}, central {central}");
    }
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.decide(DecisionKind::NetworkIncident, true, None);
    story.facts.products[0].product.central_organ = true;
    story.settle();
    assert_eq!(story.of_kind(DeadlineKind::Reply).len(), 1, "it is the same report");
    assert_eq!(story.due("cac-central-organ"), Some(at(two)));
}
