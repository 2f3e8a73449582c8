//! By which road data flows: n8n only where there is one, a workflow of the tenant's own only where it may be called.

use connectors::workflow::own_secret;
use domain::access::Role;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::connecting::wish;
use crate::pages::{Browser, Page, is_sound};
use crate::world::{Answer, Lines, World};

const SECRET: &str = "a signing secret of thirty-two bytes";
const OWN: &str = "https://n8n.example.com/webhook/mon-hubspot";

/// A gateway that knows an n8n.
async fn start(settings: &[(&'static str, &str)]) -> World {
    let n8n = [("N8N__BASE_URL", "http://127.0.0.1:9"), ("N8N__SIGNING_SECRET", SECRET)];
    let settings = n8n.iter().chain(settings).map(|(name, value)| (*name, (*value).to_owned())).collect();
    World::behind(|_, _| async { Lines { settings, ..Lines::default() } }).await
}

/// Connects an account whose writes go to this workflow.
async fn connect(world: &World, workflow: &str) -> Answer {
    let mut own = wish("pat-eu1-4242-demo");
    own["delivery"] = json!("n8n");
    own["workflow_url"] = json!(workflow);
    world.post("/api/v1/integrations", own).await
}

fn path_of(made: &Answer) -> String {
    format!("/api/v1/integrations/{}", made.body["id"].as_str().unwrap())
}

async fn audit_log(world: &World) -> String {
    let admin = world.token(Role::Admin);
    world.call(Method::GET, "/api/v1/audit", Some(&admin), None).await.body.to_string()
}

async fn edit(world: &World, path: &str, change: Value) -> Answer {
    let shown = world.get(path).await;
    world.put(path, shown.headers["etag"].to_str().unwrap(), change).await
}

#[tokio::test]
async fn delivery_by_n8n_is_refused_where_there_is_none() {
    let world = World::start().await;
    let mut by_n8n = wish("pat-eu1-4242-demo");
    by_n8n["delivery"] = json!("n8n");
    let refused = world.post("/api/v1/integrations", by_n8n).await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.paths(), ["delivery"]);
    let direct = world.post("/api/v1/integrations", wish("pat-eu1-4242-demo")).await;
    let path = format!("/api/v1/integrations/{}", direct.body["id"].as_str().unwrap());
    let refused = world.put(&path, direct.headers["etag"].to_str().unwrap(), json!({"delivery": "n8n"})).await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.paths(), ["delivery"]);
    world.stop().await;
}

#[tokio::test]
async fn an_integration_may_have_a_workflow_of_its_own_and_go_back() {
    let world = start(&[]).await;
    let made = connect(&world, OWN).await;
    assert_eq!((made.status.as_u16(), &made.body["workflow_url"]), (201, &json!(OWN)), "{made:?}");
    let path = path_of(&made);
    let renamed = edit(&world, &path, json!({"name": "Autre nom"})).await;
    assert_eq!(renamed.body["workflow_url"], OWN, "what is left out stays: {renamed:?}");
    let other = edit(&world, &path, json!({"workflow_url": "https://n8n.example.com/webhook/2"})).await;
    assert_eq!(other.body["workflow_url"], "https://n8n.example.com/webhook/2");
    let none = edit(&world, &path, json!({"workflow_url": ""})).await;
    assert_eq!((none.status.as_u16(), &none.body["workflow_url"]), (200, &Value::Null), "{none:?}");
    assert_eq!(world.get(&path).await.body["workflow_url"], Value::Null);
    let log = audit_log(&world).await;
    assert!(log.contains("workflow_url") && !log.contains("n8n.example.com"), "an address may hold a key: {log}");
    world.stop().await;
}

#[tokio::test]
async fn an_own_workflow_must_be_on_a_public_host_unless_the_operator_lifts_that() {
    let world = start(&[]).await;
    let path = path_of(&connect(&world, OWN).await);
    for url in [
        "http://n8n.example.com/webhook/x",
        "https://127.0.0.1/webhook/x",
        "https://[::1]/webhook/x",
        "https://10.0.0.1/webhook/x",
        "https://169.254.169.254/latest",
        "https://n8n.example.com:6379/",
        "https://n8n.example.com@10.0.0.1/",
        "file:///etc/passwd",
        "no address",
    ] {
        for refused in [connect(&world, url).await, edit(&world, &path, json!({"workflow_url": url})).await] {
            refused.is_problem(422, "invalid");
            assert_eq!(refused.paths(), ["workflow_url"], "{url}");
        }
    }
    world.stop().await;

    let lenient = start(&[("N8N__ALLOW_PRIVATE_ADDRESSES", "true")]).await;
    assert_eq!(connect(&lenient, "http://127.0.0.1:5678/webhook/x").await.status.as_u16(), 201);
    lenient.stop().await;
}

#[tokio::test]
async fn the_secret_of_an_own_workflow_is_told_to_admins_and_every_telling_is_noted() {
    let world = start(&[]).await;
    let path = path_of(&connect(&world, OWN).await);
    let asked = format!("{path}/workflow/secret");
    let told = world.post(&asked, Value::Null).await;
    let secret = told.body["signing_secret"].as_str().unwrap();
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let expected = own_secret(&SECRET.into(), id);
    assert_eq!((told.status.as_u16(), secret), (200, expected.expose_secret()));
    assert_ne!(secret, SECRET);
    let log = audit_log(&world).await;
    assert!(log.contains("workflow_secret.told") && !log.contains(secret), "{log}");
    let viewer = world.token(Role::Viewer);
    let refused = world.call(Method::POST, &asked, Some(&viewer), None).await;
    refused.is_problem(403, "role_missing");
    edit(&world, &path, json!({"workflow_url": ""})).await;
    world.post(&asked, Value::Null).await.is_problem(422, "invalid");
    world.stop().await;
}

/// The field for the address of a workflow, and what of the page stands before it.
#[track_caller]
fn field(page: &Page) -> (&str, &str) {
    let (before, rest) = page.html.split_once("<label for=\"workflow_url\">").unwrap();
    (before, rest.split("</div>").next().unwrap())
}

/// Asserts that an address was refused beside its field, and nowhere else, and that the rest of the form stands as it was typed.
#[track_caller]
fn is_refused(page: &Page, url: &str, name: &str) {
    assert_eq!(page.status, 422, "{page:?}");
    is_sound(page, "fr");
    let (_, field) = field(page);
    for part in [&*format!("value=\"{url}\""), "aria-invalid=\"true\"", "aria-describedby=\"workflow_url-help\""] {
        assert!(field.contains(part), "{part} is not in {field}");
    }
    let error = field.split_once("<p class=\"error\" id=\"workflow_url-help\">").unwrap().1;
    assert!(error.contains("mène à un site public"), "{error}");
    assert_eq!(page.html.matches("mène à un site public").count(), 1, "{}", page.html);
    page.says(&format!("value=\"{name}\"")).says("value=\"n8n\" checked");
}

#[tokio::test]
async fn the_forms_take_the_address_of_a_workflow_and_show_its_secret_when_asked() {
    let world = start(&[]).await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let new = "/dashboard/integrations/new";
    let page = browser.get(&format!("{new}?platform=hubspot&by=key")).await;
    page.says("Adresse de votre workflow").says("name=\"workflow_url\"");
    page.says("Facultatif, pour l'acheminement par n8n");
    let typed = |url: &'static str| {
        [
            ("platform", "hubspot"),
            ("name", "Mon HubSpot"),
            ("api_key", "pat-eu1-4242-demo"),
            ("by", "key"),
            ("delivery", "n8n"),
            ("workflow_url", url),
        ]
    };
    let refused = browser.submit(&format!("{new}?platform=hubspot&by=key"), new, &typed("https://10.0.0.1/x")).await;
    is_refused(&refused, "https://10.0.0.1/x", "Mon HubSpot");
    let made = browser.submit(&format!("{new}?platform=hubspot&by=key"), new, &typed(OWN)).await;
    let home = made.location().split('?').next().unwrap().to_owned();
    let settings = format!("{home}/settings");
    let page = browser.get(&settings).await;
    is_sound(&page, "fr");
    page.says(&format!("value=\"{OWN}\"")).says("Afficher le secret");
    let told = browser.submit(&settings, &format!("{settings}/workflow-secret"), &[]).await;
    is_sound(&told, "fr");
    let id = home.rsplit('/').next().unwrap().parse().unwrap();
    told.says(own_secret(&SECRET.into(), id).expose_secret()).says(&format!("name=\"back\" value=\"{settings}\""));
    let version = world.get(&format!("/api/v1/integrations/{id}")).await.body["version"].to_string();
    let fields =
        [("name", "Autre"), ("version", version.as_str()), ("delivery", "n8n"), ("workflow_url", "http://x.example/")];
    is_refused(&browser.submit(&settings, &settings, &fields).await, "http://x.example/", "Autre");
    let fields = [("name", "Mon HubSpot"), ("version", version.as_str()), ("workflow_url", "")];
    let saved = browser.submit(&settings, &settings, &fields).await;
    assert_eq!(saved.location(), format!("{settings}?said=saved"), "{saved:?}");
    assert_eq!(world.get(&format!("/api/v1/integrations/{id}")).await.body["workflow_url"], Value::Null);
    world.stop().await;
}

#[tokio::test]
async fn an_address_that_is_refused_before_a_consent_is_not_folded_away() {
    let app = [
        ("PLATFORMS__HUBSPOT__CLIENT_ID", "sandbox-client"),
        ("PLATFORMS__HUBSPOT__CLIENT_SECRET", "sandbox-secret"),
        ("GATEWAY__PUBLIC_URL", "https://app.example.test"),
        ("AUTH__SECURE_COOKIES", "false"),
    ];
    let world = start(&app).await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let form = "/dashboard/integrations/new?platform=hubspot";
    let around = |page: &Page| field(page).0.rsplit("<details").next().unwrap().split('>').next().unwrap().to_owned();
    assert_eq!(around(&browser.get(form).await), " class=\"hint\"");
    let typed =
        [("platform", "hubspot"), ("name", "Mon CRM"), ("delivery", "n8n"), ("workflow_url", "https://10.0.0.1/x")];
    let refused = browser.submit(form, "/dashboard/integrations/new/consent", &typed).await;
    is_refused(&refused, "https://10.0.0.1/x", "Mon CRM");
    assert_eq!(around(&refused), " class=\"hint\" open");
    assert_eq!(world.get("/api/v1/integrations/configured").await.body["data"], json!([]));
    world.stop().await;
}
