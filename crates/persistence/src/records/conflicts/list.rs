//! Conflicts and the history of fields as lists for readers, the newest first; and who claimed what others hold.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{ConflictId, RecordId, TenantId};
use domain::identity::Scheme;
use domain::kind::RecordKind;
use domain::record::Stamped;
use domain::time::Timestamp;
use serde_json::Value;

use super::Decision;
use crate::log_page::{LogCursor, LogPage, LogRow};
use crate::row::Id;
use crate::statement::sql_query;
use crate::text::{Json, from_json, from_word, parse, parse_optional};
use crate::{PersistenceError, Transaction};

/// Which sorts are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Values and identifiers that somebody should decide on.
    Conflicts,
    /// Of these, values only.
    Values,
    /// Of these, identifiers only.
    Identities,
    /// Every value that lost, whether there was anything to decide or not.
    History,
}

impl Sort {
    fn reasons(self) -> &'static str {
        match self {
            Self::Conflicts => "reason IN ('adopted', 'overruled', 'identity')",
            Self::Values => "reason IN ('adopted', 'overruled')",
            Self::Identities => "reason = 'identity'",
            Self::History => "reason <> 'identity'",
        }
    }
}

/// Which conflicts are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Of this sort.
    pub sort: Sort,
    /// Of this kind of record.
    pub kind: Option<RecordKind>,
    /// Open ones, or closed ones.
    pub is_open: Option<bool>,
    /// Of this record, on either side.
    pub record: Option<RecordId>,
}

/// A conflict that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: ConflictId,
    /// Why: `adopted`, `overruled`, `replaced`, `unlinked` or `identity`.
    pub reason: String,
    /// The record that lost the value or the identifier.
    pub record: RecordId,
    /// What the record is.
    pub kind: RecordKind,
    /// The field, or the scheme of the identifier.
    pub field: String,
    /// The stamped value that lost, or the identifier.
    pub lost: Value,
    /// What it lost against, where that was noted.
    pub kept: Option<Stamped>,
    /// The record that holds the identifier.
    pub holder: Option<RecordId>,
    /// What somebody decided.
    pub decision: Option<Decision>,
    /// Whether the records have followed.
    pub is_applied: bool,
    /// When it lost.
    pub created_at: Timestamp,
}

impl Kept {
    /// Whether it is a value, which can be made the record's again: there is nothing to decide about those that were merely replaced,
    /// but they may be wanted back as well.
    #[must_use]
    pub fn is_restorable(&self) -> bool {
        self.is_disagreement() || self.reason == "replaced"
    }

    /// Whether it is a value that two systems disagreed about.
    #[must_use]
    pub fn is_disagreement(&self) -> bool {
        matches!(self.reason.as_str(), "adopted" | "overruled")
    }

    /// The value that lost; `None` for an identifier.
    #[must_use]
    pub fn value(&self) -> Option<Stamped> {
        serde_json::from_value(self.lost.clone()).ok()
    }
}

impl LogRow for Kept {
    fn cursor(&self) -> LogCursor {
        LogCursor { created_at: self.created_at, id: self.id.to_string() }
    }
}

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Text)]
    record_id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    field: String,
    #[diesel(sql_type = Jsonb)]
    lost: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    kept: Option<Json>,
    #[diesel(sql_type = Nullable<Text>)]
    other_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    decision: Option<String>,
    #[diesel(sql_type = Bool)]
    is_applied: bool,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

impl Row {
    pub(super) fn into_kept(self) -> Result<Kept, PersistenceError> {
        Ok(Kept {
            id: parse("id", &self.id)?,
            reason: self.reason,
            record: parse("record_id", &self.record_id)?,
            kind: parse("kind", &self.kind)?,
            field: self.field,
            lost: self.lost,
            kept: self.kept.map(|kept| from_json("kept", kept)).transpose()?,
            holder: parse_optional("other_id", self.other_id.as_deref())?,
            decision: self.decision.map(|word| from_word("decision", word)).transpose()?,
            is_applied: self.is_applied,
            created_at: self.created_at.into(),
        })
    }
}

pub(super) const SELECT: &str = "
SELECT conflict.id, reason, record_id, record.kind, field, lost, kept, other_id, decision,
       applied_at IS NOT NULL AS is_applied, conflict.created_at
FROM record_conflicts AS conflict JOIN records AS record ON record.id = conflict.record_id
WHERE conflict.tenant_id = $1";

/// Conflicts of a tenant, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    tx: &mut Transaction,
    tenant: TenantId,
    filter: Filter,
    page: &LogPage,
) -> Result<Vec<Kept>, PersistenceError> {
    let reasons = filter.sort.reasons();
    let statement = format!(
        "{SELECT} AND {reasons} AND ($2 IS NULL OR record.kind = $2) AND ($3 IS NULL OR (decision IS NULL) = $3)
         AND ($4 IS NULL OR record_id = $4 OR other_id = $4)
         AND ($5 IS NULL OR (conflict.created_at, conflict.id) < ($5, $6))
         ORDER BY conflict.created_at DESC, conflict.id DESC LIMIT $7"
    );
    let after = page.after.as_ref();
    let rows: Vec<Row> = sql_query(statement)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Nullable<Text>, _>(filter.kind.map(RecordKind::as_str))
        .bind::<Nullable<Bool>, _>(filter.is_open)
        .bind::<Nullable<Text>, _>(filter.record.map(|id| id.to_string()))
        .bind::<Nullable<Timestamptz>, _>(after.map(|after| DateTime::<Utc>::from(after.created_at)))
        .bind::<Nullable<Text>, _>(after.map(|after| after.id.clone()))
        .bind::<BigInt, _>(i64::from(page.limit))
        .load(&mut **tx)
        .await?;
    rows.into_iter().map(Row::into_kept).collect()
}

/// The records that claimed an identifier of some others: whatever was decided of it, unless the two became one.
///
/// # Errors
/// When the database does not answer.
pub async fn claimants(
    tx: &mut Transaction,
    tenant: TenantId,
    holders: &BTreeSet<RecordId>,
    scheme: Scheme,
) -> Result<Vec<RecordId>, PersistenceError> {
    let rows: Vec<Id> = sql_query(
        "SELECT DISTINCT record_id AS id FROM record_conflicts
         WHERE tenant_id = $1 AND other_id = ANY($2) AND reason = 'identity' AND field = $3",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(holders.iter().map(ToString::to_string).collect::<Vec<_>>())
    .bind::<Text, _>(scheme.as_str())
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| parse("record_id", &row.id)).collect()
}
