//! SIGTERM in the middle of a load: every service finishes what it has, ends with 0, and nothing is lost.

use reqwest::StatusCode;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;
use tokio::sync::watch;
use xtask::people::Crowd;
use xtask::session::Service;

use crate::world::{DEADLINE, World};

const PROSPECTS: usize = 500;
const BATCH: usize = 5;

#[tokio::test]
async fn every_service_ends_with_zero_in_the_middle_of_a_load_and_loses_nothing() {
    let mut world = World::on_shared_servers("e2e-shutdown", 32_000, &[]).await;
    world.faults(json!({ "latency_ms": 100 })).await;
    let crowd = Crowd::generate(11, PROSPECTS, chrono::Utc::now());
    let people = u64::try_from(crowd.distinct).unwrap();
    let all = crowd.events.len();
    let (allowed, limit) = watch::channel(0);
    let (accepting, mut accepted) = watch::channel(0);
    let load = tokio::spawn(send(&world, crowd.events, limit, accepting));
    let services = [Service::SyncDispatcher, Service::ApiGateway, Service::LogWriter, Service::WebhookIngest];
    for (place, service) in services.into_iter().enumerate() {
        let (start, end) = (all * place / services.len(), all * (place + 1) / services.len());
        allowed.send_replace(end);
        let now = *accepted.wait_for(|now| *now > start).await.unwrap();
        assert!(now < end, "the load paused before {}", service.name());
        let status = world.session.stack.halt(service.name()).await;
        assert!(status.is_some_and(|status| status.success()), "{}: {status:?}", service.name());
        world.session.start(service).unwrap();
    }
    load.await.unwrap();
    let count = world.settle(people).await;
    assert!(count.is_exact(), "{count:?}");
    has_a_row_for_every_write(&world).await;
    world.end().await;
}

/// Sends the events in small batches, as many as are allowed, in a task of its own; what is refused or cut off is sent
/// again, as a backend does.
fn send(
    world: &World,
    events: Vec<Value>,
    mut limit: watch::Receiver<usize>,
    accepted: watch::Sender<usize>,
) -> impl Future<Output = ()> + use<> {
    let url = format!("{}/api/v1/events", world.session.url(Service::ApiGateway));
    let token = world.tenant.service_token.expose_secret().to_owned();
    let client = world.session.client().clone();
    async move {
        for batch in events.chunks(BATCH) {
            let sent = *accepted.borrow();
            limit.wait_for(|limit| *limit > sent).await.unwrap();
            let body = json!({ "events": batch });
            wait::until("a batch to be accepted", DEADLINE, || async {
                match client.post(&url).bearer_auth(&token).json(&body).send().await {
                    Ok(answer) if answer.status() == StatusCode::ACCEPTED => Ok(()),
                    Ok(answer) => Err(answer.status().to_string()),
                    Err(error) => Err(error.to_string()),
                }
            })
            .await;
            accepted.send_modify(|accepted| *accepted += batch.len());
        }
    }
}

/// No outcome was lost between the dispatcher and the log, whichever of them was stopped.
async fn has_a_row_for_every_write(world: &World) {
    let (database, _) = world.shared.as_ref().unwrap();
    let integration = &world.tenant.integration;
    let of_ours = format!("integration_id = '{integration}' AND external_id IS NOT NULL");
    let unlogged = format!(
        "SELECT count(*) FROM record_links AS link WHERE {of_ours} AND NOT EXISTS (
             SELECT FROM integration_sync_logs AS log WHERE log.link_id = link.id AND log.status = 'success')"
    );
    assert!(database.count(&format!("SELECT count(*) FROM record_links WHERE {of_ours}")).await > 0);
    wait::until("a row for every write", DEADLINE, || async {
        let unlogged = database.count(&unlogged).await;
        if unlogged == 0 { Ok(()) } else { Err(unlogged) }
    })
    .await;
}
