//! Records without a link: found by walking over all of them, a bounded stretch at a time.

use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::record::{Fields, Record};
use persistence::Scope;
use persistence::records::links::{self, Stretch, Wanted};
use persistence::records::store;

use crate::world::World;

#[tokio::test]
async fn a_walk_names_what_has_no_link_and_passes_over_the_rest_a_stretch_at_a_time() {
    let world = World::new().await;
    let (customer, other) = (world.customer("1").await, world.customer("2").await);
    let (tenant, kind) = (customer.tenant, RecordKind::Contact);
    let record =
        |tenant_id, kind| Record { id: RecordId::new(), tenant_id, kind, fields: Fields::default(), version: 1 };
    let mut contacts: Vec<_> = (0..5).map(|_| record(tenant, kind)).collect();
    contacts.sort_by_key(|contact| contact.id);
    let others = [record(tenant, RecordKind::Deal), record(other.tenant, kind)];
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    store::save(&mut tx, &contacts.iter().chain(&others).collect::<Vec<_>>()).await.unwrap();
    let ids: Vec<RecordId> = contacts.iter().map(|contact| contact.id).collect();
    let integration = customer.integration;
    // One is in step with what it holds, and one was left behind.
    let link = |record, version| Wanted { integration, record, kind, version, mapping: 1 };
    links::raise(&mut tx, tenant, &[link(ids[0], 1), link(ids[3], 0)]).await.unwrap();

    let (mut after, mut walked) = (None, Vec::new());
    loop {
        let Stretch { last, unlinked } = links::stretch(&mut tx, (tenant, integration), kind, after, 2).await.unwrap();
        walked.push(unlinked.iter().map(|(record, version)| (*record, *version)).collect::<Vec<_>>());
        after = last;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(walked, [vec![(ids[1], 1)], vec![(ids[2], 1), (ids[3], 1)], vec![(ids[4], 1)], Vec::new()]);
}
