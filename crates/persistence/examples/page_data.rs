//! Gives an integration a month of work, for measuring pages over it, and tells what a bare statement takes.
//!
//! `DATABASE_URL=… page_data TENANT INTEGRATION RECORDS LINES` prints one JSON object. What is written is `page_data.sql`'s.

use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

use serde_json::json;
use tokio_postgres::NoTls;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const DAYS: &str = include_str!("log_days.sql");
const FILL: &str = include_str!("page_data.sql");

/// Whose the rows are and how many, where the statements find it.
const ASKED: &str = "SELECT set_config('bench.tenant', $1, false), set_config('bench.integration', $2, false),
    set_config('bench.records', $3, false), set_config('bench.lines', $4, false)";

/// As autovacuum leaves tables that have been there for a while.
const SETTLE: &str = "VACUUM ANALYZE";

/// How often the bare statement is sent.
const SAMPLES: usize = 1_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tenant, integration, records, lines] = arguments.as_slice() else {
        return Err("TENANT INTEGRATION RECORDS LINES are wanted".into());
    };
    #[expect(clippy::disallowed_methods, reason = "a URL with a password does not belong on the command line")]
    let url = std::env::var("DATABASE_URL")?;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    client.query_one(ASKED, &[tenant, integration, records, lines]).await?;
    client.batch_execute(DAYS).await?;
    client.batch_execute(FILL).await?;
    client.batch_execute(SETTLE).await?;
    let bare = client.prepare("SELECT 1").await?;
    let mut millis = Vec::new();
    for _ in 0..SAMPLES {
        let started = Instant::now();
        client.query_one(&bare, &[]).await?;
        millis.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    millis.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| millis.get(SAMPLES * share / 100).copied().unwrap_or_default();
    writeln!(std::io::stdout(), "{}", json!({ "bare_p50_ms": at(50), "bare_p99_ms": at(99) }))?;
    Ok(())
}
