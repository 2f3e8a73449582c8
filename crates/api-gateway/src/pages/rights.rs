//! Rights that a platform's account grants, by what each is for: their codes say little to who is to grant them.

use connectors::descriptor::{Terms, Words};
use connectors::registry;

use super::text::{Message, say};

/// A right by its code, and what it is for, where that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Right {
    pub(super) scope: String,
    pub(super) purpose: Option<Message>,
}

impl Right {
    /// That of this code, on whichever platform it is needed.
    pub(super) fn named(scope: &str) -> Self {
        let mut terms = registry::all().iter().filter_map(|platform| platform.connector().descriptor().terms());
        Self::of(scope, terms.find_map(|terms| terms.purpose(scope)))
    }

    /// All that are needed.
    pub(super) fn needed(terms: &Terms) -> Vec<Self> {
        terms.scopes.iter().map(|scope| Self::of(scope, terms.purpose(scope))).collect()
    }

    fn of(scope: &str, purpose: Option<Words>) -> Self {
        Self { scope: scope.to_owned(), purpose: purpose.map(|words| say(words.fr, words.en)) }
    }
}
