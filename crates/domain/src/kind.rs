//! The kinds of record that Coccinelle keeps in step. What fields each has is `schema`'s.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A person: a prospect, a customer, a user.
    Contact,
    /// An appointment or an opportunity, tied to a contact.
    Deal,
    /// Something a shop sells.
    Product,
    /// Something a shop sold.
    Order,
    /// A call that took place, tied to a contact.
    Activity,
}

impl RecordKind {
    /// Every kind, in the order in which one may depend on another.
    pub const ALL: [Self; 5] = [Self::Contact, Self::Deal, Self::Product, Self::Order, Self::Activity];

    /// The name used in tables, messages and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Deal => "deal",
            Self::Product => "product",
            Self::Order => "order",
            Self::Activity => "activity",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no kind of record.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a kind of record")]
pub struct UnknownKind(String);

impl FromStr for RecordKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}
