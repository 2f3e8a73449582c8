//! Writes of several calls, and batches of several: what is said of them where a later call does not get through.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connectors::account::{Budget, Remaining};
use connectors::connector::Update;
use domain::fault::FaultKind;
use domain::kind::RecordKind::Contact;
use reqwest::Method;
use serde_json::json;

use crate::bench::{Bench, SALESFORCE, SHOPIFY, WOOCOMMERCE, ZENDESK, create, fields};

/// A budget with room for so many calls. What comes then is refused by the platform, where that has its switches here, or by the budget.
#[derive(Debug)]
struct Lasting {
    left: Mutex<u32>,
    switches: Option<String>,
}

#[async_trait]
impl Budget for Lasting {
    async fn take(&self, _requests: u32) -> Result<(), Duration> {
        let is_left = {
            let mut left = self.left.lock().unwrap();
            let is_left = *left > 0;
            *left = left.saturating_sub(1);
            is_left
        };
        if is_left {
            return Ok(());
        }
        let Some(switches) = &self.switches else { return Err(Duration::from_secs(30)) };
        let refusing = json!({"fail_next": {"count": 1, "status": 422}});
        let client = reqwest::Client::builder().build().unwrap();
        client.put(switches).json(&refusing).send().await.unwrap().error_for_status().unwrap();
        Ok(())
    }

    fn correct(&self, _remaining: Remaining) {}

    fn pause(&self, _pause: Duration) {}
}

impl Bench {
    /// From now on its budget has room for so many calls.
    fn lasts(&mut self, calls: u32) {
        self.account.budget = Arc::new(Lasting { left: Mutex::new(calls), switches: None });
    }

    /// From now on its platform takes so many calls, and refuses the others for what they hold.
    fn takes(&mut self, calls: u32) {
        let origin = self.account.base_url.origin().ascii_serialization();
        let whose = self.account.account_id.clone().unwrap_or_default();
        let switches = Some(format!("{origin}/_sandbox/{}/{whose}/faults", self.account.platform));
        self.account.budget = Arc::new(Lasting { left: Mutex::new(calls), switches });
    }
}

#[tokio::test]
async fn where_the_budget_ends_before_the_second_call_of_a_create_it_is_not_said_that_nobody_was_asked() {
    let mut bench = Bench::ready_at(SHOPIFY).await;
    bench.lasts(1);
    let item = create(1, &[("email", "zoe@x.fr"), ("defaultAddress.city", "Brest")]);
    let each = bench.writer().create(&bench.account, Contact, &[item]).await.unwrap();
    let error = each[0].as_ref().unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::RateLimited, "budget_spent"));
    assert!(error.outcome_is_unknown() && !error.is_budget_spent());
    assert_eq!(bench.created("customers").await, 1);
}

#[tokio::test]
async fn a_create_of_which_a_later_call_is_refused_may_have_made_something() {
    let mut bench = Bench::ready_at(SHOPIFY).await;
    bench.takes(1);
    let item = create(1, &[("email", "zoe@x.fr"), ("defaultAddress.city", "Brest")]);
    let each = bench.writer().create(&bench.account, Contact, &[item]).await.unwrap();
    let error = each[0].as_ref().unwrap_err();
    assert_eq!((error.kind, error.status, error.outcome_is_unknown()), (FaultKind::Invalid, Some(422), true));
    assert_eq!(bench.created("customers").await, 1);
}

#[tokio::test]
async fn a_change_is_begun_with_the_first_call_that_writes() {
    let mut bench = Bench::ready_at(SHOPIFY).await;
    let zoe = bench.by_hand(Method::POST, "customers", json!({"email": "zoe@x.fr"})).await;
    let change = fields(&[("firstName", "Zoé"), ("defaultAddress.city", "Lyon")]);
    let update = Update { external_id: zoe["id"].as_str().unwrap().to_owned(), fields: change };
    // The first only asks whether there is an address.
    for (calls, is_begun) in [(1, false), (2, true)] {
        bench.lasts(calls);
        let each = bench.writer().update(&bench.account, Contact, std::slice::from_ref(&update)).await.unwrap();
        let error = each[0].as_ref().unwrap_err();
        assert_eq!((error.outcome_is_unknown(), error.is_budget_spent()), (is_begun, !is_begun), "after {calls}");
    }
}

#[tokio::test]
async fn a_user_whose_new_address_does_not_count_yet_may_have_been_changed() {
    let mut bench = Bench::ready_at(ZENDESK).await;
    let zoe = create(1, &[("email", "zoe@x.fr")]);
    let zoe = bench.writer().create(&bench.account, Contact, &[zoe]).await.unwrap().remove(0).unwrap();
    bench.lasts(1);
    let update = Update { external_id: zoe.external_id, fields: fields(&[("email", "zoe@y.fr")]) };
    let each = bench.writer().update(&bench.account, Contact, &[update]).await.unwrap();
    let error = each[0].as_ref().unwrap_err();
    assert!(error.outcome_is_unknown() && !error.is_budget_spent(), "{error:?}");
}

#[tokio::test]
async fn what_a_collection_has_made_is_told_although_the_next_one_is_not_sent() {
    let mut bench = Bench::ready_at(SALESFORCE).await;
    // What is learnt of the organisation takes calls of its own.
    bench.writer().create(&bench.account, Contact, &[create(300, &[("LastName", "Zoé")])]).await.unwrap();
    bench.lasts(1);
    let items: Vec<_> = (1..=201).map(|n| create(n, &[("LastName", "Personne")])).collect();
    let each = bench.writer().create(&bench.account, Contact, &items).await.unwrap();
    assert_eq!((each.len(), each.iter().filter(|result| result.is_ok()).count()), (201, 200));
    assert!(each[200].as_ref().unwrap_err().is_budget_spent());
}

#[tokio::test]
async fn who_was_made_is_told_although_nobody_could_be_asked_who_has_another_ones_address() {
    let mut bench = Bench::ready_at(WOOCOMMERCE).await;
    bench.by_hand(Method::POST, "customers", json!({"email": "ann@x.fr"})).await;
    bench.lasts(1);
    let items = [create(1, &[("email", "zoe@x.fr")]), create(2, &[("email", "ann@x.fr")])];
    let each = bench.writer().create(&bench.account, Contact, &items).await.unwrap();
    assert!(each[0].as_ref().unwrap().created);
    assert!(each[1].as_ref().unwrap_err().is_budget_spent());
}
