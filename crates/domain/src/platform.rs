//! The name of a platform. What a platform can do is known to `connectors` alone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A platform's name in paths and tables: 1 to 32 of `a-z`, `0-9` and `-`, beginning with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, example = "hubspot", pattern = "^[a-z][a-z0-9-]{0,31}$")]
#[serde(try_from = "String", into = "String")]
pub struct PlatformSlug(String);

impl PlatformSlug {
    /// The slug under which Coccinelle's own backend has its integration.
    pub const COCCINELLE: &'static str = "coccinelle";

    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text cannot be a platform's slug.
#[derive(Debug, thiserror::Error)]
#[error("a platform is named by 1 to 32 lower-case letters, digits and dashes")]
pub struct InvalidSlug;

impl FromStr for PlatformSlug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_lowercase());
        let fits = text.len() <= 32;
        let clean = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if starts_well && fits && clean { Ok(Self(text.to_owned())) } else { Err(InvalidSlug) }
    }
}

impl TryFrom<String> for PlatformSlug {
    type Error = InvalidSlug;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PlatformSlug> for String {
    fn from(slug: PlatformSlug) -> Self {
        slug.0
    }
}

impl fmt::Display for PlatformSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
