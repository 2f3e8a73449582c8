//! The table `record_identities`: which record an identifier names. Normal forms are `domain::identity`'s.

use std::collections::{BTreeMap, BTreeSet};

use diesel::QueryableByName;
use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl;
use domain::id::{RecordId, TenantId};
use domain::identity::{Identity, Scheme};
use domain::kind::RecordKind;

use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// An identifier of a kind of record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IdentityKey {
    /// The kind of record that it names.
    pub kind: RecordKind,
    /// The identifier.
    pub identity: Identity,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    scheme: String,
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = Text)]
    record_id: String,
}

impl Row {
    fn into_pair(self) -> Result<(IdentityKey, RecordId), PersistenceError> {
        let scheme = match self.scheme.as_str() {
            "email" => Scheme::Email,
            "phone" => Scheme::Phone,
            _ => Scheme::Coccinelle,
        };
        let key = IdentityKey { kind: parse("kind", &self.kind)?, identity: Identity { scheme, value: self.value } };
        Ok((key, parse("record_id", &self.record_id)?))
    }
}

struct Columns {
    kinds: Vec<&'static str>,
    schemes: Vec<&'static str>,
    values: Vec<String>,
}

fn columns<'a>(keys: impl Iterator<Item = &'a IdentityKey>) -> Columns {
    let mut columns = Columns { kinds: Vec::new(), schemes: Vec::new(), values: Vec::new() };
    for key in keys {
        columns.kinds.push(key.kind.as_str());
        columns.schemes.push(key.identity.scheme.as_str());
        columns.values.push(key.identity.value.clone());
    }
    columns
}

/// Makes everybody else who asks for one of these identifiers wait until the transaction ends.
///
/// So a person who is named twice at once becomes one record. Locks are taken in one order, so that two callers cannot
/// wait for each other.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(
    tx: &mut Transaction,
    tenant: TenantId,
    keys: &BTreeSet<IdentityKey>,
) -> Result<(), PersistenceError> {
    let Columns { kinds, schemes, values } = columns(keys.iter());
    sql_query(
        "SELECT pg_advisory_xact_lock(lock) FROM (
             SELECT DISTINCT hashtextextended(concat_ws(':', $1, kind, scheme, value), 0) AS lock
             FROM unnest($2, $3, $4) AS wanted (kind, scheme, value) ORDER BY lock
         ) AS locks",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<Text>, _>(schemes)
    .bind::<Array<Text>, _>(values)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The records that these identifiers name.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    tx: &mut Transaction,
    tenant: TenantId,
    keys: &BTreeSet<IdentityKey>,
) -> Result<BTreeMap<IdentityKey, RecordId>, PersistenceError> {
    let Columns { kinds, schemes, values } = columns(keys.iter());
    // Each is looked for by itself, whatever is expected of the table: a plan that was made while it was small would read all of it.
    let rows: Vec<Row> = sql_query(
        "SELECT kind, scheme, value, known.record_id
         FROM unnest($1, $2, $3, $4) AS named (tenant_id, kind, scheme, value)
         CROSS JOIN LATERAL (
             SELECT record_id FROM record_identities AS identity
             WHERE identity.tenant_id = named.tenant_id AND identity.kind = named.kind
               AND identity.scheme = named.scheme AND identity.value = named.value LIMIT 1
         ) AS known",
    )
    .bind::<Array<Text>, _>(vec![tenant.to_string(); keys.len()])
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<Text>, _>(schemes)
    .bind::<Array<Text>, _>(values)
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(Row::into_pair).collect()
}

/// The ids that Coccinelle has for some records; a person who was created twice has two.
///
/// # Errors
/// When the database does not answer.
pub async fn subjects_of(
    tx: &mut Transaction,
    tenant: TenantId,
    records: &BTreeSet<RecordId>,
) -> Result<BTreeMap<RecordId, BTreeSet<String>>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "SELECT kind, scheme, value, record_id FROM record_identities
         WHERE record_id = ANY($2) AND tenant_id || '' = $1 AND scheme = 'coccinelle'",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(records.iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    let mut subjects: BTreeMap<RecordId, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let (key, record) = row.into_pair()?;
        subjects.entry(record).or_default().insert(key.identity.value);
    }
    Ok(subjects)
}

/// All identifiers that some records have.
///
/// # Errors
/// When the database does not answer.
pub async fn of_records(
    tx: &mut Transaction,
    tenant: TenantId,
    records: &BTreeSet<RecordId>,
) -> Result<BTreeSet<IdentityKey>, PersistenceError> {
    let rows: Vec<Row> = sql_query(
        "SELECT kind, scheme, value, record_id FROM record_identities
         WHERE record_id = ANY($2) AND tenant_id || '' = $1",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(records.iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.into_pair().map(|(key, _)| key)).collect()
}

/// Gives identifiers to records; one that is another record's already stays there. Returns what each names afterwards.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(
    tx: &mut Transaction,
    tenant: TenantId,
    claims: &BTreeMap<IdentityKey, RecordId>,
) -> Result<BTreeMap<IdentityKey, RecordId>, PersistenceError> {
    if claims.is_empty() {
        return Ok(BTreeMap::new());
    }
    let Columns { kinds, schemes, values } = columns(claims.keys());
    sql_query(
        "INSERT INTO record_identities (tenant_id, kind, scheme, value, record_id)
         SELECT $1, * FROM unnest($2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<Text>, _>(schemes)
    .bind::<Array<Text>, _>(values)
    .bind::<Array<Text>, _>(claims.values().map(ToString::to_string).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    find(tx, tenant, &claims.keys().cloned().collect()).await
}

/// Takes identifiers from records that hold them; what another record holds stays there.
///
/// # Errors
/// When the database does not answer.
pub async fn release(
    tx: &mut Transaction,
    tenant: TenantId,
    held: &[(IdentityKey, RecordId)],
) -> Result<(), PersistenceError> {
    if held.is_empty() {
        return Ok(());
    }
    let Columns { kinds, schemes, values } = columns(held.iter().map(|(key, _)| key));
    sql_query(
        "DELETE FROM record_identities AS identity
         USING unnest($1, $2, $3, $4, $5) AS held (tenant_id, kind, scheme, value, record_id)
         WHERE identity.tenant_id = held.tenant_id AND identity.kind = held.kind AND identity.scheme = held.scheme
           AND identity.value = held.value AND identity.record_id = held.record_id",
    )
    .bind::<Array<Text>, _>(vec![tenant.to_string(); held.len()])
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<Text>, _>(schemes)
    .bind::<Array<Text>, _>(values)
    .bind::<Array<Text>, _>(held.iter().map(|(_, record)| record.to_string()).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
