//! One field of a mapping: what becomes of its value on the way out, and on the way back.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Transform;
use crate::field::{FieldName, FieldValue};
use crate::identity::Region;
use crate::integration::Direction;
use crate::record::Fields;

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

    /// Whether what the platform shows has never been taken as this field: it is new among the fields `before`, stands for
    /// another one of ours, or is only taken and is taken otherwise.
    ///
    /// One that is written as well holds what we made of ours, which is not news because it is called otherwise from now on.
    #[must_use]
    pub fn is_read_anew(&self, before: &[Self]) -> bool {
        let is_taken_alike = |old: &Self| old.direction.reads() && old.transform == self.transform;
        let is_known = |old: &Self| {
            (&old.local, &old.remote) == (&self.local, &self.remote) && (self.direction.writes() || is_taken_alike(old))
        };
        self.direction.reads() && !before.iter().any(is_known)
    }

    /// What the platform should hold for this field; `None` where nothing was ever said of it.
    #[must_use]
    pub fn forward(&self, fields: &Fields, region: Region) -> Option<FieldValue> {
        self.transform.forward(&self.local, fields, region)
    }

    /// What a new object should hold for this field: the default where we have nothing.
    pub(super) fn forward_new(&self, fields: &Fields, region: Region) -> Option<FieldValue> {
        let ours = self.forward(fields, region).filter(|value| !value.is_null() || self.default.is_none());
        ours.or_else(|| self.default.as_ref().map(|value| self.transform.translate(value, region)))
    }

    /// What a shown value means to us; `None` where it does not come back as the same value, and so is not taken.
    #[must_use]
    pub fn inverse(&self, shown: &FieldValue, region: Region) -> Option<FieldValue> {
        let ours = self.transform.inverse(shown)?;
        (self.direction.reads() && self.transform.gives_back(&ours, shown, region)).then_some(ours)
    }
}
