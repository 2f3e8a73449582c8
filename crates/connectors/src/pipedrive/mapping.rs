//! The mappings that a new Pipedrive integration begins with. A tenant may change every line of them.

use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping, Transform};

use super::{activity, person};
use crate::names;

pub(crate) fn default_of(kind: RecordKind) -> Mapping {
    let fields = match kind {
        RecordKind::Contact => contact(),
        RecordKind::Deal => deal(),
        RecordKind::Activity => call(),
        RecordKind::Product | RecordKind::Order => Vec::new(),
    };
    Mapping::proposed(fields)
}

/// A company is an organisation of its own there, and addresses and job titles belong to an add-on that few have.
fn contact() -> Vec<FieldMapping> {
    vec![
        FieldMapping::both("email", person::EMAIL).as_identifier(),
        FieldMapping::both("phone", person::PHONE).as_identifier(),
        FieldMapping::both("first_name", names::FIRST),
        FieldMapping::both("last_name", names::LAST),
    ]
}

/// Appointments become deals of the default pipeline.
fn deal() -> Vec<FieldMapping> {
    let statuses = [("scheduled", "open"), ("completed", "open"), ("cancelled", "lost"), ("no_show", "lost")];
    vec![
        FieldMapping::both("title", "title").or("Rendez-vous"),
        // Two of ours are one there, and what people choose there says nothing of the appointment.
        FieldMapping::to_platform("status", "status").with(Transform::words(&statuses)),
        FieldMapping::to_platform("starts_at", "expected_close_date"),
        FieldMapping::both("amount", "value"),
        FieldMapping::to_platform("currency", "currency"),
    ]
}

/// A call that took place does not change any more, whatever people make of it there.
fn call() -> Vec<FieldMapping> {
    vec![
        FieldMapping::to_platform("title", "subject").or("Appel"),
        FieldMapping::to_platform("summary", activity::NOTE),
        FieldMapping::to_platform("started_at", activity::MOMENT),
        FieldMapping::to_platform("duration_seconds", activity::LENGTH),
    ]
}
