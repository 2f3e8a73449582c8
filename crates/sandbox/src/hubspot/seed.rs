//! The properties that every account has from the start.

use super::{
    kinds::Kind,
    properties::{Definition, Form},
};

const LIFECYCLE: &[&str] = &[
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];
const LEAD_STATUS: &[&str] =
    &["NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING"];
const CALL_STATUS: &[&str] = &[
    "BUSY",
    "CALLING_CRM_USER",
    "CANCELED",
    "COMPLETED",
    "CONNECTING",
    "FAILED",
    "IN_PROGRESS",
    "MISSED",
    "NO_ANSWER",
    "QUEUED",
    "RINGING",
];
/// Stages of the default deal pipeline, in order, with their labels and probabilities.
pub(crate) const DEAL_STAGES: &[(&str, &str, &str)] = &[
    ("appointmentscheduled", "Appointment Scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified To Buy", "0.4"),
    ("presentationscheduled", "Presentation Scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
    ("contractsent", "Contract Sent", "0.9"),
    ("closedwon", "Closed Won", "1.0"),
    ("closedlost", "Closed Lost", "0.0"),
];

/// The definitions of one object type.
pub(crate) fn properties(kind: Kind) -> Vec<Definition> {
    let (group, own) = match kind {
        Kind::Contact => ("contactinformation", contact()),
        Kind::Deal => ("dealinformation", deal()),
        Kind::Call => ("call", call()),
    };
    let dates = [
        ("hs_object_id", "Record ID", Form::Number),
        (kind.created_property(), "Create date", Form::DateTime),
        (kind.modified_property(), "Last modified date", Form::DateTime),
    ];
    let own =
        own.into_iter().map(|(name, label, form, options)| Definition::seeded(group, (name, label), form, options));
    let system = dates.into_iter().map(|(name, label, form)| {
        // A deal's create date may be set; everything else here is HubSpot's own.
        let writable = kind == Kind::Deal && name == "createdate";
        Definition { read_only: !writable, ..Definition::seeded(group, (name, label), form, Vec::new()) }
    });
    own.chain(system)
        .map(|definition| Definition { unique: kind == Kind::Contact && definition.name == "email", ..definition })
        .collect()
}

type Row = (&'static str, &'static str, Form, Vec<String>);

fn row(name: &'static str, label: &'static str, form: Form) -> Row {
    (name, label, form, Vec::new())
}

fn choice(name: &'static str, label: &'static str, options: &[&str]) -> Row {
    (name, label, Form::Enumeration, options.iter().map(|option| (*option).to_owned()).collect())
}

fn contact() -> Vec<Row> {
    vec![
        row("email", "Email", Form::Text),
        row("firstname", "First Name", Form::Text),
        row("lastname", "Last Name", Form::Text),
        row("phone", "Phone Number", Form::Phone),
        row("mobilephone", "Mobile Phone Number", Form::Phone),
        row("company", "Company Name", Form::Text),
        row("jobtitle", "Job Title", Form::Text),
        row("address", "Street Address", Form::Text),
        row("city", "City", Form::Text),
        row("state", "State/Region", Form::Text),
        row("zip", "Postal Code", Form::Text),
        row("country", "Country/Region", Form::Text),
        row("website", "Website URL", Form::Text),
        row("hs_language", "Preferred language", Form::Text),
        row("hubspot_owner_id", "Contact owner", Form::Text),
        choice("lifecyclestage", "Lifecycle Stage", LIFECYCLE),
        choice("hs_lead_status", "Lead Status", LEAD_STATUS),
    ]
}

fn deal() -> Vec<Row> {
    let stages: Vec<&str> = DEAL_STAGES.iter().map(|(id, _, _)| *id).collect();
    vec![
        row("dealname", "Deal Name", Form::Text),
        row("amount", "Amount", Form::Number),
        row("deal_currency_code", "Currency", Form::Text),
        row("closedate", "Close Date", Form::DateTime),
        row("description", "Deal Description", Form::Text),
        row("hubspot_owner_id", "Deal owner", Form::Text),
        choice("dealtype", "Deal Type", &["newbusiness", "existingbusiness"]),
        choice("pipeline", "Pipeline", &["default"]),
        choice("dealstage", "Deal Stage", &stages),
    ]
}

fn call() -> Vec<Row> {
    vec![
        row("hs_timestamp", "Activity date", Form::DateTime),
        row("hs_call_title", "Call Title", Form::Text),
        row("hs_call_body", "Call notes", Form::Text),
        row("hs_call_duration", "Call duration", Form::Number),
        row("hs_call_disposition", "Call outcome", Form::Text),
        row("hs_call_from_number", "From number", Form::Text),
        row("hs_call_to_number", "To number", Form::Text),
        row("hs_call_recording_url", "Recording URL", Form::Text),
        row("hs_call_summary", "Call summary", Form::Text),
        row("hs_call_callee_object_id", "Callee object id", Form::Text),
        row("hs_call_callee_object_type", "Callee object type", Form::Text),
        row("hs_activity_type", "Call and meeting type", Form::Text),
        row("hubspot_owner_id", "Activity assigned to", Form::Text),
        choice("hs_call_direction", "Call direction", &["INBOUND", "OUTBOUND"]),
        choice("hs_call_status", "Call status", CALL_STATUS),
    ]
}
