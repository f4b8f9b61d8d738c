//! The metrics of each version and the values they may take, in the order of the specifications:
//! <https://www.first.org/cvss/v2/guide>, <https://www.first.org/cvss/v3-1/specification-document>,
//! <https://www.first.org/cvss/v4-0/specification-document>.

use super::CvssVersion;

/// What a metric speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// The vulnerability itself. Mandatory.
    Base,
    /// What changes with time: "temporal" in 2.0 and 3.x.
    Threat,
    /// One's own surroundings.
    Environmental,
    /// Told beside the score (4.0).
    Supplemental,
}

/// One metric.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) group: Group,
    /// Its values. Those of an optional metric begin with the one for "not defined".
    pub(super) values: &'static [&'static str],
}

impl Metric {
    pub(super) fn is_mandatory(&self) -> bool {
        self.group == Group::Base
    }

    /// Whether `value` says nothing, like leaving the metric out.
    pub(super) fn is_undefined(&self, value: &str) -> bool {
        !self.is_mandatory() && self.values.first().is_some_and(|undefined| *undefined == value)
    }
}

const fn metric(group: Group, name: &'static str, values: &'static [&'static str]) -> Metric {
    Metric { name, group, values }
}

/// The metrics of `version` in canonical order.
pub(super) fn metrics(version: CvssVersion) -> &'static [Metric] {
    match version {
        CvssVersion::V2_0 => V2,
        CvssVersion::V3_0 | CvssVersion::V3_1 => V3,
        CvssVersion::V4_0 => V4,
    }
}

use Group::{Base, Environmental, Supplemental, Threat};

const V2: &[Metric] = &[
    metric(Base, "AV", &["L", "A", "N"]),
    metric(Base, "AC", &["H", "M", "L"]),
    metric(Base, "Au", &["M", "S", "N"]),
    metric(Base, "C", &["N", "P", "C"]),
    metric(Base, "I", &["N", "P", "C"]),
    metric(Base, "A", &["N", "P", "C"]),
    metric(Threat, "E", &["ND", "U", "POC", "F", "H"]),
    metric(Threat, "RL", &["ND", "OF", "TF", "W", "U"]),
    metric(Threat, "RC", &["ND", "UC", "UR", "C"]),
    metric(Environmental, "CDP", &["ND", "N", "L", "LM", "MH", "H"]),
    metric(Environmental, "TD", &["ND", "N", "L", "M", "H"]),
    metric(Environmental, "CR", &["ND", "L", "M", "H"]),
    metric(Environmental, "IR", &["ND", "L", "M", "H"]),
    metric(Environmental, "AR", &["ND", "L", "M", "H"]),
];

const V3: &[Metric] = &[
    metric(Base, "AV", &["N", "A", "L", "P"]),
    metric(Base, "AC", &["L", "H"]),
    metric(Base, "PR", &["N", "L", "H"]),
    metric(Base, "UI", &["N", "R"]),
    metric(Base, "S", &["U", "C"]),
    metric(Base, "C", &["H", "L", "N"]),
    metric(Base, "I", &["H", "L", "N"]),
    metric(Base, "A", &["H", "L", "N"]),
    metric(Threat, "E", &["X", "H", "F", "P", "U"]),
    metric(Threat, "RL", &["X", "U", "W", "T", "O"]),
    metric(Threat, "RC", &["X", "C", "R", "U"]),
    metric(Environmental, "CR", &["X", "H", "M", "L"]),
    metric(Environmental, "IR", &["X", "H", "M", "L"]),
    metric(Environmental, "AR", &["X", "H", "M", "L"]),
    metric(Environmental, "MAV", &["X", "N", "A", "L", "P"]),
    metric(Environmental, "MAC", &["X", "L", "H"]),
    metric(Environmental, "MPR", &["X", "N", "L", "H"]),
    metric(Environmental, "MUI", &["X", "N", "R"]),
    metric(Environmental, "MS", &["X", "U", "C"]),
    metric(Environmental, "MC", &["X", "N", "L", "H"]),
    metric(Environmental, "MI", &["X", "N", "L", "H"]),
    metric(Environmental, "MA", &["X", "N", "L", "H"]),
];

const V4: &[Metric] = &[
    metric(Base, "AV", &["N", "A", "L", "P"]),
    metric(Base, "AC", &["L", "H"]),
    metric(Base, "AT", &["N", "P"]),
    metric(Base, "PR", &["N", "L", "H"]),
    metric(Base, "UI", &["N", "P", "A"]),
    metric(Base, "VC", &["H", "L", "N"]),
    metric(Base, "VI", &["H", "L", "N"]),
    metric(Base, "VA", &["H", "L", "N"]),
    metric(Base, "SC", &["H", "L", "N"]),
    metric(Base, "SI", &["H", "L", "N"]),
    metric(Base, "SA", &["H", "L", "N"]),
    metric(Threat, "E", &["X", "A", "P", "U"]),
    metric(Environmental, "CR", &["X", "H", "M", "L"]),
    metric(Environmental, "IR", &["X", "H", "M", "L"]),
    metric(Environmental, "AR", &["X", "H", "M", "L"]),
    metric(Environmental, "MAV", &["X", "N", "A", "L", "P"]),
    metric(Environmental, "MAC", &["X", "L", "H"]),
    metric(Environmental, "MAT", &["X", "N", "P"]),
    metric(Environmental, "MPR", &["X", "N", "L", "H"]),
    metric(Environmental, "MUI", &["X", "N", "P", "A"]),
    metric(Environmental, "MVC", &["X", "H", "L", "N"]),
    metric(Environmental, "MVI", &["X", "H", "L", "N"]),
    metric(Environmental, "MVA", &["X", "H", "L", "N"]),
    metric(Environmental, "MSC", &["X", "H", "L", "N"]),
    metric(Environmental, "MSI", &["X", "S", "H", "L", "N"]),
    metric(Environmental, "MSA", &["X", "S", "H", "L", "N"]),
    metric(Supplemental, "S", &["X", "N", "P"]),
    metric(Supplemental, "AU", &["X", "N", "Y"]),
    metric(Supplemental, "R", &["X", "A", "U", "I"]),
    metric(Supplemental, "V", &["X", "D", "C"]),
    metric(Supplemental, "RE", &["X", "L", "M", "H"]),
    metric(Supplemental, "U", &["X", "Clear", "Green", "Amber", "Red"]),
];
