//! What one tenant sends at once does not stand before what another one sends.

use domain::id::{IntegrationId, TenantId};
use domain::message::EventMerge;
use domain::time::Timestamp;
use messaging::Context;
use serde_json::{Value, json};

use crate::world::{Shape, World, event};

const OTHER_PORTAL: u64 = 5151;

/// Many times what is merged at once.
const FLOOD: u32 = 3_000;

/// No more than this is begun after the last message of a queue: four messages are merged at once.
const AT_ONCE: u32 = 400;

fn person(n: u32) -> Value {
    event("prospect.created", &format!("p{n}"), json!({"email": format!("p{n}@exemple.fr")}))
}

#[tokio::test]
async fn an_event_is_merged_before_the_flood_of_another_tenant_that_came_first() {
    let world = World::quiet(&[]).await;
    let mine = EventMerge::queue_of(world.tenant);
    let other = std::iter::repeat_with(TenantId::new).find(|tenant| EventMerge::queue_of(*tenant) != mine).unwrap();
    world.connect((other, IntegrationId::new()), OTHER_PORTAL, Shape::default()).await;
    world.accept((0..FLOOD).map(person).collect()).await;
    let events = vec![domain::event::parse(&person(FLOOD), "").unwrap()];
    let last = EventMerge { tenant_id: other, accepted_at: Timestamp::now(), events };
    world.broker.publish(&last, &Context::new()).await.unwrap();
    world.dispatch();
    world.take_in().await;
    let later = format!(
        "SELECT count(*)::text FROM records WHERE tenant_id = '{}' AND kind = 'contact'
         AND created_at > (SELECT created_at FROM records WHERE tenant_id = '{other}')",
        world.tenant
    );
    let later: u32 = world.server.texts(&later).await[0].parse().unwrap();
    assert!(later > AT_ONCE, "only {later} of {FLOOD} were merged after it");
}
