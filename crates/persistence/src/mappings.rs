//! The tables of field mappings: one version for a kind in an integration, one row for a remote field. Mapping itself is `domain`'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text};
use diesel::{OptionalExtension, QueryableByName};
use diesel_async::RunQueryDsl;
use domain::field::FieldName;
use domain::id::{IntegrationId, TenantId};
use domain::identity;
use domain::kind::RecordKind;
use domain::mapping::{FieldMapping, Mapping};
use serde::Serialize;

use crate::statement::sql_query;
use crate::text::{Json, from_json, from_word, parse, to_storable_json};
use crate::{PersistenceError, Transaction};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    region: String,
    #[diesel(sql_type = Bool)]
    is_known: bool,
    #[diesel(sql_type = Jsonb)]
    fields: Json,
    #[diesel(sql_type = Jsonb)]
    since: Json,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// Of a mapping that is known as it is, no field is read.
const OF_INTEGRATION: &str = "
SELECT mapping.kind, mapping.version, tenants.region, known.kind IS NOT NULL AS is_known,
    coalesce(fields.list, '[]') AS fields, coalesce(fields.since, '{}') AS since
FROM integration_mapping_versions AS mapping
JOIN tenants ON tenants.id = mapping.tenant_id
LEFT JOIN unnest($4, $5, $6) AS known (kind, version, region)
    ON known.kind = mapping.kind AND known.version = mapping.version AND known.region = tenants.region
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object(
        'local', local_field, 'remote', remote_field, 'direction', direction, 'transform', transform,
        'identifier', is_identifier, 'default', default_value) ORDER BY position) AS list,
        jsonb_object_agg(local_field, reading_since) FILTER (WHERE direction <> 'to_platform') AS since
    FROM integration_field_mappings AS field
    WHERE known.kind IS NULL AND field.integration_id = mapping.integration_id AND field.kind = mapping.kind
) AS fields
WHERE mapping.tenant_id = $1 AND mapping.integration_id = $2 AND ($3 IS NULL OR mapping.kind = $3)";

/// The mapping of a kind; `None` where that kind is not mapped.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
    kind: RecordKind,
) -> Result<Option<Mapping>, PersistenceError> {
    let mut read = read(tx, (tenant, integration), Some(kind), &KindMappings::new()).await?;
    Ok(read.remove(&kind).map(|current| Arc::unwrap_or_clone(current).mapping))
}

/// The version of each mapping of some integrations of a tenant.
///
/// # Errors
/// When the database does not answer.
pub async fn versions(
    tx: &mut Transaction,
    tenant: TenantId,
    integrations: &[IntegrationId],
) -> Result<BTreeMap<(IntegrationId, RecordKind), i64>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        integration_id: String,
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = BigInt)]
        version: i64,
    }
    if integrations.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<Row> = sql_query(
        "SELECT integration_id, kind, version FROM integration_mapping_versions
         WHERE tenant_id = $1 AND integration_id = ANY($2)",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(integrations.iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    let version =
        |row: Row| Ok(((parse("integration_id", &row.integration_id)?, parse("kind", &row.kind)?), row.version));
    rows.into_iter().map(version).collect()
}

/// The mapping of a kind as it is now, and since when its fields are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindMapping {
    /// The mapping.
    pub mapping: Mapping,
    /// Since which version of it each field of ours is taken from the platform as it is taken now.
    ///
    /// A link that was in step by an older version has never been asked for it.
    pub since: BTreeMap<FieldName, i64>,
}

/// The same of each kind that an integration maps.
pub type KindMappings = BTreeMap<RecordKind, Arc<KindMapping>>;

/// The mapping of each kind that an integration maps, as it is now. What is `known` from earlier is shared where it still is so.
///
/// Whatever changes a field counts the version of its mapping, in the same transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn current(
    tx: &mut Transaction,
    tenant: TenantId,
    integration: IntegrationId,
    known: &KindMappings,
) -> Result<KindMappings, PersistenceError> {
    read(tx, (tenant, integration), None, known).await
}

async fn read(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    kind: Option<RecordKind>,
    known: &KindMappings,
) -> Result<KindMappings, PersistenceError> {
    let mappings = || known.values().map(|known| &known.mapping);
    let rows: Vec<Row> = sql_query(OF_INTEGRATION)
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Nullable<Text>, _>(kind.map(RecordKind::as_str))
        .bind::<Array<Text>, _>(known.keys().map(|kind| kind.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(mappings().map(|mapping| mapping.version).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(mappings().map(|mapping| identity::region_code(&mapping.region)).collect::<Vec<_>>())
        .load(&mut **tx)
        .await?;
    let current = |row: Row| {
        let kind: RecordKind = parse("kind", &row.kind)?;
        if let Some(known) = known.get(&kind).filter(|_| row.is_known) {
            return Ok((kind, Arc::clone(known)));
        }
        let mapping = Mapping {
            version: row.version,
            region: from_word("region", row.region)?,
            fields: from_json("fields", row.fields)?,
        };
        Ok((kind, Arc::new(KindMapping { mapping, since: from_json("since", row.since)? })))
    };
    rows.into_iter().map(current).collect()
}

/// A version that was seen is the only one that is counted on; 0 stands for a kind that was not mapped.
const COUNT_VERSION: &str = "
INSERT INTO integration_mapping_versions AS mapping (tenant_id, integration_id, kind, version)
SELECT $1, $2, $3, 1 WHERE coalesce($4, 0) = 0
    OR EXISTS (SELECT FROM integration_mapping_versions WHERE tenant_id = $1 AND integration_id = $2 AND kind = $3)
ON CONFLICT (integration_id, kind) DO UPDATE SET version = mapping.version + 1, updated_at = now()
    WHERE $4 IS NULL OR mapping.version = $4
RETURNING version";

const FORGET_FIELDS: &str =
    "DELETE FROM integration_field_mappings WHERE tenant_id = $1 AND integration_id = $2 AND kind = $3";

const KEEP_FIELDS: &str = "
INSERT INTO integration_field_mappings (tenant_id, integration_id, kind, position, local_field, remote_field, direction,
                                        transform, is_identifier, default_value, reading_since)
SELECT $1, $2, $3, place - 1, field ->> 'local', field ->> 'remote', field ->> 'direction',
       field -> 'transform', (field ->> 'identifier')::boolean, field -> 'default',
       (field ->> 'since')::bigint
FROM jsonb_array_elements($4) WITH ORDINALITY AS list(field, place)";

/// A field as it is kept.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    field: &'a FieldMapping,
    since: i64,
}

/// The reconciler makes every link of these integrations owed that was synced under an older mapping.
const LINK_AGAIN: &str =
    "UPDATE tenant_integrations SET linked_version = 0, updated_at = now() WHERE tenant_id = $1 AND id = ANY($2)";

/// What is written by a transform that asks of which country a number is.
const COUNT_BY_REGION: &str = "
UPDATE integration_mapping_versions AS mapping SET version = version + 1, updated_at = now()
WHERE tenant_id = $1 AND EXISTS (
    SELECT FROM integration_field_mappings AS field
    WHERE field.integration_id = mapping.integration_id AND field.kind = mapping.kind AND field.direction <> 'from_platform'
      AND (field.transform ->> 'type' = 'e164' OR field.transform ->> 'template' LIKE '%e164%'))
RETURNING integration_id";

/// Has everything brought into step again that is written otherwise by another region of the tenant: for its mappings, that is a
/// change as any other.
pub(crate) async fn follow_region(tx: &mut Transaction, tenant: TenantId) -> Result<(), PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        integration_id: String,
    }
    let rows: Vec<Row> = sql_query(COUNT_BY_REGION).bind::<Text, _>(tenant.to_string()).load(&mut **tx).await?;
    link_again(tx, tenant, rows.into_iter().map(|row| row.integration_id).collect()).await
}

async fn link_again(tx: &mut Transaction, tenant: TenantId, integrations: Vec<String>) -> Result<(), PersistenceError> {
    let statement = sql_query(LINK_AGAIN).bind::<Text, _>(tenant.to_string());
    statement.bind::<Array<Text>, _>(integrations).execute(&mut **tx).await?;
    Ok(())
}

/// Replaces the mapping of a kind in the integration of a tenant; returns its new version.
///
/// Links that were brought into step under the old one are owed again, those that it blocked among them.
///
/// # Errors
/// A conflict where a remote field appears twice.
pub async fn replace(
    tx: &mut Transaction,
    whose: (TenantId, IntegrationId),
    kind: RecordKind,
    fields: &[FieldMapping],
) -> Result<i64, PersistenceError> {
    let version = replace_seen(tx, whose, kind, None, fields).await?;
    version.ok_or_else(|| diesel::result::Error::NotFound.into())
}

/// The same where the mapping is still of the version that was `seen`, 0 where there was none; `None` where it is not.
///
/// # Errors
/// As [`replace`].
pub async fn replace_seen(
    tx: &mut Transaction,
    (tenant, integration): (TenantId, IntegrationId),
    kind: RecordKind,
    seen: Option<i64>,
    fields: &[FieldMapping],
) -> Result<Option<i64>, PersistenceError> {
    let whose = (tenant, integration, kind);
    let (tenant, integration, kind) = (tenant.to_string(), integration.to_string(), kind.as_str());
    let counted: Option<Version> = sql_query(COUNT_VERSION)
        .bind::<Text, _>(&tenant)
        .bind::<Text, _>(&integration)
        .bind::<Text, _>(kind)
        .bind::<Nullable<BigInt>, _>(seen)
        .get_result(&mut **tx)
        .await
        .optional()?;
    let Some(Version { version }) = counted else { return Ok(None) };
    let before =
        read(tx, (whose.0, whose.1), Some(whose.2), &KindMappings::new()).await?.remove(&whose.2).unwrap_or_default();
    sql_query(FORGET_FIELDS)
        .bind::<Text, _>(&tenant)
        .bind::<Text, _>(&integration)
        .bind::<Text, _>(kind)
        .execute(&mut **tx)
        .await?;
    let kept = fields.iter().map(|field| {
        let is_anew = field.is_read_anew(&before.mapping.fields);
        let since = before.since.get(&field.local).copied().unwrap_or_default();
        Kept { field, since: if is_anew { version } else { since } }
    });
    sql_query(KEEP_FIELDS)
        .bind::<Text, _>(&tenant)
        .bind::<Text, _>(&integration)
        .bind::<Text, _>(kind)
        .bind::<Jsonb, _>(to_storable_json(&kept.collect::<Vec<_>>())?)
        .execute(&mut **tx)
        .await?;
    link_again(tx, whose.0, vec![integration]).await?;
    Ok(Some(version))
}
