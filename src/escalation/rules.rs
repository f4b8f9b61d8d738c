//! Which functions an event calls for.

use std::collections::BTreeSet;

use entity::vocabulary::{Function, Level, TeamGroup};

use crate::score::rules::Factor;

/// Public opinion, in tenths, from which PUBLIC_RELATIONS joins whatever the level.
const PUBLIC_CONCERN: u8 = 70;

/// The functions that an event of `level` calls for by itself. `customer_affected` also when a customer reported it.
pub fn functions_for(
    level: Level,
    public_opinion: Option<Factor>,
    customer_affected: bool,
) -> BTreeSet<Function> {
    let mut functions = BTreeSet::new();
    if level >= Level::Yellow {
        functions.insert(Function::TechnicalService);
    }
    if level >= Level::Orange {
        functions.extend([Function::PublicRelations, Function::Legal, Function::LeadingGroup]);
    }
    if public_opinion.is_some_and(|factor| factor.tenths() >= PUBLIC_CONCERN) {
        functions.insert(Function::PublicRelations);
    }
    if customer_affected {
        functions.insert(Function::AccountManagement);
    }
    functions
}

/// The group that a function works in.
pub fn group_of(function: Function) -> TeamGroup {
    if function == Function::LeadingGroup { TeamGroup::Leading } else { TeamGroup::Working }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_team_is_wider_as_the_level_rises() {
        use Function::{AccountManagement, LeadingGroup, Legal, PublicRelations, TechnicalService};
        let calls_for = |level, opinion: &str, customer| {
            functions_for(level, opinion.parse().ok(), customer).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(calls_for(Level::None, "6.9", false), []);
        assert_eq!(calls_for(Level::Blue, "6.9", false), []);
        assert_eq!(calls_for(Level::Blue, "7.0", false), [PublicRelations]);
        assert_eq!(calls_for(Level::Blue, "0", true), [AccountManagement]);
        assert_eq!(calls_for(Level::Yellow, "6.9", false), [TechnicalService]);
        let major = [TechnicalService, Legal, PublicRelations, LeadingGroup];
        assert_eq!(calls_for(Level::Orange, "0", false), major);
        assert_eq!(calls_for(Level::Red, "10", false), major);
    }

    #[test]
    fn only_the_leading_group_leads() {
        assert_eq!(group_of(Function::LeadingGroup), TeamGroup::Leading);
        assert_eq!(group_of(Function::Legal), TeamGroup::Working);
    }
}
