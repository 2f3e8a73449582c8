//! What nobody could handle: showing it with its reason, giving it back, throwing it away.

use anyhow::bail;
use messaging::DeadLetter;
use runtime::config;
use serde_json::{Value, json};

use crate::broker;
use crate::command::{DeadLetters, Purge, Replay};
use crate::progress::Progress;

/// Characters of a payload that people are shown.
const EXCERPT: usize = 200;

/// Shows some, and leaves them.
pub(crate) async fn show(wish: &DeadLetters) -> anyhow::Result<String> {
    let broker = broker::connect(&config::load()?).await?;
    let letters = broker.dead_letters(wish.queue, wish.limit).await;
    broker.close().await;
    let letters = letters?;
    if wish.json {
        return Ok(letters.iter().map(|letter| as_json(letter).to_string()).collect::<Vec<_>>().join("\n"));
    }
    let lines = letters.iter().map(|letter| {
        let payload: String = String::from_utf8_lossy(&letter.payload).chars().take(EXCERPT).collect();
        let (id, reason) = (letter.message_id.as_deref(), letter.reason.as_deref());
        format!("{}  {}\n    {payload}", id.unwrap_or("without an id"), reason.unwrap_or("without a reason"))
    });
    let lines: Vec<_> = lines.collect();
    Ok(if lines.is_empty() { format!("{} is empty", wish.queue.dead()) } else { lines.join("\n") })
}

fn as_json(letter: &DeadLetter) -> Value {
    let text = String::from_utf8_lossy(&letter.payload);
    let payload = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()));
    json!({ "id": letter.message_id, "type": letter.message_type, "reason": letter.reason, "payload": payload })
}

/// Gives them back to their queue.
pub(crate) async fn replay(wish: &Replay) -> anyhow::Result<String> {
    let broker = broker::connect(&config::load()?).await?;
    let there = broker.depths().await.unwrap_or_default();
    let there = there.iter().find(|depth| depth.queue == wish.queue.dead()).map_or(0, |depth| depth.ready);
    let mut progress = Progress::named("replayed", i64::from(there).min(i64::try_from(wish.limit)?), wish.json)?;
    let mut broken = Ok(());
    let replayed = broker
        .replay(wish.queue, wish.limit, || {
            if let Err(error) = progress.advance(1) {
                broken = Err(error);
            }
        })
        .await;
    progress.end();
    broker.close().await;
    broken?;
    let (replayed, queue) = (replayed?, wish.queue.name());
    let said = json!({ "queue": queue, "replayed": replayed });
    Ok(if wish.json { said.to_string() } else { format!("gave {replayed} messages back to {queue}") })
}

/// Throws them away.
pub(crate) async fn purge(wish: &Purge) -> anyhow::Result<String> {
    if !wish.yes {
        bail!("nothing was purged: confirm with --yes that what is in {} is lost for good", wish.queue.dead());
    }
    let broker = broker::connect(&config::load()?).await?;
    let purged = broker.purge(wish.queue).await;
    broker.close().await;
    let (purged, queue) = (purged?, wish.queue.dead());
    let said = json!({ "queue": queue, "purged": purged });
    Ok(if wish.json { said.to_string() } else { format!("purged {purged} messages from {queue}") })
}
