//! Prospects through the whole system: sending them, waiting for them in the CRM, counting them there.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{PORTAL, Service, Session, Tenant};

const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// A gateway that answers 503 this long is not merely restarting.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of the prospects.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Count {
    /// Events that the gateway answered for with 202.
    pub accepted: u64,
    /// Different people among them, as the generator knows.
    pub distinct_people: u64,
    /// People in the CRM who are none of these, and were there before; not part of the object that is printed.
    #[serde(skip)]
    pub strangers: u64,
    /// Different people in the CRM beside the strangers, by the sandbox's journal of writes.
    pub in_crm: u64,
    /// Contacts created for a person who had one, by the same journal.
    pub duplicates: u64,
    /// Records not in step with the CRM.
    pub owed: u64,
    /// From the first event sent to the last one in step.
    pub seconds: f64,
}

impl Count {
    /// Whether every distinct person is in the CRM exactly once, and nothing is owed.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.in_crm == self.distinct_people && self.duplicates == 0 && self.owed == 0
    }
}

#[derive(Deserialize)]
struct People {
    in_crm: u64,
    duplicates: u64,
}

#[derive(Deserialize)]
struct Queue {
    name: String,
    /// Absent in the first second of a queue's life.
    #[serde(default)]
    messages: u64,
}

impl Session {
    /// Sends a batch of events, once more when the gateway is away or asks to wait; gives the number accepted.
    ///
    /// # Errors
    /// Fails when the gateway refuses the events, or is away for a minute.
    pub async fn send_events(&self, tenant: &Tenant, batch: &[Value]) -> anyhow::Result<u64> {
        let single = batch.first().filter(|_| batch.len() == 1);
        let body = single.cloned().unwrap_or_else(|| json!({ "events": batch }));
        let started = Instant::now();
        loop {
            let answer = self.call(Method::POST, "/api/v1/events", &tenant.service_token, Some(&body)).await;
            match answer {
                Ok((StatusCode::ACCEPTED, answer)) => {
                    return answer.get("accepted").and_then(Value::as_u64).context("the answer counts nothing");
                }
                Ok((StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _)) | Err(_)
                    if started.elapsed() < PATIENCE => {}
                Ok((status, answer)) => bail!("the gateway refused {} events: {status} {answer}", batch.len()),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until `expected` people are in the CRM and nothing is owed or under way, or the deadline has passed.
    ///
    /// # Errors
    /// Fails when the sandbox or the gateway answers nonsense; their being away for a while is waited for.
    pub async fn settle(
        &self,
        tenant: &Tenant,
        expected: Count,
        deadline: Duration,
        mut progress: impl FnMut(&Count),
    ) -> anyhow::Result<Count> {
        let started = Instant::now();
        let mut count = expected;
        loop {
            match self.count(tenant, expected).await {
                Ok(now) => count = now,
                Err(error) if started.elapsed() > deadline => return Err(error),
                Err(_) => {}
            }
            count.seconds = expected.seconds + started.elapsed().as_secs_f64();
            progress(&count);
            let is_over = |count: &Count| {
                (count.in_crm >= count.distinct_people && count.owed == 0) || started.elapsed() > deadline
            };
            // Events still in the intake are owed to nobody yet, and may hold a repeated person. What was under way may owe something
            // again, so that it is counted once more.
            if is_over(&count) && (started.elapsed() > deadline || self.under_way().await? == 0) {
                let last = self.count(tenant, expected).await?;
                if is_over(&last) {
                    let seconds = (count.seconds * 10.0).round() / 10.0;
                    return Ok(Count { seconds, ..last });
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Counts the people in the CRM and what is owed; the rest is taken from `expected`.
    ///
    /// # Errors
    /// Fails when the sandbox or the gateway does not answer as it should.
    pub async fn count(&self, tenant: &Tenant, expected: Count) -> anyhow::Result<Count> {
        let url = format!("{}/_sandbox/people?platform=hubspot&account={PORTAL}", self.url(Service::Sandbox));
        let response = self.client().get(url).send().await?.error_for_status()?;
        let people: People = response.json().await.context("the sandbox does not count its people")?;
        let integration = self.integration(tenant).await?;
        let owed = integration.get("drift").and_then(Value::as_u64);
        let owed = owed.with_context(|| format!("the integration shows no drift: {integration}"))?;
        let in_crm = people.in_crm.saturating_sub(expected.strangers);
        Ok(Count { in_crm, duplicates: people.duplicates, owed, ..expected })
    }

    /// Messages in the dispatcher's queues, delivered or not; 0 where the broker was given without its management API.
    ///
    /// # Errors
    /// Fails when the management API does not answer.
    pub async fn under_way(&self) -> anyhow::Result<u64> {
        self.under_way_in("dispatcher.").await
    }

    /// Messages that could not be handled; 0 where the broker was given without its management API.
    ///
    /// # Errors
    /// Fails when the management API does not answer.
    pub async fn dead_letters(&self) -> anyhow::Result<u64> {
        self.under_way_in("dead.").await
    }

    /// Messages in the queues whose names begin so; 0 where the broker was given without its management API.
    ///
    /// # Errors
    /// Fails when the management API does not answer.
    pub async fn under_way_in(&self, prefix: &str) -> anyhow::Result<u64> {
        let servers = self.servers()?;
        let Some(management) = &servers.management else { return Ok(0) };
        // The vhost stands in both URLs in the same encoding.
        let url = management.join(&format!("/api/queues{}", servers.broker.path()))?;
        let response = self.client().get(url).send().await?.error_for_status()?;
        let queues: Vec<Queue> = response.json().await.context("RabbitMQ lists no queues")?;
        Ok(queues.iter().filter(|queue| queue.name.starts_with(prefix)).map(|queue| queue.messages).sum())
    }
}
