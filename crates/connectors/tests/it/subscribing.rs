//! What it means that a subscription is there already, where two see to one account's at once.

use async_trait::async_trait;
use connectors::account::Account;
use connectors::error::ConnectorError;
use connectors::subscriptions::{self, New, Subscription, Subscriptions, Target};
use domain::fault::FaultKind;

use crate::bench::{Bench, SHOPIFY};

/// A platform that says of every address that it is taken, and shows nobody by whom.
struct Taken;

#[async_trait]
impl Subscriptions for Taken {
    fn topics(&self) -> &'static [&'static str] {
        &["ORDERS_CREATE"]
    }

    async fn list(&self, _account: &Account) -> Result<Vec<Subscription>, ConnectorError> {
        Ok(Vec::new())
    }

    async fn subscribe(&self, _account: &Account, _topic: &'static str, _to: &Target) -> Result<New, ConnectorError> {
        Err(ConnectorError::new(FaultKind::Conflict, "taken", "Address for this topic has already been taken"))
    }

    async fn unsubscribe(&self, _account: &Account, _id: &str) -> Result<(), ConnectorError> {
        Ok(())
    }
}

fn target() -> Target {
    Target { url: "https://hooks.example.com/webhooks/integrations/shopify".parse().unwrap(), secret: None }
}

#[tokio::test]
async fn who_subscribes_a_moment_later_finds_every_subscription_standing() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let (subscribed, target) = (bench.connector().subscriptions().unwrap(), target());
    // Both have looked before either has made one.
    let found = subscriptions::look(subscribed, &bench.account, &target).await.unwrap();
    let first = subscriptions::mend(subscribed, &bench.account, &target, found.clone()).await.unwrap();
    let second = subscriptions::mend(subscribed, &bench.account, &target, found).await.unwrap();
    let all = subscribed.topics().len();
    assert_eq!((first.made.len(), second.made.len(), second.removed), (all, 0, 0));
    assert_eq!(subscribed.list(&bench.account).await.unwrap().len(), all);
}

#[tokio::test]
async fn a_conflict_that_nothing_explains_is_told() {
    let bench = Bench::bare_at(SHOPIFY).await;
    let found = subscriptions::look(&Taken, &bench.account, &target()).await.unwrap();
    let error = subscriptions::mend(&Taken, &bench.account, &target(), found).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Conflict, "taken"));
}
