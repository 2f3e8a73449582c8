//! What a platform says of the fields that an account has. How they are mapped to ours is `domain::mapping`'s.

use async_trait::async_trait;
use domain::kind::RecordKind;
use serde::Serialize;

use crate::account::Account;
use crate::error::ConnectorError;

/// Describes the fields that an account has.
#[async_trait]
pub trait Discovery: Send + Sync {
    /// The fields of a kind, in the platform's order.
    ///
    /// # Errors
    /// When the platform does not answer, or the credentials may not ask.
    async fn fields(&self, account: &Account, kind: RecordKind) -> Result<Vec<RemoteField>, ConnectorError>;
}

/// A field of a platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemoteField {
    /// Its name in mappings.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// What it holds.
    pub field_type: RemoteFieldType,
    /// The words it may hold, where it is a choice.
    pub options: Vec<RemoteOption>,
    /// Whether only the platform writes it.
    pub read_only: bool,
    /// Whether no two objects may share a value.
    pub unique: bool,
    /// Whether the account made it itself.
    pub custom: bool,
}

/// What a platform's field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteFieldType {
    /// Text.
    Text,
    /// A number.
    Number,
    /// A day.
    Date,
    /// A moment.
    DateTime,
    /// Yes or no.
    Bool,
    /// One or several of some words.
    Choice,
    /// A telephone number.
    Phone,
    /// Something that this connector does not know.
    Other,
}

/// A word that a choice may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemoteOption {
    /// What is written.
    pub value: String,
    /// What people see.
    pub label: String,
}
