//! What the log of deliveries is told: a row for each integration that a delivery concerns, and whose body is whose.

use std::collections::BTreeSet;

use connectors::registry::Platform;
use domain::id::{IntegrationId, TenantId, WebhookLogId};
use domain::outcome::{WebhookOutcome, WebhookResult};
use serde_json::{Value, json};
use testkit::wait;

use crate::crm::{PORTAL, told};
use crate::peers::{PIPEDRIVE, SHOPIFY, Wishes};
use crate::scheduling::undisturbed;
use crate::world::{DEADLINE, Shape, World};

/// Another customer's account.
const ELSEWHERE: u64 = 5353;

impl World {
    /// Another tenant that connects an account.
    async fn another(&self, portal: u64) -> (TenantId, IntegrationId) {
        let other = (TenantId::new(), undisturbed());
        self.connect(other, portal, Shape::default()).await;
        other
    }

    /// What the log was told, once it was told so often.
    async fn told(&self, count: usize) -> Vec<WebhookOutcome> {
        wait::until("the rows of the log", DEADLINE, || async {
            let told = self.deliveries();
            if told.len() >= count { Ok(told) } else { Err(told) }
        })
        .await
    }
}

fn owners(rows: &[WebhookOutcome]) -> BTreeSet<(Option<TenantId>, Option<IntegrationId>)> {
    rows.iter().map(|row| (row.tenant_id, row.integration_id)).collect()
}

#[tokio::test]
async fn a_delivery_that_concerns_one_tenant_alone_is_logged_with_its_body() {
    let world = World::start().await;
    let id = world.crm.add_contact(json!({"email": "zoe@exemple.fr"})).await;
    let body = [told("creation", &id)];
    world.deliver(&body).await;
    let rows = world.told(1).await;
    assert_eq!(owners(&rows), [(Some(world.tenant), Some(world.integration))].into());
    assert_eq!((&rows[0].result, rows[0].body.as_ref()), (&WebhookResult::Applied { marked: 1 }, Some(&json!(body))));
}

#[tokio::test]
async fn a_delivery_for_an_account_that_nobody_has_connected_is_dropped_with_a_row_in_the_log() {
    let world = World::start().await;
    let mut strange: Value = told("creation", "78");
    strange["portalId"] = ELSEWHERE.into();
    let delivery = WebhookLogId::new();
    world.deliver_as(delivery, &[strange]).await;
    let rows = world.told(1).await;
    assert_eq!((rows.len(), rows[0].id, owners(&rows)), (1, delivery, [(None, None)].into()));
    assert_eq!(rows[0].result, WebhookResult::Ignored { reason: "unknown_account".to_owned() });
    assert_eq!((&rows[0].body, world.drift().await), (&None, 0));
}

/// A platform, the integration in the address, the headers and the body of a delivery that nobody here awaits.
type Stranger<'a> = (Platform, Option<IntegrationId>, &'a [(&'a str, &'a str)], Value);

#[tokio::test]
async fn what_a_stranger_of_any_platform_tells_is_dropped_with_a_row_in_the_log() {
    let world = World::start().await;
    let company = PIPEDRIVE.connect(&world, Wishes::default()).await.id;
    SHOPIFY.connect(&world, Wishes::default()).await;
    let of_other = json!({"action": "change", "entity": "person", "entity_id": "31", "company_id": "901"});
    let shop = [("x-shopify-topic", "customers/update"), ("x-shopify-shop-domain", "autre.myshopify.com")];
    let strangers: [Stranger<'_>; 4] = [
        (Platform::Pipedrive, Some(company), &[], json!({ "meta": of_other })),
        (Platform::Shopify, None, &shop, json!({"id": 7001})),
        (Platform::Shopify, None, &[("x-shopify-topic", "shop/redact")], json!({"shop_domain": "autre.myshopify.com"})),
        (
            Platform::WooCommerce,
            Some(IntegrationId::new()),
            &[("x-wc-webhook-topic", "order.updated")],
            json!({"id": 7}),
        ),
    ];
    let count = strangers.len();
    for (platform, integration, headers, body) in strangers {
        world.tell(platform, integration, headers, body.to_string()).await;
    }
    let rows = world.told(count).await;
    assert_eq!((rows.len(), owners(&rows)), (count, [(None, None)].into()));
    let ignored = WebhookResult::Ignored { reason: "unknown_account".to_owned() };
    assert!(rows.iter().all(|row| row.result == ignored && row.body.is_none()), "{rows:#?}");
}

#[tokio::test]
async fn a_delivery_for_an_account_that_two_tenants_connected_is_in_the_log_of_both_and_its_body_in_neither() {
    let world = World::start().await;
    let other = world.another(PORTAL).await;
    let id = world.crm.add_contact(json!({"email": "zoe@exemple.fr"})).await;
    let delivery = WebhookLogId::new();
    for _ in 0..2 {
        world.deliver_as(delivery, &[told("creation", &id)]).await;
    }
    let rows = world.told(4).await;
    let both = [(world.tenant, world.integration), other].map(|(tenant, id)| (Some(tenant), Some(id)));
    assert_eq!(owners(&rows), both.into());
    assert!(
        rows.iter().all(|row| row.result == WebhookResult::Applied { marked: 1 } && row.body.is_none()),
        "{rows:#?}"
    );
    // Applied twice, it is one row for each of them.
    assert_eq!(rows.iter().map(|row| row.id).collect::<BTreeSet<_>>().len(), 2);
    assert!(rows.iter().any(|row| row.id == delivery));
}

#[tokio::test]
async fn a_delivery_that_speaks_of_two_accounts_shows_neither_tenant_what_is_the_others() {
    let world = World::start().await;
    let other = world.another(ELSEWHERE).await;
    let mut theirs: Value = told("creation", "77");
    theirs["portalId"] = ELSEWHERE.into();
    world.deliver(&[told("creation", "78"), theirs]).await;
    let rows = world.told(2).await;
    let both = [(world.tenant, world.integration), other].map(|(tenant, id)| (Some(tenant), Some(id)));
    assert_eq!(owners(&rows), both.into());
    assert!(rows.iter().all(|row| row.body.is_none()), "{rows:#?}");
}
