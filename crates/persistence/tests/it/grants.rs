//! Grants that nobody uses: who is refreshed first.

use std::collections::BTreeSet;

use domain::platform::PlatformSlug;
use domain::time::Timestamp;
use persistence::Scope;
use persistence::grants::{self, Tokens};

use crate::world::{World, try_to};

#[tokio::test]
async fn idle_grants_that_cannot_be_refreshed_keep_no_others_waiting() {
    let world = World::new().await;
    let mut all = BTreeSet::new();
    let mut tx = world.owner.begin(Scope::System).await.unwrap();
    for account in ["1", "2", "3"] {
        let customer = world.customer(account).await;
        let tokens = Tokens {
            access_sealed: "v1.tenant.AAAA".to_owned(),
            refresh_sealed: Some("v1.tenant.BBBB".to_owned()),
            expires_at: None,
            refresh_expires_at: None,
            scopes: Vec::new(),
            base_url: None,
        };
        grants::put(&mut tx, (customer.tenant, customer.integration), &tokens).await.unwrap();
        all.insert((customer.tenant, customer.integration));
    }
    let age = "UPDATE integration_oauth_tokens SET refreshed_at = now() - interval '40 days'";
    assert_eq!(try_to(&mut tx, age).await.unwrap(), 3);
    tx.commit().await.unwrap();

    let platform: PlatformSlug = "hubspot".parse().unwrap();
    let (mut taken, mut first) = (BTreeSet::new(), None);
    for _ in 0..3 {
        let mut tx = world.worker.begin(Scope::System).await.unwrap();
        let idle = grants::take_idle(&mut tx, &platform, Timestamp::now(), 1).await.unwrap();
        tx.commit().await.unwrap();
        first = first.or(idle.first().copied());
        taken.extend(idle);
    }
    assert_eq!(taken, all, "one of them was tried again and again");
    let mut tx = world.worker.begin(Scope::System).await.unwrap();
    let again = grants::take_idle(&mut tx, &platform, Timestamp::now(), 1).await.unwrap();
    assert_eq!(again.first().copied(), first, "it comes again after the others");
}
