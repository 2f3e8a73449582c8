//! What the backend is owed and nobody is about to tell it: of all tenants in turn.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::id::{RecordId, TenantId};
use domain::kind::RecordKind;
use domain::record::{Fields, Record};
use persistence::Scope;
use persistence::records::{links, store};

use crate::world::World;

#[tokio::test]
async fn a_tenant_of_whom_much_is_overdue_keeps_nobody_elses_news_waiting() {
    let world = World::new().await;
    let (many, few) = (world.customer("1").await, world.customer("2").await);
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    for (customer, count) in [(many, 5), (few, 1)] {
        let record = |_| Record {
            id: RecordId::new(),
            tenant_id: customer.tenant,
            kind: RecordKind::Contact,
            fields: Fields::default(),
            version: 1,
        };
        let records: Vec<Record> = (0..count).map(record).collect();
        store::save(&mut tx, &records.iter().collect::<Vec<_>>()).await.unwrap();
        let kinds = records.iter().map(|record| (record.id, record.kind)).collect();
        links::note_news(&mut tx, (customer.tenant, customer.backend), &kinds).await.unwrap();
    }
    tx.commit().await.unwrap();
    world.server.execute("UPDATE record_links SET announced_at = now() - interval '1 hour'").await;

    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let mut named = Vec::new();
    for limit in [2, 10] {
        let tells = links::overdue_untold(&mut tx, Duration::from_secs(60), limit).await.unwrap();
        let tenants: BTreeSet<TenantId> = tells.iter().map(|tell| tell.tenant_id).collect();
        named.push((tells.len(), tenants));
    }
    let both = BTreeSet::from([many.tenant, few.tenant]);
    assert_eq!(named, [(2, both), (4, BTreeSet::from([many.tenant]))]);
}
