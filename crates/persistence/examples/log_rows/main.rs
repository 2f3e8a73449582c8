//! How many rows a second the log takes, beside what raw COPY reaches in the same run, and how long queries of a long one take.
//!
//! `DATABASE_URL=… log_rows SECONDS WRITERS BATCH HISTORY` prints one JSON object. The database that the URL names is left alone;
//! another one is made beside it, and dropped afterwards.

mod queries;

use std::error::Error;
use std::io::Write as _;
use std::time::{Duration, Instant};

use domain::field::FieldValue;
use domain::id::{IntegrationId, LinkId, RecordId, SyncLogId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::{SyncOutcome, SyncType, ValueChange};
use domain::time::Timestamp;
use futures_util::SinkExt as _;
use persistence::sync_logs;
use persistence::{Database, Scope, log_partitions, migrate, tenants};
use secrecy::SecretString;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

use self::queries::Log;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const NAME: &str = "bench_log_rows";

/// Integrations that the rows are spread over.
const INTEGRATIONS: usize = 50;

/// How many times more rows one of them has than each of the others, in the long log.
const QUIET: i64 = 490;

#[derive(Clone, Copy)]
struct Wishes {
    time: Duration,
    writers: usize,
    batch: usize,
    history: i64,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |name| arguments.next().and_then(|word| word.parse::<u32>().ok()).ok_or(format!("no {name}"));
    let (seconds, writers, batch, history) =
        (number("SECONDS")?, number("WRITERS")?, number("BATCH")?, number("HISTORY")?);
    let wishes = Wishes {
        time: Duration::from_secs(seconds.into()),
        writers: usize::try_from(writers)?.max(1),
        batch: usize::try_from(batch)?.max(1),
        history: history.into(),
    };
    #[expect(clippy::disallowed_methods, reason = "a URL with a password does not belong on the command line")]
    let url = std::env::var("DATABASE_URL")?;
    let admin = connect(&url).await?;
    admin.batch_execute(&format!("DROP DATABASE IF EXISTS {NAME}")).await?;
    admin.batch_execute(&format!("CREATE DATABASE {NAME}")).await?;
    let (server, _) = url.rsplit_once('/').ok_or("the URL names no database")?;
    let measured = measure(&format!("{server}/{NAME}"), wishes).await;
    admin.batch_execute(&format!("DROP DATABASE {NAME} WITH (FORCE)")).await?;
    writeln!(std::io::stdout(), "{}", measured?)?;
    Ok(())
}

async fn connect(url: &str) -> Outcome<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn measure(url: &str, wishes: Wishes) -> Outcome<serde_json::Value> {
    let secret = SecretString::from(url.to_owned());
    migrate::run(&secret).await?;
    let database = Database::new(&secret, u32::try_from(wishes.writers)? + 1, Duration::from_secs(30));
    let mut tx = database.begin(Scope::System).await?;
    log_partitions::ensure(&mut tx, 1).await?;
    let mut owners = Vec::new();
    for _ in 0..INTEGRATIONS {
        let tenant = TenantId::new();
        owners.push((tenant, tenants::create(&mut tx, tenant, "Bench", None).await?));
    }
    tx.commit().await?;
    // Turn by turn, so that what disturbs the machine for a while disturbs both.
    let (mut copied, mut written) = (0.0, 0.0);
    for _ in 0..2 {
        copied += copy(url, &owners, wishes).await? / 2.0;
        written += write(&database, &owners, wishes).await? / 2.0;
    }
    let (busy, quiet) = owners.first().copied().zip(owners.last().copied()).ok_or("no integration")?;
    queries::fill(&connect(url).await?, (busy, quiet), wishes.history).await?;
    let busy = Log { whose: busy, number: 0, rows: wishes.history };
    let quiet = Log { whose: quiet, number: 1, rows: wishes.history / QUIET };
    let (queries, beside) = (queries::measure(&database, busy).await?, queries::measure(&database, quiet).await?);
    Ok(json!({
        "writers": wishes.writers, "batch": wishes.batch,
        "copy_per_second": copied.round(), "rows_per_second": written.round(), "of_copy": written / copied,
        "history": wishes.history, "queries": queries, "beside": beside,
    }))
}

/// Rows a second by COPY into a table with the log's columns and indexes, and nothing else done.
async fn copy(url: &str, owners: &[(TenantId, IntegrationId)], wishes: Wishes) -> Outcome<f64> {
    let admin = connect(url).await?;
    admin
        .batch_execute(
            "DROP TABLE IF EXISTS raw_copy; CREATE TABLE raw_copy (LIKE integration_sync_logs INCLUDING ALL)",
        )
        .await?;
    in_parallel(wishes, |until| {
        let (url, owners) = (url.to_owned(), owners.to_vec());
        async move {
            let client = connect(&url).await?;
            let mut rows = 0;
            while Instant::now() < until {
                let batch = outcomes(&owners, wishes.batch);
                let text: String = batch.iter().map(line).collect();
                let sink = client.copy_in::<_, std::io::Cursor<Vec<u8>>>(COPY).await?;
                let mut sink = std::pin::pin!(sink);
                sink.send(std::io::Cursor::new(text.into_bytes())).await?;
                sink.finish().await?;
                rows += batch.len();
            }
            Ok(rows)
        }
    })
    .await
}

const COPY: &str =
    "COPY raw_copy (id, created_at, tenant_id, integration_id, sync_type, direction, status, kind, record_id,
    link_id, external_id, payload_sent, response_received, duration_ms, attempt, correlation_id, changes) FROM STDIN";

fn line(row: &SyncOutcome) -> String {
    let (request, response) = (row.request.clone().unwrap_or_default(), row.response.clone().unwrap_or_default());
    let record = row.record_id.map(|id| id.to_string()).unwrap_or_default();
    format!(
        "{}\t{}\t{}\t{}\tcreate\tto_platform\tsuccess\tcontact\t{record}\t{}\t501\t{request}\t{response}\t42\t1\t{}\t{}\n",
        row.id,
        row.created_at,
        row.tenant_id,
        row.integration_id,
        row.link_id,
        row.correlation_id,
        json!(row.changes)
    )
}

/// Rows a second as `log-writer` writes them: with health and statistics, idempotent.
async fn write(database: &Database, owners: &[(TenantId, IntegrationId)], wishes: Wishes) -> Outcome<f64> {
    in_parallel(wishes, |until| {
        let (database, owners) = (database.clone(), owners.to_vec());
        async move {
            let mut rows = 0;
            while Instant::now() < until {
                let batch = outcomes(&owners, wishes.batch);
                let mut tx = database.begin(Scope::System).await?;
                rows += sync_logs::insert_batch(&mut tx, &batch).await?.len();
                tx.commit().await?;
            }
            Ok(rows)
        }
    })
    .await
}

async fn in_parallel<F>(wishes: Wishes, mut work: impl FnMut(Instant) -> F) -> Outcome<f64>
where
    F: Future<Output = Outcome<usize>> + Send + 'static,
{
    let started = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..wishes.writers {
        writers.spawn(work(started + wishes.time));
    }
    let mut rows = 0;
    while let Some(writer) = writers.join_next().await {
        rows += writer??;
    }
    Ok(f64::from(u32::try_from(rows)?) / started.elapsed().as_secs_f64())
}

fn outcomes(owners: &[(TenantId, IntegrationId)], count: usize) -> Vec<SyncOutcome> {
    let owner = owners.iter().cycle();
    owner.take(count).map(|(tenant, integration)| outcome(*tenant, *integration)).collect()
}

fn outcome(tenant_id: TenantId, integration_id: IntegrationId) -> SyncOutcome {
    let id = SyncLogId::new();
    SyncOutcome {
        id,
        created_at: Timestamp::now(),
        tenant_id,
        integration_id,
        link_id: LinkId::new(),
        record_id: Some(RecordId::new()),
        kind: RecordKind::Contact,
        sync_type: SyncType::Create,
        external_id: Some("501".to_owned()),
        error: None,
        request: Some(
            json!({ "properties": { "email": "eloise@example.fr", "firstname": "Zoé", "phone": "+33612345678",
            "city": "Nîmes", "lifecyclestage": "lead", "coccinelle_note": "rappeler demain après-midi, après 14 h" } }),
        ),
        response: Some(json!({ "id": "501", "createdAt": "2026-11-22T18:04:00Z", "archived": false })),
        changes: ["email", "firstname", "phone", "city", "lifecyclestage", "coccinelle_note"].map(changed).into(),
        duration_ms: 42,
        attempt: 1,
        correlation_id: format!("{:032x}", id.as_u128()),
    }
}

fn changed(name: &str) -> (String, ValueChange) {
    let after = FieldValue::text("rappeler demain");
    (name.to_owned(), ValueChange { before: FieldValue::Null, after })
}
