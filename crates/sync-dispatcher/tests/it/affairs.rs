//! What a shop says of itself: that our app was taken off it, and that somebody, or all of it, is to be erased.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use connectors::registry::Platform;
use connectors::webhook::WebhookRequest;
use domain::id::IntegrationId;
use domain::integration::{Direction, Status};
use domain::kind::RecordKind;
use domain::outcome::{SyncOutcome, WebhookResult};
use domain::time::Timestamp;
use persistence::log_page::LogPage;
use persistence::{Scope, audit, health, sync_logs};
use serde_json::{Value, json};
use testkit::wait;
use tokio::sync::mpsc;

use crate::crm::{APP_SECRET, told};
use crate::peers::{self, SHOPIFY, Wishes};
use crate::sharing::{applied, effect, of_crm, traced};
use crate::world::{DEADLINE, Shape, World, event};

/// A world with a shop, whose prospects the CRM is not told of.
struct Shop {
    world: World,
    id: IntegrationId,
}

impl Shop {
    async fn open() -> Self {
        let shape = Shape::default().with(RecordKind::Contact, Direction::FromPlatform);
        let world = World::shaped(&[], shape).await;
        world.dispatch();
        let id = SHOPIFY.connect(&world, Wishes::default()).await.id;
        Self { world, id }
    }

    /// The shop tells of something; once it is applied.
    async fn says(&self, topic: &str, body: Value) {
        let headers = [("x-shopify-topic", topic), ("x-shopify-shop-domain", "acme.myshopify.com")];
        self.hands_over(&headers, body.to_string()).await;
    }

    /// A delivery of the shop's is handed over as it came; once it is applied.
    async fn hands_over(&self, headers: &[(&str, &str)], body: String) {
        let before = self.world.deliveries().len();
        self.world.tell(Platform::Shopify, None, headers, body).await;
        wait::until("the delivery to be applied", DEADLINE, || async {
            (self.world.deliveries().len() > before).then_some(())
        })
        .await;
    }

    /// A customer of the shop, as a record.
    async fn customer(&self, email: &str) -> u64 {
        let id = self.world.crm.add_at("shopify/acme/customers", json!({ "email": email })).await;
        let number = id.parse().unwrap();
        self.says("customers/create", json!({ "id": number })).await;
        self.world.record_at((self.id, RecordKind::Contact, &id), |_| true).await;
        number
    }

    async fn emails(&self) -> Vec<String> {
        let records = self.world.records().await;
        let mut emails: Vec<_> = records.iter().map(|record| crate::state::text(record, "email")).collect();
        emails.sort_unstable();
        emails
    }

    async fn status(&self) -> (Status, Option<String>) {
        let health = health::get(&mut self.world.begin().await, self.world.tenant, self.id).await.unwrap().unwrap();
        (health.status, health.cause)
    }

    async fn refuses_us(&self) {
        self.world.crm.faults_at("shopify/acme", json!({"token_revoked": true})).await;
    }

    async fn audited(&self) -> Vec<(String, String)> {
        let page = LogPage { after: None, limit: 100 };
        let filter = audit::Filter::default();
        let listed = audit::list(&mut self.world.begin().await, self.world.tenant, &filter, &page).await.unwrap();
        listed.into_iter().map(|entry| (entry.action, entry.sub)).collect()
    }
}

/// The headers of a delivery that are kept, and its body.
type Letter = (Vec<(String, String)>, String);

/// Stands where the ingest does: lets in what the platform has signed, and keeps it to be handed over.
pub(crate) struct Letterbox {
    port: u16,
    letters: mpsc::UnboundedReceiver<Letter>,
}

impl Letterbox {
    pub(crate) fn open(platform: Platform) -> Self {
        let (sender, letters) = mpsc::unbounded_channel();
        let data = web::Data::new((platform, sender));
        let app = move || App::new().app_data(data.clone()).default_service(web::post().to(take));
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let port = server.addrs()[0].port();
        tokio::spawn(server.run());
        Self { port, letters }
    }

    /// Anything below it is taken.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    pub(crate) async fn next(&mut self) -> Letter {
        tokio::time::timeout(DEADLINE, self.letters.recv()).await.expect("a delivery that is signed").unwrap()
    }
}

async fn take(
    request: HttpRequest,
    body: web::Bytes,
    letters: web::Data<(Platform, mpsc::UnboundedSender<Letter>)>,
) -> HttpResponse {
    let (platform, letters) = &**letters;
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned())
    };
    let headers: Vec<(String, String)> = request.headers().iter().map(text).collect();
    let format = platform.connector().webhooks();
    let (received_at, public_uri) = (Timestamp::now(), request.full_url().to_string());
    let delivery =
        WebhookRequest { method: "POST", public_uri: &public_uri, headers: &headers, body: &body, received_at };
    if format.verify(&delivery, &APP_SECRET.into()).is_err() {
        return HttpResponse::Unauthorized().finish();
    }
    let kept = headers.into_iter().filter(|(name, _)| format.kept_headers().contains(&name.as_str()));
    letters.send((kept.collect(), String::from_utf8(body.to_vec()).unwrap())).unwrap();
    HttpResponse::Accepted().finish()
}

fn of_customer(id: u64) -> Value {
    json!({"shop_id": 1, "shop_domain": "acme.myshopify.com", "customer": {"id": id, "email": "zoe@exemple.fr"}})
}

#[tokio::test]
async fn whom_the_shop_was_asked_to_erase_is_erased_here_and_not_taken_in_again() {
    let shop = Shop::open().await;
    let (zoe, _) = (shop.customer("zoe@exemple.fr").await, shop.customer("ann@exemple.fr").await);
    shop.says("customers/data_request", of_customer(zoe)).await;
    shop.says("customers/redact", of_customer(zoe)).await;
    assert_eq!(shop.emails().await, ["ann@exemple.fr"]);
    assert!(
        shop.world
            .deliveries()
            .iter()
            .all(|told| !told.body.as_ref().is_some_and(|body| body.to_string().contains("zoe")))
    );
    let done = [("person.erased", "shopify"), ("person.data_requested", "shopify")];
    assert_eq!(shop.audited().await, done.map(|(action, sub)| (action.to_owned(), sub.to_owned())));

    shop.says("customers/update", json!({ "id": zoe })).await;
    shop.world.in_step(shop.id).await;
    assert_eq!(shop.emails().await, ["ann@exemple.fr"]);
    // Somebody whom nobody knows here, and another shop.
    shop.says("customers/redact", of_customer(999_999)).await;
    shop.says("customers/redact", json!({"shop_domain": "other.myshopify.com", "customer": {"id": zoe}})).await;
    let last = shop.world.deliveries().pop().unwrap();
    assert!(matches!(last.result, WebhookResult::Ignored { .. }), "{last:?}");
}

#[tokio::test]
async fn what_comes_in_one_message_with_an_affair_is_applied_before_and_after_it_as_if_each_had_come_alone() {
    let shop = Shop::open().await;
    let [zoe, ann, eva] = [
        shop.customer("zoe@exemple.fr").await,
        shop.customer("ann@exemple.fr").await,
        shop.customer("eva@exemple.fr").await,
    ];
    shop.says("customers/redact", of_customer(zoe)).await;
    shop.world.in_step(shop.id).await;
    let paul = shop.world.crm.add_contact(json!({"email": "paul@exemple.fr"})).await;

    let of_shop = |topic: &str, body: Value| {
        let headers = [("x-shopify-topic", topic), ("x-shopify-shop-domain", "acme.myshopify.com")];
        traced(peers::delivery(Platform::Shopify, &headers, body.to_string()))
    };
    let update = |id: u64| of_shop("customers/update", json!({ "id": id }));
    let expected = [
        (update(zoe), applied(0, false)),
        (of_crm(vec![told("creation", &paul)]), applied(1, true)),
        (of_shop("customers/redact", of_customer(ann)), applied(0, false)),
        (update(ann), applied(0, false)),
        (update(eva), applied(1, true)),
    ];
    let good: Vec<_> = expected.iter().map(|(delivery, _)| delivery).collect();
    let mut deliveries: Vec<_> = good.iter().map(|delivery| (*delivery).clone()).collect();
    deliveries.insert(1, traced(peers::delivery(Platform::HubSpot, &[], "{}".to_owned())));
    shop.world.share(&deliveries).await;
    let rows = shop.world.rows_of(&good).await;
    let effects: Vec<_> = rows.iter().map(effect).collect();
    assert_eq!(effects, expected.iter().map(|(_, effect)| effect.clone()).collect::<Vec<_>>());
    shop.world.settle().await;
    assert_eq!(shop.emails().await, ["eva@exemple.fr", "paul@exemple.fr"]);
}

#[tokio::test]
async fn what_the_shop_passes_on_by_law_is_signed_and_erases_whom_it_names() {
    let (shop, mut letters) = (Shop::open().await, Letterbox::open(Platform::Shopify));
    let (zoe, _) = (shop.customer("zoe@exemple.fr").await, shop.customer("ann@exemple.fr").await);
    shop.world.crm.point_at("shopify/acme", &letters.url()).await;
    shop.world.crm.request_at("shopify/acme", "customers/redact", zoe).await;
    let (headers, body) = letters.next().await;
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    shop.hands_over(&headers, body).await;
    assert_eq!(shop.emails().await, ["ann@exemple.fr"]);
    assert_eq!(shop.audited().await, [("person.erased".to_owned(), "shopify".to_owned())]);
    let suppressed = format!("SELECT count(*) FROM suppressions WHERE tenant_id = '{}'", shop.world.tenant);
    assert!(shop.world.server.count(&suppressed).await > 0);
    // The shop holds the customer still.
    shop.says("customers/update", json!({ "id": zoe })).await;
    shop.world.in_step(shop.id).await;
    assert_eq!(shop.emails().await, ["ann@exemple.fr"]);
}

#[tokio::test]
async fn a_customer_of_whom_the_shop_knows_only_an_address_is_erased_by_that() {
    let shop = Shop::open().await;
    shop.customer("zoe@exemple.fr").await;
    shop.customer("ann@exemple.fr").await;
    let named = |email: &str| json!({"shop_domain": "acme.myshopify.com", "customer": {"email": email}});
    shop.says("customers/redact", named("nobody@exemple.fr")).await;
    assert_eq!(shop.emails().await, ["ann@exemple.fr", "zoe@exemple.fr"]);
    shop.says("customers/redact", named("Zoe@Exemple.fr")).await;
    assert_eq!(shop.emails().await, ["ann@exemple.fr"]);
}

#[tokio::test]
async fn a_shop_that_took_our_app_off_is_parked_with_that_cause_once_it_refuses_us() {
    let shop = Shop::open().await;
    let uninstalled = || json!({"id": 1, "myshopify_domain": "acme.myshopify.com"});
    // What comes late, after the shop was connected again, cuts nobody off.
    shop.says("app/uninstalled", uninstalled()).await;
    assert_eq!(shop.status().await.0, Status::Active);

    shop.refuses_us().await;
    shop.says("app/uninstalled", uninstalled()).await;
    let (status, cause) = shop.status().await;
    assert_eq!(status, Status::ReauthRequired);
    assert!(cause.as_ref().is_some_and(|cause| cause.contains("désinstallée")), "{cause:?}");
}

#[tokio::test]
async fn what_came_from_a_shop_alone_is_erased_with_it_and_whom_coccinelle_knows_stays() {
    let shop = Shop::open().await;
    let zoe = event("prospect.created", "p1", json!({"email": "zoe@exemple.fr"}));
    shop.world.accept(vec![zoe]).await;
    shop.world.in_step(shop.id).await;
    let ann = shop.customer("ann@exemple.fr").await;
    let order = shop.world.crm.add_at("shopify/acme/orders", json!({"customer": ann, "total": "21.00"})).await;
    shop.says("orders/create", json!({"id": order.parse::<u64>().unwrap()})).await;
    shop.world.record_at((shop.id, RecordKind::Order, &order), |_| true).await;

    let waiting = shop.world.outcome("an attempt on the shop", |outcome| outcome.integration_id == shop.id).await;
    let logged = shop.world.outcomes();
    let mut tx = shop.world.database.begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &logged).await.unwrap();
    tx.commit().await.unwrap();
    shop.world.server.execute(&unpublished(&waiting)).await;
    let logged = format!(
        "SELECT count(*) FROM integration_sync_logs WHERE integration_id = '{}'
             AND (payload_sent IS NOT NULL OR response_received IS NOT NULL OR changes IS NOT NULL)",
        shop.id
    );
    assert!(shop.world.server.count(&logged).await > 0);

    let redact = || json!({"shop_id": 1, "shop_domain": "acme.myshopify.com"});
    // It is connected: whoever says this now is late.
    shop.says("shop/redact", redact()).await;
    assert_eq!(shop.emails().await, ["ann@exemple.fr", "zoe@exemple.fr"]);

    shop.refuses_us().await;
    shop.says("shop/redact", redact()).await;
    assert_eq!(shop.emails().await, ["zoe@exemple.fr"]);
    assert_eq!(shop.world.server.count(&logged).await, 0, "what was logged of it");
    let waits = "SELECT count(*) FROM unpublished_outcomes WHERE id = 'log_waits'";
    assert_eq!(shop.world.server.count(waits).await, 0, "what was to be logged of it");
    assert!(shop.world.records_of(RecordKind::Order).await.is_empty());
    assert_eq!(shop.audited().await, [("integration.erased".to_owned(), "shopify".to_owned())]);
}

/// Leaves the outcome of a link that has given way to be published, in so long that the reconciler does not find it meanwhile.
fn unpublished(outcome: &SyncOutcome) -> String {
    let (link, tenant, told) = (outcome.link_id, outcome.tenant_id, serde_json::to_string(outcome).unwrap());
    format!(
        "INSERT INTO unpublished_outcomes
         VALUES ('log_waits', '{link}', '{tenant}', $outcome${told}$outcome$, now() + interval '1 hour')"
    )
}
