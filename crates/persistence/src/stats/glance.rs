//! The last day of every integration of a tenant, in one question: what a list of them shows beside each.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Text};
use diesel_async::RunQueryDsl;
use domain::id::TenantId;

use crate::statement::sql_query;
use crate::{PersistenceError, Transaction};

/// Hours that are looked at, the present one included.
const HOURS: usize = 24;

/// What was tried with one integration in the last 24 hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Hour by hour, the oldest first: what succeeded and what failed.
    pub hours: [(i64, i64); HOURS],
}

impl Glance {
    /// How many attempts there were.
    #[must_use]
    pub fn attempts(&self) -> i64 {
        self.hours.iter().map(|(success, failed)| success + failed).sum()
    }

    /// How many of them failed.
    #[must_use]
    pub fn failed(&self) -> i64 {
        self.hours.iter().map(|(_, failed)| failed).sum()
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    integration_id: String,
    #[diesel(sql_type = Integer)]
    ago: i32,
    #[diesel(sql_type = BigInt)]
    success: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
}

const STATEMENT: &str = "
SELECT integration_id, floor(extract(epoch FROM now() - hour) / 3600)::int AS ago,
       coalesce(sum(count) FILTER (WHERE outcome = 'success'), 0)::bigint AS success,
       coalesce(sum(count) FILTER (WHERE outcome = 'failed'), 0)::bigint AS failed
FROM integration_stats_hourly
WHERE tenant_id = $1 AND hour > now() - interval '24 hours'
GROUP BY integration_id, hour";

/// The last day of each integration of a tenant by its id; those with which nothing was tried are not among them.
///
/// # Errors
/// When the database does not answer.
pub async fn glance(tx: &mut Transaction, tenant: TenantId) -> Result<BTreeMap<String, Glance>, PersistenceError> {
    let rows: Vec<Row> = sql_query(STATEMENT).bind::<Text, _>(tenant.to_string()).load(&mut **tx).await?;
    let mut glances = BTreeMap::<String, Glance>::new();
    for row in rows {
        let glance = glances.entry(row.integration_id).or_default();
        let place = usize::try_from(row.ago).ok().and_then(|ago| (HOURS - 1).checked_sub(ago));
        if let Some(hour) = place.and_then(|place| glance.hours.get_mut(place)) {
            // Two begin within one where the tenant's clocks were others meanwhile.
            *hour = (hour.0 + row.success, hour.1 + row.failed);
        }
    }
    Ok(glances)
}
