//! Coccinelle's events: how they are read, and what each becomes. How they are stamped and merged is `link`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::field::{FieldName, FieldValue};
use crate::kind::RecordKind;
use crate::schema;
use crate::time::Timestamp;
use crate::trace::TraceParent;

mod parse;

pub use parse::{InputFault, parse};

/// What happened in Coccinelle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum EventType {
    /// Sara, or a person, created a prospect.
    #[serde(rename = "prospect.created")]
    ProspectCreated,
    /// A prospect's data changed.
    #[serde(rename = "prospect.updated")]
    ProspectUpdated,
    /// A prospect was deleted.
    #[serde(rename = "prospect.deleted")]
    ProspectDeleted,
    /// An appointment was made.
    #[serde(rename = "appointment.created")]
    AppointmentCreated,
    /// An appointment was moved or changed.
    #[serde(rename = "appointment.updated")]
    AppointmentUpdated,
    /// An appointment was cancelled; it stays on record.
    #[serde(rename = "appointment.cancelled")]
    AppointmentCancelled,
    /// A call ended.
    #[serde(rename = "call.completed")]
    CallCompleted,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 7] = [
        Self::ProspectCreated,
        Self::ProspectUpdated,
        Self::ProspectDeleted,
        Self::AppointmentCreated,
        Self::AppointmentUpdated,
        Self::AppointmentCancelled,
        Self::CallCompleted,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProspectCreated => "prospect.created",
            Self::ProspectUpdated => "prospect.updated",
            Self::ProspectDeleted => "prospect.deleted",
            Self::AppointmentCreated => "appointment.created",
            Self::AppointmentUpdated => "appointment.updated",
            Self::AppointmentCancelled => "appointment.cancelled",
            Self::CallCompleted => "call.completed",
        }
    }

    /// The kind of record that the event's subject is kept as.
    #[must_use]
    pub fn kind(self) -> RecordKind {
        match self {
            Self::ProspectCreated | Self::ProspectUpdated | Self::ProspectDeleted => RecordKind::Contact,
            Self::AppointmentCreated | Self::AppointmentUpdated | Self::AppointmentCancelled => RecordKind::Deal,
            Self::CallCompleted => RecordKind::Activity,
        }
    }

    /// What the event says of the subject's existence; `None` where it says nothing.
    fn deleted(self) -> Option<bool> {
        match self {
            Self::ProspectCreated | Self::AppointmentCreated | Self::CallCompleted => Some(false),
            Self::ProspectDeleted => Some(true),
            Self::ProspectUpdated | Self::AppointmentUpdated | Self::AppointmentCancelled => None,
        }
    }
}

/// An event whose content has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The sender's id of the event; sending it again does no harm.
    pub event_id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// The sender's id of the prospect, appointment or call.
    pub subject_id: String,
    /// When it happened, by the sender's clock.
    pub occurred_at: Timestamp,
    /// The subject's fields: present ones only; `null` clears.
    #[serde(default)]
    pub data: BTreeMap<String, FieldValue>,
    /// The prospect that an appointment or a call belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prospect_id: Option<String>,
    /// Which fields of `data` changed, where the sender knows; without it, they are found by comparison.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<String>>,
    /// Its own acceptance, where it shares a message with events of other requests. Not for a sender to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub acceptance: Option<Acceptance>,
}

/// When and in which request an event was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// When; no time in the event counts as later.
    pub at: Timestamp,
    /// The trace of the request.
    pub trace: TraceParent,
}

impl Event {
    /// The subject's fields in Coccinelle's terms, with what the type itself says.
    #[must_use]
    pub fn values(&self) -> BTreeMap<FieldName, FieldValue> {
        let mut values: BTreeMap<FieldName, FieldValue> =
            self.data.iter().map(|(name, value)| (FieldName::new(name), value.clone())).collect();
        let status = match self.event_type {
            EventType::AppointmentCreated => Some("scheduled"),
            EventType::AppointmentCancelled => Some("cancelled"),
            EventType::ProspectCreated
            | EventType::ProspectUpdated
            | EventType::ProspectDeleted
            | EventType::AppointmentUpdated
            | EventType::CallCompleted => None,
        };
        if let Some(status) = status {
            values.entry(FieldName::new("status")).or_insert_with(|| FieldValue::text(status));
        }
        values
    }

    /// What the event says outright, whatever was said before: whether the subject exists, and a cancellation.
    #[must_use]
    pub fn deleted(&self) -> Option<bool> {
        self.event_type.deleted()
    }

    /// Whether the sender says that this field changed; `None` where the sender does not say.
    #[must_use]
    pub fn says_changed(&self, name: &FieldName) -> Option<bool> {
        let changed = self.changed.as_ref()?;
        // The tie to the contact is named by the field that says it.
        let named = if name.as_str() == FieldName::CONTACT { "prospect_id" } else { name.as_str() };
        let implied = self.event_type == EventType::AppointmentCancelled && name.as_str() == "status";
        Some(implied || changed.iter().any(|field| field == named))
    }

    /// The name that `schema` knows this field by, for events of this type.
    fn spec(event_type: EventType, name: &str) -> Option<&'static schema::FieldSpec> {
        schema::find(event_type.kind(), name)
    }
}
