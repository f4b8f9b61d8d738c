use async_graphql::{Variables, value};
use proptest::prelude::*;

use super::*;

fn measure(text: &str) -> Result<Cost, GuardError> {
    measure_with(text, Variables::default(), None)
}

fn measure_with(text: &str, variables: Variables, name: Option<&str>) -> Result<Cost, GuardError> {
    let limits = GuardLimits::default();
    check(&parse(text, &limits).expect("parses"), &variables, name, &limits)
}

fn limit_hit<T: std::fmt::Debug>(result: Result<T, GuardError>) -> (Limit, u64, u64) {
    match result.expect_err("refused") {
        GuardError::TooMuch { limit, allowed, found } => (limit, allowed, found),
        other => panic!("{other:?}"),
    }
}

fn parse_refusal(text: &str) -> (Limit, u64, u64) {
    match parse(text, &GuardLimits::default()).expect_err("refused") {
        ParseError::Refused(error) => limit_hit::<()>(Err(error)),
        other => panic!("{other:?}"),
    }
}

fn fragment_chain(links: usize) -> String {
    let mut text = "{ ...F0 }".to_owned();
    for link in 0..links {
        text += &format!(" fragment F{link} on Query {{ ...F{0} ...F{0} }}", link + 1);
    }
    text + &format!(" fragment F{links} on Query {{ __typename }}")
}

#[test]
fn doubling_fragments_cost_the_guard_one_step_per_selection() {
    let text = fragment_chain(60);
    let limits = GuardLimits { selections: usize::MAX, objects: u64::MAX, ..GuardLimits::default() };
    let document = parse(&text, &limits).unwrap();
    let (limit, _, found) = limit_hit(check(&document, &Variables::default(), None, &GuardLimits::default()));
    assert_eq!(limit, Limit::Selections);
    assert!(found > 1 << 60, "{found}");
    let cost = check(&document, &Variables::default(), None, &limits).unwrap();
    assert_eq!(cost.steps, 1 + 60 * 2 + 1);
}

#[test]
fn expanded_selections_are_counted_over_all_definitions() {
    // Operation: spread 1 + F0 (2 spreads + 2 fields) = 5; definitions: F0 4, F1 1.
    assert_eq!(measure(&fragment_chain(1)).unwrap().selections, 5 + 4 + 1);
    let unused = fragment_chain(12).replace("{ ...F0 }", "{ __typename }");
    assert_eq!(limit_hit(measure(&unused)).0, Limit::Selections);
}

#[test]
fn fragment_cycles_are_refused_even_when_unused() {
    let cycle = "{ a } fragment A on Q { ...B } fragment B on Q { x { ...A } }";
    assert_eq!(measure(cycle), Err(GuardError::FragmentCycle));
}

#[test]
fn page_sizes_multiply_through_nesting() {
    let text =
        "query($n: Int = 5) { events(first: 10) { edges { node { id notes(last: $n) { nodes { id } } } } } }";
    // events 1 + 10 edges × (edge 1 + node 1 + notes 1 + 5 nodes).
    assert_eq!(measure(text).unwrap().objects, 1 + 10 * (1 + 1 + 1 + 5));
    let sent = Variables::from_value(value!({"n": 50}));
    assert_eq!(measure_with(text, sent, None).unwrap().objects, 1 + 10 * (1 + 1 + 1 + 50));
    assert_eq!(measure("{ events { nodes { id } pageInfo { endCursor } } }").unwrap().objects, 1 + 1 + 20);
    assert_eq!(measure("{ nodes(ids: [\"a\", \"b\"]) { id } }").unwrap().objects, 2);
    let wide = "{ a(first: 100) { nodes { b(first: 100) { nodes { c(first: 2) { nodes { id } } } } } } }";
    assert_eq!(limit_hit(measure(wide)).0, Limit::Objects);
}

#[test]
fn only_the_selected_operation_costs_objects() {
    let text = "query A { x(first: 100000) { id } } query B { y { id } }";
    assert_eq!(measure_with(text, Variables::default(), Some("B")).unwrap().objects, 1);
    assert_eq!(limit_hit(measure(text)), (Limit::Objects, 20_000, 100_000));
}

#[test]
fn depth_counts_fields_and_not_fragments() {
    let nested = |levels: usize| "{ a ".repeat(levels) + &"}".repeat(levels);
    assert_eq!(measure(&nested(12)).unwrap().depth, 12);
    assert_eq!(limit_hit(measure(&nested(13))), (Limit::Depth, 12, 13));
    assert_eq!(measure("{ ... { ...F } } fragment F on Q { a { b } }").unwrap().depth, 2);
}

/// The shape that schema explorers send: 15 fields deep.
const EXPLORER: &str = "query IntrospectionQuery { __schema { queryType { name } types { ...FullType }
  directives { name args { ...InputValue } } } }
  fragment FullType on __Type { kind name fields(includeDeprecated: true) { name args { ...InputValue }
    type { ...TypeRef } } inputFields { ...InputValue } interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name } possibleTypes { ...TypeRef } }
  fragment InputValue on __InputValue { name type { ...TypeRef } defaultValue }
  fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
    kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    } } } } } } } } } }";

#[test]
fn introspection_of_explorers_passes_and_its_bombs_do_not() {
    assert_eq!(measure(EXPLORER).unwrap().depth, 1);
    let nested = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_eq!(limit_hit(measure(nested)), (Limit::IntrospectionLists, 3, 4));
    let aliased = "{ __schema { types { a: fields { name } } } }";
    assert_eq!(limit_hit(measure(aliased)).0, Limit::IntrospectionAliases);
    let many = "{ __schema { description } a: __schema { description } b: __schema { description } }";
    assert_eq!(limit_hit(measure(many)), (Limit::IntrospectionFields, 2, 3));
    let deep = format!("{{ __schema {{ queryType {} }} }}", "{ ofType ".repeat(19) + &"}".repeat(19));
    assert_eq!(limit_hit(measure(&deep)), (Limit::IntrospectionDepth, 20, 21));
}

#[test]
fn each_bound_is_hit_one_above_it() {
    let aliases: String = (0..51).map(|n| format!("a{n}: b ")).collect();
    assert_eq!(limit_hit(measure(&format!("{{ {aliases} }}"))), (Limit::Aliases, 50, 51));
    let operations: String = (0..11).map(|n| format!("query Q{n} {{ a }} ")).collect();
    assert_eq!(limit_hit(measure(&operations)), (Limit::Operations, 10, 11));
    let directives = format!("{{ a {} }}", "@skip(if: false) ".repeat(6));
    assert_eq!(limit_hit(measure(&directives)), (Limit::Directives, 5, 6));
    let declared: String = (0..51).map(|n| format!("$v{n}: Int ")).collect();
    assert_eq!(limit_hit(measure(&format!("query({declared}) {{ a }}"))), (Limit::Variables, 50, 51));
    let fields = format!("{{ {} }}", "a ".repeat(2_001));
    assert_eq!(limit_hit(measure(&fields)), (Limit::Selections, 2_000, 2_001));
}

#[test]
fn an_operation_has_a_few_searches_wherever_they_stand() {
    let searches = |number| -> String {
        (0..number).map(|n| format!("a{n}: search(query: \"x\") {{ pageInfo {{ hasNextPage }} }} ")).collect()
    };
    assert!(measure(&format!("{{ {} }}", searches(5))).is_ok());
    assert_eq!(limit_hit(measure(&format!("{{ {} }}", searches(6)))), (Limit::Searches, 5, 6));
    let fragments = format!("{{ ...F ...F }} fragment F on Query {{ {} }}", searches(3));
    assert_eq!(limit_hit(measure(&fragments)), (Limit::Searches, 5, 6));
}

#[test]
fn what_is_asked_for_again_counts_for_what_it_takes() {
    let objects = |text: &str| measure(text).unwrap().objects;
    let page = |inside: &str| objects(&format!("{{ events(first: 20) {{ nodes {{ {inside} }} }} }}"));
    let plain = page("product { id }");
    assert_eq!(plain, 1 + 20 * 2);
    for again in [
        "product { id } product { id }",
        "product { id } a: product { id }",
        "... on Event { product { id } } ... on Event { product { id } }",
    ] {
        assert_eq!(page(again), plain + 20 * (1 + 150), "{again}");
    }
    let spread = "{ events(first: 20) { nodes { ...F ...F ...G } } } fragment F on Event { product { id } } \
                  fragment G on Event { product { name } }";
    assert_eq!(objects(spread), plain + 20 * 2 * (1 + 150));
    assert_eq!(page("product { id } id title id a: title"), plain + 20 * 2);
    assert_eq!(page("product { id } reporter { id } id name"), plain + 20, "each once");
    let types = "... on Event { product { id } } ... on Report { product { id } }";
    assert_eq!(page(types), plain + 20, "an object is of one type");
    let values = format!("{{ events(first: 20) {{ nodes {{ {} }} }} }}", "id ".repeat(1_001));
    assert_eq!(limit_hit(measure(&values)), (Limit::Objects, 20_000, 20_021));
    let roots = |count| format!("{{ {} }}", "viewer { subject } ".repeat(count));
    assert_eq!(objects(&roots(133)), 133 + 132 * 150);
    assert_eq!(limit_hit(measure(&roots(134))), (Limit::Objects, 20_000, 134 + 133 * 150));
    let changes = |count| format!("mutation {{ {} }}", "comment { id } ".repeat(count));
    assert_eq!(objects(&changes(50)), 50 + 49 * 400);
    assert_eq!(limit_hit(measure(&changes(51))).0, Limit::Objects);
    // However often a fragment is looked into, that is as much as the document expands to at most.
    let (spreads, fields) = ("a { ...F } ".repeat(500), "b ".repeat(1_000));
    let bomb = format!("{{ {spreads} }} fragment F on A {{ {fields} }}");
    assert_eq!(limit_hit(measure(&bomb)).0, Limit::Selections);
}

#[test]
fn variables_are_bounded() {
    let send = |value: Value| limit_hit(measure_with("{ a }", Variables::from_value(value), None));
    let many = Value::Object((0..51).map(|n| (Name::new(format!("v{n}")), Value::Null)).collect());
    assert_eq!(send(many), (Limit::Variables, 50, 51));
    assert_eq!(send(value!({"v": {"list": vec![1; 1_001]}})), (Limit::ListItems, 1_000, 1_001));
    assert_eq!(send(value!({"v": "x".repeat(600_000)})).0, Limit::VariableBytes);
}

#[test]
fn text_is_bounded_before_it_is_parsed() {
    assert_eq!(parse_refusal(&" ".repeat(65_537)), (Limit::DocumentBytes, 65_536, 65_537));
    assert_eq!(parse_refusal(&format!("{{ {} }}", "a ".repeat(4_000))), (Limit::Tokens, 4_000, 4_001));
    for bomb in ["{", "{a(b:[", "{a(b:{c:", "{a @b(c:", "query($a: [[["] {
        assert_eq!(parse_refusal(&bomb.repeat(10_000 / bomb.len())), (Limit::Nesting, 40, 41));
    }
}

#[test]
fn brackets_in_strings_and_comments_do_not_count() {
    let brackets = "{[(".repeat(100);
    let text =
        format!("{{ a(b: \"{brackets}\\\"\", c: \"\"\"{brackets}\\\"\"\" \" \"\"\") # {brackets}\n }}");
    assert!(parse(&text, &GuardLimits::default()).is_ok());
}

#[test]
fn a_string_without_end_is_refused_before_the_parser_reads_it_otherwise() {
    let text = format!("{{ a(b: [\"\"\"c\" {} ", "{d: ".repeat(900));
    let error = parse(&text, &GuardLimits::default()).unwrap_err();
    assert_eq!(error.to_string(), "Syntax error at line 1, column 9: the string has no end.");
    assert!(parse("{ a(b: \"c\n\") }", &GuardLimits::default()).is_err());
}

#[test]
fn messages_name_limit_and_remedy_and_never_the_document() {
    let error = limit_error("{ secret(first: 100000) { id } }");
    assert_eq!(
        error.to_string(),
        "Too many objects in the answer: 100000, at most 20000 are allowed. \
         Please ask for smaller pages (first, last) or fewer nested pages."
    );
    let syntax = parse("{ secret(", &GuardLimits::default()).unwrap_err().to_string();
    assert!(syntax.contains("line 1, column") && !syntax.contains("secret"), "{syntax}");
}

fn limit_error(text: &str) -> GuardError {
    measure(text).unwrap_err()
}

#[test]
fn the_deepest_nesting_that_passes_fits_the_parsers_stack() {
    let text = format!("{{ a(b: {}1{}) }}", "{c: ".repeat(38), "}".repeat(38));
    let parsed = std::thread::Builder::new()
        .stack_size(1024 * 1024)
        .spawn(move || parse(&text, &GuardLimits::default()).is_ok())
        .unwrap();
    assert!(parsed.join().unwrap());
}

proptest! {
    #[test]
    fn any_document_never_panics(pieces in proptest::collection::vec(
        prop::sample::select(vec![
            "{", "}", "(", ")", "[", "]", "...", "F", " on Q ", "fragment F", "query", "a", ":", "$v", "@d", "=",
            "!", "\"", "\"\"\"", "\\", "#", "\n", "1.5", "-", "ü", "\u{feff}", " ", "first:2", "edges", "__schema",
        ]),
        0..60,
    )) {
        let limits = GuardLimits::default();
        if let Ok(document) = parse(&pieces.concat(), &limits) {
            let _ = check(&document, &Variables::default(), None, &limits);
        }
    }
}

#[test]
fn a_null_character_is_named_by_its_place_wherever_it_stands() {
    let place = |text: &str, variables: async_graphql::Value| match measure_with(
        text,
        Variables::from_value(variables),
        None,
    )
    .expect_err("refused")
    {
        GuardError::NullCharacter { path } => path,
        other => panic!("{other:?}"),
    };
    let none = || value!({});
    assert_eq!(place(r#"{ a(b: "\u0000") { c } }"#, none()), "b");
    assert_eq!(place(r#"{ a(b: { c: [{ d: "x\u0000" }] }) }"#, none()), "b.c.d");
    assert_eq!(place(r#"query($a: String = "\u0000") { b(c: $a) }"#, none()), "a");
    assert_eq!(place(r#"{ ...F } fragment F on Query { a(b: "\u0000") }"#, none()), "b");
    assert_eq!(place("{ a }", value!({ "input": { "texts": ["fine", "\u{0}"] } })), "input.texts");
    assert!(measure_with(r#"{ a(b: "\\u0000 is six letters") }"#, Variables::default(), None).is_ok());
}

#[test]
fn a_list_that_is_no_page_costs_its_own_size() {
    let one = "{ node(id: 1) { duplicateCandidates { report { id } } } }";
    assert_eq!(measure(one).unwrap().objects, 1 + 10 * (1 + 1));
    let some = "{ node(id: 1) { duplicateCandidates(first: 3) { report { id } } } }";
    assert_eq!(measure(some).unwrap().objects, 1 + 3 * (1 + 1));
}
