//! A workflow of a tenant's own, made of ours by the changes that `docs/n8n.md` names: its address, its secret, and a credential of
//! n8n's own in place of the proxy.

use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;
use xtask::session::{PORTAL, Service};
use xtask::workspace::root;

use super::{PATIENCE, System, knock, node, workflow};
use crate::world::prospect;

/// Where it is in n8n.
const ID: &str = "coccinelleHubSpotOwn1";
const PATH: &str = "hubspot-own";

/// Opens the demo tenant's account, and is known to n8n alone.
const KEY: &str = "pat-eu1-4242-known-to-n8n";

/// The document's line about a workflow: its credential's id, that one's type in n8n, and the platform's address.
fn told(file: &str) -> [String; 3] {
    let text = std::fs::read_to_string(root().join("docs/n8n.md")).unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("| `{file}` |"))).unwrap().to_owned();
    let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
    [cells[2], cells[3], cells[4]].map(str::to_owned)
}

/// Our workflow with these changes; the stand-in is where the platform would be.
fn changed(system: &System, credential: &str) -> Value {
    let mut workflow = workflow("hubspot");
    workflow["id"] = json!(ID);
    workflow["name"] = json!("HubSpot à nous");
    // What passes through is looked at.
    workflow["settings"]["saveDataSuccessExecution"] = json!("all");
    let demand = node(&mut workflow, "Demande de Coccinelle");
    demand["parameters"]["path"] = json!(format!("coccinelle/{PATH}"));
    demand["webhookId"] = json!("6f1d8a52-0d55-8c1e-a3b7-3f0f6b2f9c11");
    let signing = node(&mut workflow, "Calculer la signature");
    signing["credentials"] = json!({"crypto": {"id": "ownSignature1", "name": "Secret de l'intégration"}});

    let writing = node(&mut workflow, "Écrire dans HubSpot");
    let platform = format!("{}/hubspot", system.world.session.url(Service::Sandbox));
    let url = writing["parameters"]["url"].as_str().unwrap().replace("{{ $json.demande.proxy_url }}", &platform);
    assert!(url.contains(&platform), "{url}");
    writing["parameters"]["url"] = json!(url);
    writing["parameters"]["authentication"] = json!("predefinedCredentialType");
    writing["parameters"]["nodeCredentialType"] = json!("hubspotAppToken");
    writing["parameters"]["headerParameters"] = json!({});
    writing["credentials"] = json!({"hubspotAppToken": {"id": credential, "name": "HubSpot à nous"}});
    workflow
}

/// Types a line in a shell that knows n8n, which says this where it did what it should.
async fn does(system: &System, line: &str, says: &str) {
    let done = system.world.session.n8n().unwrap().shell(line).unwrap().output().await.unwrap();
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).join("\n");
    assert!(said.contains(says), "{line}: {said}");
}

/// Puts the workflow and its two credentials into an n8n that does not run.
async fn install(system: &System, secret: &str) {
    let [credential, kind, address] = told("hubspot-integration.json");
    assert_eq!((kind.as_str(), address.as_str()), ("HubSpot Service Key", "https://api.hubapi.com"));
    let credentials = json!([
        {"id": "ownSignature1", "name": "Secret de l'intégration", "type": "crypto", "data": {"hmacSecret": secret}},
        {"id": credential, "name": "HubSpot à nous", "type": "hubspotAppToken", "data": {"appToken": KEY}},
    ]);
    let home = system.world.session.home();
    let [keys, file] = ["own-credentials.json", "own-workflow.json"].map(|name| home.path(name));
    std::fs::write(&keys, credentials.to_string()).unwrap();
    std::fs::write(&file, changed(system, &credential).to_string()).unwrap();
    let (keys, file) = (keys.display(), file.display());
    does(system, &format!("n8n import:credentials --input='{keys}'"), "Successfully imported 2 credentials").await;
    does(system, &format!("n8n import:workflow --input='{file}'"), "Successfully imported 1 workflow").await;
    does(system, &format!("n8n publish:workflow --id={ID}"), "Note: Changes").await;
}

/// Whether a workflow has called the platform through the gateway.
fn is_proxied(system: &System) -> bool {
    let log = std::fs::read_to_string(system.world.session.home().path("logs/api-gateway.log")).unwrap();
    log.contains("a workflow called a platform")
}

#[tokio::test]
async fn a_workflow_with_a_credential_of_its_own_calls_the_platform_itself() {
    let settings = [
        ("N8N__ERRAND_LIFE", "25s"),
        ("N8N__PAUSE", "1s"),
        ("DISPATCHER__LEASE", "20s"),
        // This n8n is on this machine.
        ("N8N__ALLOW_PRIVATE_ADDRESSES", "true"),
    ];
    let mut system = System::without_n8n("e2e-n8n-own", 29_800, &settings).await;
    let id = system.by_n8n().await;
    let n8n = system.world.session.n8n().unwrap().clone();
    system.edit(&id, json!({"workflow_url": format!("{}/webhook/coccinelle/{PATH}", n8n.url())})).await;
    let secret = system.post(&format!("/api/v1/integrations/{id}/workflow/secret"), json!({})).await;
    install(&system, secret["signing_secret"].as_str().unwrap()).await;
    system.start_n8n().await;
    wait::until("the workflow to be there", PATIENCE, || async {
        let (status, answer) = knock(&n8n, (PATH, r#"{"test": true}"#), None).await;
        if answer["ok"] == true { Ok(()) } else { Err((status, answer)) }
    })
    .await;

    let person = json!({"email": "zoe@exemple.fr", "first_name": "Zoé"});
    system.send(&prospect("p1", "prospect.created", person)).await;
    let count = system.world.settle_within(1, PATIENCE).await;
    assert_eq!((count.in_crm, count.duplicates, count.owed), (1, 0, 0));
    system.send(&prospect("p1", "prospect.updated", json!({"first_name": "Zoë"}))).await;
    let changed = system.logged(&id, "update success", 1).await;
    let contact = changed[0]["external_id"].as_str().unwrap().to_owned();
    let path = format!("/requests?platform=hubspot&account={PORTAL}");
    let asked = system.world.sandbox(Method::GET, &path, None).await;
    let is_change = |asked: &Value| {
        asked["method"] == "PATCH" && asked["path"].as_str().is_some_and(|path| path.ends_with(&format!("/{contact}")))
    };
    assert!(asked.as_array().unwrap().iter().any(is_change), "{asked}");
    assert!(!is_proxied(&system), "the platform is called directly");
    let held = testkit::dump(system.place.database.as_str()).await;
    assert!(held.contains("zoe@exemple.fr") && !held.contains(KEY), "n8n seals its own credentials");
    assert!(!held.contains(secret["signing_secret"].as_str().unwrap()));

    // What the silence above is worth: the server's own workflow is heard.
    system.edit(&id, json!({"workflow_url": ""})).await;
    system.send(&prospect("p1", "prospect.updated", json!({"first_name": "Zoélie"}))).await;
    system.logged(&id, "update success", 2).await;
    assert!(is_proxied(&system));
    assert!(!held.contains(system.place.signing.expose_secret()));
    system.world.end().await;
}
