//! Published scores, scores of another implementation, and what the parser refuses.

use proptest::prelude::*;

use super::*;
use crate::testing::jumble;

fn vector(text: &str) -> Vector {
    Vector::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn message(text: &str) -> String {
    Vector::parse(text).unwrap_err().to_string()
}

const LOG4SHELL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H";

/// Vector, base score and full score, as FIRST's guide for 2.0 and its example documents for 3.1 and 4.0 print them.
const PUBLISHED: &[(&str, &str, &str)] = &[
    // CVE-2002-0392, CVE-2003-0818, CVE-2003-0062: base, temporal, and both ends of the environmental range.
    ("AV:N/AC:L/Au:N/C:N/I:N/A:C", "7.8", "7.8"),
    ("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C", "7.8", "6.4"),
    ("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C/CDP:N/TD:N/CR:M/IR:M/AR:H", "7.8", "0.0"),
    ("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:H", "7.8", "9.2"),
    ("AV:N/AC:L/Au:N/C:C/I:C/A:C", "10.0", "10.0"),
    ("AV:N/AC:L/Au:N/C:C/I:C/A:C/E:F/RL:OF/RC:C", "10.0", "8.3"),
    ("AV:N/AC:L/Au:N/C:C/I:C/A:C/E:F/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:L", "10.0", "9.0"),
    ("AV:L/AC:H/Au:N/C:C/I:C/A:C", "6.2", "6.2"),
    ("AV:L/AC:H/Au:N/C:C/I:C/A:C/E:POC/RL:OF/RC:C", "6.2", "4.9"),
    ("AV:L/AC:H/Au:N/C:C/I:C/A:C/E:POC/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:M", "6.2", "7.5"),
    // CVE-2013-1937, 2013-0375, 2014-3566, 2012-1516, 2009-0783, 2012-0384, 2015-1098, 2014-0160, 2014-6271.
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "6.1", "6.1"),
    ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", "6.4", "6.4"),
    ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", "3.1", "3.1"),
    ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", "9.9", "9.9"),
    ("CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", "4.2", "4.2"),
    ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", "8.8", "8.8"),
    ("CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", "7.8", "7.8"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "7.5", "7.5"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "9.8", "9.8"),
    // CVE-2008-1447, 2014-2005, 2010-0467, 2012-1342, 2014-9253, 2011-1265, 2014-2019, 2014-0224, 2012-5376.
    ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:C/C:N/I:H/A:N", "6.8", "6.8"),
    ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "6.8", "6.8"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:L/I:N/A:N", "5.8", "5.8"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:N/I:L/A:N", "5.8", "5.8"),
    ("CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:C/C:L/I:L/A:N", "5.4", "5.4"),
    ("CVSS:3.1/AV:A/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "8.8", "8.8"),
    ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N", "4.6", "4.6"),
    ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", "7.4", "7.4"),
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H", "9.6", "9.6"),
    // CVE-2022-41741, 2020-3549, 2023-3089, 2021-44714, 2022-21830, 2022-22186, 2023-21989, 2014-0160, 2021-44228.
    ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "7.3", "7.3"),
    ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "7.7", "7.7"),
    ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N", "8.3", "8.3"),
    ("CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N", "4.6", "4.6"),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:N/VI:N/VA:N/SC:L/SI:L/SA:N", "5.1", "5.1"),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N", "6.9", "6.9"),
    ("CVSS:4.0/AV:L/AC:L/AT:N/PR:H/UI:N/VC:N/VI:N/VA:N/SC:H/SI:N/SA:N", "5.9", "5.9"),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N", "8.7", "8.7"),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", "10.0", "10.0"),
];

#[test]
fn published_scores() {
    for (text, base, full) in PUBLISHED {
        let vector = vector(text);
        let scores = (vector.base_score().to_string(), vector.score().to_string());
        assert_eq!(scores, ((*base).to_owned(), (*full).to_owned()), "{text}");
    }
}

#[test]
fn scores_of_another_implementation() {
    let mut compared = 0;
    for line in include_str!("vectors.tsv").lines().filter(|line| !line.starts_with('#')) {
        let [version, text, base, full] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let vector = vector(text);
        assert_eq!(vector.version().to_string(), format!("CVSS {version}"), "{text}");
        assert_eq!(
            (vector.base_score().to_string().as_str(), vector.score().to_string().as_str()),
            (base, full),
            "{text}"
        );
        compared += 1;
    }
    assert_eq!(compared, 1200);
}

#[test]
fn temporal_metrics_round_up_in_exact_arithmetic() {
    // In binary floats 10.0 times 0.92 exceeds 9.2.
    assert_eq!(vector("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H/RC:U").score().to_string(), "9.2");
    assert_eq!(
        vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O/RC:C").score().to_string(),
        "8.5"
    );
}

#[test]
fn undefined_metrics_are_as_good_as_absent() {
    // 3.1's environmental equation would make 9.7 of it.
    let plain = vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H");
    let undefined = vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:H/I:H/A:H/E:X/CR:X/MAV:X");
    assert_eq!(plain, undefined);
    assert_eq!(plain.score().to_string(), "9.6");
    assert_eq!(vector("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:ND/TD:ND"), vector("AV:N/AC:L/Au:N/C:N/I:N/A:C"));
}

#[test]
fn the_canonical_text_has_the_order_of_the_specification() {
    let shuffled = vector("CVSS:3.1/MA:L/A:H/I:H/C:H/S:C/UI:N/PR:N/AC:L/AV:N/RC:X/E:F");
    assert_eq!(shuffled.as_str(), "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H/E:F/MA:L");
    assert_eq!(vector(shuffled.as_str()), shuffled);
    let supplemental = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:A/AU:Y/U:Amber";
    assert_eq!(vector(supplemental).as_str(), supplemental);
}

/// The scorer reads every value that the parser lets through: each metric in turn takes each of its values.
#[test]
fn every_value_of_every_metric_is_scored() {
    for version in [CvssVersion::V2_0, CvssVersion::V3_0, CvssVersion::V3_1, CvssVersion::V4_0] {
        let known = metrics::metrics(version);
        for varied in known {
            for value in varied.values {
                let defined = known
                    .iter()
                    .filter(|metric| metric.is_mandatory() || metric.name == varied.name)
                    .map(|metric| {
                        (metric, if metric.name == varied.name { *value } else { metric.values[0] })
                    })
                    .collect();
                let text = parse::Metrics { version, defined }.to_string();
                assert_eq!(vector(&text).version(), version, "{text}");
            }
        }
    }
}

#[test]
fn incomplete_vectors_are_refused_by_name() {
    assert_eq!(message("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H"), "CVSS 3.1 needs the metrics A: add them");
    assert_eq!(message("CVSS:3.1/AV:N"), "CVSS 3.1 needs the metrics AC, PR, UI, S, C, I, A: add them");
    assert_eq!(message("AV:N/AC:L/Au:N/C:N/I:N/E:F"), "CVSS 2.0 needs the metrics A: add them");
    let four = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N";
    assert_eq!(message(four), "CVSS 4.0 needs the metrics SA: add them");
}

#[test]
fn wrong_metrics_and_values_are_refused_by_name() {
    let lower_value = message("CVSS:3.1/AV:n/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H");
    assert_eq!(
        lower_value,
        "AV has no value \"n\" in CVSS 3.1: values are case-sensitive; send one of N, A, L, P"
    );
    assert!(
        message("CVSS:3.1/av:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H").starts_with("CVSS 3.1 has no metric \"av\"")
    );
    assert!(message(&format!("{LOG4SHELL}/ZZ:N")).contains("has no metric \"ZZ\""));
    assert!(message(&format!("{LOG4SHELL}/AV:N")).starts_with("AV comes more than once"));
    assert!(message(&format!("{LOG4SHELL}/AV:L")).starts_with("AV comes more than once"));
    assert!(message(&format!("{LOG4SHELL}/E:X/E:X")).starts_with("E comes more than once"));
    // Metrics and values of another version.
    assert!(message("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H").starts_with("CVSS 2.0 has no metric \"PR\""));
    assert!(message("AV:N/AC:L/AU:N/C:N/I:N/A:C").starts_with("CVSS 2.0 has no metric \"AU\""));
    assert!(message("AV:N/AC:L/Au:N/C:H/I:N/A:C").starts_with("C has no value \"H\""));
    assert!(message(&format!("{LOG4SHELL}/U:RED")).contains("has no metric \"U\""));
    assert!(
        message("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:S/SA:N")
            .starts_with("SI has no value \"S\"")
    );
}

#[test]
fn junk_is_refused() {
    for junk in [
        "/", "//", " ", "\n", "/AV", ":", "/:", "/AV:", "/ E:F", "/E :F", "/E:F:F", "/E:F ", "\0", "/E:Ｆ",
        "(9.8)", "#x",
    ] {
        let text = format!("{LOG4SHELL}{junk}");
        assert!(Vector::parse(&text).is_err(), "{text:?}");
    }
    let versions = [
        "",
        "/",
        "hello",
        "CVSS:3.1",
        "CVSS:3.1/",
        "cvss:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
        "CVSS:3.2/AV:N",
        "CVSS:2.0/AV:N/AC:L/Au:N/C:N/I:N/A:C",
        "CVSS:3.10/AV:N",
        " CVSS:3.1/AV:N",
        "CVSS:5.0/AV:N",
        "(AV:N/AC:L/Au:N/C:N/I:N/A:C)",
        "CVSS:3.1//AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
    ];
    for text in versions {
        assert!(Vector::parse(text).is_err(), "{text:?}");
    }
    assert!(message("CVSS:3.2/AV:N").starts_with("the vector begins with \"CVSS:3.2\""));
    assert!(message(&format!("{LOG4SHELL}/")).starts_with("\"\" is not a metric"));
    assert_eq!(message(&"A".repeat(513)), "the vector has 513 bytes: send at most 512");
    assert!(message(&"A".repeat(512)).starts_with("the vector begins with"));
}

#[test]
fn bands_change_exactly_at_their_bounds() {
    let of = |version, tenths| band_of(version, Tenths::new(tenths).unwrap());
    for (tenths, three, two) in [
        (0, Band::None, Band::Low),
        (1, Band::Low, Band::Low),
        (39, Band::Low, Band::Low),
        (40, Band::Medium, Band::Medium),
        (69, Band::Medium, Band::Medium),
        (70, Band::High, Band::High),
        (89, Band::High, Band::High),
        (90, Band::Critical, Band::High),
        (100, Band::Critical, Band::High),
    ] {
        assert_eq!(of(CvssVersion::V2_0, tenths), two, "{tenths}");
        for version in [CvssVersion::V3_0, CvssVersion::V3_1, CvssVersion::V4_0] {
            assert_eq!(of(version, tenths), three, "{tenths}");
        }
    }
    assert_eq!(vector(LOG4SHELL).band(), Band::Critical);
    assert_eq!(vector(&format!("{LOG4SHELL}/E:U/RL:O/RC:C")).band(), Band::High);
}

#[test]
fn the_band_proposes_a_severity() {
    assert_eq!(severity_from_band(vector(LOG4SHELL).band()), Some(Severity::Critical));
    assert_eq!(severity_from_band(vector("AV:N/AC:L/Au:N/C:C/I:C/A:C").band()), Some(Severity::High));
    let harmless = vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N");
    assert_eq!((harmless.band(), severity_from_band(harmless.band())), (Band::None, None));
}

#[test]
fn a_point_or_a_band_apart_is_flagged() {
    let of = |rest: &str| vector(&format!("CVSS:3.1/AV:N/AC:L/{rest}"));
    let nine_eight = of("PR:N/UI:N/S:U/C:H/I:H/A:H");
    let eight_eight = of("PR:L/UI:N/S:U/C:H/I:H/A:H");
    let ten = vector(LOG4SHELL);
    assert_eq!(differs(&nine_eight, &nine_eight), None);
    assert_eq!(differs(&nine_eight, &ten), None, "0.2 apart, both critical");
    let flagged = differs(&nine_eight, &eight_eight).unwrap();
    assert_eq!((flagged.ours, flagged.theirs), (nine_eight.score(), eight_eight.score()));
    assert_eq!(
        (flagged.distance.to_string().as_str(), flagged.our_band, flagged.their_band),
        ("1.0", Band::Critical, Band::High)
    );
    assert!(!flagged.versions_differ);
    // Exactly 1.0 apart within one band: 8.8 and 7.8 are both high.
    let seven_eight = vector("CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H");
    assert_eq!(differs(&seven_eight, &eight_eight).map(|difference| difference.distance.get()), Some(10));
    // 0.3 apart, over the bound between high and critical.
    let nine_one = of("PR:N/UI:N/S:U/C:H/I:H/A:N");
    assert_eq!(nine_one.score().to_string(), "9.1");
    assert_eq!(differs(&eight_eight, &nine_one).map(|difference| difference.distance.get()), Some(3));
    let two = vector("AV:N/AC:L/Au:N/C:C/I:C/A:C");
    assert!(
        differs(&ten, &two)
            .is_some_and(|difference| difference.versions_differ && difference.distance.get() == 0)
    );
}

#[test]
fn versions_have_names_that_a_schema_can_keep() {
    use async_graphql::resolver_utils::EnumType;
    let names: Vec<_> = CvssVersion::items().iter().map(|item| item.name).collect();
    assert_eq!(names, ["CVSS_2_0", "CVSS_3_0", "CVSS_3_1", "CVSS_4_0"]);
}

/// Whole vectors and parts of some.
const PARTS: &str = "CVSS:3.1/¦CVSS:3.0/¦CVSS:4.0/¦/¦:¦AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H¦AV:N/AC:L/Au:N/C:N/I:N/A:C¦\
    AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N¦/E:A¦/E:P¦/RL:O¦/RC:C¦/CR:H¦/MAV:P¦/MSI:S¦\
    /TD:N¦/CDP:H¦/S:P¦/U:Red¦AV:¦X¦h¦漏";

proptest! {
    #[test]
    fn any_vector_never_panics_and_says_the_same_when_it_is_written_out(
        text in prop_oneof![jumble(PARTS), crate::testing::bent_text("cvss")],
    ) {
        if let Ok(read) = Vector::parse(&text) {
            let again = Vector::parse(read.as_str());
            prop_assert_eq!(again.ok(), Some(read));
        }
    }
}
