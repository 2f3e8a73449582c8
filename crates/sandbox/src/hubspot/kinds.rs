//! The object types that the stand-in knows, their names in paths, and how they may be tied.

use super::ApiError;

/// An object type of HubSpot's CRM.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    Contact,
    Deal,
    Call,
}

/// `(from, to, associationTypeId)`, from the official client's `AssociationTypes`.
const ASSOCIATION_TYPES: [(Kind, Kind, u32); 6] = [
    (Kind::Deal, Kind::Contact, 3),
    (Kind::Contact, Kind::Deal, 4),
    (Kind::Contact, Kind::Call, 193),
    (Kind::Call, Kind::Contact, 194),
    (Kind::Deal, Kind::Call, 205),
    (Kind::Call, Kind::Deal, 206),
];

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Contact, Self::Deal, Self::Call];

    /// As it stands in a path: plural, singular or type id.
    pub(crate) fn parse(name: &str) -> Result<Self, ApiError> {
        let known =
            |kind: &Self| [kind.plural(), kind.singular(), kind.type_id()].contains(&name.to_lowercase().as_str());
        Self::ALL
            .into_iter()
            .find(known)
            .ok_or_else(|| ApiError::validation(format!("Unable to infer object type from: {name}")))
    }

    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::Contact => "contacts",
            Self::Deal => "deals",
            Self::Call => "calls",
        }
    }

    pub(crate) const fn singular(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Deal => "deal",
            Self::Call => "call",
        }
    }

    /// HubSpot's object type id.
    pub(crate) const fn type_id(self) -> &'static str {
        match self {
            Self::Contact => "0-1",
            Self::Deal => "0-3",
            Self::Call => "0-48",
        }
    }

    /// The property that moves with every change; contacts kept the older name.
    pub(crate) const fn modified_property(self) -> &'static str {
        match self {
            Self::Contact => "lastmodifieddate",
            Self::Deal | Self::Call => "hs_lastmodifieddate",
        }
    }

    pub(crate) const fn created_property(self) -> &'static str {
        match self {
            Self::Contact | Self::Deal => "createdate",
            Self::Call => "hs_createdate",
        }
    }

    /// What a read shows when no properties were asked for, besides id and dates.
    pub(crate) const fn default_properties(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["email", "firstname", "lastname"],
            Self::Deal => &["amount", "closedate", "dealname", "dealstage", "pipeline"],
            Self::Call => &[],
        }
    }

    /// What `query` of a search looks into.
    pub(crate) const fn searched_properties(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["firstname", "lastname", "email", "phone", "mobilephone", "company"],
            Self::Deal => &["dealname", "description", "pipeline", "dealstage"],
            Self::Call => &["hs_call_title", "hs_call_body"],
        }
    }

    pub(crate) const fn required_properties(self) -> &'static [&'static str] {
        match self {
            Self::Contact | Self::Deal => &[],
            Self::Call => &["hs_timestamp"],
        }
    }

    /// The id of the unlabelled association from this to that.
    pub(crate) fn association_to(self, to: Self) -> Option<u32> {
        ASSOCIATION_TYPES.iter().find(|(a, b, _)| (*a, *b) == (self, to)).map(|(_, _, id)| *id)
    }

    /// To what an association type leads, if it starts here.
    pub(crate) fn association_target(self, type_id: u32) -> Option<Self> {
        ASSOCIATION_TYPES.iter().find(|(from, _, id)| (*from, *id) == (self, type_id)).map(|(_, to, _)| *to)
    }
}
