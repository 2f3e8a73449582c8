//! The fields that every organisation has here, of each type.

use super::setup;

/// What a field holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// Of so many characters at most.
    Text(usize),
    Email,
    Phone,
    Choice(&'static [&'static str]),
    Number,
    Whole,
    Bool,
    Date,
    /// The id of another object.
    Reference,
    /// Written by Salesforce only.
    Moment,
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) form: Form,
    /// Whether nothing is created without it.
    pub(crate) required: bool,
}

/// The field that carries the key of another system: unique, and an external id.
pub(crate) const KEY: &str = "Coccinelle_Id__c";

const fn field(name: &'static str, label: &'static str, form: Form) -> Field {
    Field { name, label, form, required: false }
}

const fn must(name: &'static str, label: &'static str, form: Form) -> Field {
    Field { name, label, form, required: true }
}

const STAGES: &[&str] =
    &["Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost"];

const CONTACT: &[Field] = &[
    field("FirstName", "First Name", Form::Text(40)),
    must("LastName", "Last Name", Form::Text(80)),
    field("Email", "Email", Form::Email),
    field("Phone", "Business Phone", Form::Phone),
    field("MobilePhone", "Mobile Phone", Form::Phone),
    field("Title", "Title", Form::Text(128)),
    field("MailingStreet", "Mailing Street", Form::Text(255)),
    field("MailingCity", "Mailing City", Form::Text(40)),
    field("MailingPostalCode", "Mailing Zip/Postal Code", Form::Text(20)),
    field("MailingCountry", "Mailing Country", Form::Text(80)),
    field("Description", "Contact Description", Form::Text(32_000)),
    field("Niveau__c", "Niveau", Form::Choice(&["Or", "Argent"])),
    field(KEY, "Coccinelle Id", Form::Text(64)),
];

const LEAD: &[Field] = &[
    field("FirstName", "First Name", Form::Text(40)),
    must("LastName", "Last Name", Form::Text(80)),
    must("Company", "Company", Form::Text(255)),
    field("Email", "Email", Form::Email),
    field("Phone", "Phone", Form::Phone),
    field("MobilePhone", "Mobile Phone", Form::Phone),
    field("Title", "Title", Form::Text(128)),
    field("Street", "Street", Form::Text(255)),
    field("City", "City", Form::Text(40)),
    field("PostalCode", "Zip/Postal Code", Form::Text(20)),
    field("Country", "Country", Form::Text(80)),
    field("Description", "Description", Form::Text(32_000)),
    field(KEY, "Coccinelle Id", Form::Text(64)),
];

const OPPORTUNITY: &[Field] = &[
    must("Name", "Name", Form::Text(120)),
    must("StageName", "Stage", Form::Choice(STAGES)),
    must("CloseDate", "Close Date", Form::Date),
    field("Amount", "Amount", Form::Number),
    field("Probability", "Probability (%)", Form::Number),
    field("Description", "Description", Form::Text(32_000)),
    field(KEY, "Coccinelle Id", Form::Text(64)),
];

const TASK: &[Field] = &[
    field("Subject", "Subject", Form::Text(255)),
    field("Status", "Status", Form::Choice(&["Not Started", "In Progress", "Completed"])),
    field("TaskSubtype", "Task Subtype", Form::Choice(&["Task", "Call", "Email"])),
    field("CallType", "Call Type", Form::Choice(&["Internal", "Inbound", "Outbound"])),
    field("CallDurationInSeconds", "Call Duration", Form::Whole),
    field("ActivityDate", "Due Date Only", Form::Date),
    field("Description", "Description", Form::Text(32_000)),
    field("IsReminderSet", "Reminder Set", Form::Bool),
    field("WhoId", "Name ID", Form::Reference),
    field("WhatId", "Related To ID", Form::Reference),
    field(KEY, "Coccinelle Id", Form::Text(64)),
];

const ROLE: &[Field] = &[
    must("OpportunityId", "Opportunity ID", Form::Reference),
    must("ContactId", "Contact ID", Form::Reference),
    field("Role", "Role", Form::Text(40)),
    field("IsPrimary", "Primary", Form::Bool),
];

/// What every object has and nobody writes.
pub(crate) const COMMON: &[Field] = &[
    field("Id", "ID", Form::Reference),
    field("CreatedDate", "Created Date", Form::Moment),
    field("LastModifiedDate", "Last Modified Date", Form::Moment),
    field("SystemModstamp", "System Modstamp", Form::Moment),
    field("IsDeleted", "Deleted", Form::Bool),
];

const KINDS: [(&str, &[Field]); 5] = [
    ("Contact", CONTACT),
    ("Lead", LEAD),
    ("Opportunity", OPPORTUNITY),
    ("Task", TASK),
    ("OpportunityContactRole", ROLE),
];

const MESSAGE: &[Field] =
    &[field("Name", "Name", Form::Text(80)), field("EntityDefinitionId", "Entity Definition ID", Form::Text(80))];

const FLOW: &[Field] = &[
    field("DefinitionId", "Flow Definition ID", Form::Reference),
    field("Definition.DeveloperName", "Flow Definition", Form::Text(80)),
    field("VersionNumber", "Version Number", Form::Whole),
    field("Status", "Status", Form::Choice(&["Active", "Draft", "Obsolete"])),
];

const FLOW_DEFINITION: &[Field] =
    &[field("DeveloperName", "Name", Form::Text(80)), field("ActiveVersionId", "Active Version ID", Form::Reference)];

/// What can be asked for of the setup. The whole name and the metadata of one thing are shown alone: a query for those of many is
/// refused by Salesforce as well.
const SETUP: [(&str, &[Field]); 3] =
    [(setup::MESSAGE, MESSAGE), (setup::FLOW, FLOW), (setup::DEFINITION, FLOW_DEFINITION)];

/// The same for what the setup holds.
pub(crate) fn setup(name: &str) -> Option<(&'static str, &'static [Field])> {
    SETUP.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// A type's own name, however it is written, and what may be written of it.
pub(crate) fn kind(name: &str) -> Option<(&'static str, &'static [Field])> {
    KINDS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// A field that can be read, by its name however it is written.
pub(crate) fn readable(fields: &'static [Field], name: &str, has_key: bool) -> Option<&'static Field> {
    let all = fields.iter().chain(COMMON);
    all.into_iter().find(|field| field.name.eq_ignore_ascii_case(name) && (has_key || field.name != KEY))
}
