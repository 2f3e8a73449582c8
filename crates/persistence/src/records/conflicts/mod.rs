//! The table `record_conflicts`: values that lost, and identifiers that two records claim. Which do is the callers' to say.

mod decide;
mod list;

pub use decide::{Decided, Decision, applied, close_between, decide, take, unapplied};
pub use list::{Filter, Kept, Sort, claimants, list};

use diesel::sql_types::{Array, Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::{ConflictId, RecordId, TenantId};
use domain::identity::Identity;
use domain::record::Lost;

use crate::statement::sql_query;
use crate::text::{Json, to_json};
use crate::{PersistenceError, Transaction};

/// Something that lost and may be wanted back.
#[derive(Clone, Debug)]
pub enum Conflict {
    /// A value lost.
    Value {
        /// The record.
        record: RecordId,
        /// How it came to that.
        why: Why,
        /// The field, what lost and what it lost against.
        lost: Lost,
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

/// How a value came to lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// At the first contact, the two sides held different things.
    Adopted,
    /// Two systems changed the field, neither knowing of the other's value.
    Overruled,
    /// A system changed what it knew: nothing to decide, but part of the field's history, and restored from there.
    Replaced,
    /// An object of a platform was left alone when two records became one.
    Unlinked,
}

impl Why {
    fn as_str(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Overruled => "overruled",
            Self::Replaced => "replaced",
            Self::Unlinked => "unlinked",
        }
    }
}

impl Conflict {
    fn record(&self) -> RecordId {
        match self {
            Self::Value { record, .. } | Self::Identity { record, .. } => *record,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Value { why, .. } => why.as_str(),
            Self::Identity { .. } => "identity",
        }
    }

    fn field(&self) -> &str {
        match self {
            Self::Value { lost, .. } => lost.field.as_str(),
            Self::Identity { identity, .. } => identity.scheme.as_str(),
        }
    }

    fn lost(&self) -> Result<Json, PersistenceError> {
        match self {
            Self::Value { lost, .. } => to_json(&lost.lost),
            Self::Identity { identity, .. } => to_json(&identity.value),
        }
    }

    fn kept(&self) -> Result<Option<Json>, PersistenceError> {
        match self {
            Self::Value { why: Why::Unlinked, .. } | Self::Identity { .. } => Ok(None),
            Self::Value { lost, .. } => to_json(&lost.kept).map(Some),
        }
    }

    fn holder(&self) -> Option<String> {
        match self {
            Self::Value { .. } => None,
            Self::Identity { holder, .. } => Some(holder.to_string()),
        }
    }
}

const KEEP: &str = "
INSERT INTO record_conflicts (tenant_id, id, record_id, reason, field, lost, kept, other_id)
SELECT $1, new.* FROM unnest($2, $3, $4, $5, $6, $7, $8)
    AS new (id, record_id, reason, field, lost, kept, other_id)
WHERE NOT EXISTS (SELECT FROM record_conflicts AS old
    WHERE old.record_id = new.record_id AND old.reason = new.reason AND old.field = new.field AND old.lost = new.lost
      -- Two who were merged or had the identifier taken away may come to claim it again.
      AND (new.reason <> 'identity' OR old.other_id = new.other_id))
  AND NOT EXISTS (SELECT FROM record_conflicts AS old
    -- As text, so that two records are looked for and not all identifiers that are claimed twice, as `links::named` explains.
    WHERE new.reason = 'identity' AND old.reason || '' = 'identity' AND old.decision = 'keep_apart'
      AND (old.record_id, old.other_id) IN ((new.record_id, new.other_id), (new.other_id, new.record_id)))";

/// Keeps conflicts. The same one is not kept twice, and neither is another one between two records that somebody has
/// decided to keep apart.
///
/// # Errors
/// When the database does not answer.
pub async fn keep(tx: &mut Transaction, tenant: TenantId, conflicts: &[Conflict]) -> Result<(), PersistenceError> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let lost = conflicts.iter().map(Conflict::lost).collect::<Result<Vec<Json>, _>>()?;
    let kept = conflicts.iter().map(Conflict::kept).collect::<Result<Vec<Option<Json>>, _>>()?;
    sql_query(KEEP)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Array<Text>, _>(conflicts.iter().map(|_| ConflictId::new().to_string()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(conflicts.iter().map(|conflict| conflict.record().to_string()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(conflicts.iter().map(Conflict::reason).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(conflicts.iter().map(Conflict::field).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(lost)
        .bind::<Array<Nullable<Jsonb>>, _>(kept)
        .bind::<Array<Nullable<Text>>, _>(conflicts.iter().map(Conflict::holder).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
