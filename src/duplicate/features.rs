//! What of a report is compared: its facts, each a number that stands for a value, and the terms of its words. Pure.
//!
//! Values are kept as fingerprints, so nothing of a report can be read out of the index. What a reason says of two reports
//! comes from the words of the one that is looked at.

use std::collections::{BTreeSet, HashMap};

use entity::vocabulary::IndicatorKind;
use foldhash::quality::RandomState;

use super::weakness;
use super::weights::Weights;
use crate::indicator::rules::beside;
use crate::text::{self, TokenKind, fingerprint, tokens};

/// Bytes of a text that are looked at.
const LOOKED_AT: usize = 200_000;
/// Most terms of a report that are compared.
const TERMS: usize = 256;
/// Most terms of a report under which it is found.
const POSTED: usize = 24;
/// Postings that are looked up: the most of them, how many of the most telling ones in any case, and about how many rows of the
/// index are read of the others.
pub(super) const LOOKED_UP: usize = 80;
const ALWAYS: usize = 4;
const ROWS: u64 = 3_000;
/// Most facts of a report.
const FACTS: usize = 64;
/// Most products, and versions of each, that facts are made of.
const PRODUCTS: usize = 8;
const VERSIONS: usize = 6;
/// Most times that a term counts.
const OFTEN: u8 = 4;

/// What a fact says. The number is stored: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FactKind {
    /// A number that a database gave, or the channel did.
    Number = 1,
    /// The whole text in normal form.
    SameText = 2,
    /// The content of an attached file.
    File = 3,
    /// Host and path.
    Endpoint = 4,
    /// Host, path and parameter.
    EndpointParameter = 5,
    /// Host or address of the network.
    Host = 6,
    /// Product, without its version.
    Product = 7,
    /// Product and version.
    ProductVersion = 8,
    /// Product and class of weakness.
    ProductWeakness = 9,
    /// Class of weakness.
    Weakness = 10,
    /// Parameter.
    Parameter = 11,
}

impl FactKind {
    const ALL: [Self; 11] = [
        Self::Number,
        Self::SameText,
        Self::File,
        Self::Endpoint,
        Self::EndpointParameter,
        Self::Host,
        Self::Product,
        Self::ProductVersion,
        Self::ProductWeakness,
        Self::Weakness,
        Self::Parameter,
    ];

    /// What a report is found under by a fact of this kind.
    pub(super) fn posting(self, value: u64) -> i64 {
        posting(self as u8, value)
    }

    /// Whether reports are found by it: what very many have in common finds nothing.
    pub(super) fn is_posted(self) -> bool {
        !matches!(self, Self::Weakness | Self::Parameter)
    }

    /// How telling it is beside a term, of which each has 1 to 12.
    fn factor(self) -> u32 {
        match self {
            Self::Number | Self::SameText | Self::File => 30,
            Self::EndpointParameter => 15,
            Self::Endpoint => 5,
            Self::ProductVersion | Self::ProductWeakness => 2,
            Self::Host | Self::Product | Self::Weakness | Self::Parameter => 1,
        }
    }
}

/// One fact, with the words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it says.
    pub kind: FactKind,
    /// What stands for its value.
    pub value: u64,
    /// Its value, for people.
    pub words: String,
}

/// What stands for a fact among terms, of which it is said how common they are.
pub fn fact_term(kind: FactKind, value: u64) -> u32 {
    term(&[&format!("{}:{value:x}", kind as u8)])
}

/// A term of a report's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// What stands for it.
    pub value: u32,
    /// How often it counts, 1 to 8; what stands in the title or a product's name counts twice.
    pub count: u8,
}

/// What a report says.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Title.
    pub title: &'a str,
    /// Text.
    pub text: &'a str,
    /// What identifies what it is about, as far as nobody dismissed it.
    pub indicators: &'a [(IndicatorKind, String)],
    /// The channel's own number.
    pub number: Option<&'a str>,
    /// SHA-256 of each attached file.
    pub files: &'a [Vec<u8>],
}

/// What of a report is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Facts, each once.
    pub facts: Vec<Fact>,
    /// Terms by what stands for them, each once.
    pub terms: Vec<Term>,
}

impl Features {
    /// What of these words is compared.
    pub fn of(said: &Said<'_>, weights: &Weights) -> Self {
        let title = text::normal(text::head(said.title, LOOKED_AT));
        let body = text::normal(text::head(said.text, LOOKED_AT));
        let mut features = Self { facts: facts(said, &title, &body), terms: Vec::new() };
        let mut counts: HashMap<u32, (u8, bool), RandomState> =
            HashMap::with_capacity_and_hasher(TERMS, RandomState::default());
        let mut count = |text: &str, important: bool| {
            let mut before: Option<String> = None;
            for token in tokens(text) {
                let mut add = |value: u32| {
                    let entry = counts.entry(value).or_insert((0, false));
                    entry.0 = entry.0.saturating_add(1).min(OFTEN);
                    entry.1 |= important;
                };
                add(term(&[&token.text]));
                // A name of several words says more than its words.
                let word = (token.kind == TokenKind::Word && important).then(|| token.text.to_string());
                if let (Some(before), Some(word)) = (&before, &word) {
                    add(term(&[before, word]));
                }
                before = word;
            }
        };
        count(&title, true);
        count(&body, false);
        for (_, name) in
            said.indicators.iter().filter(|(kind, _)| *kind == IndicatorKind::Product).take(PRODUCTS)
        {
            count(&text::normal(text::head(name, LOOKED_AT)), true);
        }
        let mut terms: Vec<Term> = counts
            .into_iter()
            .map(|(value, (count, important))| Term {
                value,
                count: if important { count * 2 } else { count },
            })
            .collect();
        most_telling(&mut terms, weights, TERMS);
        terms.sort_unstable_by_key(|term| term.value);
        features.terms = terms;
        features
    }

    /// What the report is found by.
    pub fn postings(&self, weights: &Weights) -> Vec<Posting> {
        let of = |feature: i64, term: u32, factor: u32| Posting {
            feature,
            telling: weights.of(term) * factor,
            expected: weights.expected(term),
        };
        let facts = self.facts.iter().filter(|fact| fact.kind.is_posted()).filter_map(|fact| {
            let common = fact_term(fact.kind, fact.value);
            weights.is_posted(common).then(|| of(fact.kind.posting(fact.value), common, fact.kind.factor()))
        });
        let mut terms = self.terms.clone();
        terms.retain(|term| weights.is_posted(term.value));
        most_telling(&mut terms, weights, POSTED);
        let terms = terms.iter().map(|term| of(posting(0, u64::from(term.value)), term.value, 1));
        facts.chain(terms).collect()
    }

    /// What of it is kept to be compared.
    pub fn profile(&self) -> Profile {
        let facts = self.facts.iter().map(|fact| (fact.kind, fact.value));
        Profile { facts: facts.collect(), terms: self.terms.clone() }
    }
}

/// What a report is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// What the report stands under in the index.
    pub feature: i64,
    /// How telling it is.
    pub telling: u32,
    /// About how many reports stand under it.
    pub expected: u64,
}

/// Which of these postings are looked up, each once: the most telling ones, and of the others those under which not too much
/// is found beside what is found already, where at most `most` are read of one.
pub fn looked_up(mut postings: Vec<Posting>, most: u64) -> Vec<Posting> {
    postings.sort_unstable_by_key(|posting| (std::cmp::Reverse(posting.telling), posting.feature));
    postings.dedup_by_key(|posting| posting.feature);
    let (mut rows, mut looked_up) = (0, 0);
    postings.retain(|posting| {
        let read = posting.expected.min(most);
        let taken = looked_up < LOOKED_UP && (looked_up < ALWAYS || rows + read <= ROWS);
        if taken {
            (rows, looked_up) = (rows + read, looked_up + 1);
        }
        taken
    });
    postings
}

/// The form in which features are kept.
const FORM: u8 = 1;

/// What of a report is kept to be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Facts.
    pub facts: Vec<(FactKind, u64)>,
    /// Terms by what stands for them.
    pub terms: Vec<Term>,
}

impl Profile {
    /// As it is kept.
    pub fn encode(&self) -> Vec<u8> {
        let facts = self.facts.iter().take(FACTS);
        let mut bytes = Vec::with_capacity(2 + self.facts.len() * 9 + self.terms.len() * 5);
        bytes.push(FORM);
        bytes.push(u8::try_from(facts.len()).unwrap_or(u8::MAX));
        for (kind, value) in facts {
            bytes.push(*kind as u8);
            bytes.extend(value.to_be_bytes());
        }
        for term in &self.terms {
            bytes.extend(term.value.to_be_bytes());
            bytes.push(term.count);
        }
        bytes
    }

    /// What was kept; nothing where it has another form.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut profile = Self::default();
        let [FORM, count, rest @ ..] = bytes else { return profile };
        let Some((facts, terms)) = rest.split_at_checked(usize::from(*count) * 9) else { return profile };
        for fact in facts.chunks_exact(9) {
            let kind = FactKind::ALL.into_iter().find(|kind| *kind as u8 == fact[0]);
            let value = fact[1..].try_into().map(u64::from_be_bytes);
            if let (Some(kind), Ok(value)) = (kind, value) {
                profile.facts.push((kind, value));
            }
        }
        for term in terms.chunks_exact(5) {
            if let Ok(value) = term[..4].try_into().map(u32::from_be_bytes) {
                profile.terms.push(Term { value, count: term[4] });
            }
        }
        profile
    }
}

/// What of a report that is looked at is compared: what all that is looked at of it says it is about, and the words of each
/// version by themselves. Put together, the words of many versions would be like nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Facts, each once.
    pub facts: Vec<Fact>,
    /// Terms of each version.
    pub words: Vec<Vec<Term>>,
}

impl Asked {
    /// Of the features of its versions.
    pub fn of(versions: impl IntoIterator<Item = Features>) -> Self {
        let mut asked = Self::default();
        for version in versions {
            for fact in version.facts {
                if !asked.facts.iter().any(|known| known.kind == fact.kind && known.value == fact.value) {
                    asked.facts.push(fact);
                }
            }
            asked.words.push(version.terms);
        }
        asked
    }
}

/// The same of a report that it is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    facts: Vec<(FactKind, u64)>,
    words: Vec<Vec<Term>>,
}

impl Compared {
    /// Of what is kept of it.
    pub fn of(profiles: impl IntoIterator<Item = Profile>) -> Self {
        let mut compared = Self::default();
        for profile in profiles {
            compared.facts.extend(profile.facts);
            if !profile.terms.is_empty() {
                compared.words.push(profile.terms);
            }
        }
        compared.facts.sort_unstable();
        compared.facts.dedup();
        compared
    }

    /// Facts in their order, each once.
    pub fn facts(&self) -> &[(FactKind, u64)] {
        &self.facts
    }

    /// Terms of each version.
    pub fn words(&self) -> &[Vec<Term>] {
        &self.words
    }

    /// Whether it says this too.
    pub fn says(&self, fact: &Fact) -> bool {
        self.facts.binary_search(&(fact.kind, fact.value)).is_ok()
    }

    /// What of the report a generation of weights counts, each once: its terms, and its facts among them.
    pub fn counted(&self) -> BTreeSet<u32> {
        let facts = self.facts.iter().map(|(kind, value)| fact_term(*kind, *value));
        facts.chain(self.words.iter().flatten().map(|term| term.value)).collect()
    }
}

/// What stands for a term.
pub fn term(words: &[&str]) -> u32 {
    u32::try_from(fingerprint(words) >> 32).unwrap_or_default()
}

/// Keeps the `most` most telling terms; the same ones of equal texts.
fn most_telling(terms: &mut Vec<Term>, weights: &Weights, most: usize) {
    if terms.len() > most {
        let by = |term: &Term| std::cmp::Reverse((weights.of(term.value), term.count, term.value));
        terms.select_nth_unstable_by_key(most - 1, by);
        terms.truncate(most);
    }
}

/// What a report is posted under: the kind of fact, or 0 for a term, is part of it.
fn posting(kind: u8, value: u64) -> i64 {
    let mixed = value.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (u64::from(kind) << 56) ^ u64::from(kind);
    i64::from_be_bytes(mixed.to_be_bytes())
}

fn facts(said: &Said<'_>, title: &str, body: &str) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    let mut add = |kind: FactKind, parts: &[&str], words: String| {
        let value = fingerprint(parts);
        if facts.len() < FACTS && !facts.iter().any(|fact| fact.kind == kind && fact.value == value) {
            facts.push(Fact { kind, value, words });
        }
    };
    let of = |wanted: IndicatorKind| {
        said.indicators.iter().filter(move |(kind, _)| *kind == wanted).map(|(_, value)| value.as_str())
    };
    use IndicatorKind as Kind;
    for number in said.number.into_iter().chain([Kind::Cve, Kind::Cnvd, Kind::Cnnvd].into_iter().flat_map(of))
    {
        let number = text::normal(number.trim());
        // A channel's bare count is no number that another channel could give.
        if number.len() >= 8 {
            add(FactKind::Number, &[&number], number.to_uppercase());
        }
    }
    let words: Vec<_> = tokens(body).map(|token| token.text).collect();
    if words.len() >= 8 {
        let all: Vec<&str> = words.iter().map(|word| &**word).collect();
        add(FactKind::SameText, &all, String::new());
    }
    for file in said.files {
        let digest: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
        add(FactKind::File, &[&digest], format!("sha256:{}", &digest[..digest.len().min(12)]));
    }
    let (mut classes, named_at) = weakness::classes(title);
    for name in of(Kind::Weakness) {
        let name = text::normal(name);
        match name.strip_prefix("cwe-").and_then(|number| number.parse().ok()) {
            Some(class) => classes.push(class),
            None => classes.extend(weakness::classes(&name).0),
        }
    }
    if classes.is_empty() {
        classes = weakness::classes(text::head(body, 4_000)).0;
    }
    let parameters: Vec<String> = of(Kind::Parameter).take(PRODUCTS).map(str::to_lowercase).collect();
    let endpoints: Vec<Endpoint> = of(Kind::Url).take(16).filter_map(Endpoint::of).collect();
    let is_only = endpoints.iter().all(|one| one.is_at(&endpoints[0]));
    let beside = if is_only || parameters.is_empty() { Vec::new() } else { beside(said.title, said.text) };
    for endpoint in &endpoints {
        let Endpoint { host, path, own, .. } = endpoint;
        add(FactKind::Endpoint, &[host, path], format!("{host}{path}"));
        // Of several endpoints each has its own parameters, and those that stand with it in the text.
        let stands = |name: &&String| {
            is_only
                || beside
                    .iter()
                    .any(|(url, known)| *url == endpoint.address && known.to_lowercase() == **name)
        };
        for name in own.iter().chain(parameters.iter().filter(stands)).take(PRODUCTS) {
            add(FactKind::EndpointParameter, &[host, path, name], format!("{host}{path}?{name}"));
        }
    }
    for host in of(Kind::Host).chain(of(Kind::IpAddress)).take(16) {
        let host = host.to_lowercase();
        add(FactKind::Host, &[&host], host.clone());
    }
    let mut products: Vec<(String, Vec<String>)> = Vec::new();
    for name in of(Kind::Product) {
        let (product, versions) = product(&text::normal(text::head(name, 2_000)));
        if let Some((_, known)) = products.iter_mut().find(|(known, _)| *known == product) {
            known.extend(versions);
        } else if products.len() < PRODUCTS && !product.is_empty() {
            products.push((product, versions));
        }
    }
    let named = product(before_weakness(title, named_at)).0;
    if !named.is_empty() && !products.iter().any(|(known, _)| *known == named) {
        products.push((named, Vec::new()));
    }
    let versions: Vec<String> = of(Kind::Version).map(str::to_lowercase).collect();
    for (product, own) in &products {
        add(FactKind::Product, &[product], product.clone());
        for class in &classes {
            add(FactKind::ProductWeakness, &[product, &class.to_string()], format!("{product}, CWE-{class}"));
        }
        for version in own.iter().chain(&versions).take(VERSIONS) {
            add(FactKind::ProductVersion, &[product, version], format!("{product} {version}"));
        }
    }
    for class in &classes {
        add(FactKind::Weakness, &[&class.to_string()], format!("CWE-{class}"));
    }
    for name in &parameters {
        add(FactKind::Parameter, &[name], name.clone());
    }
    facts
}

/// What an address names: host, path, and the parameters of its query.
struct Endpoint {
    address: String,
    host: String,
    path: String,
    own: Vec<String>,
}

impl Endpoint {
    /// None where it names a host alone.
    fn of(address: &str) -> Option<Self> {
        let url = url::Url::parse(address).ok()?;
        let path = url.path().trim_end_matches('/').to_lowercase();
        (!path.is_empty()).then_some(Self {
            address: address.to_owned(),
            host: url.host_str()?.to_owned(),
            path,
            own: url.query_pairs().map(|(name, _)| name.to_lowercase()).take(PRODUCTS).collect(),
        })
    }

    fn is_at(&self, other: &Self) -> bool {
        (&self.host, &self.path) == (&other.host, &other.path)
    }
}

/// The part of a title that names what is concerned.
fn before_weakness(title: &str, named_at: Option<usize>) -> &str {
    let end = ["存在", "漏洞", "组件", "插件", "中的", " in ", " allows ", " vulnerab"];
    let ends = end.iter().filter_map(|word| title.find(word)).chain(named_at);
    &title[..ends.min().unwrap_or(0)]
}

/// A product's name without what is said twice, and the versions behind it.
fn product(name: &str) -> (String, Vec<String>) {
    let mut words: Vec<&str> = Vec::new();
    let mut versions = Vec::new();
    // A sign before a version ends the name too.
    let sign = name.find(['<', '>', '=', '≤', '≥', '(']).filter(|place| *place > 0).unwrap_or(name.len());
    for token in tokens(name) {
        // A name is shown to people, so it keeps its plural.
        let word = &name[token.start..token.end];
        if token.kind == TokenKind::Version {
            versions.push(token.text.into_owned());
        } else if versions.is_empty() && token.start < sign && words.last() != Some(&word) && words.len() < 12
        {
            words.push(word);
        }
    }
    (words.join(" "), versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said<'a>(title: &'a str, text: &'a str, indicators: &'a [(IndicatorKind, String)]) -> Said<'a> {
        Said { title, text, indicators, number: None, files: &[] }
    }

    fn words(features: &Features, kind: FactKind) -> Vec<&str> {
        features.facts.iter().filter(|fact| fact.kind == kind).map(|fact| fact.words.as_str()).collect()
    }

    #[test]
    fn a_products_name_is_told_from_its_versions() {
        assert_eq!(
            product("gatewayos gatewayos <=5.2.21"),
            ("gatewayos".to_owned(), vec!["5.2.21".to_owned()])
        );
        assert_eq!(
            product("example core router 3.0.x"),
            ("example core router".to_owned(), vec!["3.0.x".to_owned()])
        );
        assert_eq!(product("网关 ").0, "网关");
    }

    #[test]
    fn facts_say_what_a_report_is_about() {
        let indicators = [
            (IndicatorKind::Product, "Example Example Portal <2.40".to_owned()),
            (IndicatorKind::Cve, "cve-2031-12345".to_owned()),
            (IndicatorKind::Url, "http://Shop.example/Item.php?id=1".to_owned()),
        ];
        let features =
            Features::of(&said("Example Portal SQL注入漏洞", "正文", &indicators), &Weights::default());
        assert_eq!(words(&features, FactKind::Number), ["CVE-2031-12345"]);
        assert_eq!(words(&features, FactKind::EndpointParameter), ["shop.example/item.php?id"]);
        assert_eq!(words(&features, FactKind::Product), ["example portal"]);
        assert_eq!(words(&features, FactKind::ProductVersion), ["example portal 2.40"]);
        assert_eq!(words(&features, FactKind::ProductWeakness), ["example portal, CWE-89"]);
    }

    #[test]
    fn a_parameter_belongs_to_the_endpoint_that_it_stands_with() {
        let (one, other) = ("http://a.example/x.php?id=1", "http://a.example/y.php");
        let text = format!("{one} 存在漏洞。\n{other} 的 name 参数同样。");
        let mut indicators = vec![
            (IndicatorKind::Url, one.to_owned()),
            (IndicatorKind::Url, other.to_owned()),
            (IndicatorKind::Parameter, "id".to_owned()),
            (IndicatorKind::Parameter, "name".to_owned()),
            (IndicatorKind::Parameter, "given".to_owned()),
        ];
        let pairs = |text: &str, indicators: &[(IndicatorKind, String)]| {
            let features = Features::of(&said("t", text, indicators), &Weights::default());
            words(&features, FactKind::EndpointParameter)
                .iter()
                .map(|&pair| pair.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(pairs(&text, &indicators), ["a.example/x.php?id", "a.example/y.php?name"]);
        // What somebody dismissed is in the text and says nothing.
        indicators.retain(|(_, value)| value != "name");
        assert_eq!(pairs(&text, &indicators), ["a.example/x.php?id"]);
        // Where there is one endpoint, every parameter is its own.
        indicators.retain(|(_, value)| value != other);
        assert_eq!(pairs("正文", &indicators), ["a.example/x.php?id", "a.example/x.php?given"]);
    }

    #[test]
    fn what_finds_too_much_is_looked_up_where_little_else_is() {
        let posting = |feature: i64, telling: u32, expected: u64| Posting { feature, telling, expected };
        let features =
            |postings: &[Posting]| postings.iter().map(|posting| posting.feature).collect::<Vec<_>>();
        let common: Vec<Posting> = (0..40).map(|feature| posting(feature, 6, 1_000_000)).collect();
        // Each once, and of each no more is read than the most.
        let all = looked_up([&common[..], &common].concat(), 600);
        assert_eq!(features(&all), (0..5).collect::<Vec<_>>());
        let rare: Vec<Posting> = (100..120).map(|feature| posting(feature, 12, 50)).collect();
        let all = looked_up([common, rare].concat(), 600);
        assert_eq!(features(&all[..20]), (100..120).collect::<Vec<_>>());
        assert_eq!(all.len(), 23, "and of the rest as much as is still read");
        let more: Vec<Posting> = (0..200).map(|feature| posting(feature, 12, 0)).collect();
        assert_eq!(looked_up(more, 600).len(), LOOKED_UP);
        // What follows a posting that is too much may be little enough.
        let before: Vec<Posting> = (0..8).map(|feature| posting(feature, 3, 100)).collect();
        let all = looked_up([&before[..], &[posting(8, 2, 2_999), posting(9, 1, 10)]].concat(), 9_000);
        assert_eq!(features(&all), [0, 1, 2, 3, 4, 5, 6, 7, 9]);
    }

    #[test]
    fn what_is_kept_reads_back() {
        let features = Features::of(&said("网关SQL注入漏洞", "攻击者可登录后台", &[]), &Weights::default());
        assert_eq!(Profile::decode(&features.profile().encode()), features.profile());
        for other in [&[9, 9, 9], &[FORM, 200, 1]] {
            assert_eq!(Profile::decode(other), Profile::default(), "what is of another form says nothing");
        }
    }

    #[test]
    fn a_report_of_any_size_has_bounded_features() {
        for text in ["漏".repeat(5_000_000), "a ".repeat(5_000_000), "😀".repeat(100_000)] {
            let features = Features::of(&said("t", &text, &[]), &Weights::default());
            assert!(features.terms.len() <= TERMS && features.facts.len() <= FACTS);
            assert!(features.postings(&Weights::default()).len() <= POSTED + FACTS);
        }
        let many: String = (0..50_000).map(|number| format!("word{number} ")).collect();
        let features = Features::of(&said("t", &many, &[]), &Weights::default());
        assert_eq!(features.terms.len(), TERMS);
    }
}
