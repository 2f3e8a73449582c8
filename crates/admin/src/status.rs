//! How the whole is: the queues, what is owed, how the integrations are, who is not answered, how far behind anything is.

use std::time::Duration;

use messaging::Depth;
use messaging::topology::Queue;
use persistence::breakers::{self, OpenAt};
use persistence::overview::{self, Overview, States};
use persistence::{Database, Scope};
use runtime::config;
use serde_json::json;

use crate::broker;
use crate::command::Status;

/// What the database knows.
struct Numbers {
    overview: Overview,
    states: Vec<States>,
    breakers: Vec<OpenAt>,
}

/// Looks; returns what there is to see. Fails only where neither the database nor the broker answers.
pub(crate) async fn show(wish: &Status) -> anyhow::Result<String> {
    let settings = config::load()?;
    let database = Database::new(&settings.database.url, 1, settings.database.connect_timeout);
    let (broker, numbers) = tokio::join!(broker::connect(&settings), numbers(&database));
    let depths = match &broker {
        Ok(broker) => broker.depths().await,
        Err(_) => None,
    };
    if let Ok(broker) = &broker {
        broker.close().await;
    }
    let numbers = match (numbers, &depths) {
        (Ok(numbers), _) => Some(numbers),
        (Err(error), None) => return Err(error.context("neither the broker nor the database answers")),
        (Err(_), Some(_)) => None,
    };
    Ok(if wish.json {
        as_json(depths.as_deref(), numbers.as_ref())
    } else {
        as_text(depths.as_deref(), numbers.as_ref())
    })
}

async fn numbers(database: &Database) -> anyhow::Result<Numbers> {
    let mut tx = database.begin(Scope::System).await?;
    let (overview, states) = (overview::read(&mut tx).await?, overview::states(&mut tx).await?);
    let breakers = breakers::open(&mut tx).await?;
    tx.commit().await?;
    Ok(Numbers { overview, states, breakers })
}

fn as_json(depths: Option<&[Depth]>, numbers: Option<&Numbers>) -> String {
    let queues = depths.map(|depths| {
        let shown = |depth: &Depth| json!({ "queue": depth.queue, "ready": depth.ready, "consumers": depth.consumers });
        depths.iter().map(shown).collect::<Vec<_>>()
    });
    json!({
        "queues": queues,
        "overview": numbers.map(|all| &all.overview),
        "integrations": numbers.map(|all| &all.states),
        "breakers": numbers.map(|all| &all.breakers),
    })
    .to_string()
}

fn as_text(depths: Option<&[Depth]>, numbers: Option<&Numbers>) -> String {
    let queues = depths.map_or_else(|| vec!["the broker does not answer".to_owned()], queues);
    let known = numbers.map_or_else(|| vec!["the database does not answer".to_owned()], known);
    [queues, vec![String::new()], known].concat().join("\n")
}

fn queues(depths: &[Depth]) -> Vec<String> {
    let mut lines = vec![format!("{:<40} {:>10} {:>10}", "queue", "ready", "consumers")];
    for depth in depths {
        let mark = if Queue::is_dead(&depth.queue) && depth.ready > 0 { "  ← admin dead-letters" } else { "" };
        lines.push(format!("{:<40} {:>10} {:>10}{mark}", depth.queue, depth.ready, depth.consumers));
    }
    lines
}

fn known(Numbers { overview: all, states, breakers }: &Numbers) -> Vec<String> {
    let since = all.owed_since.map(|since| format!(", the oldest since {since}")).unwrap_or_default();
    let newest = all.newest_log.map_or("never".to_owned(), |newest| newest.to_string());
    let mut lines = vec![
        format!("{} tenants, {} integrations switched on", all.tenants, all.integrations),
        format!("{} records owed{since}", all.owed),
        format!("lag: {} behind with what can be worked on", lasting(all.lag_seconds)),
        format!("{} records blocked by a failure", all.blocked),
        format!("{} messages kept for the broker, for up to {}", all.inbox, lasting(all.inbox_seconds)),
        format!("{} runs under way", all.runs),
        format!("{} incidents go on, {} alerts are to be sent", all.incidents, all.alerts_waiting),
        format!("newest attempt in the log: {newest}"),
    ];
    if breakers.is_empty() {
        lines.push("no breaker is open".to_owned());
    }
    for OpenAt { platform, integrations, whole } in breakers {
        let whole = if *whole { "the platform's own and " } else { "" };
        lines.push(format!("breakers open at {platform}: {whole}those of {integrations} integrations"));
    }
    for States { platform, status, count } in states {
        lines.push(format!("{platform:<20} {status:<20} {count:>8}"));
    }
    lines
}

fn lasting(seconds: i64) -> String {
    humantime::format_duration(Duration::from_secs(u64::try_from(seconds).unwrap_or_default())).to_string()
}
