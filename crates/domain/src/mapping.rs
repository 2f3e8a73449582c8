//! The field mapping between Coccinelle and a platform, both ways. Which value travels at all is `link`'s to say.

mod check;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::field::{FieldName, FieldValue, RemoteFields};
use crate::identity::{self, Region};
use crate::integration::Direction;
use crate::record::Fields;
use crate::time::Timestamp;

pub use self::check::check;

/// How a value is changed on its way.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Transform {
    /// Not at all.
    #[default]
    None,
    /// A number travels as decimal text.
    NumberText,
    /// A number of seconds travels as text in milliseconds.
    SecondsToMillis,
    /// A date and time travels as text in milliseconds since 1970.
    EpochMillis,
    /// A telephone number leaves in E.164; it does not come back by this.
    E164,
    /// Words of ours become words of theirs; one to one, or it does not come back.
    ValueMap {
        /// Ours, theirs.
        values: BTreeMap<String, String>,
    },
}

impl Transform {
    /// Words of ours and what they are there.
    #[must_use]
    pub fn words(pairs: &[(&str, &str)]) -> Self {
        Self::ValueMap {
            values: pairs.iter().map(|(ours, theirs)| ((*ours).to_owned(), (*theirs).to_owned())).collect(),
        }
    }

    /// Our value in the platform's terms.
    #[must_use]
    pub fn forward(&self, value: &FieldValue) -> FieldValue {
        match self {
            Self::None => value.clone(),
            Self::NumberText => FieldValue::text(value.to_plain_text()),
            Self::SecondsToMillis => match value {
                FieldValue::Number(seconds) => {
                    let millis = seconds.as_u64().map(|s| s.saturating_mul(1_000).to_string());
                    FieldValue::text(millis.unwrap_or_default())
                }
                FieldValue::Null | FieldValue::Bool(_) | FieldValue::Text(_) | FieldValue::List(_) => FieldValue::Null,
            },
            Self::EpochMillis => {
                let millis = value.as_text().and_then(Timestamp::parse).map(|at| at.as_millis().to_string());
                FieldValue::text(millis.unwrap_or_default())
            }
            Self::E164 => match value.as_text() {
                Some(text) => FieldValue::text(identity::e164(text, Region::FR).unwrap_or_else(|| text.to_owned())),
                None => value.clone(),
            },
            Self::ValueMap { values } => match value.as_text() {
                Some(text) => values.get(text).map_or_else(|| value.clone(), FieldValue::text),
                None => value.clone(),
            },
        }
    }

    /// Whether what was sent can be told from what comes back: words are translated one to one.
    #[must_use]
    pub fn comes_back(&self) -> bool {
        match self {
            Self::None | Self::NumberText | Self::SecondsToMillis | Self::EpochMillis => true,
            Self::E164 => false,
            Self::ValueMap { values } => values.values().collect::<BTreeSet<_>>().len() == values.len(),
        }
    }

    /// Their value in our terms; `None` where it has none.
    fn inverse(&self, value: &FieldValue) -> Option<FieldValue> {
        if value.is_null() {
            return Some(FieldValue::Null);
        }
        match self {
            Self::None => Some(value.clone()),
            Self::NumberText => serde_json::from_str(value.as_text()?).ok().map(FieldValue::Number),
            Self::SecondsToMillis => {
                let millis: u64 = value.as_text()?.parse().ok()?;
                Some(FieldValue::Number((millis / 1_000).into()))
            }
            Self::EpochMillis => {
                let at = Timestamp::from_millis(value.as_text()?.parse().ok()?)?;
                Some(FieldValue::text(at.to_string()))
            }
            Self::E164 => None,
            Self::ValueMap { values } => {
                let theirs = value.as_text()?;
                let mut ours = values.iter().filter(|(_, mapped)| *mapped == theirs);
                match (ours.next(), ours.next()) {
                    (Some((only, _)), None) => Some(FieldValue::text(only)),
                    (Some(_), Some(_)) | (None, _) => None,
                }
            }
        }
    }
}

/// One of our fields and its counterpart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldMapping {
    /// Ours.
    pub local: FieldName,
    /// Theirs.
    pub remote: String,
    /// Which way this field travels.
    pub direction: Direction,
    /// How it is changed on the way.
    #[serde(default)]
    pub transform: Transform,
    /// Whether a person is looked for by it.
    #[serde(default)]
    pub identifier: bool,
    /// What a new object is given where we have nothing; outbound only, and never written over what is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<FieldValue>,
}

impl FieldMapping {
    /// A field that travels both ways as it is.
    #[must_use]
    pub fn both(local: &str, remote: &str) -> Self {
        Self {
            local: FieldName::new(local),
            remote: remote.to_owned(),
            direction: Direction::Bidirectional,
            transform: Transform::None,
            identifier: false,
            default: None,
        }
    }

    /// A field that we write and never read.
    #[must_use]
    pub fn to_platform(local: &str, remote: &str) -> Self {
        Self { direction: Direction::ToPlatform, ..Self::both(local, remote) }
    }

    /// A field that we read and never write.
    #[must_use]
    pub fn from_platform(local: &str, remote: &str) -> Self {
        Self { direction: Direction::FromPlatform, ..Self::both(local, remote) }
    }

    /// With a transform.
    #[must_use]
    pub fn with(self, transform: Transform) -> Self {
        Self { transform, ..self }
    }

    /// As an identifier.
    #[must_use]
    pub fn as_identifier(self) -> Self {
        Self { identifier: true, ..self }
    }

    /// With a value for where we have none.
    #[must_use]
    pub fn or(self, default: &str) -> Self {
        Self { default: Some(FieldValue::text(default)), ..self }
    }

    /// What the platform should hold for this field; `None` where nothing was ever said of it.
    #[must_use]
    pub fn forward(&self, fields: &Fields) -> Option<FieldValue> {
        fields.value(self.local.as_str()).map(|value| self.transform.forward(value))
    }

    /// What a new object should hold for this field: the default where we have nothing.
    fn forward_new(&self, fields: &Fields) -> Option<FieldValue> {
        let ours = self.forward(fields).filter(|value| !value.is_null() || self.default.is_none());
        ours.or_else(|| self.default.as_ref().map(|value| self.transform.forward(value)))
    }

    /// What a shown value means to us; `None` where it does not come back as the same value, and so is not taken.
    #[must_use]
    pub fn inverse(&self, shown: &FieldValue) -> Option<FieldValue> {
        let ours = self.transform.inverse(shown)?;
        (self.direction.reads() && self.transform.forward(&ours) == *shown).then_some(ours)
    }
}

/// The mapping of one kind in one integration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mapping {
    /// Counts the changes of the mapping.
    pub version: i64,
    /// Field by field; a remote field appears once.
    pub fields: Vec<FieldMapping>,
}

impl Mapping {
    /// This mapping where the whole kind may only travel in one direction: each field goes as far as both allow.
    #[must_use]
    pub fn within(&self, direction: Direction) -> Self {
        let fields = self.fields.iter().filter_map(|field| {
            let direction = field.direction.within(direction)?;
            Some(FieldMapping { direction, ..field.clone() })
        });
        Self { version: self.version, fields: fields.collect() }
    }

    /// What the platform should hold of a record.
    #[must_use]
    pub fn forward(&self, fields: &Fields) -> RemoteFields {
        let written = self.fields.iter().filter(|field| field.direction.writes());
        written.filter_map(|field| Some((field.remote.clone(), field.forward(fields)?))).collect()
    }

    /// What a new object should hold of a record, defaults among it.
    #[must_use]
    pub fn forward_new(&self, fields: &Fields) -> RemoteFields {
        let written = self.fields.iter().filter(|field| field.direction.writes());
        written.filter_map(|field| Some((field.remote.clone(), field.forward_new(fields)?))).collect()
    }

    /// The remote names that a read must ask for.
    #[must_use]
    pub fn remote_names(&self) -> Vec<String> {
        self.fields.iter().map(|field| field.remote.clone()).collect()
    }

    /// The remote identifier fields and what they should hold, where the record has a value.
    #[must_use]
    pub fn identifiers(&self, fields: &Fields) -> Vec<(String, FieldValue)> {
        let identifiers = self.fields.iter().filter(|field| field.identifier);
        identifiers
            .filter_map(|field| Some((field.remote.clone(), field.forward(fields)?)))
            .filter(|(_, value)| !value.is_null())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn transform() -> impl Strategy<Value = Transform> {
        prop_oneof![
            Just(Transform::None),
            Just(Transform::NumberText),
            Just(Transform::SecondsToMillis),
            Just(Transform::EpochMillis),
            Just(Transform::E164),
            Just(Transform::ValueMap {
                values: [("a", "1"), ("b", "2"), ("c", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_comes_back_goes_out_as_the_same_value(transform in transform(), shown in "[0-9a-c+ .]{0,14}") {
            let field = FieldMapping::both("x", "y").with(transform.clone());
            let shown = FieldValue::text(shown);
            if let Some(ours) = field.inverse(&shown) {
                prop_assert_eq!(transform.forward(&ours), shown);
            }
        }
    }

    #[test]
    fn a_word_that_two_of_ours_map_to_does_not_come_back() {
        let values = [("a", "1"), ("b", "2"), ("c", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let field = FieldMapping::both("x", "y").with(Transform::ValueMap { values });
        assert_eq!(field.inverse(&FieldValue::text("1")), Some(FieldValue::text("a")));
        assert_eq!(field.inverse(&FieldValue::text("2")), None);
    }

    #[test]
    fn a_default_is_given_to_new_objects_where_we_have_nothing_and_never_taken() {
        let field = FieldMapping::both("title", "dealname").or("Rendez-vous");
        assert_eq!(field.forward_new(&Fields::default()), Some(FieldValue::text("Rendez-vous")));
        assert_eq!(field.forward(&Fields::default()), None);
        assert_eq!(field.inverse(&FieldValue::Null), Some(FieldValue::Null));
    }
}
