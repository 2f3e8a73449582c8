//! What an account's budget has to say to a connector, and what it hears of the platforms that tell how much is left.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connectors::account::{Budget, Remaining};
use connectors::http::Method;
use connectors::proxy::{self, Forward};
use domain::fault::FaultKind;
use domain::kind::RecordKind::Contact;
use serde_json::{Value, json};

use crate::bench::{Bench, HUBSPOT, PIPEDRIVE, SALESFORCE, SHOPIFY, Stand, WOOCOMMERCE, ZENDESK, create};

/// A budget that remembers what it was told, and may have nothing in it.
#[derive(Debug, Default)]
struct Spent {
    heard: Mutex<Vec<Remaining>>,
    pauses: Mutex<Vec<Duration>>,
    is_empty: bool,
}

#[async_trait]
impl Budget for Spent {
    async fn take(&self, _requests: u32) -> Result<(), Duration> {
        if self.is_empty { Err(Duration::from_secs(30)) } else { Ok(()) }
    }

    fn correct(&self, remaining: Remaining) {
        self.heard.lock().unwrap().push(remaining);
    }

    fn pause(&self, pause: Duration) {
        self.pauses.lock().unwrap().push(pause);
    }
}

#[tokio::test]
async fn a_spent_budget_keeps_the_call_from_being_made() {
    let mut bench = Bench::ready().await;
    bench.account.budget = Arc::new(Spent { is_empty: true, ..Spent::default() });
    let made = create(1, &[("phone", "0612345678")]);
    let error = bench.writer().create(&bench.account, Contact, &[made]).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.retry_after), ("budget_spent", Some(Duration::from_secs(30))));
    assert_eq!(error.status, None);
    assert!(!error.outcome_is_unknown());
    assert_eq!(bench.created("contact").await, 0);
}

/// A platform, its limit by its own switch, how many of our requests that is at most, and the window that it is for.
type Told = (Stand, fn() -> Value, u32, Option<Duration>);

const TELLING: [Told; 5] = [
    (HUBSPOT, || json!({"rate_limit_per_10s": 190}), 190, Some(Duration::from_secs(10))),
    (PIPEDRIVE, || json!({"rate_limit_per_2s": 40}), 40, Some(Duration::from_secs(2))),
    (SALESFORCE, || json!({"daily_requests": 15_000}), 15_000, None),
    (SHOPIFY, || json!({"bucket_size": 100, "restore_rate": 1}), 10, None),
    (ZENDESK, || json!({"rate_limit_per_minute": 400}), 400, Some(Duration::from_secs(60))),
];

#[tokio::test]
async fn a_budget_hears_what_each_platform_says_is_left() {
    for (stand, limit, most, window) in TELLING {
        let mut bench = Bench::ready_at(stand).await;
        bench.faults(limit()).await;
        let budget = Arc::new(Spent::default());
        bench.account.budget = budget.clone();
        bench.probe().test(&bench.account).await.unwrap();
        bench.probe().test(&bench.account).await.unwrap();
        let heard = budget.heard.lock().unwrap().clone();
        let platform = stand.platform;
        let (Some(first), Some(last)) = (heard.first(), heard.last()) else { panic!("{platform:?} tells nothing") };
        assert!(last.requests <= first.requests && first.requests < most, "{platform:?}: {heard:?}");
        assert!(heard.iter().all(|told| told.per == window), "{platform:?}: {heard:?}");
    }
}

#[tokio::test]
async fn a_budget_hears_nothing_of_a_platform_that_does_not_tell() {
    let mut bench = Bench::ready_at(WOOCOMMERCE).await;
    let budget = Arc::new(Spent::default());
    bench.account.budget = budget.clone();
    bench.probe().test(&bench.account).await.unwrap();
    assert!(budget.heard.lock().unwrap().is_empty());
}

/// A limit of which nothing is left.
type Limit = fn() -> Value;

/// A platform, its limit, and for how many seconds that lasts.
const REFUSING: [(Stand, Limit, u64); 3] = [
    (HUBSPOT, || json!({"rate_limit_per_10s": 0}), 10),
    (PIPEDRIVE, || json!({"daily_tokens": 0}), 3_600),
    (SALESFORCE, || json!({"daily_requests": 0}), 3_600),
];

#[tokio::test]
async fn an_account_is_left_alone_for_as_long_as_the_limit_lasts_that_refused_a_call() {
    for (stand, limit, seconds) in REFUSING {
        let mut bench = Bench::ready_at(stand).await;
        bench.faults(limit()).await;
        let budget = Arc::new(Spent::default());
        bench.account.budget = budget.clone();
        let refused = bench.probe().test(&bench.account).await.unwrap_err();
        let pauses = budget.pauses.lock().unwrap().clone();
        assert_eq!(refused.kind, FaultKind::RateLimited, "{:?}", stand.platform);
        assert!(pauses.contains(&Duration::from_secs(seconds)), "{:?}: {pauses:?}", stand.platform);
    }
}

#[tokio::test]
async fn what_a_workflow_is_refused_for_a_limit_pauses_the_account_as_well() {
    let mut bench = Bench::ready_at(SALESFORCE).await;
    bench.faults(json!({"daily_requests": 0})).await;
    let budget = Arc::new(Spent::default());
    bench.account.budget = budget.clone();
    let call = Forward::new(Method::GET, "services/data/v68.0/sobjects/Contact/003000000000001AAA");
    assert_eq!(proxy::forward(&bench.account, call).await.unwrap().status, 403);
    assert_eq!(*budget.pauses.lock().unwrap(), [Duration::from_secs(3_600)]);
}
