//! Whether platforms call us: looked at every day, told of where one stopped, and made again; and by a new secret once there is one.

use std::collections::BTreeSet;

use accounts::{Accounts, Departure, Farewell};
use connectors::connector::Connector;
use connectors::subscriptions::{Subscription, Subscriptions};
use connectors::webhook::SecretSource;
use domain::id::{IntegrationId, TenantId};
use domain::incident::Trigger;
use domain::integration::Integration;
use domain::time::Timestamp;
use persistence::{Scope, Transaction, incidents, integrations};
use testkit::wait;
use url::Url;

use crate::peers::{PIPEDRIVE, Peer, SALESFORCE, SHOPIFY, WOOCOMMERCE, Wishes, ZENDESK};
use crate::scheduling::undisturbed;
use crate::world::{DEADLINE, HASTE, Shape, World};

fn public_url() -> Url {
    "https://hooks.example.com".parse().unwrap()
}

/// An account that calls us.
struct Called<'a> {
    world: &'a World,
    integration: Integration,
    connector: &'static dyn Connector,
}

impl<'a> Called<'a> {
    async fn by(world: &'a World, peer: Peer) -> Self {
        Self::of(world, world.tenant, peer).await
    }

    async fn of(world: &'a World, tenant: TenantId, peer: Peer) -> Self {
        let integration = peer.connect_to(world, tenant, Wishes::default()).await;
        world.accounts().subscribe(&integration, &public_url()).await.unwrap();
        Self { world, integration, connector: peer.platform.connector() }
    }

    fn subscriptions(&self) -> &'static dyn Subscriptions {
        self.connector.subscriptions().unwrap()
    }

    async fn standing(&self) -> Vec<Subscription> {
        self.standing_by(&self.world.accounts()).await
    }

    async fn standing_by(&self, accounts: &Accounts) -> Vec<Subscription> {
        let account = accounts.open(&self.integration).await.unwrap();
        self.subscriptions().list(&account).await.unwrap()
    }

    async fn departure(&self) -> Departure {
        self.world.accounts().farewell(&self.integration, &public_url()).await.unwrap()
    }

    /// It is deleted in this transaction.
    async fn goes(&self, tx: &mut Transaction, departure: Departure) -> Farewell {
        let farewell = departure.settle(tx).await.unwrap();
        let of = (self.integration.tenant_id, self.integration.id);
        assert!(integrations::delete(tx, of.0, of.1, None).await.unwrap());
        farewell
    }

    /// The tenant disconnects it.
    async fn leaves(&self) {
        let departure = self.departure().await;
        let mut tx = self.world.begin().await;
        let farewell = self.goes(&mut tx, departure).await;
        tx.commit().await.unwrap();
        farewell.say().await;
    }

    /// The platform takes all of them away.
    async fn is_left_alone(&self) {
        let account = self.world.accounts().open(&self.integration).await.unwrap();
        for subscription in self.standing().await {
            self.subscriptions().unsubscribe(&account, &subscription.id).await.unwrap();
        }
    }

    /// The incident of a webhook that was removed: whether it is over. `None` where there is none.
    async fn told(&self) -> Option<bool> {
        let news = incidents::pending(&mut self.world.begin().await).await.unwrap();
        let is_it = |id: IntegrationId| id == self.integration.id;
        let found = news.into_iter().filter(|news| news.integration.as_ref().is_some_and(|(id, ..)| is_it(*id)));
        let mut found = found.filter(|news| news.trigger == Trigger::WebhookRemoved);
        found.next().map(|news| news.ended_at.is_some())
    }
}

impl World {
    /// A day passes, and somebody looks.
    async fn check(&self) {
        let a_day_ago = "UPDATE integration_subscriptions SET checked_at = checked_at - interval '25 hours'";
        testkit::execute(&self.database_url(), a_day_ago).await;
        self.accounts().check_subscriptions(&public_url(), 100).await.unwrap();
    }
}

#[tokio::test]
async fn a_webhook_that_a_platform_took_away_is_told_of_and_made_again_by_the_next_check() {
    let world = World::quiet(&[]).await;
    for peer in [PIPEDRIVE, SALESFORCE, SHOPIFY, WOOCOMMERCE, ZENDESK] {
        let called = Called::by(&world, peer).await;
        let all = called.subscriptions().topics().len();
        world.check().await;
        assert_eq!((called.standing().await.len(), called.told().await), (all, None), "{}", peer.place());

        called.is_left_alone().await;
        world.check().await;
        assert_eq!((called.standing().await.len(), called.told().await), (all, Some(true)), "{}", peer.place());
    }
}

#[tokio::test]
async fn the_next_check_is_due_by_the_databases_clock() {
    let world = World::quiet(&[HASTE[0], HASTE[1], ("WEBHOOKS__PUBLIC_URL", public_url().as_str())]).await;
    let called = Called::by(&world, PIPEDRIVE).await;
    let all = called.subscriptions().topics().len();
    called.is_left_alone().await;
    world.server.execute("UPDATE integration_subscriptions SET checked_at = now() - interval '23 hours'").await;
    world.server.put_ahead().await;
    world.dispatch();
    // Whose budget goes by the same clock as the dispatcher's.
    let accounts = world.accounts_in(world.another_database());
    wait::until("the webhook to be made again", DEADLINE, || async {
        let standing = called.standing_by(&accounts).await.len();
        if standing == all { Ok(()) } else { Err(standing) }
    })
    .await;
}

#[tokio::test]
async fn a_platform_that_keeps_our_secret_is_given_the_new_one_or_chooses_another_and_is_asked_no_more_after_that() {
    let world = World::quiet(&[]).await;
    for peer in [PIPEDRIVE, SALESFORCE, WOOCOMMERCE, ZENDESK] {
        let called = Called::by(&world, peer).await;
        let ids = async || {
            let standing = called.standing().await;
            standing.into_iter().map(|subscription| subscription.id).collect::<BTreeSet<_>>()
        };
        let (before, accounts) = (ids().await, world.accounts());
        let of = (world.tenant, called.integration.id);
        let mut tx = world.begin().await;
        accounts.webhook_secrets().rotate(&mut tx, of, Timestamp::now()).await.unwrap();
        tx.commit().await.unwrap();
        accounts.subscribe(&called.integration, &public_url()).await.unwrap();
        let after = ids().await;
        assert!(after.is_disjoint(&before) && after.len() == before.len(), "{}: {before:?} {after:?}", peer.place());
        assert_eq!(called.told().await, None, "nobody missed anything");

        world.check().await;
        accounts.subscribe(&called.integration, &public_url()).await.unwrap();
        assert_eq!(ids().await, after, "{}", peer.place());
    }
}

#[tokio::test]
async fn who_disconnects_takes_the_own_calls_away_and_those_that_are_shared_with_the_last() {
    let world = World::quiet(&[]).await;
    let other = TenantId::new();
    world.connect((other, undisturbed()), 4343, Shape::default()).await;
    for peer in [PIPEDRIVE, SALESFORCE, SHOPIFY, WOOCOMMERCE, ZENDESK] {
        let (one, last) = (Called::by(&world, peer).await, Called::of(&world, other, peer).await);
        let all = one.subscriptions().topics().len();
        let both = match peer.platform.connector().webhooks().secret() {
            SecretSource::App => all,
            SecretSource::Integration => 2 * all,
        };
        assert_eq!(last.standing().await.len(), both, "{}", peer.place());
        one.leaves().await;
        assert_eq!(last.standing().await.len(), all, "{}", peer.place());
        let account = world.accounts().open(&last.integration).await.unwrap();
        last.leaves().await;
        assert!(last.subscriptions().list(&account).await.unwrap().is_empty(), "{}", peer.place());
    }
}

#[tokio::test]
async fn of_two_who_disconnect_together_the_second_takes_away_what_is_shared() {
    let world = World::quiet(&[]).await;
    let other = TenantId::new();
    world.connect((other, undisturbed()), 4343, Shape::default()).await;
    let (one, last) = (Called::by(&world, SHOPIFY).await, Called::of(&world, other, SHOPIFY).await);
    let account = world.accounts().open(&last.integration).await.unwrap();
    let (mut first, mut second) = (world.begin().await, world.another_database().begin(Scope::System).await.unwrap());
    // Both are at it before either is gone.
    let departures = (one.departure().await, last.departure().await);
    let farewell = one.goes(&mut first, departures.0).await;
    let commit = async {
        world.is_held_up().await;
        first.commit().await.unwrap();
        farewell.say().await;
    };
    let (farewell, ()) = tokio::join!(last.goes(&mut second, departures.1), commit);
    second.commit().await.unwrap();
    assert_eq!(last.subscriptions().list(&account).await.unwrap().len(), last.subscriptions().topics().len());
    farewell.say().await;
    assert!(last.subscriptions().list(&account).await.unwrap().is_empty());
}
