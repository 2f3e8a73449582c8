//! How long each sort of query takes in a long log: what the API and the pages of an integration offer, at places all over it.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection as _;
use domain::id::{IntegrationId, TenantId};
use domain::kind::RecordKind;
use domain::outcome::SyncType;
use domain::time::Timestamp;
use persistence::log_page::{LogCursor, LogPage};
use persistence::sync_logs::{self, Filter, LogStatus, Sought, Way};
use persistence::webhook_logs::{self, Became};
use persistence::{Database, Scope, Transaction};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::Outcome;

const DAYS: &str = include_str!("../log_days.sql");
const FILL: &str = include_str!("history.sql");

/// Whose the rows are and how many, where the statements find it.
const ASKED: &str = "SELECT set_config('bench.busy', $1, false), set_config('bench.quiet', $2, false),
    set_config('bench.rows', $3, false)";

/// As autovacuum leaves tables that have been there for a while, and nothing left to be written: what was filled in minutes would
/// otherwise be written out while it is asked.
const SETTLE: [&str; 2] = ["VACUUM ANALYZE", "CHECKPOINT"];

/// How often each is asked, and before that without a clock.
const SAMPLES: u32 = 200;
const WARM: u32 = 10;

/// Rows of a page, where there are as many: what the API and the journal ask for.
const LIMIT: u32 = 50;

const DAY: Duration = Duration::from_hours(24);

/// Whose log is asked for, as a caller of persistence says it.
type Whose = (TenantId, IntegrationId);

/// Writes so many rows of the first integration, and a tenth as many of all others that there are, of which the second is one.
pub(super) async fn fill(client: &Client, (busy, quiet): (Whose, Whose), rows: i64) -> Outcome<()> {
    client.query_one(ASKED, &[&busy.1.to_string(), &quiet.1.to_string(), &rows.to_string()]).await?;
    client.batch_execute(DAYS).await?;
    client.batch_execute(FILL).await?;
    for settling in SETTLE {
        client.batch_execute(settling).await?;
    }
    Ok(())
}

/// The log of one integration.
#[derive(Clone, Copy)]
pub(super) struct Log {
    pub(super) whose: Whose,
    /// Which one it was of those that were written.
    pub(super) number: i64,
    pub(super) rows: i64,
}

/// What is asked for.
enum Wanted {
    Attempts(Filter),
    Deliveries(webhook_logs::Filter),
}

/// A sort of query: what it is called, whether its page begins all over the log, and what its nth sample asks for.
struct Query {
    name: &'static str,
    is_deep: bool,
    wanted: fn(Place) -> Wanted,
}

/// Where in a log a sample is.
#[derive(Clone, Copy)]
struct Place {
    log: Log,
    sample: u32,
    at: Timestamp,
}

impl Place {
    fn new(log: Log, sample: u32, now: Timestamp) -> Self {
        // A stride that shares no factor with the number of samples comes to each part of the 90 days, and to no two neighbours at once.
        let step = sample * 77 % SAMPLES;
        Self { log, sample, at: now.minus(DAY * 88 * step / SAMPLES) }
    }

    /// The number of an object that was tried often.
    fn object(self) -> i64 {
        i64::from(self.sample) % (self.log.rows / 100).max(1)
    }

    fn id(self, prefix: &str) -> String {
        format!("{prefix}_{:026}", self.object() * 100 + self.log.number)
    }

    fn trace(self) -> String {
        format!("{:032x}", i64::from(self.sample) * 100 + self.log.number)
    }
}

const QUERIES: &[Query] = &[
    newest("newest page", |_| of(Filter::default())),
    deep("a page anywhere", |_| of(Filter::default())),
    newest("failures", |_| of(failed())),
    deep("failures anywhere", |_| of(failed())),
    deep("successes anywhere", |_| of(Filter { status: Some(LogStatus::Success), ..Filter::default() })),
    deep("attempts of a type", |_| of(Filter { sync_type: Some(SyncType::Read), ..Filter::default() })),
    deep("attempts of a rare type", |_| of(Filter { sync_type: Some(SyncType::Delete), ..Filter::default() })),
    deep("attempts one way", |_| of(Filter { direction: Some(Way::FromPlatform), ..Filter::default() })),
    deep("a common kind", |_| of(kind(RecordKind::Contact))),
    newest("a rare kind", |_| of(kind(RecordKind::Deal))),
    deep("a rare kind anywhere", |_| of(kind(RecordKind::Deal))),
    newest("a kind that there is none of", |_| of(kind(RecordKind::Order))),
    deep("failures of a rare kind, which has none", |_| of(Filter { kind: Some(RecordKind::Deal), ..failed() })),
    deep("an hour", |place| of(Filter { since: Some(place.at.minus(Duration::from_hours(1))), ..Filter::default() })),
    deep("failures of a day", |place| of(Filter { since: Some(place.at.minus(DAY)), ..failed() })),
    newest("one object", |place| of(Filter { record: place.id("rec").parse().ok(), ..Filter::default() })),
    newest("one link", |place| of(text(place.id("lnk").parse().ok().map(Sought::Link)))),
    newest("one trace", |place| of(text(Some(Sought::Trace(place.trace()))))),
    deep("failures alike", |_| of(alike("INVALID_EMAIL"))),
    newest("rare failures alike", |_| of(alike("RARE_FAILURE"))),
    deep("an object's id at the platform", |place| of(words(place, place.object().to_string()))),
    deep("words that no failure of a week has", |place| of(words(place, "nobody says this".to_owned()))),
    deep("deliveries anywhere", |_| Wanted::Deliveries(webhook_logs::Filter::default())),
    newest("deliveries that were ignored, which is rare", |_| deliveries(Became::Ignored)),
    newest("deliveries that were refused, as none was", |_| deliveries(Became::Refused)),
];

const fn newest(name: &'static str, wanted: fn(Place) -> Wanted) -> Query {
    Query { name, is_deep: false, wanted }
}

const fn deep(name: &'static str, wanted: fn(Place) -> Wanted) -> Query {
    Query { name, is_deep: true, wanted }
}

fn of(filter: Filter) -> Wanted {
    Wanted::Attempts(filter)
}

fn failed() -> Filter {
    Filter { status: Some(LogStatus::Failed), ..Filter::default() }
}

fn kind(kind: RecordKind) -> Filter {
    Filter { kind: Some(kind), ..Filter::default() }
}

fn alike(code: &str) -> Filter {
    Filter { fingerprint: Some(format!("invalid:{code}:refused")), ..Filter::default() }
}

fn text(text: Option<Sought>) -> Filter {
    Filter { text, ..Filter::default() }
}

fn deliveries(outcome: Became) -> Wanted {
    Wanted::Deliveries(webhook_logs::Filter { outcome: Some(outcome), ..webhook_logs::Filter::default() })
}

/// As the gateway asks for words: within a week.
fn words(place: Place, words: String) -> Filter {
    Filter { since: Some(place.at.minus(DAY * 7)), ..text(Some(Sought::Words(words))) }
}

/// How long each sort of query takes in a log: its name, milliseconds, and rows of the fullest page.
pub(super) async fn measure(database: &Database, log: Log) -> Outcome<Vec<Value>> {
    let mut measured = Vec::new();
    let now = Timestamp::now();
    for query in QUERIES {
        let (mut millis, mut most) = (Vec::new(), 0);
        for sample in 0..WARM + SAMPLES {
            let place = Place::new(log, sample, now);
            let started = Instant::now();
            let found = ask(database, query, place).await?;
            if sample >= WARM {
                millis.push(started.elapsed().as_secs_f64() * 1_000.0);
            }
            most = most.max(found);
        }
        millis.sort_unstable_by(f64::total_cmp);
        let at = |share: usize| millis.get(millis.len() * share / 100).copied().unwrap_or_default();
        measured.push(json!({ "name": query.name, "p50_ms": at(50), "p99_ms": at(99), "rows": most }));
    }
    Ok(measured)
}

/// Asks once, as the gateway does: seeing the rows of one tenant alone.
async fn ask(database: &Database, query: &Query, place: Place) -> Outcome<usize> {
    let whose = place.log.whose;
    let mut tx = database.begin(Scope::Tenant(whose.0)).await?;
    tx.batch_execute("SET LOCAL ROLE coccinelle_gateway").await?;
    let after = query.is_deep.then(|| LogCursor { created_at: place.at, id: "log".to_owned() });
    let found = page(&mut tx, whose, (query.wanted)(place), &LogPage { after, limit: LIMIT }).await?;
    tx.commit().await?;
    Ok(found)
}

async fn page(tx: &mut Transaction, whose: Whose, wanted: Wanted, page: &LogPage) -> Outcome<usize> {
    Ok(match wanted {
        Wanted::Attempts(filter) => sync_logs::list(tx, whose, filter, page).await?.len(),
        Wanted::Deliveries(filter) => webhook_logs::list(tx, whose, &filter, page).await?.len(),
    })
}
