//! What may fail each time it is taken up again: many of one tenant keep nobody else's waiting.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::id::{ConflictId, LinkId, RecordId, TenantId};
use persistence::people::{self, Pending};
use persistence::records::{conflicts, edits};
use persistence::{Scope, Transaction};

use crate::world::{Customer, World, try_to};

const MINUTE: Duration = Duration::from_secs(60);

/// A decision, an edit and an erasure that have waited for so many hours.
async fn leave(tx: &mut Transaction, customer: Customer, hours: u32) {
    let (tenant, integration) = (customer.tenant, customer.integration);
    let (record, conflict, link) = (RecordId::new(), ConflictId::new(), LinkId::new());
    let since = format!("now() - interval '{hours} hours'");
    for row in [
        format!("INSERT INTO records (id, tenant_id, kind) VALUES ('{record}', '{tenant}', 'contact')"),
        format!(
            "INSERT INTO record_conflicts (id, tenant_id, record_id, reason, field, lost, decision, decided_at)
             VALUES ('{conflict}', '{tenant}', '{record}', 'adopted', 'email', '{{}}', 'restore', {since})"
        ),
        format!(
            "INSERT INTO record_edits (link_id, tenant_id, integration_id, record_id, fields, asked_by, asked_at)
             VALUES ('{link}', '{tenant}', '{integration}', '{record}', '{{}}', '', {since})"
        ),
        format!(
            "INSERT INTO pending_erasures (record_id, tenant_id, requested_at) VALUES ('{record}', '{tenant}', {since})"
        ),
    ] {
        try_to(tx, &row).await.unwrap();
    }
}

#[tokio::test]
async fn what_one_tenant_cannot_be_rid_of_keeps_no_decision_edit_or_erasure_of_another_waiting() {
    let world = World::new().await;
    let (stuck, other) = (world.customer("1001").await, world.customer("1002").await);
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    for hours in 10..14 {
        leave(&mut tx, stuck, hours).await;
    }
    leave(&mut tx, other, 1).await;
    tx.commit().await.unwrap();

    let both: BTreeSet<TenantId> = [stuck.tenant, other.tenant].into();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let decisions = conflicts::unapplied(&mut tx, MINUTE, 2).await.unwrap();
    let edited = edits::unapplied(&mut tx, MINUTE, 2).await.unwrap();
    let erased = people::pending(&mut tx, MINUTE, 2).await.unwrap();
    assert_eq!(decisions.into_iter().map(|(_, tenant, _)| tenant).collect::<BTreeSet<_>>(), both);
    assert_eq!(edited.into_iter().map(|(_, tenant, _)| tenant).collect::<BTreeSet<_>>(), both);
    assert_eq!(erased.into_iter().map(|Pending { tenant, .. }| tenant).collect::<BTreeSet<_>>(), both);
    assert_eq!(conflicts::unapplied(&mut tx, MINUTE, 10).await.unwrap().len(), 5, "there is room for all");
}

#[tokio::test]
async fn what_was_wanted_first_is_done_first() {
    let world = World::new().await;
    let (one, other) = (world.customer("1001").await, world.customer("1002").await);
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    for (customer, hours) in [(one, 3), (other, 6), (one, 8), (one, 1), (other, 2), (one, 7), (one, 5), (other, 4)] {
        leave(&mut tx, customer, hours).await;
    }
    tx.commit().await.unwrap();
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let decided: Vec<_> = conflicts::unapplied(&mut tx, MINUTE, 7).await.unwrap();
    let edited: Vec<_> = edits::unapplied(&mut tx, MINUTE, 7).await.unwrap();
    assert_eq!((decided.len(), edited.len()), (7, 7));
    assert!(decided.is_sorted_by_key(|(since, ..)| *since), "{decided:?}");
    assert!(edited.is_sorted_by_key(|(since, ..)| *since), "{edited:?}");
}
