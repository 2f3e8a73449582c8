//! The mappings that a new Salesforce integration begins with. A tenant may change every line of them.

use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping, Transform};
use domain::settings::TimeZone;

pub(crate) fn default_of(kind: RecordKind) -> Mapping {
    let fields = match kind {
        RecordKind::Contact => person(),
        RecordKind::Deal => opportunity(),
        RecordKind::Activity => task(),
        RecordKind::Product | RecordKind::Order => Vec::new(),
    };
    Mapping::proposed(fields)
}

/// A lead has the same fields; those of the address by other names, which `api::own_name` knows.
fn person() -> Vec<FieldMapping> {
    vec![
        FieldMapping::both("email", "Email").as_identifier(),
        FieldMapping::both("phone", "Phone").as_identifier(),
        FieldMapping::both("first_name", "FirstName"),
        // Salesforce takes nobody without it.
        FieldMapping::both("last_name", "LastName").or("Inconnu"),
        FieldMapping::both("job_title", "Title"),
        FieldMapping::both("address", "MailingStreet"),
        FieldMapping::both("postal_code", "MailingPostalCode"),
        FieldMapping::both("city", "MailingCity"),
        FieldMapping::both("country", "MailingCountry"),
    ]
}

fn opportunity() -> Vec<FieldMapping> {
    let stages = [
        ("scheduled", "Prospecting"),
        ("completed", "Closed Won"),
        ("cancelled", "Closed Lost"),
        ("no_show", "Closed Lost"),
    ];
    vec![
        FieldMapping::both("title", "Name").or("Rendez-vous"),
        // Two of ours share a stage, and a stage that people choose says nothing of the appointment.
        FieldMapping::to_platform("status", "StageName").with(Transform::words(&stages)).or("scheduled"),
        FieldMapping::to_platform("starts_at", "CloseDate").with(day()),
        FieldMapping::both("amount", "Amount"),
        FieldMapping::both("description", "Description"),
    ]
}

/// A call that took place does not change any more, whatever Salesforce makes of it.
fn task() -> Vec<FieldMapping> {
    let directions = [("inbound", "Inbound"), ("outbound", "Outbound")];
    vec![
        FieldMapping::to_platform("title", "Subject").or("Appel"),
        FieldMapping::to_platform("summary", "Description"),
        FieldMapping::to_platform("direction", "CallType").with(Transform::words(&directions)),
        FieldMapping::to_platform("started_at", "ActivityDate").with(day()),
        FieldMapping::to_platform("duration_seconds", "CallDurationInSeconds"),
    ]
}

/// The day on which something is, where the tenant is.
fn day() -> Transform {
    Transform::Date { format: "%Y-%m-%d".to_owned(), zone: TimeZone::default() }
}
