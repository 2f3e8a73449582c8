//! The table `record_conflicts`: values that lost, and identifiers that two records claim.

use diesel::sql_types::{Array, Jsonb, Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use domain::field::FieldName;
use domain::id::{ConflictId, RecordId, TenantId};
use domain::identity::Identity;
use domain::record::Stamped;
use serde_json::Value;

use crate::text::{parse, to_json};
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

/// A conflict that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Why: `adopted` or `identity`.
    pub reason: String,
    /// The field, or the scheme of the identifier.
    pub field: String,
    /// The stamped value that lost, or the identifier.
    pub lost: Value,
    /// The record that holds the identifier.
    pub holder: Option<RecordId>,
}

/// What a record lost, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_record(
    tx: &mut Transaction,
    tenant: TenantId,
    record: RecordId,
) -> Result<Vec<Kept>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        reason: String,
        #[diesel(sql_type = Text)]
        field: String,
        #[diesel(sql_type = Jsonb)]
        lost: Value,
        #[diesel(sql_type = Nullable<Text>)]
        other_id: Option<String>,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT reason, field, lost, other_id FROM record_conflicts
         WHERE tenant_id = $1 AND record_id = $2 ORDER BY created_at DESC, id DESC",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(record.to_string())
    .load(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let holder = row.other_id.as_deref().map(|id| parse("other_id", id)).transpose()?;
            Ok(Kept { reason: row.reason, field: row.field, lost: row.lost, holder })
        })
        .collect()
}
