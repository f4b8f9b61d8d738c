//! How much two reports have in common, and which words say it. Pure.

use entity::vocabulary::{CandidateKind, DuplicateReasonCode as Code};

use super::features::{Asked, Compared, Fact, FactKind, Term, fact_term};
use super::weights::Weights;

/// Least score with which a candidate is shown.
pub const SHOWN: u32 = 42;
/// Share of the words, in per cent, from which they are named as a reason.
const WORDS_NAMED: u32 = 30;

// What shared facts are worth beside the words, in points of a score up to 100.
const WORDS: u32 = 100;
const PRODUCT: u32 = 12;
const PRODUCT_VERSION: u32 = 10;
const PRODUCT_WEAKNESS: u32 = 10;
const HOST: u32 = 10;
const ENDPOINT: u32 = 20;
const ENDPOINT_PARAMETER: u32 = 30;
const SAME_FILE: u32 = 80;
/// What both say and say otherwise.
const OTHER_WEAKNESS: u32 = 8;
const OTHER_PRODUCT: u32 = 6;

/// Why a report may be the same as another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What they have in common.
    pub code: Code,
    /// Its value, where it has one.
    pub value: Option<String>,
    /// How much of it, in per cent, where it is a matter of degree.
    pub share: Option<u32>,
}

/// What two reports have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    /// How sure it makes.
    pub kind: CandidateKind,
    /// 0 to 100; 100 says that nothing has to be compared.
    pub score: u32,
    /// The same without a bound, for the order among candidates.
    pub points: u32,
    /// What they have in common, the most telling first.
    pub reasons: Vec<Reason>,
}

/// Score from which what came through another platform is taken for the same report.
const MOST_LIKELY: u32 = 70;
/// What the same screenshot makes of a score.
const SAME_PICTURE: u32 = 75;

impl Likeness {
    /// Whether it is enough to show it.
    pub fn is_shown(&self) -> bool {
        self.score >= SHOWN
    }

    /// Adds that a screenshot is the same.
    pub fn add_picture(&mut self, reason: Reason) {
        self.points = self.points.max(SAME_PICTURE);
        if self.kind != CandidateKind::Exact {
            self.kind = CandidateKind::Strong;
            self.score = self.points.min(99);
        }
        self.add_reason(reason);
    }

    /// Adds that it came through another platform, where it is surely or most likely the same.
    pub fn add_platforms(&mut self, reason: Option<Reason>) {
        if let Some(reason) = reason.filter(|_| self.score >= MOST_LIKELY) {
            self.add_reason(reason);
        }
    }

    fn add_reason(&mut self, reason: Reason) {
        self.reasons.push(reason);
        self.reasons.sort_by_key(|reason| reason.code);
    }
}

/// What `own` and another report have in common.
pub fn likeness(own: &Asked, other: &Compared, weights: &Weights) -> Likeness {
    let versions = own.words.iter().flat_map(|own| other.words().iter().map(move |other| (own, other)));
    let words = versions.map(|(own, other)| shared_words(own, other, weights)).max().unwrap_or(0);
    let shared: Vec<&Fact> = own.facts.iter().filter(|fact| other.says(fact)).collect();
    let shares = |kind: FactKind| shared.iter().any(|fact| fact.kind == kind);
    let both = |kind: FactKind| {
        own.facts.iter().any(|fact| fact.kind == kind) && other.facts().iter().any(|(of, _)| *of == kind)
    };
    // A fact that many reports share says less.
    let points = |kind: FactKind, most: u32| {
        let of = |fact: &&&Fact| fact.kind == kind;
        let telling = |fact: &&Fact| weights.of(fact_term(kind, fact.value));
        shared.iter().filter(of).map(telling).max().unwrap_or(0) * most / Weights::MOST
    };
    let mut score = words * WORDS / 100;
    score += points(FactKind::Product, PRODUCT)
        + points(FactKind::ProductVersion, PRODUCT_VERSION)
        + points(FactKind::ProductWeakness, PRODUCT_WEAKNESS)
        + points(FactKind::Host, HOST)
        + points(FactKind::Endpoint, ENDPOINT)
        + points(FactKind::EndpointParameter, ENDPOINT_PARAMETER);
    for (kind, less) in [(FactKind::Weakness, OTHER_WEAKNESS), (FactKind::Product, OTHER_PRODUCT)] {
        if both(kind) && !shares(kind) {
            score = score.saturating_sub(less);
        }
    }
    let exact = shares(FactKind::Number) || shares(FactKind::SameText);
    let strong = shares(FactKind::File)
        || shares(FactKind::EndpointParameter)
        || (shares(FactKind::ProductVersion) && shares(FactKind::ProductWeakness));
    let kind = if exact {
        CandidateKind::Exact
    } else if strong {
        CandidateKind::Strong
    } else {
        CandidateKind::Similar
    };
    let points = if shares(FactKind::File) { score.max(SAME_FILE) } else { score };
    let score = if kind == CandidateKind::Exact { 100 } else { points.min(99) };
    Likeness { kind, score, points, reasons: reasons(&shared, words) }
}

fn reasons(shared: &[&Fact], words: u32) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    let has = |kind: FactKind| shared.iter().any(|fact| fact.kind == kind);
    for fact in shared {
        let code = match fact.kind {
            FactKind::Number => Code::SameNumber,
            FactKind::SameText => Code::SameText,
            FactKind::File => Code::SameFile,
            FactKind::EndpointParameter => Code::SameEndpointAndParameter,
            FactKind::Endpoint if !has(FactKind::EndpointParameter) => Code::SameEndpoint,
            FactKind::Host if !has(FactKind::Endpoint) => Code::SameHost,
            FactKind::ProductVersion => Code::SameProductAndVersion,
            FactKind::Product if !has(FactKind::ProductVersion) => Code::SameProduct,
            FactKind::Weakness => Code::SameWeakness,
            FactKind::Parameter if !has(FactKind::EndpointParameter) => Code::SameParameter,
            _ => continue,
        };
        let value = (!fact.words.is_empty()).then(|| fact.words.clone());
        reasons.push(Reason { code, value, share: None });
    }
    if words >= WORDS_NAMED && !has(FactKind::SameText) {
        reasons.push(Reason { code: Code::SimilarText, value: None, share: Some(words) });
    }
    reasons.sort_by_key(|reason| reason.code);
    reasons
}

/// The share of the words of two texts that is the same, in per cent: the cosine of their terms, each weighed by how telling
/// it is. Whole numbers only.
fn shared_words(own: &[Term], other: &[Term], weights: &Weights) -> u32 {
    let weight = |term: &Term| u64::from(weights.of(term.value)) * u64::from(term.count);
    let length = |terms: &[Term]| terms.iter().map(|term| weight(term).pow(2)).sum::<u64>();
    let (mut product, mut rest) = (0, other.iter().peekable());
    for term in own {
        while rest.next_if(|other| other.value < term.value).is_some() {}
        if let Some(same) = rest.next_if(|other| other.value == term.value) {
            product += weight(term) * weight(same);
        }
    }
    let lengths = (length(own) * length(other)).isqrt();
    u32::try_from((product * 100).checked_div(lengths).unwrap_or(0)).unwrap_or(100).min(100)
}
