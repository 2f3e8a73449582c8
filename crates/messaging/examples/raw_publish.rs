//! What the broker itself can do: confirmed publishing of 1 KiB persistent messages to a quorum queue, and nothing else.
//!
//! `AMQP_URL=… raw_publish OUTSTANDING SECONDS` prints one JSON object. The queue is its own, and is gone afterwards.

use std::error::Error;
use std::io::Write as _;
use std::time::{Duration, Instant};

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde_json::json;
use tokio::task::JoinSet;

const QUEUE: &str = "bench.raw";
const BODY: [u8; 1_024] = [b'x'; 1_024];
const PERSISTENT: u8 = 2;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |name| arguments.next().and_then(|word| word.parse::<u32>().ok()).ok_or(format!("no {name}"));
    let (outstanding, seconds) = (number("OUTSTANDING")?.clamp(1, 4_096), number("SECONDS")?.clamp(1, 600));
    #[expect(clippy::disallowed_methods, reason = "a URL with a password does not belong on the command line")]
    let url = std::env::var("AMQP_URL")?;
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    declare(&channel).await?;
    let measured = measure(&channel, outstanding, Duration::from_secs(seconds.into())).await;
    channel.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await?;
    let (waits, elapsed) = measured?;
    writeln!(std::io::stdout(), "{}", figures(waits, elapsed, outstanding)?)?;
    Ok(())
}

async fn declare(channel: &Channel) -> lapin::Result<()> {
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(QUEUE.into(), options, arguments).await?;
    Ok(())
}

/// How long each confirm took, in microseconds, and how long it all took.
async fn measure(channel: &Channel, outstanding: u32, time: Duration) -> Result<(Vec<u64>, Duration), Box<dyn Error>> {
    let started = Instant::now();
    let mut publishers = JoinSet::new();
    for _ in 0..outstanding {
        publishers.spawn(publish_until(channel.clone(), started + time));
    }
    let mut waits = Vec::new();
    while let Some(publisher) = publishers.join_next().await {
        waits.extend(publisher??);
    }
    Ok((waits, started.elapsed()))
}

async fn publish_until(channel: Channel, end: Instant) -> lapin::Result<Vec<u64>> {
    let mut waits = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        let confirm = channel.basic_publish("".into(), QUEUE.into(), mandatory, &BODY, properties).await?;
        match confirm.await? {
            Confirmation::Ack(None) => waits.push(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)),
            // Not kept: not counted.
            Confirmation::Ack(Some(_)) | Confirmation::Nack(_) | Confirmation::NotRequested => {}
        }
    }
    Ok(waits)
}

fn figures(mut waits: Vec<u64>, elapsed: Duration, outstanding: u32) -> Result<serde_json::Value, Box<dyn Error>> {
    waits.sort_unstable();
    let confirmed = waits.len();
    let at = |percent: usize| waits.get(confirmed.saturating_sub(1) * percent / 100).copied().unwrap_or_default();
    let millis = |micros: u64| u32::try_from(micros).map(|micros| f64::from(micros) / 1_000.0);
    Ok(json!({
        "outstanding": outstanding,
        "per_second": f64::from(u32::try_from(confirmed)?) / elapsed.as_secs_f64(),
        "p50_ms": millis(at(50))?,
        "p99_ms": millis(at(99))?,
    }))
}
