//! How the whole is: the queues, what is owed, how the integrations are, how far behind anything is.

use messaging::Depth;
use messaging::topology::Queue;
use persistence::overview::{self, Overview, States};
use persistence::{Database, Scope};
use runtime::config;
use serde_json::json;

use crate::broker;
use crate::command::Status;

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

async fn numbers(database: &Database) -> anyhow::Result<(Overview, Vec<States>)> {
    let mut tx = database.begin(Scope::System).await?;
    let numbers = (overview::read(&mut tx).await?, overview::states(&mut tx).await?);
    tx.commit().await?;
    Ok(numbers)
}

fn as_json(depths: Option<&[Depth]>, numbers: Option<&(Overview, Vec<States>)>) -> String {
    let queues = depths.map(|depths| {
        let shown = |depth: &Depth| json!({ "queue": depth.queue, "ready": depth.ready, "consumers": depth.consumers });
        depths.iter().map(shown).collect::<Vec<_>>()
    });
    let (overview, states) = match numbers {
        Some((overview, states)) => (Some(overview), Some(states)),
        None => (None, None),
    };
    json!({ "queues": queues, "overview": overview, "integrations": states }).to_string()
}

fn as_text(depths: Option<&[Depth]>, numbers: Option<&(Overview, Vec<States>)>) -> String {
    let mut text = String::new();
    let mut line = |said: String| {
        text.push_str(&said);
        text.push('\n');
    };
    match depths {
        None => line("the broker does not answer".to_owned()),
        Some(depths) => {
            line(format!("{:<40} {:>10} {:>10}", "queue", "ready", "consumers"));
            for depth in depths {
                let mark =
                    if Queue::is_dead(&depth.queue) && depth.ready > 0 { "  ← admin dead-letters" } else { "" };
                line(format!("{:<40} {:>10} {:>10}{mark}", depth.queue, depth.ready, depth.consumers));
            }
        }
    }
    match numbers {
        None => line("\nthe database does not answer".to_owned()),
        Some((all, states)) => {
            let since = all.owed_since.map(|since| format!(", the oldest since {since}")).unwrap_or_default();
            line(format!("\n{} tenants, {} integrations switched on", all.tenants, all.integrations));
            line(format!("{} records owed{since}", all.owed));
            line(format!("{} records blocked by a failure", all.blocked));
            line(format!("{} messages kept for the broker, {} runs under way", all.inbox, all.runs));
            line(format!("{} incidents go on, {} alerts are to be sent", all.incidents, all.alerts_waiting));
            let newest = all.newest_log.map_or("never".to_owned(), |newest| newest.to_string());
            line(format!("newest attempt in the log: {newest}"));
            for States { platform, status, count } in states {
                line(format!("{platform:<20} {status:<20} {count:>8}"));
            }
        }
    }
    text.trim_end().to_owned()
}
