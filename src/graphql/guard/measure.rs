//! Measures what a document expands to. Each fragment is measured once per operation and the result reused,
//! so the work is bounded by the text.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Positioned, Value, Variables,
    parser::types::{
        Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
    },
};

use super::{GuardError, GuardLimits, Limit, refuse_null_characters, selected_operation};

/// Lists of the introspection types. Nested without bound they multiply the whole schema with itself.
const INTROSPECTION_LISTS: [&str; 8] =
    ["types", "directives", "fields", "inputFields", "args", "enumValues", "interfaces", "possibleTypes"];
/// The introspection query of common clients nests types, fields and arguments.
const MAX_INTROSPECTION_LISTS: u64 = 3;
/// Clients ask for the schema once.
const MAX_INTROSPECTION_FIELDS: u64 = 2;

/// Lists that are no pages and have a size of their own when `first` is left out.
const OWN_SIZES: [(&str, u64); 2] = [("duplicateCandidates", 10), ("leaderboard", 20)];

/// The field that reads texts, and most of it in an operation.
const SEARCH: &str = "search";
const MAX_SEARCHES: u64 = 5;

/// What a field counts for that stands where another of its name does, under an alias or because it is said twice: each is
/// resolved by itself, and takes far more than what it adds to the answer. A value, an object, which may be a question of its own to
/// the database, and a change.
const VALUE_AGAIN: u64 = 1;
const OBJECT_AGAIN: u64 = 150;
const CHANGE_AGAIN: u64 = 400;

/// What a document came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Selections after expanding fragments, over all definitions.
    pub selections: u64,
    /// Deepest field outside introspection.
    pub depth: u64,
    /// Aliases after expanding fragments, over all operations.
    pub aliases: u64,
    /// Objects that the selected operation's answer may hold.
    pub objects: u64,
    /// Changes that the selected operation makes; none of a query.
    pub changes: u64,
    /// Selections that the guard itself looked at: its own work.
    pub steps: u64,
}

pub(super) fn document(
    document: &ExecutableDocument,
    variables: &Variables,
    operation_name: Option<&str>,
    limits: &GuardLimits,
) -> Result<Cost, GuardError> {
    let selected = selected_operation(document, operation_name);
    let mut walk = Walk {
        document,
        variables,
        limits,
        defaults: HashMap::new(),
        known: HashMap::new(),
        steps: 0,
        looked_at: 0,
    };
    let mut cost = Cost::default();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let measure = walk.operation(operation)?;
        cost.selections = cost.selections.saturating_add(measure.selections);
        cost.aliases = cost.aliases.saturating_add(measure.aliases);
        cost.depth = cost.depth.max(measure.depth);
        if selected.is_none_or(|selected| std::ptr::eq(selected, operation)) {
            cost.objects = cost.objects.max(measure.objects.saturating_add(measure.page_objects));
            if operation.ty == OperationType::Mutation {
                cost.changes = cost.changes.max(measure.fields);
            }
        }
        Limit::IntrospectionDepth.bound(measure.introspection_depth, limits.introspection_depth)?;
        Limit::Searches.bound(measure.searches, MAX_SEARCHES)?;
        Limit::IntrospectionFields.bound(measure.introspection_fields, MAX_INTROSPECTION_FIELDS)?;
    }
    for (name, fragment) in &document.fragments {
        walk.directives(&fragment.node.directives)?;
        cost.selections = cost.selections.saturating_add(walk.fragment(name)?.selections);
    }
    cost.steps = walk.steps;
    Limit::Selections.bound(cost.selections, limits.selections)?;
    Limit::Depth.bound(cost.depth, limits.depth)?;
    Limit::Aliases.bound(cost.aliases, limits.aliases)?;
    Limit::Objects.bound(cost.objects, limits.objects)?;
    Ok(cost)
}

/// What one selection or set of selections expands to, wherever it stands.
#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    selections: u64,
    aliases: u64,
    depth: u64,
    introspection_depth: u64,
    introspection_lists: u64,
    introspection_fields: u64,
    /// Fields that stand here, and not inside of others.
    fields: u64,
    /// Those of them that are objects.
    parts: u64,
    searches: u64,
    /// Objects, those of page items left out.
    objects: u64,
    /// Objects per item of the page, when this is what a connection selects.
    page_objects: u64,
}

impl Measure {
    fn beside(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
            depth: self.depth.max(other.depth),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
            introspection_lists: self.introspection_lists.max(other.introspection_lists),
            introspection_fields: self.introspection_fields.saturating_add(other.introspection_fields),
            fields: self.fields.saturating_add(other.fields),
            parts: self.parts.saturating_add(other.parts),
            searches: self.searches.saturating_add(other.searches),
            objects: self.objects.saturating_add(other.objects),
            page_objects: self.page_objects.saturating_add(other.page_objects),
        }
    }

    /// One more selection around this.
    fn within_selection(self) -> Self {
        Self { selections: self.selections.saturating_add(1), ..self }
    }
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    limits: &'a GuardLimits,
    /// Default values of the present operation's variables.
    defaults: HashMap<&'a str, &'a Value>,
    /// Fragments measured for the present operation; `None` while one is being measured.
    known: HashMap<&'a str, Option<Measure>>,
    steps: u64,
    /// Selections that were looked at for their names: never more than the document expands to.
    looked_at: usize,
}

impl<'a> Walk<'a> {
    fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Measure, GuardError> {
        self.directives(&operation.directives)?;
        Limit::Variables.bound(operation.variable_definitions.len(), self.limits.variables)?;
        self.known.clear();
        self.defaults.clear();
        for definition in &operation.variable_definitions {
            self.directives(&definition.node.directives)?;
            if let Some(value) = &definition.node.default_value {
                refuse_null_characters(&definition.node.name.node, &value.node)?;
                self.defaults.insert(&definition.node.name.node, &value.node);
            }
        }
        let again = if operation.ty == OperationType::Mutation { CHANGE_AGAIN } else { OBJECT_AGAIN };
        self.whole(&operation.selection_set.node, again)
    }

    /// All that is selected of one object, where one more of a name counts `again`.
    fn whole(&mut self, set: &'a SelectionSet, again: u64) -> Result<Measure, GuardError> {
        let mut measure = self.set(set)?;
        let (values, parts) = self.names(set);
        let values = (measure.fields - measure.parts).saturating_sub(values);
        let again = measure.parts.saturating_sub(parts).saturating_mul(again);
        measure.objects =
            measure.objects.saturating_add(values.saturating_mul(VALUE_AGAIN)).saturating_add(again);
        Ok(measure)
    }

    /// How many different values and objects are selected of one object, its fragments' included. What fragments on different
    /// types select is different: of most objects one of them holds.
    fn names(&mut self, set: &'a SelectionSet) -> (u64, u64) {
        let (mut names, mut fragments, mut sets) = (HashSet::new(), HashSet::new(), vec![(set, "")]);
        let (mut values, mut parts) = (0, 0);
        while let Some((set, on)) = sets.pop() {
            for selection in &set.items {
                self.looked_at += 1;
                // A document that expands to more than that is refused whatever it counts.
                if self.looked_at > self.limits.selections {
                    return (u64::MAX, u64::MAX);
                }
                match &selection.node {
                    Selection::Field(field) if !names.insert((on, field.node.name.node.as_str())) => {}
                    Selection::Field(field) if field.node.selection_set.node.items.is_empty() => values += 1,
                    Selection::Field(_) => parts += 1,
                    Selection::InlineFragment(inline) => {
                        let own = inline.node.type_condition.as_ref();
                        let on = own.map_or(on, |condition| condition.node.on.node.as_str());
                        sets.push((&inline.node.selection_set.node, on));
                    }
                    Selection::FragmentSpread(spread) => {
                        let name = &spread.node.fragment_name.node;
                        let fragment = self.document.fragments.get(name);
                        if let Some(fragment) = fragment.filter(|_| fragments.insert(name.as_str())) {
                            let on = fragment.node.type_condition.node.on.node.as_str();
                            sets.push((&fragment.node.selection_set.node, on));
                        }
                    }
                }
            }
        }
        (values, parts)
    }

    fn set(&mut self, set: &'a SelectionSet) -> Result<Measure, GuardError> {
        let mut sum = Measure::default();
        for selection in &set.items {
            self.steps += 1;
            self.directives(selection.node.directives())?;
            sum = sum.beside(match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(inline) => {
                    self.set(&inline.node.selection_set.node)?.within_selection()
                }
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node)?.within_selection()
                }
            });
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a Name) -> Result<Measure, GuardError> {
        match self.known.get(name.as_str()) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => return Err(GuardError::FragmentCycle),
            None => {}
        }
        // A spread of nothing is left for validation to refuse.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Measure::default()) };
        self.known.insert(name, None);
        let measure = self.set(&fragment.node.selection_set.node)?;
        self.known.insert(name, Some(measure));
        Ok(measure)
    }

    fn field(&mut self, field: &'a Field) -> Result<Measure, GuardError> {
        let name = field.name.node.as_str();
        for (argument, value) in &field.arguments {
            // Variables are looked at by themselves.
            if let Ok(value) = value.node.clone().into_const_with(|_| Ok::<_, GuardError>(Value::Null)) {
                refuse_null_characters(&argument.node, &value)?;
            }
        }
        let inner = self.whole(&field.selection_set.node, OBJECT_AGAIN)?;
        let mut outer = inner.within_selection();
        outer.fields = 1;
        outer.parts = u64::from(!field.selection_set.node.items.is_empty());
        outer.aliases = inner.aliases.saturating_add(field.alias.is_some().into());
        outer.searches = inner.searches.saturating_add((name == SEARCH).into());
        if matches!(name, "__schema" | "__type") {
            Limit::IntrospectionAliases.bound(inner.aliases, 0_u64)?;
            Limit::IntrospectionLists.bound(inner.introspection_lists, MAX_INTROSPECTION_LISTS)?;
            outer.introspection_depth = inner.depth + 1;
            outer.introspection_fields = inner.introspection_fields.saturating_add(1);
            outer.depth = 1;
        } else {
            outer.introspection_lists += u64::from(INTROSPECTION_LISTS.contains(&name));
            outer.depth = inner.depth + 1;
        }
        let objects = self.objects(field, inner);
        // `nodes(ids: …)` is a list of its own; without arguments it holds the items of the page around it.
        let page_items = matches!(name, "edges" | "nodes") && field.arguments.is_empty();
        (outer.objects, outer.page_objects) = if page_items { (0, objects) } else { (objects, 0) };
        Ok(outer)
    }

    /// Objects that `field` brings: one, or as many as its page holds, each with what is selected inside.
    fn objects(&self, field: &Field, inner: Measure) -> u64 {
        if field.selection_set.node.items.is_empty() {
            return 0;
        }
        let size = self.page_size(field);
        let single = inner.objects.saturating_add(1);
        match (inner.page_objects, size) {
            (0, None) => single,
            (0, Some(size)) => single.saturating_mul(size),
            (items, size) => {
                single.saturating_add(items.saturating_mul(size.unwrap_or(self.limits.default_page_size)))
            }
        }
    }

    /// The largest of `first`, `last` and the number of `ids`; a value that is no size is left for the
    /// resolver to refuse.
    fn page_size(&self, field: &Field) -> Option<u64> {
        let sizes = ["first", "last", "ids"].iter().filter_map(|argument| {
            let written = field.get_argument(argument)?.node.clone();
            match written.into_const_with(|name| self.variable(&name).ok_or(())).ok()? {
                Value::Number(number) => number.as_u64(),
                Value::List(items) => u64::try_from(items.len()).ok(),
                _ => None,
            }
        });
        let own =
            || OWN_SIZES.iter().find(|(name, _)| *name == field.name.node.as_str()).map(|(_, size)| *size);
        sizes.max().or_else(own)
    }

    fn variable(&self, name: &Name) -> Option<Value> {
        self.variables.get(name).or_else(|| self.defaults.get(name.as_str()).copied()).cloned()
    }

    fn directives(&self, directives: &[Positioned<Directive>]) -> Result<(), GuardError> {
        Limit::Directives.bound(directives.len(), self.limits.directives)
    }
}
