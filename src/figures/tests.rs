//! Figures by hand: what a small January comes to, and that what one may not see changes none of it.

mod bed;

use entity::vocabulary::{
    DeadlineKind, FigureGroup, LeaderboardOrder, Level, MonthlyReportFormat, MonthlyReportLanguage, Origin,
    PayoutKind, Regime, ReplyKind, Status, TimeMeasure, Tlp, Verdict,
};

use self::bed::{Bed, Case, Clock, answered, event, january, paid};
use super::report::{self, make};
use super::rules::Span;
use super::store::EventRow;
use super::*;
use crate::auth::Role;
use crate::error::Error;
use crate::testing::{self, TestApp};

fn actor(role: Role) -> Actor {
    let mut actor = Actor::operator(&format!("{}-1", role.name().to_lowercase()), [role]);
    if role == Role::Engineer {
        actor.products = ["gateway".to_owned()].into();
    }
    if role == Role::Src {
        actor.channel = Some("src".into());
    }
    actor
}

fn of_january(app: &App, actor: &Actor) -> Question {
    let span = Span::read(Some("2026-01"), None, None, rules::ZONE).unwrap();
    Question::new(app, actor, span, None).unwrap()
}

async fn on_both(name: &str, test: impl AsyncFn(&TestApp)) {
    test(&testing::app(name).await).await;
    test(&testing::app_on_postgres(name).await).await;
}

async fn by(app: &App, actor: &Actor, group: FigureGroup) -> Vec<(Option<String>, i64)> {
    let rows = of_january(app, actor).events(app, actor, Some(group)).await.unwrap().unwrap();
    rows.into_iter().filter(|row| row.events > 0).map(|row| (row.group_key, row.events)).collect()
}

fn some(groups: &[(&str, i64)]) -> Vec<(Option<String>, i64)> {
    let key = |key: &str| (!key.is_empty()).then(|| key.to_owned());
    groups.iter().map(|(group, count)| (key(group), *count)).collect()
}

async fn measured(app: &App, actor: &Actor) -> Vec<(TimeMeasure, i64, i64, i64)> {
    let rows = of_january(app, actor).times(app, actor, None).await.unwrap().unwrap();
    rows.into_iter().map(|(measure, row)| (measure, row.count, row.median, row.p90)).collect()
}

#[tokio::test]
async fn events_are_counted_by_when_they_were_received() {
    on_both("figures_events", async |app| {
        january(app).await;
        let analyst = actor(Role::Analyst);
        let whole = of_january(app, &analyst).events(app, &analyst, None).await.unwrap().unwrap();
        assert_eq!(
            whole,
            [EventRow {
                group_key: None,
                label: None,
                events: 6,
                judged: 5,
                duplicates: 1,
                ours: 3,
                known_internally: 1,
                already_fixed: 0,
                found_by_staff: 1,
                found_by_us: 2,
            }]
        );
        use FigureGroup as G;
        assert_eq!(by(app, &analyst, G::Level).await, some(&[("NONE", 4), ("BLUE", 1), ("RED", 1)]));
        assert_eq!(
            by(app, &analyst, G::Verdict).await,
            some(&[
                ("CONFIRMED", 2),
                ("DUPLICATE", 1),
                ("KNOWN_INTERNALLY", 1),
                ("NOT_REPRODUCIBLE", 1),
                ("", 1)
            ])
        );
        assert_eq!(by(app, &analyst, G::Product).await, some(&[("", 3), ("gateway", 2), ("router", 2)]));
        assert_eq!(by(app, &analyst, G::Line).await, some(&[("", 3), ("core", 2), ("net", 2)]));
        // Two reports through one channel are one event of it.
        assert_eq!(by(app, &analyst, G::Channel).await, some(&[("src", 3), ("cnvd", 2), ("", 2)]));
        assert_eq!(
            by(app, &analyst, G::ChannelKind).await,
            some(&[("SRC_PLATFORM", 3), ("NATIONAL_DATABASE", 2), ("", 2)])
        );
        assert_eq!(by(app, &analyst, G::Status).await, some(&[("RECEIVED", 6)]));
        assert_eq!(
            by(app, &analyst, G::Week).await,
            some(&[("2025-12-29", 1), ("2026-01-05", 4), ("2026-01-26", 1)])
        );
        assert_eq!(by(app, &analyst, G::Month).await, some(&[("2026-01", 6)]));
        let days = of_january(app, &analyst).events(app, &analyst, Some(G::Day)).await.unwrap().unwrap();
        let days: Vec<_> = days.iter().map(|row| row.events).collect();
        let mut expected = vec![0; 31];
        for day in [2, 5, 6, 7, 9, 31] {
            expected[day - 1] = 1;
        }
        assert_eq!(days, expected);
    })
    .await;
}

#[tokio::test]
async fn times_are_of_every_pass_and_of_when_they_ended() {
    on_both("figures_times", async |app| {
        let bed = january(app).await;
        let analyst = actor(Role::Analyst);
        const DAY: i64 = 86_400;
        assert_eq!(
            measured(app, &analyst).await,
            [
                (TimeMeasure::Acknowledgement, 1, 7_200, 7_200),
                // 6 h, 12 h, 24 h and 48 h.
                (TimeMeasure::Verdict, 4, DAY / 2, 2 * DAY),
                (TimeMeasure::Fix, 1, 8 * DAY, 8 * DAY),
                (TimeMeasure::Reply, 1, DAY, DAY),
            ]
        );
        // Ten more acknowledgements, after 1 to 10 seconds and a fraction that is not counted.
        for seconds in 1..=10 {
            let met = format!("2026-01-02T00:00:{seconds:02}.9Z");
            answered(app, &bed.its_report, ReplyKind::Acknowledgement, "2026-01-02T00:00:00Z", &met).await;
        }
        let found = measured(app, &analyst).await;
        assert_eq!(found[0], (TimeMeasure::Acknowledgement, 11, 6, 10));
        let rows = of_january(app, &analyst).times(app, &analyst, Some(FigureGroup::Level)).await.unwrap();
        let verdicts: Vec<_> = rows
            .unwrap()
            .into_iter()
            .filter(|(measure, _)| *measure == TimeMeasure::Verdict)
            .map(|(_, row)| (row.group_key.unwrap(), row.count, row.median, row.p90))
            .collect();
        assert_eq!(
            verdicts,
            [
                ("RED".to_owned(), 2, DAY / 4, DAY),
                ("BLUE".to_owned(), 1, 2 * DAY, 2 * DAY),
                ("NONE".to_owned(), 1, DAY / 2, DAY / 2),
            ]
        );
        // A reply is its own channel's, whatever else its event was reported through.
        let rows = of_january(app, &analyst).times(app, &analyst, Some(FigureGroup::Channel)).await.unwrap();
        let replies: Vec<_> = rows
            .unwrap()
            .into_iter()
            .filter(|(measure, _)| *measure == TimeMeasure::Reply)
            .map(|(_, row)| (row.group_key, row.label, row.count))
            .collect();
        assert_eq!(replies, [(Some("src".to_owned()), Some("Channel src".to_owned()), 1)]);
    })
    .await;
}

#[tokio::test]
async fn clocks_count_once_when_they_are_settled() {
    on_both("figures_clocks", async |app| {
        january(app).await;
        let found = async |role: Role| {
            let actor = actor(role);
            let rows = of_january(app, &actor).deadlines(app, &actor, None).await.unwrap();
            rows.map(|rows| {
                rows.into_iter()
                    .map(|row| (row.kind, row.regime, row.met, row.breached, row.met_late, row.overdue))
                    .collect::<Vec<_>>()
            })
        };
        let fixes = (DeadlineKind::Fix, Regime::Fix, 1, 1, 0, 1);
        let notices = (DeadlineKind::Reply, Regime::Notice, 0, 1, 1, 0);
        assert_eq!(found(Role::Analyst).await, Some(vec![fixes, notices]));
        // Of gateway, and nothing that is owed to a channel.
        assert_eq!(found(Role::Engineer).await, Some(vec![fixes]));
        assert_eq!(found(Role::Support).await, Some(Vec::new()));
        assert_eq!(found(Role::Finance).await, None);
        let analyst = actor(Role::Analyst);
        let rows = of_january(app, &analyst).deadlines(app, &analyst, Some(FigureGroup::Day)).await.unwrap();
        let days: Vec<_> =
            rows.unwrap().into_iter().map(|row| (row.group_key.unwrap(), row.met, row.breached)).collect();
        assert_eq!(
            days,
            [
                ("2026-01-09".to_owned(), 1, 0),
                ("2026-01-10".to_owned(), 0, 1),
                ("2026-01-15".to_owned(), 0, 1),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn payouts_are_summed_by_currency_and_by_what_happened() {
    on_both("figures_payouts", async |app| {
        january(app).await;
        let found = async |actor: &Actor, group: Option<FigureGroup>| {
            let rows = of_january(app, actor).payouts(app, actor, group).await.unwrap();
            rows.map(|rows| {
                rows.into_iter()
                    .map(|row| (row.group_key, row.currency, row.kind, row.stage, row.count, row.amount))
                    .collect::<Vec<_>>()
            })
        };
        let expected = |group: Option<&str>, currency: &str, kind, stage: &str, amount| {
            (group.map(str::to_owned), currency.to_owned(), kind, stage.to_owned(), 1, amount)
        };
        let all = vec![
            expected(None, "CNY", PayoutKind::Bounty, "APPROVED", 1_000_000),
            expected(None, "CNY", PayoutKind::Bounty, "PAID", 1_000_000),
            expected(None, "JPY", PayoutKind::QuarterlyBonus, "APPROVED", 1_000),
            expected(None, "POINTS", PayoutKind::Bounty, "APPROVED", 40),
        ];
        for role in [Role::Analyst, Role::Leader, Role::Auditor, Role::Finance] {
            assert_eq!(found(&actor(role), None).await, Some(all.clone()), "{role}");
        }
        for role in [Role::Engineer, Role::Support, Role::Legal, Role::PublicRelations, Role::AccountManager]
        {
            assert_eq!(found(&actor(role), None).await, None, "{role}");
        }
        // Whoever pays reads the level of an event, and no more of it.
        let finance = actor(Role::Finance);
        let levels = found(&finance, Some(FigureGroup::Level)).await.unwrap();
        let (bonus, bounties) = levels.split_last().unwrap();
        assert_eq!(*bonus, expected(None, "JPY", PayoutKind::QuarterlyBonus, "APPROVED", 1_000));
        assert!(bounties.iter().all(|row| row.0.as_deref() == Some("RED")), "{levels:?}");
        assert_eq!(bounties.len(), 3);
        let products = of_january(app, &finance).payouts(app, &finance, Some(FigureGroup::Product)).await;
        assert!(matches!(products, Err(Error::Forbidden { .. })));
    })
    .await;
}

#[tokio::test]
async fn roles_read_what_they_read_elsewhere() {
    let app = &testing::app("figures_roles").await;
    january(app).await;
    let span = Span::read(Some("2026-01"), None, None, rules::ZONE).unwrap();
    for role in [Role::Admin, Role::Reporter, Role::Src, Role::Ticketing] {
        let refused = Question::new(app, &actor(role), span, None);
        assert!(matches!(refused, Err(Error::Forbidden { .. })), "{role}");
    }
    // An engineer of gateway sees two events, not who reported, and no replies.
    let engineer = actor(Role::Engineer);
    let rows = of_january(app, &engineer).events(app, &engineer, None).await.unwrap().unwrap();
    assert_eq!((rows[0].events, rows[0].ours, rows[0].found_by_staff), (2, 2, 0));
    let measures: Vec<_> = measured(app, &engineer).await.into_iter().map(|row| row.0).collect();
    assert_eq!(measures, [TimeMeasure::Verdict, TimeMeasure::Fix]);
    for group in [FigureGroup::Channel, FigureGroup::ChannelKind] {
        let question = of_january(app, &engineer);
        let refused = question.events(app, &engineer, Some(group)).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
        assert!(matches!(question.times(app, &engineer, Some(group)).await, Err(Error::Forbidden { .. })));
        assert!(matches!(
            question.deadlines(app, &engineer, Some(group)).await,
            Err(Error::Forbidden { .. })
        ));
    }
    let finance = actor(Role::Finance);
    let question = of_january(app, &finance);
    assert_eq!(question.events(app, &finance, None).await.unwrap(), None);
    assert_eq!(question.times(app, &finance, None).await.unwrap(), None);
    let filter = EventFilter { level: Some(vec![Level::Red]), ..EventFilter::default() };
    let filtered = Question::new(app, &finance, span, Some(&filter));
    assert!(matches!(filtered, Err(Error::Forbidden { .. })));
    let analyst = actor(Role::Analyst);
    let filtered = Question::new(app, &analyst, span, Some(&filter)).unwrap();
    assert_eq!(filtered.events(app, &analyst, None).await.unwrap().unwrap()[0].events, 1);
    assert_eq!(filtered.payouts(app, &analyst, None).await.unwrap().unwrap().len(), 3);
}

/// Everything that this caller can read of January's figures, as text.
async fn everything(app: &App, actor: &Actor) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    if allows(actor, Action::ReadFigures) {
        let question = of_january(app, actor);
        let groups = [
            FigureGroup::Channel,
            FigureGroup::ChannelKind,
            FigureGroup::Level,
            FigureGroup::HighestLevel,
            FigureGroup::Product,
            FigureGroup::Line,
            FigureGroup::Verdict,
            FigureGroup::Status,
            FigureGroup::Day,
            FigureGroup::Week,
            FigureGroup::Month,
        ];
        for by in std::iter::once(None).chain(groups.map(Some)) {
            let _ = writeln!(text, "{by:?} {:?}", question.events(app, actor, by).await);
            let _ = writeln!(text, "{by:?} {:?}", question.times(app, actor, by).await);
            let _ = writeln!(text, "{by:?} {:?}", question.deadlines(app, actor, by).await);
            let _ = writeln!(text, "{by:?} {:?}", question.payouts(app, actor, by).await);
        }
        let wanted = report::Wanted {
            month: Some("2026-01"),
            zone: rules::ZONE,
            language: MonthlyReportLanguage::En,
            format: MonthlyReportFormat::Html,
        };
        let made = make(app, actor, &wanted).await.unwrap();
        text.push_str(made.text().unwrap());
    }
    for order in [LeaderboardOrder::Accepted, LeaderboardOrder::Points] {
        let wanted =
            board::Wanted { period: Some("2026-01"), zone: rules::ZONE, channel: None, order, first: None };
        let _ = writeln!(text, "{:?}", board::leaderboard(app, actor, &wanted).await);
    }
    text
}

/// An event in January that leaves a trace in every figure of who sees it.
async fn loud(app: &App, bed: &Bed, case: Case<'_>) {
    let reports = [(&bed.src, Some(&bed.second), Origin::External, "2026-01-11T00:00:00Z")];
    let (event, reports) = event(
        app,
        Case {
            received: "2026-01-11T00:00:00Z",
            level: Level::Orange,
            given: &[(1, Verdict::Confirmed, "2026-01-11T01:00:00Z")],
            steps: &[(1, Status::Remediating, Status::Replying, "2026-01-12T00:00:00Z")],
            reports: &reports,
            ..case
        },
    )
    .await;
    let report = &reports[0];
    answered(app, report, ReplyKind::Acknowledgement, "2026-01-11T00:00:00Z", "2026-01-11T00:01:00Z").await;
    answered(app, report, ReplyKind::Verdict, "2026-01-11T01:00:00Z", "2026-01-11T02:00:00Z").await;
    for channel in [None, Some(bed.src.id)] {
        let clock = Clock {
            kind: DeadlineKind::Decision,
            regime: Regime::Procedure,
            channel,
            due: "2026-01-13T00:00:00Z",
            breached: Some("2026-01-13T00:00:00Z"),
            met: None,
        };
        bed::clock(app, &event, clock).await;
    }
    for (amount, currency) in [(77_700, "EUR"), (900, "POINTS")] {
        let price = (PayoutKind::Bounty, amount, currency);
        let when = ("2026-01-14T00:00:00Z", Some("2026-01-15T00:00:00Z"));
        paid(app, &bed.src, &bed.second, Some(report), price, when).await;
    }
}

#[tokio::test]
async fn what_one_may_not_see_changes_no_figure() {
    const INSIDE: [Role; 8] = [
        Role::Analyst,
        Role::Engineer,
        Role::Support,
        Role::AccountManager,
        Role::Legal,
        Role::PublicRelations,
        Role::Leader,
        Role::Auditor,
    ];
    on_both("figures_hidden", async |app| {
        let bed = january(app).await;
        let all = |roles: &[Role]| roles.iter().map(|role| actor(*role)).collect::<Vec<_>>();
        let outside = [Role::Reporter, Role::Src, Role::Ticketing, Role::Admin];
        let see = async |actors: &[Actor]| {
            let mut seen = Vec::new();
            for actor in actors {
                seen.push((actor.clone(), everything(app, actor).await));
            }
            seen
        };
        let same = async |before: Vec<(Actor, String)>, what: &str| {
            for (actor, before) in before {
                assert_eq!(everything(app, &actor).await, before, "{} learned of {what}", actor.role_names());
            }
        };
        let all_roles = all(&[&INSIDE[..], &outside[..], &[Role::Finance]].concat());
        let known = see(&all_roles).await;

        // For named people alone: everybody else's figures stay, those of leaders, auditors and of who is named move, and
        // so do sums of who pays.
        let hidden = Case {
            tlp: Tlp::Red,
            verdict: Some(Verdict::Confirmed),
            products: &[&bed.gateway],
            members: &["legal-1"],
            ..Case::default()
        };
        let events = bed::all_events(app).await;
        loud(app, &bed, hidden).await;
        assert_eq!(bed::all_events(app).await, events + 1);
        let (told, kept): (Vec<_>, Vec<_>) = known.into_iter().partition(|(actor, _)| {
            actor.has_any(&[Role::Leader, Role::Auditor, Role::Legal, Role::Finance])
        });
        for (actor, before) in &told {
            assert_ne!(&everything(app, actor).await, before, "{} sees it", actor.role_names());
        }
        same(kept, "an event that is TLP:RED").await;
        let finance = actor(Role::Finance);
        let sums = everything(app, &finance).await;
        assert!(sums.contains("EUR") && !sums.contains("Procedure"), "{sums}");

        // What concerns another product, or was not concluded yet, is nothing to an engineer.
        let readers =
            see(&all(&[Role::Engineer, Role::Support, Role::AccountManager, Role::PublicRelations])).await;
        let of_router = [&bed.router];
        for (verdict, products) in [(Some(Verdict::Confirmed), &of_router[..]), (None, &[&bed.gateway])] {
            loud(app, &bed, Case { verdict, products, ..Case::default() }).await;
        }
        same(readers, "an event of others").await;

        // What is drafted, owed or sent on an event that an engineer sees is nothing to them either.
        let engineer = see(&all(&[Role::Engineer])).await;
        let analyst = see(&all(&[Role::Analyst])).await;
        answered(app, &bed.its_report, ReplyKind::FixPlan, "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z")
            .await;
        let notice = Clock {
            kind: DeadlineKind::Reply,
            regime: Regime::SrcPromise,
            channel: Some(bed.src.id),
            due: "2026-01-06T00:00:00Z",
            breached: None,
            met: Some("2026-01-06T00:00:00Z"),
        };
        bed::clock(app, &bed.twice, notice).await;
        assert_ne!(everything(app, &actor(Role::Analyst)).await, analyst[0].1);
        same(engineer, "replies").await;
    })
    .await;
}

#[tokio::test]
async fn the_board_of_outsiders_has_no_event_that_is_not_theirs_to_know() {
    on_both("figures_board", async |app| {
        let bed = january(app).await;
        let ask = async |actor: &Actor| {
            let wanted = board::Wanted {
                period: Some("2026-01"),
                zone: rules::ZONE,
                channel: None,
                order: LeaderboardOrder::Accepted,
                first: None,
            };
            let board = board::leaderboard(app, actor, &wanted).await.unwrap();
            let place =
                |place: board::Shown| (place.place, place.name, place.accepted, place.points, place.own);
            (board.places.into_iter().map(place).collect::<Vec<_>>(), board.named)
        };
        let two = actor(Role::Reporter);
        assert_eq!(&*two.subject, "reporter-1");
        let moth = |own| (1, Some("Moth".to_owned()), Some(1), Some(40), own);
        // Own staff were first with the last one of the month, so it is nobody's.
        assert_eq!(ask(&two).await, (vec![moth(true)], Some(true)));
        let owl = Actor::operator("reporter-2", [Role::Reporter]);
        let theirs = |tlp, verdict| Case { tlp, verdict, ..Case::default() };
        loud(app, &bed, theirs(Tlp::Amber, Some(Verdict::Confirmed))).await;
        loud(app, &bed, theirs(Tlp::Amber, Some(Verdict::Confirmed))).await;
        loud(app, &bed, theirs(Tlp::Red, Some(Verdict::Confirmed))).await;
        loud(app, &bed, theirs(Tlp::Amber, Some(Verdict::OutOfScope))).await;
        // Two are told of, the third is not.
        let second = |own| (2, Some("Moth".to_owned()), Some(1), Some(40), own);
        assert_eq!(ask(&two).await, (vec![(1, None, None, None, false), second(true)], Some(true)));
        assert_eq!(
            ask(&owl).await,
            (vec![(1, None, Some(2), Some(1_800), true), second(false)], Some(false))
        );
        assert_eq!(ask(&actor(Role::Src)).await, (vec![(1, None, None, None, false), second(false)], None));
        let stranger = Actor::operator("reporter-9", [Role::Reporter]);
        assert_eq!(ask(&stranger).await, (Vec::new(), None));
        let other = Actor { channel: Some("cnvd".into()), ..actor(Role::Src) };
        assert_eq!(ask(&other).await, (Vec::new(), None));
        assert_eq!(
            ask(&actor(Role::Analyst)).await,
            (vec![(1, None, Some(2), Some(1_800), false), second(false)], None)
        );
        assert_eq!(ask(&actor(Role::Leader)).await.0[0], (1, None, Some(3), Some(2_700), false));
        let wanted = board::Wanted {
            period: Some("2026-01"),
            zone: rules::ZONE,
            channel: None,
            order: LeaderboardOrder::Points,
            first: Some(1),
        };
        let leader = actor(Role::Leader);
        let inside = board::leaderboard(app, &leader, &wanted).await.unwrap();
        let known: Vec<_> = inside.places[0].reporters.iter().flatten().map(|row| row.id).collect();
        assert_eq!((inside.places.len(), known), (1, vec![bed.second.id]));
        // What they choose holds at once, and of a file for others too.
        let named = crate::intake::SetLeaderboardName { named: true };
        assert!(crate::intake::set_leaderboard_name(app, &owl, &named).await.unwrap());
        assert_eq!(ask(&two).await.0[0], (1, Some("Owl".to_owned()), Some(2), Some(1_800), false));
        let nobody = crate::intake::set_leaderboard_name(app, &stranger, &named).await;
        assert!(matches!(nobody, Err(Error::NotFound)));
        let unnamed = crate::intake::SetLeaderboardName { named: false };
        crate::intake::set_leaderboard_name(app, &two, &unnamed).await.unwrap();
        let csv = table::board(&board::leaderboard(app, &leader, &wanted).await.unwrap()).csv().unwrap();
        assert_eq!(csv, "place,name,accepted,points\r\n1,Owl,3,2700\r\n");
        // What is not over would tell of each report by itself; a channel is for who reads reporters.
        for wanted in [
            board::Wanted { period: Some("2026-02"), ..wanted },
            board::Wanted { period: Some("2026"), ..wanted },
        ] {
            assert!(board::leaderboard(app, &leader, &wanted).await.is_ok());
            let refused = board::leaderboard(app, &two, &wanted).await;
            assert!(matches!(refused, Err(Error::BadInput { field, .. }) if field == "period"));
        }
        let refused =
            board::leaderboard(app, &two, &board::Wanted { channel: Some(bed.src.id), ..wanted }).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_report_says_the_figures_in_both_languages_and_all_forms() {
    let app = &testing::app("figures_report").await;
    january(app).await;
    let leader = actor(Role::Leader);
    let of = async |language, format| {
        let wanted = report::Wanted { month: Some("2026-01"), zone: rules::ZONE, language, format };
        make(app, &leader, &wanted).await.unwrap()
    };
    let markdown = of(MonthlyReportLanguage::En, MonthlyReportFormat::Markdown).await;
    let text = markdown.text().unwrap();
    for expected in [
        "| Received | 6 | 0 |",
        "| Duplicates | 1 \\(20\\.0 \\%\\) | 0 |",
        "| Found by ourselves | 2 \\(66\\.7 \\%\\) | 0 |",
        "| Verdict | 4 | 12 h | 2 d |",
        "| Fix | 1 | 8 d | 8 d |",
        "| Fix · By level | 1 | 1 | 0 | 1 | 50\\.0 \\% |",
        "| Approved | Bounty | 1 | 10000\\.00 CNY |",
        "| 1 | Moth | 1 | 40 |",
        "| \\=Product gateway | 2 |",
        "![Events by day](monthly-2026-01-1.svg)",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    let named = markdown.charts.iter().filter(|chart| text.contains(&format!("]({})", chart.name)));
    assert_eq!((named.count(), markdown.charts.len()), (6, 6));
    let html = of(MonthlyReportLanguage::Zh, MonthlyReportFormat::Html).await;
    let page = html.text().unwrap();
    assert_eq!(page.matches("<svg").count(), 6, "{page}");
    assert!(
        page.contains("漏洞处置月报 2026-01") && page.contains("超期时限") && page.contains("2天"),
        "{page}"
    );
    // Without a font the error says what to install.
    let format = MonthlyReportFormat::Pdf;
    let pdf = report::Wanted {
        month: Some("2026-01"),
        zone: rules::ZONE,
        language: MonthlyReportLanguage::Zh,
        format,
    };
    let refused = make(app, &leader, &pdf).await;
    assert!(matches!(refused, Err(Error::Refused(reasons)) if reasons[0].message.contains("fonts")));
    // What a role does not read has no section.
    let engineer = actor(Role::Engineer);
    let wanted = report::Wanted {
        month: Some("2026-01"),
        zone: rules::ZONE,
        language: MonthlyReportLanguage::En,
        format: MonthlyReportFormat::Markdown,
    };
    let theirs = make(app, &engineer, &wanted).await.unwrap();
    for absent in ["Payouts", "Leaderboard", "Acknowledgement", "own staff", "by channel"] {
        assert!(!theirs.text().unwrap().contains(absent), "{absent}");
    }
}
