//! The field mapping between Coccinelle and a platform, both ways. Which value travels at all is `link`'s to say.

mod check;
mod dates;
mod field;
mod template;
mod transform;

#[cfg(test)]
mod tests;

use crate::field::{FieldValue, RemoteFields};
use crate::identity::{self, Region};
use crate::integration::Direction;
use crate::record::Fields;

pub use self::check::check;
pub use self::field::FieldMapping;
pub use self::transform::{Case, Part, Transform};

/// The mapping of one kind in one integration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Counts the changes of the mapping.
    pub version: i64,
    /// Where the tenant's telephone numbers without a country code are from.
    pub region: Region,
    /// Field by field; a remote field appears once, unless it is split into several of ours.
    pub fields: Vec<FieldMapping>,
}

impl Default for Mapping {
    fn default() -> Self {
        Self { version: 0, region: identity::HOME, fields: Vec::new() }
    }
}

impl Mapping {
    /// The fields that a connector proposes, before any tenant has them.
    #[must_use]
    pub fn proposed(fields: Vec<FieldMapping>) -> Self {
        Self { version: 1, fields, ..Self::default() }
    }

    /// This mapping where the whole kind may only travel in one direction: each field goes as far as both allow.
    #[must_use]
    pub fn within(&self, direction: Direction) -> Self {
        let fields = self.fields.iter().filter_map(|field| {
            let direction = field.direction.within(direction)?;
            Some(FieldMapping { direction, ..field.clone() })
        });
        Self { fields: fields.collect(), ..*self }
    }

    /// What the platform should hold of a record.
    #[must_use]
    pub fn forward(&self, fields: &Fields) -> RemoteFields {
        let written = self.fields.iter().filter(|field| field.direction.writes());
        written.filter_map(|field| Some((field.remote.clone(), field.forward(fields, self.region)?))).collect()
    }

    /// What a new object should hold of a record, defaults among it.
    #[must_use]
    pub fn forward_new(&self, fields: &Fields) -> RemoteFields {
        let written = self.fields.iter().filter(|field| field.direction.writes());
        written.filter_map(|field| Some((field.remote.clone(), field.forward_new(fields, self.region)?))).collect()
    }

    /// The field that is written and of which nothing can be made of this record: its template fails on it.
    #[must_use]
    pub fn failing(&self, fields: &Fields) -> Option<&FieldMapping> {
        let mut written = self.fields.iter().filter(|field| field.direction.writes());
        written.find(|field| field.transform.fails(&field.local, fields, self.region))
    }

    /// The remote names that a read must ask for.
    #[must_use]
    pub fn remote_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for field in &self.fields {
            // A name that is split is one field of theirs and two of ours.
            if !names.contains(&field.remote) {
                names.push(field.remote.clone());
            }
        }
        names
    }

    /// The remote identifier fields and what they should hold, where the record has a value.
    #[must_use]
    pub fn identifiers(&self, fields: &Fields) -> Vec<(String, FieldValue)> {
        let identifiers = self.fields.iter().filter(|field| field.identifier);
        identifiers
            .filter_map(|field| Some((field.remote.clone(), field.forward(fields, self.region)?)))
            .filter(|(_, value)| !value.is_null())
            .collect()
    }

    /// By what a record's object is looked for, one after the other: what is noted of the object, then what is known of the record.
    ///
    /// The record may be known by something else since. Of both, the strongest identifier alone: whoever has an e-mail is not looked for by
    /// a number that a family may share.
    #[must_use]
    pub fn looked_for_by(&self, noted: Option<&RemoteFields>, fields: &Fields) -> Vec<(String, FieldValue)> {
        let own = self.identifiers(fields).into_iter().next();
        let noted = noted.and_then(|noted| self.identifiers_in(noted).into_iter().next());
        noted.filter(|noted| own.as_ref() != Some(noted)).into_iter().chain(own).collect()
    }

    /// The remote identifier fields that have a value among these.
    fn identifiers_in(&self, fields: &RemoteFields) -> Vec<(String, FieldValue)> {
        let identifiers = self.fields.iter().filter(|field| field.identifier);
        let there = identifiers.filter_map(|field| fields.get_key_value(&field.remote));
        there.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}
