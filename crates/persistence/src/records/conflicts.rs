//! The table `record_conflicts`: values that lost, and identifiers that two records claim.

use diesel::sql_query;
use diesel::sql_types::{Array, Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::field::FieldName;
use domain::id::{ConflictId, RecordId, TenantId};
use domain::identity::Identity;
use domain::record::Stamped;
use serde_json::Value;

use crate::text::to_json;
use crate::{PersistenceError, Transaction};

/// Something that lost and may be wanted back.
#[derive(Clone, Debug)]
pub enum Conflict {
    /// At the first contact the platform's value stood, and ours lost.
    Adopted {
        /// The record.
        record: RecordId,
        /// The field.
        field: FieldName,
        /// Our value.
        lost: Stamped,
    },
    /// The identifier is another record's already.
    Identity {
        /// The record that claims it too.
        record: RecordId,
        /// The identifier.
        identity: Identity,
        /// The record that has it.
        holder: RecordId,
    },
}

impl Conflict {
    fn record(&self) -> RecordId {
        match self {
            Self::Adopted { record, .. } | Self::Identity { record, .. } => *record,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Adopted { .. } => "adopted",
            Self::Identity { .. } => "identity",
        }
    }

    fn field(&self) -> &str {
        match self {
            Self::Adopted { field, .. } => field.as_str(),
            Self::Identity { identity, .. } => identity.scheme.as_str(),
        }
    }

    fn lost(&self) -> Result<Value, PersistenceError> {
        match self {
            Self::Adopted { lost, .. } => to_json(lost),
            Self::Identity { identity, .. } => to_json(&identity.value),
        }
    }

    fn holder(&self) -> Option<String> {
        match self {
            Self::Adopted { .. } => None,
            Self::Identity { holder, .. } => Some(holder.to_string()),
        }
    }
}

/// Keeps conflicts; the same identifier claimed again by the same record is not kept twice.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(tx: &mut Transaction, tenant: TenantId, conflicts: &[Conflict]) -> Result<(), PersistenceError> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let lost = conflicts.iter().map(Conflict::lost).collect::<Result<Vec<Value>, _>>()?;
    sql_query(
        "INSERT INTO record_conflicts (tenant_id, id, record_id, reason, field, lost, other_id)
         SELECT $1, * FROM unnest($2, $3, $4, $5, $6, $7) AS new (id, record_id, reason, field, lost, other_id)
         WHERE NOT EXISTS (SELECT FROM record_conflicts AS old
             WHERE old.record_id = new.record_id AND old.reason = new.reason AND old.field = new.field
               AND old.lost = new.lost)",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(conflicts.iter().map(|_| ConflictId::new().to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(conflicts.iter().map(|conflict| conflict.record().to_string()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(conflicts.iter().map(Conflict::reason).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(conflicts.iter().map(Conflict::field).collect::<Vec<_>>())
    .bind::<Array<Jsonb>, _>(lost)
    .bind::<Array<Nullable<Text>>, _>(conflicts.iter().map(Conflict::holder).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
