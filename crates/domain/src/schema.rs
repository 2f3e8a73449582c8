//! Coccinelle's own fields: which each kind has, of what type. Platforms' fields are described by their connectors.

use email_address::{EmailAddress, Options};

use crate::field::FieldValue;
use crate::kind::RecordKind;
use crate::time::Timestamp;

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text of at most so many characters.
    Text(usize),
    /// An e-mail address.
    Email,
    /// A telephone number in any common notation; kept as it was given.
    Phone,
    /// An RFC 3339 date and time.
    DateTime,
    /// A finite number.
    Number,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// One of Coccinelle's fields.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// Its name in events, mappings and the API.
    pub name: &'static str,
    /// What it may hold.
    pub field_type: FieldType,
}

const fn field(name: &'static str, field_type: FieldType) -> FieldSpec {
    FieldSpec { name, field_type }
}

const CONTACT: &[FieldSpec] = &[
    field("first_name", FieldType::Text(200)),
    field("last_name", FieldType::Text(200)),
    field("email", FieldType::Email),
    field("phone", FieldType::Phone),
    field("company", FieldType::Text(300)),
    field("job_title", FieldType::Text(200)),
    field("address", FieldType::Text(500)),
    field("postal_code", FieldType::Text(20)),
    field("city", FieldType::Text(200)),
    field("country", FieldType::Text(100)),
    field("website", FieldType::Text(500)),
    field("notes", FieldType::Text(20_000)),
];

/// The states of an appointment.
pub const DEAL_STATUSES: &[&str] = &["scheduled", "completed", "cancelled", "no_show"];

const DEAL: &[FieldSpec] = &[
    field("title", FieldType::Text(300)),
    field("status", FieldType::Choice(DEAL_STATUSES)),
    field("starts_at", FieldType::DateTime),
    field("ends_at", FieldType::DateTime),
    field("amount", FieldType::Number),
    field("currency", FieldType::Text(3)),
    field("location", FieldType::Text(500)),
    field("description", FieldType::Text(20_000)),
];

const ACTIVITY: &[FieldSpec] = &[
    field("title", FieldType::Text(300)),
    field("direction", FieldType::Choice(&["inbound", "outbound"])),
    field("started_at", FieldType::DateTime),
    field("duration_seconds", FieldType::Number),
    field("from_number", FieldType::Phone),
    field("to_number", FieldType::Phone),
    field("outcome", FieldType::Text(200)),
    field("summary", FieldType::Text(20_000)),
    field("recording_url", FieldType::Text(2_000)),
];

const PRODUCT: &[FieldSpec] = &[
    field("name", FieldType::Text(300)),
    field("sku", FieldType::Text(200)),
    field("price", FieldType::Number),
    field("currency", FieldType::Text(3)),
    field("description", FieldType::Text(20_000)),
];

const ORDER: &[FieldSpec] = &[
    field("number", FieldType::Text(100)),
    field("status", FieldType::Text(100)),
    field("total", FieldType::Number),
    field("currency", FieldType::Text(3)),
    field("ordered_at", FieldType::DateTime),
];

/// The fields of a kind.
#[must_use]
pub fn fields_of(kind: RecordKind) -> &'static [FieldSpec] {
    match kind {
        RecordKind::Contact => CONTACT,
        RecordKind::Deal => DEAL,
        RecordKind::Product => PRODUCT,
        RecordKind::Order => ORDER,
        RecordKind::Activity => ACTIVITY,
    }
}

/// Finds a field by its name.
#[must_use]
pub fn find(kind: RecordKind, name: &str) -> Option<&'static FieldSpec> {
    fields_of(kind).iter().find(|spec| spec.name == name)
}

impl FieldSpec {
    /// Reads a JSON value as this field's; the error is a sentence for whoever sent it.
    ///
    /// Empty text and `null` both clear.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn read(&self, value: &serde_json::Value) -> Result<FieldValue, String> {
        if value.is_null() {
            return Ok(FieldValue::Null);
        }
        if let FieldType::Number = self.field_type {
            let number = value.as_number().cloned().map(FieldValue::Number);
            return number.ok_or_else(|| "must be a number or null".to_owned());
        }
        let Some(text) = value.as_str() else { return Err("must be text or null".to_owned()) };
        self.read_text(text.trim())
    }

    /// Whether a value that a platform shows is one that this field may hold.
    #[must_use]
    pub fn may_hold(&self, value: &FieldValue) -> bool {
        match value {
            FieldValue::Null => true,
            FieldValue::Number(_) => self.field_type == FieldType::Number,
            FieldValue::Text(text) => self.field_type != FieldType::Number && self.read_text(text.trim()).is_ok(),
            FieldValue::Bool(_) | FieldValue::List(_) => false,
        }
    }

    fn read_text(&self, text: &str) -> Result<FieldValue, String> {
        if text.is_empty() {
            return Ok(FieldValue::Null);
        }
        if text.contains('\0') {
            return Err("must not contain the character U+0000".to_owned());
        }
        match self.field_type {
            FieldType::Text(limit) => at_most(text, limit)?,
            FieldType::Phone => at_most(text, 50)?,
            FieldType::Email if !is_email(text) => return Err("must be an e-mail address".to_owned()),
            FieldType::Email => {}
            FieldType::DateTime => {
                let at = Timestamp::parse(text).ok_or("must be a date and time as in 2026-11-22T18:04:00Z")?;
                return Ok(FieldValue::text(at.to_string()));
            }
            FieldType::Choice(words) if !words.contains(&text) => {
                return Err(format!("must be one of {}", words.join(", ")));
            }
            FieldType::Choice(_) | FieldType::Number => {}
        }
        Ok(FieldValue::text(text))
    }
}

/// Whether the text is an e-mail address and nothing else, neither a name beside it nor brackets around it.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let strict = Options::default().with_required_tld().without_domain_literal().without_display_text();
    // A space and brackets are taken for a name that is empty.
    EmailAddress::parse_with_options(text, strict).is_ok_and(|read| read.email() == text)
}

fn at_most(text: &str, limit: usize) -> Result<(), String> {
    if text.chars().count() <= limit { Ok(()) } else { Err(format!("must be at most {limit} characters long")) }
}
