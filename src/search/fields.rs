//! What of each thing is searched, field by field. Pure.
//!
//! A field stands here for all who find the thing at all, or the thing has a side for those who may read it: what an answer
//! shows of a hit is taken from the same fields, so nothing is found by what is not shown.

use std::borrow::Cow;

use entity::vocabulary::SearchField;
use entity::{event, product, reply, report};

/// A field of a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Which one.
    pub name: SearchField,
    /// What stands in it.
    pub text: Cow<'a, str>,
}

impl<'a> Field<'a> {
    /// The field with its text.
    pub fn new(name: SearchField, text: impl Into<Cow<'a, str>>) -> Self {
        Self { name, text: text.into() }
    }

    /// Whether it names the thing: what is found in it comes first.
    pub fn is_title(&self) -> bool {
        use SearchField::{Key, Name, Number, Subject, Title};
        matches!(self.name, Number | Title | Subject | Name | Key)
    }
}

/// What a report says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Number, title and text of its newest versions.
    pub versions: Vec<(i32, String, String)>,
    /// Indicators that came with it.
    pub given: Vec<String>,
    /// Indicators that analysts added, as far as nobody dismissed them: they are shown inside alone.
    pub added: Vec<String>,
}

/// Versions of a report that are searched, the newest ones.
pub const VERSIONS: i32 = 3;

impl Said {
    /// Leaves the newest versions alone, the newest first.
    pub fn keep_newest(&mut self) {
        self.versions.sort_by_key(|(number, ..)| std::cmp::Reverse(*number));
        self.versions.truncate(usize::try_from(VERSIONS).unwrap_or_default());
    }
}

/// Fields of an event that analysts wrote; nothing while they wrote nothing. Its title is the report's until then, and found
/// there by who may read it.
pub fn of_event(event: &event::Model) -> Vec<Field<'_>> {
    if !event.described && event.description.is_empty() && event.steps.is_empty() {
        return Vec::new();
    }
    let mut fields = vec![Field::new(SearchField::Number, &event.number)];
    if event.described {
        fields.push(Field::new(SearchField::Title, &event.title));
    }
    fields.push(Field::new(SearchField::Description, &event.description));
    fields.push(Field::new(SearchField::Steps, &event.steps));
    fields
}

/// Fields of a report, with what is shown inside alone or without.
pub fn of_report<'a>(report: &'a report::Model, said: &'a Said, inside: bool) -> Vec<Field<'a>> {
    let number = report.channel_number.as_deref();
    let mut fields: Vec<Field<'_>> =
        number.into_iter().map(|number| Field::new(SearchField::Number, number)).collect();
    for (_, title, text) in &said.versions {
        fields.push(Field::new(SearchField::Title, title));
        fields.push(Field::new(SearchField::Text, text));
    }
    let added: &[String] = if inside { &said.added } else { &[] };
    fields.extend(said.given.iter().chain(added).map(|value| Field::new(SearchField::Indicator, value)));
    fields
}

/// Fields of a reply.
pub fn of_reply(reply: &reply::Model) -> Vec<Field<'_>> {
    vec![Field::new(SearchField::Subject, &reply.subject), Field::new(SearchField::Body, &reply.body)]
}

/// Fields of a product.
pub fn of_product(product: &product::Model) -> Vec<Field<'_>> {
    let mut fields = vec![
        Field::new(SearchField::Key, &product.key),
        Field::new(SearchField::Name, &product.name),
        Field::new(SearchField::Line, &product.line),
        Field::new(SearchField::OwnerTeam, &product.owner_team),
        Field::new(SearchField::Provider, &product.provider_entity),
        Field::new(SearchField::CustomerCoverage, &product.customer_coverage),
    ];
    fields
        .extend(product.successor.as_deref().map(|successor| Field::new(SearchField::Successor, successor)));
    fields
}
