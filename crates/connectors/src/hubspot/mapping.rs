//! The mappings that a new HubSpot integration begins with. A tenant may change every line of them.

use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping, Transform};

pub(crate) fn default_of(kind: RecordKind) -> Mapping {
    let fields = match kind {
        RecordKind::Contact => contact(),
        RecordKind::Deal => deal(),
        RecordKind::Activity => call(),
        RecordKind::Product | RecordKind::Order => Vec::new(),
    };
    Mapping::proposed(fields)
}

fn contact() -> Vec<FieldMapping> {
    vec![
        FieldMapping::both("email", "email").as_identifier(),
        FieldMapping::both("phone", "phone").as_identifier(),
        FieldMapping::both("first_name", "firstname"),
        FieldMapping::both("last_name", "lastname"),
        FieldMapping::both("company", "company"),
        FieldMapping::both("job_title", "jobtitle"),
        FieldMapping::both("address", "address"),
        FieldMapping::both("postal_code", "zip"),
        FieldMapping::both("city", "city"),
        FieldMapping::both("country", "country"),
        FieldMapping::both("website", "website"),
    ]
}

/// Appointments become deals of the default pipeline.
fn deal() -> Vec<FieldMapping> {
    let stages = Transform::words(&[
        ("scheduled", "appointmentscheduled"),
        ("completed", "qualifiedtobuy"),
        ("cancelled", "closedlost"),
        ("no_show", "closedlost"),
    ]);
    vec![
        FieldMapping::both("title", "dealname").or("Rendez-vous"),
        // Two of ours share a stage, and a stage that people choose says nothing of the appointment.
        FieldMapping::to_platform("status", "dealstage").with(stages).or("scheduled"),
        // HubSpot sets this date by itself when a deal closes; that must not move an appointment.
        FieldMapping::to_platform("starts_at", "closedate").with(Transform::EpochMillis),
        FieldMapping::both("amount", "amount").with(Transform::NumberText),
        FieldMapping::to_platform("currency", "deal_currency_code"),
        FieldMapping::both("description", "description"),
    ]
}

/// A call that took place does not change any more, whatever HubSpot makes of it.
fn call() -> Vec<FieldMapping> {
    let directions = Transform::words(&[("inbound", "INBOUND"), ("outbound", "OUTBOUND")]);
    vec![
        FieldMapping::to_platform("title", "hs_call_title").or("Appel"),
        FieldMapping::to_platform("summary", "hs_call_body"),
        FieldMapping::to_platform("direction", "hs_call_direction").with(directions),
        FieldMapping::to_platform("started_at", "hs_timestamp").with(Transform::EpochMillis),
        FieldMapping::to_platform("duration_seconds", "hs_call_duration").with(Transform::SecondsToMillis),
        FieldMapping::to_platform("from_number", "hs_call_from_number"),
        FieldMapping::to_platform("to_number", "hs_call_to_number"),
        FieldMapping::to_platform("recording_url", "hs_call_recording_url"),
    ]
}
