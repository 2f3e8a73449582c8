//! Objects of platforms that were left alone when two records became one: they are the person, too, and no record has a link to them.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use domain::field::{FieldName, FieldValue};
use domain::id::{IntegrationId, LinkId, RecordId, TenantId};
use domain::kind::RecordKind;
use domain::record::{Fields, Record, Stamp};

use crate::records::store;
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction};

/// Such an object.
pub(super) struct LeftAlone {
    pub(super) integration: IntegrationId,
    pub(super) external_id: String,
}

/// Those of a contact that no other record has a link to meanwhile.
pub(super) async fn of_contact(
    tx: &mut Transaction,
    tenant: TenantId,
    contact: RecordId,
) -> Result<Vec<LeftAlone>, PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        integration_id: String,
        #[diesel(sql_type = Text)]
        external_id: String,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT integration.id AS integration_id, left_alone.lost ->> 'v' AS external_id
         FROM record_conflicts AS left_alone
         JOIN tenant_integrations AS integration ON integration.id = left_alone.lost ->> 'o'
         WHERE left_alone.tenant_id = $1 AND left_alone.record_id = $2 AND left_alone.reason = 'unlinked'
           AND NOT EXISTS (SELECT FROM record_links AS link
                           WHERE link.integration_id = integration.id AND link.kind = $3
                             AND link.external_id = left_alone.lost ->> 'v')",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Text, _>(contact.to_string())
    .bind::<Text, _>(RecordKind::Contact.as_str())
    .load(&mut **tx)
    .await?;
    let read = |row: Row| {
        Ok(LeftAlone { integration: parse("integration_id", &row.integration_id)?, external_id: row.external_id })
    };
    rows.into_iter().map(read).collect()
}

/// Gives each of them a deleted record that belongs to the contact, so that the platform is owed its deletion as well.
/// Returns the records.
///
/// # Errors
/// When the database does not answer.
pub async fn stand_in(
    tx: &mut Transaction,
    tenant: TenantId,
    contact: RecordId,
    stamp: Stamp,
) -> Result<Vec<RecordId>, PersistenceError> {
    let mut made = Vec::new();
    for LeftAlone { integration, external_id } in of_contact(tx, tenant, contact).await? {
        let mut fields = Fields::default();
        fields.set(FieldName::new(FieldName::CONTACT), FieldValue::text(contact.to_string()), stamp);
        fields.set(FieldName::new(FieldName::DELETED), FieldValue::Bool(true), stamp);
        let record = Record { id: RecordId::new(), tenant_id: tenant, kind: RecordKind::Contact, fields, version: 1 };
        store::save(tx, &[&record]).await?;
        sql_query(
            "INSERT INTO record_links (tenant_id, id, integration_id, record_id, kind, external_id, wanted_version,
                                       owed_since, announced_at)
             VALUES ($1, $2, $3, $4, $5, $6, 1, now(), now())",
        )
        .bind::<Text, _>(tenant.to_string())
        .bind::<Text, _>(LinkId::new().to_string())
        .bind::<Text, _>(integration.to_string())
        .bind::<Text, _>(record.id.to_string())
        .bind::<Text, _>(RecordKind::Contact.as_str())
        .bind::<Text, _>(external_id)
        .execute(&mut **tx)
        .await?;
        made.push(record.id);
    }
    Ok(made)
}
