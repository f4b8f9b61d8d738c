//! Which column of a table is which field of a report.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A field of a report that a column can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The channel's own number; a link serves as well. Required.
    Number,
    /// The title. Required.
    Title,
    /// The text; of several columns each comes under its name.
    Text,
    /// The reporter's name.
    Reporter,
    /// When the channel received it.
    ReceivedAt,
    /// When the channel published it.
    PublishedAt,
    /// The channel's rating.
    Severity,
    /// What the channel paid.
    Bounty,
    /// The bounty's currency.
    Currency,
    /// The class of weakness.
    Weakness,
    /// An affected product.
    Product,
    /// Links.
    Url,
    /// CVE, CNVD or CNNVD numbers.
    Identifier,
}

impl Field {
    /// Every field with its name in mappings.
    pub const ALL: [(Self, &'static str); 13] = [
        (Self::Number, "number"),
        (Self::Title, "title"),
        (Self::Text, "text"),
        (Self::Reporter, "reporter"),
        (Self::ReceivedAt, "receivedAt"),
        (Self::PublishedAt, "publishedAt"),
        (Self::Severity, "severity"),
        (Self::Bounty, "bounty"),
        (Self::Currency, "currency"),
        (Self::Weakness, "weakness"),
        (Self::Product, "product"),
        (Self::Url, "url"),
        (Self::Identifier, "identifier"),
    ];

    /// Whether several columns can fill it.
    fn takes_several(self) -> bool {
        matches!(self, Self::Text | Self::Product | Self::Url | Self::Identifier)
    }

    fn named(name: &str) -> Result<Self, MappingError> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|(field, _)| *field).ok_or_else(|| MappingError::UnknownField(name.to_owned()))
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(field, _)| *field == self).map_or("", |(_, name)| name)
    }
}

/// Columns by field, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping(Vec<(Field, String)>);

/// Why a mapping cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// An argument without an equals sign, or with nothing on one side of it.
    #[error("`{0}` is no mapping; write field=column, for example title=Summary")]
    NotAPair(String),
    /// A field that reports do not have.
    #[error("there is no field `{0}`; the fields are {fields}", fields = field_names())]
    UnknownField(String),
    /// A field that takes one column was given two.
    #[error("field `{0}` takes one column and was given two")]
    GivenTwice(&'static str),
    /// Number or title has no column.
    #[error("field `{0}` has no column; every report needs it")]
    Required(&'static str),
    /// Not a TOML table of columns.
    #[error("the mapping is not TOML of the form field = \"column\" or field = [\"column\", ...]: {0}")]
    Toml(String),
}

/// A TOML value: one column, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Columns {
    One(String),
    Several(Vec<String>),
}

impl Mapping {
    /// Reads arguments of the form `field=column`.
    pub fn from_arguments<S: AsRef<str>>(
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<Self, MappingError> {
        let mut pairs = Vec::new();
        for argument in arguments {
            let argument = argument.as_ref();
            let pair =
                argument.split_once('=').filter(|(field, column)| !field.is_empty() && !column.is_empty());
            let (field, column) = pair.ok_or_else(|| MappingError::NotAPair(argument.to_owned()))?;
            pairs.push((Field::named(field.trim())?, column.trim().to_owned()));
        }
        Self::checked(pairs)
    }

    /// Reads a TOML document of lines such as `title = "Summary"` or `text = ["Description", "Steps"]`.
    pub fn from_toml(document: &str) -> Result<Self, MappingError> {
        let table: BTreeMap<String, Columns> =
            toml::from_str(document).map_err(|error| MappingError::Toml(error.to_string()))?;
        let mut pairs = Vec::new();
        for (name, columns) in table {
            let field = Field::named(&name)?;
            match columns {
                Columns::One(column) => pairs.push((field, column)),
                Columns::Several(columns) => pairs.extend(columns.into_iter().map(|column| (field, column))),
            }
        }
        Self::checked(pairs)
    }

    /// The pairs of field and column.
    pub(super) fn pairs(&self) -> &[(Field, String)] {
        &self.0
    }

    fn checked(pairs: Vec<(Field, String)>) -> Result<Self, MappingError> {
        for (index, (field, _)) in pairs.iter().enumerate() {
            if !field.takes_several() && pairs[..index].iter().any(|(earlier, _)| earlier == field) {
                return Err(MappingError::GivenTwice(field.name()));
            }
        }
        for required in [Field::Number, Field::Title] {
            if !pairs.iter().any(|(field, _)| *field == required) {
                return Err(MappingError::Required(required.name()));
            }
        }
        Ok(Self(pairs))
    }
}

fn field_names() -> String {
    Field::ALL.map(|(_, name)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_toml_say_the_same() {
        let arguments = ["number=link", "text=a=b", "text=steps", "title= Summary"];
        let mapping = Mapping::from_arguments(arguments).unwrap();
        let expected = [
            (Field::Number, "link".to_owned()),
            (Field::Text, "a=b".to_owned()),
            (Field::Text, "steps".to_owned()),
            (Field::Title, "Summary".to_owned()),
        ];
        assert_eq!(mapping.pairs(), expected);
        let toml = "title = 'Summary'\nnumber = \"link\"\ntext = ['a=b', 'steps']\n";
        assert_eq!(Mapping::from_toml(toml).unwrap().pairs(), expected);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let of = |arguments: &[&str]| Mapping::from_arguments(arguments).unwrap_err();
        assert_eq!(of(&["number"]), MappingError::NotAPair("number".into()));
        assert_eq!(of(&["number="]), MappingError::NotAPair("number=".into()));
        assert_eq!(of(&["nummer=a"]), MappingError::UnknownField("nummer".into()));
        assert_eq!(of(&["number=a", "number=b", "title=c"]), MappingError::GivenTwice("number"));
        assert_eq!(of(&["number=a"]), MappingError::Required("title"));
        assert_eq!(of(&["title=a"]), MappingError::Required("number"));
        assert!(matches!(Mapping::from_toml("title = 3"), Err(MappingError::Toml(_))));
        assert!(of(&["x=y"]).to_string().ends_with("product, url, identifier"));
    }
}
