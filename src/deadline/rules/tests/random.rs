//! Whatever happens to an event, in any order.

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Later(i64),
    Verdict(u8),
    Level(u8),
    Exploited,
    Ask,
    Answer,
    Decide(bool),
    Incident,
    Send(u8),
    Fixed,
    NoticeDate(i64),
    Question,
    NewPass,
    Customers(u8),
    Tlp(bool),
    Affected(bool),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..200_i64).prop_map(Act::Later),
        (0..4_u8).prop_map(Act::Verdict),
        (0..5_u8).prop_map(Act::Level),
        Just(Act::Exploited),
        Just(Act::Ask),
        Just(Act::Answer),
        any::<bool>().prop_map(Act::Decide),
        Just(Act::Incident),
        (0..8_u8).prop_map(Act::Send),
        Just(Act::Fixed),
        (0..2_000_i64).prop_map(Act::NoticeDate),
        Just(Act::Question),
        Just(Act::NewPass),
        (0..8_u8).prop_map(Act::Customers),
        any::<bool>().prop_map(Act::Tlp),
        any::<bool>().prop_map(Act::Affected),
    ]
}

impl Story {
    fn act(&mut self, act: &Act) {
        match act {
            Act::Later(hours) => self.later(*hours),
            Act::Verdict(number) => self.verdict(
                [Verdict::Confirmed, Verdict::NotReproducible, Verdict::KnownInternally, Verdict::Spam]
                    [usize::from(*number)],
            ),
            Act::Level(number) => self.level(
                [Level::None, Level::Blue, Level::Yellow, Level::Orange, Level::Red][usize::from(*number)],
            ),
            Act::Exploited => self.exploited(),
            Act::Ask => {
                self.facts.event.status = Status::NeedsInformation;
                self.facts.event.asked_at = Some(self.facts.at);
                self.facts.event.asked_report_id = Some(id(20));
                self.settle();
            }
            Act::Answer => {
                self.facts.event.status = Status::Triaging;
                self.settle();
            }
            Act::Decide(granted) => {
                let extent = if *granted { AbroadExtent::Allow } else { AbroadExtent::Refuse };
                self.decide(DecisionKind::ReportAbroad, *granted, Some(extent));
            }
            Act::Incident => self.decide(DecisionKind::SevereIncident, true, None),
            Act::Send(number) => {
                let stages: Vec<_> =
                    self.facts.obligations.iter().filter_map(|row| row.stage.clone()).collect();
                if let Some(stage) = stages.get(usize::from(*number) % stages.len().max(1)) {
                    self.send(stage);
                }
            }
            Act::Fixed => {
                self.facts.fix_changed(&fix("gateway", RemediationState::Passed));
                self.settle();
            }
            Act::NoticeDate(hours) => {
                let date = self.facts.at + TimeDelta::hours(*hours);
                self.enter(ClockFactKind::NoticeDue, Some(id(21)), Some(date));
            }
            Act::Question => self.enter(ClockFactKind::Question, Some(id(21)), None),
            Act::NewPass => {
                self.facts.event.pass += 1;
                self.settle();
            }
            Act::Customers(who) => {
                let there = |bit: u8| who & bit != 0;
                let sides = [(there(1), false), (there(2), true)].into_iter();
                self.facts.customers.using =
                    sides.filter(|(there, _)| *there).map(|(_, abroad)| (id(31), abroad)).collect();
                let recorded = Recorded { customer: id(70), abroad: there(1), uses: Default::default() };
                self.facts.customers.recorded = there(4).then_some(recorded).into_iter().collect();
                self.settle();
            }
            Act::Tlp(inside) => {
                self.facts.event.tlp = if *inside { Tlp::AmberStrict } else { Tlp::Amber };
                self.settle();
            }
            Act::Affected(affected) => {
                let state = if *affected { AffectedState::Affected } else { AffectedState::NotAffected };
                self.facts.products[0].affected.state = state;
                self.settle();
            }
        }
    }
}

/// Something came through each kind of channel.
fn received() -> Story {
    let mut story = Story::new(&[
        ("src", ChannelKind::SrcPlatform),
        ("cnvd", ChannelKind::NationalDatabase),
        ("customer", ChannelKind::Customer),
        ("bounty-eu", ChannelKind::SrcPlatform),
    ]);
    story.facts.product_changed(product("gateway"));
    story.settle();
    story
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever happens: planning twice says nothing the second time, what is over stays as it was, and at most one
    /// clock runs for one thing. [`Story::settle`] demands the first two.
    #[test]
    fn planning_is_idempotent_and_never_touches_what_is_over(acts in prop::collection::vec(act(), 1..25)) {
        let mut story = received();
        for act in &acts {
            story.act(act);
            let open: Vec<_> = story.facts.deadlines.iter().filter(|row| row.state == DeadlineState::Open).collect();
            let slots: BTreeSet<_> = open.iter().map(|row| row.slot.as_str()).collect();
            prop_assert_eq!(slots.len(), open.len());
            for row in open {
                prop_assert_eq!(row.due_at.is_some(), row.none_reason.is_none());
            }
        }
    }

    /// Clocks are not looked at where a move changes nothing that they follow from: of such a move nothing would follow.
    #[test]
    fn of_a_move_that_is_not_followed_nothing_follows(acts in prop::collection::vec(act(), 0..15)) {
        let mut story = received();
        acts.iter().for_each(|act| story.act(act));
        for entry in MOVES.iter().filter(|entry| !follow_from(entry.cause)) {
            story.facts.event.status = entry.from;
            story.settle();
            story.facts.event.status = entry.to;
            prop_assert!(story.plan().is_empty(), "{entry:?}");
        }
    }

    /// A later anchor never makes an earlier end, and a pause never takes time from a clock.
    #[test]
    fn ends_are_monotone(shift in 0..2_000_i64, waited in 0..200_i64) {
        let ends = |shift: i64, waited: Option<i64>| {
            let mut story = Story::new(&[]);
            let src = channel(50, "src", ChannelKind::SrcPlatform, false);
            let received_at = at("2026-10-12T01:00:00Z") + TimeDelta::hours(shift);
            story.facts.at = received_at;
            story.facts.arrived(report::Model { received_at, ..report(20, &src) }, &src);
            story.settle();
            if let Some(hours) = waited {
                story.act(&Act::Ask);
                story.later(hours);
                story.act(&Act::Answer);
            }
            story.due("src-verdict").unwrap()
        };
        prop_assert!(ends(0, None) <= ends(shift, None));
        let (plain, paused) = (ends(shift, None), ends(shift, Some(waited)));
        prop_assert!(plain <= paused);
        prop_assert!(paused <= ends(shift, Some(waited + 10)));
    }
}
