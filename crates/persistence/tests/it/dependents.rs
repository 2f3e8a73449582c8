//! What belongs to contacts, or named them, and whether there is any.

use std::collections::BTreeSet;

use domain::id::RecordId;
use domain::kind::RecordKind;
use domain::link::NAMED;
use domain::record::{Fields, Record};
use persistence::Scope;
use persistence::records::links::{self, Dependents, Wanted};
use persistence::records::store;

use crate::world::World;

#[tokio::test]
async fn who_has_nothing_is_told_from_who_has_a_deal_and_from_whom_an_order_named() {
    let world = World::new().await;
    let (customer, other) = (world.customer("1").await, world.customer("2").await);
    let record =
        |kind| Record { id: RecordId::new(), tenant_id: customer.tenant, kind, fields: Fields::default(), version: 1 };
    let (owner, alone, deal) = (record(RecordKind::Contact), record(RecordKind::Contact), record(RecordKind::Deal));
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    store::save(&mut tx, &[&owner, &alone, &deal]).await.unwrap();
    let (integration, kind) = (customer.integration, RecordKind::Deal);
    let wanted = Wanted { integration, record: deal.id, kind, version: 1, mapping: 1 };
    links::raise(&mut tx, customer.tenant, &[wanted]).await.unwrap();
    tx.commit().await.unwrap();
    for statement in [
        format!(r#"UPDATE records SET fields = '{{"contact": {{"v": "{}"}}}}' WHERE id = '{}'"#, owner.id, deal.id),
        format!(r#"UPDATE record_links SET sent = '{{"{NAMED}": "501"}}' WHERE record_id = '{}'"#, deal.id),
    ] {
        world.server.execute(&statement).await;
    }

    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let (ours, theirs) = ((customer.tenant, customer.integration), (other.tenant, other.integration));
    for (whose, contact, object, expected) in [
        (ours, alone.id, "502", (false, false)),
        (ours, owner.id, "502", (true, false)),
        (ours, alone.id, "501", (false, true)),
        (theirs, owner.id, "501", (false, false)),
    ] {
        let (contacts, objects) = (BTreeSet::from([contact]), BTreeSet::from([object.to_owned()]));
        let found = links::dependents(&mut tx, whose, &contacts, &objects).await.unwrap();
        assert_eq!(found, Dependents { has_dependents: expected.0, is_named: expected.1 }, "{contact} and {object}");
    }
    let nobody = links::dependents(&mut tx, ours, &BTreeSet::new(), &BTreeSet::new()).await.unwrap();
    assert_eq!(nobody, Dependents::default());
    tx.commit().await.unwrap();
}
