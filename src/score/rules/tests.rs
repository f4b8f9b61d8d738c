//! Worked examples of the rating, and what must hold for every rating.

use proptest::prelude::*;

use super::*;

fn factor(text: &str) -> Factor {
    text.parse().unwrap()
}

fn factors(texts: [&str; 5]) -> Factors {
    let [importance, reach, opinion, conditions, impact] = texts.map(factor);
    Factors {
        product_importance: importance,
        product_reach: reach,
        public_opinion: opinion,
        exploit_conditions: conditions,
        actual_impact: impact,
    }
}

fn rated(texts: [&str; 5]) -> Rating {
    rate(&RatingPolicy::default(), &factors(texts))
}

fn tenths(tenths: u8) -> Tenths {
    Tenths::new(tenths).unwrap()
}

fn band(level: Level, from: u8, to: u8) -> Band {
    Band { level, from: tenths(from), to: tenths(to) }
}

fn weights(tenths_of_percent: [u16; 5]) -> Weights {
    let [importance, reach, opinion, conditions, impact] =
        tenths_of_percent.map(|weight| Weight::from_tenths_of_percent(weight).unwrap());
    Weights {
        product_importance: importance,
        product_reach: reach,
        public_opinion: opinion,
        exploit_conditions: conditions,
        actual_impact: impact,
    }
}

fn with_bands(bands: &[Band]) -> Result<RatingPolicy, PolicyError> {
    RatingPolicy::new(*RatingPolicy::default().weights(), bands.to_vec())
}

#[test]
fn a_total_that_binary_floats_get_wrong_is_exact() {
    let rating = rated(["9", "9", "9", "8.5", "9"]);
    assert_eq!(rating.total.units(), 89_500);
    assert_eq!(rating.rounded.to_string(), "9.0");
    assert_eq!(rating.level, Level::Red);
}

#[test]
fn each_factor_has_its_own_weight() {
    let zero = "0";
    let totals = [
        ["10", zero, zero, zero, zero],
        [zero, "10", zero, zero, zero],
        [zero, zero, "10", zero, zero],
        [zero, zero, zero, "10", zero],
        [zero, zero, zero, zero, "10"],
    ]
    .map(|texts| rated(texts).rounded.get());
    assert_eq!(totals, [10, 20, 30, 10, 30]);
}

#[test]
fn levels_change_exactly_at_their_bounds() {
    let policy = RatingPolicy::default();
    let bounds = [
        (0, Level::None),
        (29, Level::None),
        (30, Level::Blue),
        (69, Level::Blue),
        (70, Level::Yellow),
        (79, Level::Yellow),
        (80, Level::Orange),
        (89, Level::Orange),
        (90, Level::Red),
        (100, Level::Red),
    ];
    for (total, level) in bounds {
        assert_eq!(policy.level(tenths(total)), level, "{total}");
    }
}

#[test]
fn a_total_just_below_the_half_stays_below_the_bound() {
    let below = rated(["9", "9", "9", "8.4", "9"]);
    assert_eq!(
        (below.total.to_string(), below.rounded, below.level),
        ("8.9400".to_owned(), tenths(89), Level::Orange)
    );
    // The smallest step below the half.
    let fine =
        RatingPolicy::new(weights([1, 499, 500, 0, 0]), RatingPolicy::default().bands().to_vec()).unwrap();
    let nearly = rate(&fine, &factors(["8.9", "9.0", "8.9", "0", "0"]));
    assert_eq!((nearly.total.units(), nearly.rounded, nearly.level), (89_499, tenths(89), Level::Orange));
}

#[test]
fn the_default_policy_passes_its_own_check() {
    let policy = RatingPolicy::default();
    assert_eq!(RatingPolicy::new(*policy.weights(), policy.bands().to_vec()), Ok(policy));
}

#[test]
fn weights_sum_to_a_hundred_percent_exactly() {
    let bands = RatingPolicy::default().bands().to_vec();
    for (tenths, sum) in
        [([100, 200, 300, 100, 299], 999), ([100, 200, 300, 100, 301], 1001), ([0; 5], 0), ([1000; 5], 5000)]
    {
        assert_eq!(RatingPolicy::new(weights(tenths), bands.clone()), Err(PolicyError::WeightsSum { sum }));
    }
    let error = PolicyError::WeightsSum { sum: 999 }.to_string();
    assert_eq!(error, "weights sum to 99.9 %: make them sum to exactly 100.0 %");
}

#[test]
fn bands_cover_every_total_once_and_rise() {
    use Level::{Blue, None, Orange, Red};
    let refused = [
        (vec![], PolicyError::Gap { at: tenths(0) }),
        (vec![band(Blue, 1, 100)], PolicyError::Gap { at: tenths(0) }),
        (vec![band(Blue, 0, 99)], PolicyError::Gap { at: tenths(100) }),
        (vec![band(Blue, 0, 49), band(Red, 51, 100)], PolicyError::Gap { at: tenths(50) }),
        (
            vec![band(Blue, 0, 50), band(Red, 50, 100)],
            PolicyError::Overlap { at: tenths(50), lower: Blue, upper: Red },
        ),
        (
            vec![band(Blue, 0, 100), band(Red, 90, 95)],
            PolicyError::Overlap { at: tenths(90), lower: Blue, upper: Red },
        ),
        (vec![band(Blue, 0, 49), band(Blue, 50, 100)], PolicyError::LevelTwice { level: Blue }),
        (vec![band(Red, 0, 49), band(Blue, 50, 100)], PolicyError::LevelsFall { lower: Red, upper: Blue }),
        (
            vec![band(Orange, 60, 40)],
            PolicyError::BandReversed { level: Orange, from: tenths(60), to: tenths(40) },
        ),
    ];
    for (bands, error) in refused {
        assert_eq!(with_bands(&bands), Err(error), "{bands:?}");
    }
    assert!(with_bands(&[band(None, 0, 100)]).is_ok());
    let unsorted = with_bands(&[band(Red, 95, 100), band(None, 0, 94)]).unwrap();
    assert_eq!((unsorted.level(tenths(94)), unsorted.level(tenths(95))), (None, Red));
}

#[test]
fn a_stored_policy_is_checked_when_read() {
    let stored = serde_json::to_value(RatingPolicy::default()).unwrap();
    assert_eq!(stored["weights"]["public_opinion"], 300);
    assert_eq!(stored["bands"][4], serde_json::json!({"level": "RED", "from": 90, "to": 100}));
    assert_eq!(serde_json::from_value::<RatingPolicy>(stored.clone()).unwrap(), RatingPolicy::default());
    let mut light = stored.clone();
    light["weights"]["public_opinion"] = 299.into();
    assert!(serde_json::from_value::<RatingPolicy>(light).unwrap_err().to_string().contains("99.9 %"));
    let mut unknown = stored;
    unknown["weights"]["luck"] = 0.into();
    assert!(serde_json::from_value::<RatingPolicy>(unknown).is_err());
}

#[test]
fn a_first_or_rising_score_needs_nothing() {
    let (low, high) = (rated(["5"; 5]), rated(["9"; 5]));
    assert_eq!(check_rescore(None, &low, None, false), Ok(()));
    assert_eq!(check_rescore(Some(&low), &high, None, false), Ok(()));
    assert_eq!(check_rescore(Some(&high), &high, None, false), Ok(()));
}

#[test]
fn a_falling_score_needs_a_reason() {
    let (six, five) = (rated(["6"; 5]), rated(["5"; 5]));
    let refusal = check_rescore(Some(&six), &five, Some(" \n"), true).unwrap_err();
    assert_eq!(refusal[0].to_string(), "the score falls from 6.0 (BLUE) to 5.0 (BLUE): send the reason");
    assert_eq!(check_rescore(Some(&six), &five, None, true).unwrap_err().len(), 1);
    assert_eq!(check_rescore(Some(&six), &five, Some("exploit needs a login"), false), Ok(()));
}

#[test]
fn out_of_red_or_orange_needs_a_leader() {
    let [red, orange, yellow, blue] = ["9", "8", "7", "6"].map(|text| rated([text; 5]));
    for (from, to) in [(&red, &orange), (&red, &blue), (&orange, &yellow)] {
        let missing = RescoreRefusal::LeaderConsentMissing { from: from.level, to: to.level };
        assert_eq!(check_rescore(Some(from), to, Some("patched"), false), Err(vec![missing]));
        assert_eq!(check_rescore(Some(from), to, Some("patched"), true), Ok(()));
        assert_eq!(check_rescore(Some(from), to, None, false).unwrap_err().len(), 2);
    }
    assert_eq!(check_rescore(Some(&yellow), &blue, Some("patched"), false), Ok(()));
    let less_red = rated(["9.5"; 5]);
    assert_eq!(check_rescore(Some(&less_red), &red, Some("patched"), false), Ok(()));
}

#[test]
fn a_policy_that_lowers_the_level_of_an_equal_total_counts_as_falling() {
    let lenient = with_bands(&[band(Level::Blue, 0, 94), band(Level::Red, 95, 100)]).unwrap();
    let before = rated(["9"; 5]);
    let after = rate(&lenient, &factors(["9"; 5]));
    assert_eq!(after.rounded, before.rounded);
    assert_eq!(check_rescore(Some(&before), &after, None, false).unwrap_err().len(), 2);
}

prop_compose! {
    /// Any five weights that sum to 100 %: four cuts through it.
    fn any_weights()(mut cuts in prop::array::uniform4(0u16..=1000)) -> Weights {
        cuts.sort_unstable();
        weights([cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1], cuts[3] - cuts[2], 1000 - cuts[3]])
    }
}

prop_compose! {
    fn any_factors()(tenths in prop::array::uniform5(0u8..=100)) -> [Factor; 5] {
        tenths.map(|tenths| Factor::from_tenths(tenths).unwrap())
    }
}

fn named(five: [Factor; 5]) -> Factors {
    let [product_importance, product_reach, public_opinion, exploit_conditions, actual_impact] = five;
    Factors { product_importance, product_reach, public_opinion, exploit_conditions, actual_impact }
}

proptest! {
    #[test]
    fn raising_a_factor_never_lowers_the_rating(weights in any_weights(), five in any_factors(), which in 0usize..5) {
        let policy = RatingPolicy::new(weights, RatingPolicy::default().bands().to_vec()).unwrap();
        let before = rate(&policy, &named(five));
        let mut raised = five;
        raised[which] = Factor::from_tenths((raised[which].tenths() + 1).min(100)).unwrap();
        let after = rate(&policy, &named(raised));
        prop_assert!(after.total >= before.total && after.rounded >= before.rounded && after.level >= before.level);
    }

    #[test]
    fn the_rounded_total_is_the_nearest_tenth_and_halves_go_up(weights in any_weights(), five in any_factors()) {
        let policy = RatingPolicy::new(weights, RatingPolicy::default().bands().to_vec()).unwrap();
        let rating = rate(&policy, &named(five));
        // rounded / 10 - total / 10,000 lies in (-1/20, 1/20], over the common denominator 10,000.
        let error = i64::from(rating.rounded.get()) * 1000 - i64::from(rating.total.units());
        prop_assert!(-500 < error && error <= 500, "{rating:?}");
        prop_assert!(rating.total.units() <= 100_000);
    }

    #[test]
    fn equal_factors_are_their_own_total(weights in any_weights(), tenths in 0u8..=100) {
        let policy = RatingPolicy::new(weights, RatingPolicy::default().bands().to_vec()).unwrap();
        let five = [Factor::from_tenths(tenths).unwrap(); 5];
        prop_assert_eq!(rate(&policy, &named(five)).rounded.get(), tenths);
    }

    #[test]
    fn every_total_has_exactly_one_band(cuts in prop::collection::btree_set(1u8..=100, 0..5)) {
        let levels = [Level::None, Level::Blue, Level::Yellow, Level::Orange, Level::Red];
        let starts: Vec<u8> = std::iter::once(0).chain(cuts).take(levels.len()).collect();
        let ends = starts[1..].iter().map(|start| start - 1).chain([100]);
        let bands: Vec<Band> = levels.iter().zip(&starts).zip(ends).map(|((l, s), e)| band(*l, *s, e)).collect();
        let policy = with_bands(&bands).unwrap();
        for total in 0..=100 {
            let holding: Vec<_> = policy.bands().iter().filter(|b| (b.from.get()..=b.to.get()).contains(&total)).collect();
            prop_assert_eq!(holding.len(), 1);
            prop_assert_eq!(policy.level(tenths(total)), holding[0].level);
        }
    }
}
