//! The table `incidents`: trouble, from its beginning to its end.
//!
//! What is seen of integrations is `signs`', who is still to be told of it `news`', what is on its way to them `outbox`', what
//! tenants read of it `listing`'s, and who tries out whether any of it arrives `trials`'.

mod listing;
mod news;
mod outbox;
mod signs;
mod trials;

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Jsonb, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IncidentId, IntegrationId, TenantId};
use domain::incident::Trigger;
use domain::platform::PlatformSlug;
use serde_json::Value;

pub use self::listing::{Incident, list, silent_since};
pub use self::news::{News, Readers, note_told, note_unheard, paces, pending};
pub use self::outbox::{Channel, Letter, claim, drop_older, give_up, note_sent, post, postpone, release};
pub use self::signs::{Windows, look};
pub use self::trials::{ask_trial, take_trials};
use crate::statement::sql_query;
use crate::text::{from_word, parse_optional, storable_json};
use crate::{PersistenceError, Transaction};

/// What is in trouble.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A tenant's integration.
    Integration(IntegrationId, TenantId),
    /// Something of the operators', by its name.
    Operators(String),
}

impl Subject {
    fn name(&self) -> String {
        match self {
            Self::Integration(integration, _) => integration.to_string(),
            Self::Operators(name) => name.clone(),
        }
    }

    fn owner(&self) -> (Option<String>, Option<String>) {
        match self {
            Self::Integration(integration, tenant) => (Some(tenant.to_string()), Some(integration.to_string())),
            Self::Operators(_) => (None, None),
        }
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    tenant_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    integration_id: Option<String>,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    trigger: String,
}

/// One at a time: keeps others who look after incidents waiting until the transaction ends; whether nobody else was there.
///
/// # Errors
/// When the database does not answer.
pub async fn try_hold(tx: &mut Transaction) -> Result<bool, PersistenceError> {
    #[derive(QueryableByName)]
    struct Held {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        held: bool,
    }
    let statement = "SELECT pg_try_advisory_xact_lock(hashtext('coccinelle incidents')) AS held";
    let Held { held } = sql_query(statement).get_result(&mut **tx).await?;
    Ok(held)
}

/// The words that are read: those that only a newer version knows, which runs beside this one or ran before it, are left to it.
fn known_triggers() -> Vec<&'static str> {
    Trigger::ALL.map(Trigger::as_str).to_vec()
}

/// Those that go on.
///
/// # Errors
/// When the database does not answer.
pub async fn open(tx: &mut Transaction) -> Result<Vec<(Subject, Trigger)>, PersistenceError> {
    let statement = "SELECT tenant_id, integration_id, subject, trigger FROM incidents
        WHERE ended_at IS NULL AND trigger = ANY ($1)";
    let rows: Vec<Row> = sql_query(statement).bind::<Array<Text>, _>(known_triggers()).load(&mut **tx).await?;
    let read = |row: Row| {
        let integration = parse_optional("integration_id", row.integration_id.as_deref())?;
        let tenant = parse_optional("tenant_id", row.tenant_id.as_deref())?;
        let whose = integration.zip(tenant).map(|(integration, tenant)| Subject::Integration(integration, tenant));
        Ok((whose.unwrap_or(Subject::Operators(row.subject)), from_word("trigger", row.trigger)?))
    };
    rows.into_iter().map(read).collect()
}

/// Begins an incident, unless it goes on already; whether it began.
///
/// # Errors
/// When the database does not answer.
pub async fn begin(
    tx: &mut Transaction,
    subject: &Subject,
    trigger: Trigger,
    detail: Value,
) -> Result<bool, PersistenceError> {
    let (tenant, integration) = subject.owner();
    let begun = sql_query(
        "INSERT INTO incidents (id, tenant_id, integration_id, subject, trigger, detail)
         SELECT $1, $2, $3, $4, $5, $6
         -- What was deleted meanwhile is in no trouble.
         WHERE $3 IS NULL OR EXISTS (SELECT FROM tenant_integrations WHERE id = $3 AND tenant_id = $2)
         ON CONFLICT (subject, trigger) WHERE ended_at IS NULL DO NOTHING",
    )
    .bind::<Text, _>(IncidentId::new().to_string())
    .bind::<Nullable<Text>, _>(tenant)
    .bind::<Nullable<Text>, _>(integration)
    .bind::<Text, _>(subject.name())
    .bind::<Text, _>(trigger.as_str())
    .bind::<Jsonb, _>(storable_json(detail))
    .execute(&mut **tx)
    .await?;
    Ok(begun == 1)
}

/// Ends an incident; whether it went on until then.
///
/// # Errors
/// When the database does not answer.
pub async fn end(tx: &mut Transaction, subject: &Subject, trigger: Trigger) -> Result<bool, PersistenceError> {
    let statement = "UPDATE incidents SET ended_at = now() WHERE subject = $1 AND trigger = $2 AND ended_at IS NULL";
    let ended = sql_query(statement).bind::<Text, _>(subject.name()).bind::<Text, _>(trigger.as_str());
    Ok(ended.execute(&mut **tx).await? == 1)
}

/// Ends, without telling anybody, what goes on of integrations on these platforms and nobody was told of: it was the
/// platform's outage, seen before it was known to be one.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_untold_of(
    tx: &mut Transaction,
    platforms: &BTreeSet<PlatformSlug>,
) -> Result<usize, PersistenceError> {
    let statement = "
        UPDATE incidents SET ended_at = coalesce(ended_at, now()), told_at = now(), told_end_at = now()
        FROM tenant_integrations AS integration
        WHERE incidents.told_at IS NULL AND incidents.trigger IN ('failing', 'drift')
          AND integration.id = incidents.integration_id AND integration.platform = ANY ($1)";
    let platforms: Vec<_> = platforms.iter().map(ToString::to_string).collect();
    Ok(sql_query(statement).bind::<Array<Text>, _>(platforms).execute(&mut **tx).await?)
}

/// Ends, without telling anybody, what goes on of integrations that are switched off or deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_inactive(tx: &mut Transaction) -> Result<usize, PersistenceError> {
    let statement = "
        UPDATE incidents SET ended_at = now(), told_at = coalesce(told_at, now()), told_end_at = now()
        FROM tenant_integrations AS integration
        WHERE incidents.ended_at IS NULL AND integration.id = incidents.integration_id
          AND (integration.deleted_at IS NOT NULL OR NOT integration.enabled)";
    Ok(sql_query(statement).execute(&mut **tx).await?)
}
