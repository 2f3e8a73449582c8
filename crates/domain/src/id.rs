//! Identifiers: prefixed, sortable text (the `TypeID` form), one type for each noun. No other key lives here.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use type_safe_id::{StaticType, TypeSafeId};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::time::Timestamp;

/// What an id names.
pub trait Noun: StaticType {
    /// The name of the id's type in documents.
    const NAME: &'static str;
    /// What it names, as a sentence.
    const MEANING: &'static str;
}

/// The id of a `N`; later ones sort after earlier ones, and those of one millisecond in no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(bound = "N: Noun", transparent)]
pub struct Id<N: Noun>(TypeSafeId<N>);

/// The text is no id of the wanted type.
#[derive(Debug, thiserror::Error)]
#[error("this is not an id of the wanted type")]
pub struct InvalidId;

impl<N: Noun> Id<N> {
    /// An id that nothing has yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a default that is another each time is none")]
    pub fn new() -> Self {
        Self(TypeSafeId::new())
    }

    /// The 128 bits behind the text: a UUID of version 7.
    #[must_use]
    pub fn as_u128(&self) -> u128 {
        self.0.uuid().as_u128()
    }

    /// When it was made: the first 48 bits are that time in milliseconds (RFC 9562, section 5.7).
    #[must_use]
    pub fn made_at(&self) -> Option<Timestamp> {
        i64::try_from(self.as_u128() >> 80).ok().and_then(Timestamp::from_millis)
    }
}

impl<N: Noun> fmt::Display for Id<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<N: Noun> FromStr for Id<N> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self).map_err(|_not_one: type_safe_id::Error| InvalidId)
    }
}

impl<N: Noun> PartialSchema for Id<N> {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(N::MEANING))
            .pattern(Some(format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", N::TYPE)))
            .examples([format!("{}_01jd3v8k2qf5y9m4x7w6z1a0bc", N::TYPE)]);
        RefOr::T(Schema::Object(text.build()))
    }
}

impl<N: Noun> ToSchema for Id<N> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(N::NAME)
    }
}

macro_rules! ids {
    ($($noun:ident, $id:ident, $prefix:literal, $meaning:literal;)+) => {$(
        #[doc = concat!("What is named by ids with the prefix `", $prefix, "`.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $noun;

        impl StaticType for $noun {
            const TYPE: &'static str = $prefix;
        }

        impl Noun for $noun {
            const NAME: &'static str = stringify!($id);
            const MEANING: &'static str = $meaning;
        }

        #[doc = $meaning]
        pub type $id = Id<$noun>;
    )+};
}

ids! {
    Tenant, TenantId, "ten", "A customer of Coccinelle.";
    Integration, IntegrationId, "int",
        "One connection of a tenant to one platform account; Coccinelle's own backend has one as well.";
    Record, RecordId, "rec", "Coccinelle's copy of a contact, deal, product, order or activity.";
    Link, LinkId, "lnk", "What ties a record to its counterpart in one integration.";
    Lease, LeaseToken, "lease", "The holder of a lease; new for every attempt.";
    MessageMarker, MessageId, "msg", "A message on the broker.";
    SyncLog, SyncLogId, "log", "A row of `integration_sync_logs`.";
    WebhookLog, WebhookLogId, "whk", "A row of `integration_webhook_logs`.";
    Conflict, ConflictId, "cfl", "A value that lost against another and can be restored.";
    Suppression, SuppressionId, "sup", "An identifier of an erased person, kept as a keyed hash.";
    ErasureMarker, ErasureId, "era", "The erasure of a person, from the wish to its end.";
    ErrandMarker, ErrandId, "evt", "A write that was handed to a workflow; new for every attempt.";
    RunMarker, RunId, "run", "A full or scheduled sync of one integration.";
    Audit, AuditId, "aud", "A row of `audit_log`.";
    TokenMarker, TokenId, "tok", "A bearer token that an admin made for a program.";
    IncidentMarker, IncidentId, "inc", "Trouble that somebody is told of.";
}

/// The random part of an id's lower half; the two bits above it say what kind of id it is.
const RANDOM: u128 = (1 << 62) - 1;

/// The log row in which one integration finds a delivery that concerns several: another one for each, and always the same.
#[must_use]
pub fn for_integration(delivery: WebhookLogId, integration: IntegrationId) -> WebhookLogId {
    let (delivery, integration) = (delivery.as_u128(), integration.as_u128());
    Id(TypeSafeId::from_uuid(Uuid::from_u128(delivery ^ (integration & RANDOM))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_knows_when_it_was_made() {
        let before = Timestamp::now().as_millis();
        let made = IntegrationId::new().made_at().unwrap().as_millis();
        assert!((before..=Timestamp::now().as_millis()).contains(&made));
    }

    #[test]
    fn an_id_of_another_noun_is_none() {
        assert!(IntegrationId::new().to_string().parse::<TenantId>().is_err());
    }

    #[test]
    fn a_delivery_has_one_row_of_its_own_for_each_integration() {
        let (delivery, one, other) = (WebhookLogId::new(), IntegrationId::new(), IntegrationId::new());
        assert_eq!(for_integration(delivery, one), for_integration(delivery, one));
        assert_ne!(for_integration(delivery, one), for_integration(delivery, other));
        assert_ne!(for_integration(delivery, one), for_integration(WebhookLogId::new(), one));
        // The upper half and the variant are the delivery's own: its time, and that it is of version 7.
        let kept = |id: WebhookLogId| id.as_u128() >> 62;
        assert_eq!(kept(for_integration(delivery, one)), kept(delivery));
    }

    proptest! {
        #[test]
        fn any_text_is_an_id_or_none_and_what_is_one_is_written_as_it_came(
            text in ".{0,40}", near in "(ten|int|rec|TEN|)_?[0-9a-tv-zA-Z]{25,27}",
        ) {
            for text in [text, near] {
                if let Ok(id) = text.parse::<TenantId>() {
                    prop_assert_eq!(id.to_string(), text.clone());
                }
                if let Ok(slug) = text.parse::<crate::platform::PlatformSlug>() {
                    prop_assert_eq!(slug.as_str(), text.as_str());
                }
            }
        }
    }
}
