//! Fields: what an account has, as its mapping page shows it.

use async_trait::async_trait;
use domain::kind::RecordKind;
use serde::Deserialize;

use super::{Zendesk, api, ticket, user};
use crate::account::Account;
use crate::discovery::{Discovery, RemoteField, RemoteFieldType, RemoteOption};
use crate::error::ConnectorError;
use crate::names;

/// The fields that every user and every ticket has: name, name for people, what it holds, whether only Zendesk writes it.
type Standard = (&'static str, &'static str, RemoteFieldType, bool);

const USER: &[Standard] = &[
    (user::EMAIL, "Email (primary)", RemoteFieldType::Text, false),
    (user::PHONE, "Phone", RemoteFieldType::Phone, false),
    (names::FIRST, "First name", RemoteFieldType::Text, false),
    (names::LAST, "Last name", RemoteFieldType::Text, false),
    ("alias", "Alias", RemoteFieldType::Text, false),
    ("details", "Details", RemoteFieldType::Text, false),
    ("notes", "Notes", RemoteFieldType::Text, false),
    ("tags", "Tags", RemoteFieldType::Other, false),
    ("locale", "Language", RemoteFieldType::Text, false),
    ("time_zone", "Time zone", RemoteFieldType::Text, false),
    ("organization_id", "Organization", RemoteFieldType::Number, false),
    ("created_at", "Created at", RemoteFieldType::DateTime, true),
    ("updated_at", "Updated at", RemoteFieldType::DateTime, true),
];

const TICKET: &[Standard] = &[
    ("subject", "Subject", RemoteFieldType::Text, false),
    (ticket::COMMENT, "Internal note", RemoteFieldType::Text, false),
    ("status", "Status", RemoteFieldType::Choice, false),
    ("priority", "Priority", RemoteFieldType::Choice, false),
    ("type", "Type", RemoteFieldType::Choice, false),
    ("tags", "Tags", RemoteFieldType::Other, false),
    ("group_id", "Group", RemoteFieldType::Number, false),
    ("assignee_id", "Assignee", RemoteFieldType::Number, false),
    ("created_at", "Created at", RemoteFieldType::DateTime, true),
    ("updated_at", "Updated at", RemoteFieldType::DateTime, true),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Field {
    id: u64,
    key: String,
    title: String,
    #[serde(rename = "type")]
    sort: String,
    active: Option<bool>,
    removable: Option<bool>,
    system: bool,
    custom_field_options: Vec<Choice>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    name: String,
    value: String,
}

#[async_trait]
impl Discovery for Zendesk {
    async fn fields(&self, account: &Account, kind: RecordKind) -> Result<Vec<RemoteField>, ConnectorError> {
        let (standard, path) = match kind {
            RecordKind::Contact => (USER, "user_fields"),
            RecordKind::Activity => (TICKET, "ticket_fields"),
            RecordKind::Deal | RecordKind::Product | RecordKind::Order => {
                return Err(ConnectorError::unsupported("Zendesk", kind));
            }
        };
        let own = api::all(account, path).await?;
        let own = own.iter().filter_map(|field| Field::deserialize(field).ok());
        // Those that every ticket has stand among them.
        let own = own.filter(|field| field.active != Some(false) && field.removable != Some(false) && !field.system);
        Ok(standard.iter().map(described).chain(own.map(|field| own_field(kind, field))).collect())
    }
}

fn described((name, label, field_type, read_only): &Standard) -> RemoteField {
    let words: &[&str] = match *name {
        "status" => &["new", "open", "pending", "hold", "solved", "closed"],
        "priority" => &["low", "normal", "high", "urgent"],
        "type" => &["problem", "incident", "question", "task"],
        _ => &[],
    };
    let option = |word: &&str| RemoteOption { value: (*word).to_owned(), label: (*word).to_owned() };
    RemoteField {
        name: (*name).to_owned(),
        label: (*label).to_owned(),
        field_type: *field_type,
        options: words.iter().map(option).collect(),
        read_only: *read_only,
        unique: *name == user::EMAIL,
        custom: false,
    }
}

/// A user's is named by its key, a ticket's by its number.
fn own_field(kind: RecordKind, field: Field) -> RemoteField {
    let name = match kind {
        RecordKind::Contact => format!("{}{}", user::OWN, field.key),
        RecordKind::Activity | RecordKind::Deal | RecordKind::Product | RecordKind::Order => {
            format!("{}{}", ticket::OWN, field.id)
        }
    };
    RemoteField {
        name,
        label: field.title,
        field_type: match field.sort.as_str() {
            "text" | "textarea" | "regexp" => RemoteFieldType::Text,
            "integer" | "decimal" => RemoteFieldType::Number,
            "date" => RemoteFieldType::Date,
            "checkbox" => RemoteFieldType::Bool,
            "dropdown" | "tagger" | "multiselect" => RemoteFieldType::Choice,
            _ => RemoteFieldType::Other,
        },
        options: field
            .custom_field_options
            .into_iter()
            .map(|choice| RemoteOption { value: choice.value, label: choice.name })
            .collect(),
        read_only: field.sort == "partialcreditcard",
        unique: false,
        custom: true,
    }
}
