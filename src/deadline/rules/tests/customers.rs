//! Notices to customers who did not report.

use super::*;

/// An event of ours with the gateway affected, which customers at home use.
fn with_customers() -> Story {
    let mut story = Story::new(&[]);
    story.facts.product_changed(product("gateway"));
    story.facts.customers.using = [(id(31), false)].into();
    story.verdict(Verdict::Confirmed);
    story
}

/// Product, customer, channel and state of a notice, and why it was waived.
type Notice<'a> = (Option<Uuid>, Option<Uuid>, &'a str, ObligationState, Option<&'a str>);

/// Notices that customers are owed: of which product or customer, through which channel, where they stand and why.
fn notices(story: &Story) -> Vec<Notice<'_>> {
    let owed = story.facts.obligations.iter().filter(|row| row.is_of_customers());
    let told = owed.map(|row| {
        let channel = story.facts.channels[&row.channel_id].key.as_str();
        (row.product_id, row.customer_id, channel, row.state, row.waive_reason.as_deref())
    });
    told.collect()
}

#[test]
fn customers_who_use_an_affected_product_are_owed_a_notice_whoever_reported_it() {
    use ObligationState::{Met, Open, Waived};
    let gateway = Some(id(31));
    let mut story = with_customers();
    assert_eq!(notices(&story), [], "no level asks for it yet");
    story.level(Level::Yellow);
    assert_eq!(notices(&story), [(gateway, None, "customers", Open, None)]);
    // Monday, and three working days.
    assert_eq!(story.due("affected-customers"), Some(at("2026-10-15T16:00:00Z")));
    assert_eq!(story.clock("affected-customers").regime, entity::vocabulary::Regime::Customer);

    type Turn = fn(&mut Story);
    let turns: [(Turn, Turn, &str); 6] = [
        (
            |story| story.facts.products[0].affected.state = AffectedState::NotAffected,
            |story| story.facts.products[0].affected.state = AffectedState::Fixed,
            NO_CUSTOMER,
        ),
        (
            |story| story.facts.customers.using.clear(),
            |story| story.facts.customers.using = [(id(31), false)].into(),
            NO_CUSTOMER,
        ),
        (
            |story| story.facts.event.tlp = Tlp::AmberStrict,
            |story| story.facts.event.tlp = Tlp::Amber,
            KEPT_INSIDE,
        ),
        (
            |story| story.facts.event.level = Level::Blue,
            |story| story.facts.event.level = Level::Red,
            LEVEL_FELL,
        ),
        (
            |story| story.facts.event.verdict = Some(Verdict::OtherVendor),
            |story| story.facts.event.verdict = Some(Verdict::Confirmed),
            NOT_OURS,
        ),
        (
            |story| story.basis.policy.rules.retain(|rule| rule.recipient.as_deref() != Some("customers")),
            |story| story.basis = basis(),
            NOT_ASKED_FOR,
        ),
    ];
    for (change, back, why) in turns {
        change(&mut story);
        story.settle();
        let last = *notices(&story).last().unwrap();
        assert_eq!(last, (gateway, None, "customers", Waived, Some(why)));
        assert_eq!(story.clock("affected-customers").state, DeadlineState::Waived, "{why}");
        back(&mut story);
        story.settle();
        assert_eq!(*notices(&story).last().unwrap(), (gateway, None, "customers", Open, None), "after {why}");
        assert_eq!(
            story.due("affected-customers"),
            Some(at("2026-10-15T16:00:00Z")),
            "from the same instant"
        );
    }

    story.later(1);
    story.send("affected-customers");
    let told = notices(&story).len();
    assert_eq!(notices(&story)[told - 1].3, Met);
    let camera = Product {
        affected: affected_product::Model { id: id(33), product_id: id(34), ..product("camera").affected },
        product: product::Model { id: id(34), ..product("camera").product },
    };
    story.facts.product_changed(camera);
    story.facts.customers.using.insert((id(34), false));
    story.settle();
    assert_eq!(notices(&story).len(), told + 1, "who was told of one product is told of the other");
    assert_eq!(*notices(&story).last().unwrap(), (Some(id(34)), None, "customers", Open, None));
}

#[test]
fn a_recorded_customer_is_owed_a_notice_alone_unless_those_of_a_product_are() {
    use ObligationState::{Open, Waived};
    let mut story = with_customers();
    let recorded = |number, uses: &[u128]| Recorded {
        customer: id(number),
        abroad: false,
        uses: uses.iter().map(|product| id(*product)).collect(),
    };
    story.facts.customers.recorded = vec![recorded(70, &[31]), recorded(71, &[])];
    story.level(Level::Orange);
    let gateway = (Some(id(31)), None, "customers", Open, None);
    assert_eq!(notices(&story), [gateway, (None, Some(id(71)), "customers", Open, None)]);
    story.facts.customers.recorded = vec![recorded(70, &[31]), recorded(71, &[31])];
    story.settle();
    assert_eq!(notices(&story)[1], (None, Some(id(71)), "customers", Waived, Some(NO_CUSTOMER)));
}

#[test]
fn customers_abroad_are_told_through_a_channel_of_their_own_after_a_decision() {
    use ObligationState::{Open, Waived};
    let asked = |story: &Story| {
        story.facts.decisions.iter().filter(|row| row.kind == DecisionKind::ReportAbroad).count()
    };
    let gateway = Some(id(31));
    let mut story = with_customers();
    story.facts.products[0].product.cra_in_scope = false;
    story.level(Level::Red);
    assert_eq!(asked(&story), 0, "nobody abroad is to be told");
    story.facts.customers.using.insert((id(31), true));
    story.settle();
    let home = (gateway, None, "customers", Open, None);
    assert_eq!(notices(&story), [home, (gateway, None, "customers-abroad", Open, None)]);
    assert_eq!(asked(&story), 1);
    story.later(1);
    story.decide(DecisionKind::ReportAbroad, false, Some(AbroadExtent::Refuse));
    let told = notices(&story);
    assert_eq!(told[0], home, "what stays at home needs no decision");
    assert_eq!(told[1].3, Waived);
    assert!(told[1].4.unwrap().starts_with(ABROAD_REFUSED));
    story.facts.customers.using = [(id(31), true)].into();
    story.settle();
    assert_eq!(notices(&story)[0].4, Some(NO_CUSTOMER), "they all turned out to be abroad");
}
