//! What our own logs and statistics say in the end: whether every write and every delivery is in them, and counted once.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde_json::Value;

use super::journal::Contacts;
use super::ledger::Ledger;
use super::verdict::{Tally, ask};
use crate::session::{Session, Tenant};

/// What the log of an integration holds.
#[derive(Debug, Default)]
pub(super) struct Log {
    rows: u64,
    /// Objects that a row says were written.
    written: BTreeSet<String>,
}

/// Reads it from one end to the other.
pub(super) async fn read(session: &Session, tenant: &Tenant) -> anyhow::Result<Log> {
    let mut log = Log::default();
    for row in all(session, tenant, "logs").await? {
        log.rows += 1;
        let text = |key: &str| row.get(key).and_then(Value::as_str);
        if let (Some("success"), Some("contact"), Some(id)) = (text("status"), text("kind"), text("external_id")) {
            log.written.insert(id.to_owned());
        }
    }
    Ok(log)
}

impl Log {
    /// Every contact that we wrote has its rows.
    pub(super) fn contacts(&self, there: &Contacts) -> Tally {
        Tally::of(there.keys().map(|id| (id, u64::from(self.written.contains(id)))))
    }

    /// Every row was counted, and only once.
    pub(super) async fn counted(&self, session: &Session, tenant: &Tenant) -> anyhow::Result<Tally> {
        let stats = ask(session, tenant, &format!("/api/v1/integrations/{}/stats", tenant.integration)).await?;
        let counted = stats.get("attempts").and_then(Value::as_u64).context("the statistics count no attempts")?;
        let (lost, twice) = (self.rows.saturating_sub(counted), counted.saturating_sub(self.rows));
        Ok(Tally { expected: self.rows, lost, twice, names: Vec::new() })
    }
}

/// Every delivery that was answered for is in its log.
pub(super) async fn deliveries(session: &Session, tenant: &Tenant, ledger: &Ledger) -> anyhow::Result<Tally> {
    let mut times = std::collections::BTreeMap::<String, u64>::new();
    for row in all(session, tenant, "webhook-logs").await? {
        let id = row.get("id").and_then(Value::as_str).context("a delivery has no id")?;
        *times.entry(id.to_owned()).or_default() += 1;
    }
    Ok(Tally::of(ledger.hooks.iter().map(|id| (id, times.get(id).copied().unwrap_or_default()))))
}

/// All rows of a log of the tenant's integration.
async fn all(session: &Session, tenant: &Tenant, log: &str) -> anyhow::Result<Vec<Value>> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/integrations/{}/{log}?limit=200{cursor}", tenant.integration);
        let mut page = ask(session, tenant, &path).await?;
        let next = page.get("next_cursor").and_then(Value::as_str).map(|next| format!("&cursor={next}"));
        let data = page.get_mut("data").and_then(Value::as_array_mut).context("a log has no rows")?;
        rows.append(data);
        let Some(next) = next else { return Ok(rows) };
        cursor = next;
    }
}
