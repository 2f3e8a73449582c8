//! Salesforce's outbound messages from end to end: asked for when an account is connected, sent by a change, let in by their secret,
//! applied; and an account whose user may not ask for them.

use accounts::Accounts;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use connectors::connector::Connector;
use connectors::subscriptions::BY_HAND;
use connectors::webhook::WebhookRequest;
use domain::field::FieldValue;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::time::Timestamp;
use persistence::records::links;
use persistence::subscriptions::{self, Subscription};
use serde_json::json;
use tokio::sync::mpsc;
use url::Url;

use crate::peers::{SALESFORCE, Wishes};
use crate::world::{DEADLINE, World, event};

const EMAIL: &str = "zoe@exemple.fr";

/// Stands where the ingest does: keeps what comes in, with the address that was called.
struct Door {
    url: Url,
    calls: mpsc::UnboundedReceiver<(String, String)>,
}

impl Door {
    fn open() -> Self {
        let (sender, calls) = mpsc::unbounded_channel();
        let data = web::Data::new(sender);
        let app = move || App::new().app_data(data.clone()).default_service(web::post().to(take));
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let port = server.addrs()[0].port();
        tokio::spawn(server.run());
        Self { url: format!("http://127.0.0.1:{port}").parse().unwrap(), calls }
    }

    /// The next message that tells of this object, with the address that it called.
    async fn told_of(&mut self, id: &str) -> (String, String) {
        let next = async {
            loop {
                let (uri, body) = self.calls.recv().await.unwrap();
                if body.contains(&format!("<sf:Id>{id}</sf:Id>")) {
                    return (format!("{}{uri}", self.url.as_str().trim_end_matches('/')), body);
                }
            }
        };
        tokio::time::timeout(DEADLINE, next).await.expect("a message about the object")
    }
}

async fn take(
    request: HttpRequest,
    body: web::Bytes,
    calls: web::Data<mpsc::UnboundedSender<(String, String)>>,
) -> HttpResponse {
    calls.send((request.uri().to_string(), String::from_utf8(body.to_vec()).unwrap())).unwrap();
    HttpResponse::Ok().finish()
}

fn connector() -> &'static dyn Connector {
    SALESFORCE.platform.connector()
}

async fn noted(world: &World, integration: &Integration) -> Subscription {
    let of = (integration.tenant_id, integration.id);
    subscriptions::of(&mut world.begin().await, of).await.unwrap().unwrap()
}

/// The platform's id of the prospect's contact.
async fn contact(world: &World, integration: &Integration) -> String {
    let record = world.record("p1").await.id;
    let links = links::of_record(&mut world.begin().await, world.tenant, record).await.unwrap();
    links.into_iter().find(|link| link.integration == integration.id).unwrap().external_id.unwrap()
}

async fn is_let_in(accounts: &Accounts, integration: &Integration, (uri, body): &(String, String)) -> bool {
    let (secret, _) = accounts.webhook_secrets().present((integration.tenant_id, integration.id)).await.unwrap();
    let request = WebhookRequest {
        method: "POST",
        public_uri: uri,
        headers: &[],
        body: body.as_bytes(),
        received_at: Timestamp::now(),
    };
    connector().webhooks().verify(&request, &secret).is_ok()
}

#[tokio::test]
async fn what_is_edited_in_salesforce_is_told_by_the_message_that_was_asked_for_and_reaches_the_record() {
    let (world, mut door) = (World::quiet(&[]).await, Door::open());
    let integration = SALESFORCE.connect(&world, Wishes::default()).await;
    let accounts = world.accounts();
    accounts.subscribe(&integration, &door.url).await.unwrap();
    assert_eq!(noted(&world, &integration).await.problem, None);
    world.dispatch();
    let prospect = json!({"email": EMAIL, "first_name": "Zoé", "last_name": "Martin"});
    world.accept(vec![event("prospect.created", "p1", prospect)]).await;
    world.in_step(integration.id).await;
    let id = contact(&world, &integration).await;
    // Of our own write, too, we are told.
    door.told_of(&id).await;

    let people = world.crm.live_at(&SALESFORCE.place(), "Contact").await;
    let number = people.first_key_value().unwrap().0;
    let phone = json!({"Phone": "+33612345678"});
    world.crm.edit_at(&format!("{}/Contact/{number}", SALESFORCE.place()), phone).await;
    let told = door.told_of(&id).await;
    assert!(told.0.contains(&format!("/webhooks/integrations/salesforce/{}?token=", integration.id)), "{}", told.0);
    assert!(is_let_in(&accounts, &integration, &told).await);
    assert!(!is_let_in(&accounts, &integration, &(format!("{}x", told.0), told.1.clone())).await);

    world.tell(SALESFORCE.platform, Some(integration.id), &[], told.1).await;
    let number = FieldValue::text("+33612345678");
    let of = (integration.id, RecordKind::Contact, id.as_str());
    world.record_at(of, |zoe| zoe.fields.value("phone") == Some(&number)).await;
}

#[tokio::test]
async fn an_account_whose_user_may_not_ask_for_messages_stays_connected_and_says_so_until_the_right_is_there() {
    let (world, door) = (World::quiet(&[]).await, Door::open());
    world.crm.faults_at(&SALESFORCE.place(), json!({"no_change_of_setup": true})).await;
    let integration = SALESFORCE.connect(&world, Wishes::default()).await;
    let accounts = world.accounts();
    accounts.subscribe(&integration, &door.url).await.unwrap();
    let told = noted(&world, &integration).await;
    assert_eq!((told.problem.as_deref(), told.is_standing), (Some(BY_HAND), false));

    let stop = world.dispatch();
    let prospect = json!({"email": EMAIL, "last_name": "Martin"});
    world.accept(vec![event("prospect.created", "p1", prospect)]).await;
    world.in_step(integration.id).await;
    contact(&world, &integration).await;
    stop.cancel();

    world.crm.faults_at(&SALESFORCE.place(), json!({"no_change_of_setup": false})).await;
    let a_day_ago = "UPDATE integration_subscriptions SET checked_at = checked_at - interval '25 hours'";
    world.server.execute(a_day_ago).await;
    accounts.check_subscriptions(&door.url, 100).await.unwrap();
    let told = noted(&world, &integration).await;
    assert_eq!((told.problem, told.is_standing), (None, true));
}
