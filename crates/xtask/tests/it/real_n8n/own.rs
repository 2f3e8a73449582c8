//! Workflows of a tenant's own, one of each platform, made of ours by the changes that `docs/n8n.md` names: its address, its secret, and
//! a credential of n8n's own in place of the proxy.

use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use testkit::wait;
use xtask::session::{PORTAL, Service};
use xtask::workspace::root;

use super::accounts::{SHOP, connect};
use super::{PATIENCE, System, knock, node, workflow};
use crate::world::prospect;

const PLATFORMS: [&str; 6] = ["hubspot", "pipedrive", "salesforce", "shopify", "woocommerce", "zendesk"];

/// What a tenant who prefers n8n's own credential gives it.
struct Own {
    slug: &'static str,
    /// The type of the credential, as the document calls it and in n8n's files.
    kind: (&'static str, &'static str),
    /// What opens the account, and is known to n8n alone wherever the stand-in takes more keys than one.
    key: &'static str,
    /// What is filled in.
    data: Value,
    /// Where the platform's address is, at the stand-in, and whose account.
    site: (&'static str, &'static str),
    /// How an object is changed there.
    change: &'static str,
}

fn own(slug: &'static str) -> Own {
    let (kind, key, site, change) = match slug {
        "hubspot" => {
            let kind = ("HubSpot Service Key", "hubspotAppToken");
            (kind, "pat-eu1-4242-known-to-n8n", ("hubspot", PORTAL), "PATCH")
        }
        "pipedrive" => (("Pipedrive API", "pipedriveApi"), "pd-900-known-to-n8n", ("pipedrive", "900"), "PATCH"),
        "salesforce" => {
            let (kind, org) = (("Salesforce OAuth2 API", "salesforceOAuth2Api"), "00D000000000001EAA");
            (kind, "00D000000000001EAA!known-to-n8n", ("salesforce/00D000000000001EAA", org), "PATCH")
        }
        "shopify" => {
            let kind = ("Shopify Access Token API", "shopifyAccessTokenApi");
            (kind, "shpat_acme_known-to-n8n", ("shopify/acme", "acme"), "POST")
        }
        "woocommerce" => (("WooCommerce API", "wooCommerceApi"), SHOP.1, ("woocommerce/boutique", "boutique"), "PUT"),
        "zendesk" => (("Zendesk API", "zendeskApi"), "zd-acme-known-to-n8n", ("zendesk/acme", "acme"), "PUT"),
        other => panic!("{other} is no platform"),
    };
    let data = match slug {
        "hubspot" => json!({"appToken": key}),
        "pipedrive" => json!({"apiToken": key}),
        // As n8n keeps it once somebody has consented: a command imports that like any other.
        "salesforce" => json!({
            "environment": "production", "clientId": "n8n-client", "clientSecret": "n8n-secret",
            "oauthTokenData": {"access_token": key, "token_type": "Bearer"},
        }),
        "shopify" => json!({"shopSubdomain": "acme", "accessToken": key, "appSecretKey": "n8n-secret"}),
        "woocommerce" => json!({"consumerKey": SHOP.0, "consumerSecret": key, "url": "https://boutique.exemple.fr"}),
        _ => json!({"subdomain": "acme", "email": "agent@exemple.fr", "apiToken": key}),
    };
    Own { slug, kind, key, data, site, change }
}

/// One of them, connected.
struct Connected {
    own: Own,
    integration: String,
    /// What its writes are signed by.
    secret: String,
}

impl Own {
    /// Its path in n8n, and so its name.
    fn path(&self) -> String {
        format!("{}Own", self.slug)
    }

    /// The document's line about the workflow: the credential's id. Its type is the one that is used here.
    fn credential(&self) -> String {
        let (text, file) = (std::fs::read_to_string(root().join("docs/n8n.md")).unwrap(), self.slug);
        let line = text.lines().find(|line| line.starts_with(&format!("| `{file}-integration.json` |"))).unwrap();
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        assert_eq!(cells[3], self.kind.0, "{line}");
        cells[2].to_owned()
    }

    /// The integration of this platform, handed to a workflow of its own in n8n, which is not there yet.
    async fn connect(self, system: &System) -> Connected {
        let integration = connect(system, self.slug).await;
        let url = format!("{}/webhook/coccinelle/{}", system.world.session.n8n().unwrap().url(), self.path());
        system.edit(&integration, json!({"workflow_url": url})).await;
        let secret = system.post(&format!("/api/v1/integrations/{integration}/workflow/secret"), json!({})).await;
        Connected { own: self, integration, secret: secret["signing_secret"].as_str().unwrap().to_owned() }
    }
}

impl Connected {
    /// The credential of its signature in n8n.
    fn signature(&self) -> String {
        format!("{}Signature", self.own.slug)
    }

    fn credentials(&self) -> [Value; 2] {
        let Own { kind: (_, kind), data, .. } = &self.own;
        let (signature, secret) = (self.signature(), json!({"hmacSecret": self.secret}));
        [
            json!({"id": signature, "name": signature, "type": "crypto", "data": secret}),
            json!({"id": self.own.credential(), "name": self.own.path(), "type": kind, "data": data}),
        ]
    }

    /// Our workflow with these changes; the stand-in is where the platform would be.
    fn workflow(&self, sandbox: &str) -> Value {
        let Own { slug, kind: (_, kind), site: (site, _), .. } = &self.own;
        let mut workflow = workflow(slug);
        let call = workflow["name"].as_str().unwrap().replace("Coccinelle - ", "Écrire dans ");
        workflow["id"] = json!(self.own.path());
        workflow["name"] = json!(self.own.path());
        // What passes through is looked at.
        workflow["settings"]["saveDataSuccessExecution"] = json!("all");
        let demand = node(&mut workflow, "Demande de Coccinelle");
        demand["parameters"]["path"] = json!(format!("coccinelle/{}", self.own.path()));
        demand["webhookId"] = json!(self.own.path());
        let signing = node(&mut workflow, "Calculer la signature");
        signing["credentials"] = json!({"crypto": {"id": self.signature(), "name": self.signature()}});

        let writing = node(&mut workflow, &call);
        let platform = format!("{sandbox}/{site}");
        let url = writing["parameters"]["url"].as_str().unwrap().replace("{{ $json.demande.proxy_url }}", &platform);
        assert!(url.contains(&platform), "{url}");
        writing["parameters"]["url"] = json!(url);
        writing["parameters"]["authentication"] = json!("predefinedCredentialType");
        writing["parameters"]["nodeCredentialType"] = json!(kind);
        writing["parameters"]["headerParameters"] = json!({});
        writing["credentials"] = json!({*kind: {"id": self.own.credential(), "name": self.own.path()}});
        workflow
    }

    /// Whether the platform was asked to change this object, as a change is asked for there.
    async fn was_changed(&self, system: &System, object: &str) -> bool {
        let Own { slug, site: (_, account), change, .. } = &self.own;
        // There, every call is a POST to one address.
        let end = format!("/{}", if *slug == "shopify" { "graphql.json" } else { object });
        let path = format!("/requests?platform={slug}&account={account}");
        let asked = system.world.sandbox(Method::GET, &path, None).await;
        let is_change = |asked: &Value| asked["method"] == *change && asked["path"].as_str().unwrap().ends_with(&end);
        asked.as_array().unwrap().iter().any(is_change)
    }
}

/// Types a line in a shell that knows n8n, which says this where it did what it should.
async fn does(system: &System, line: &str, says: &str) {
    let done = system.world.session.n8n().unwrap().shell(line).unwrap().output().await.unwrap();
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).join("\n");
    assert!(said.contains(says), "{line}: {said}");
}

/// Puts the workflows and the two credentials of each into an n8n that does not run.
async fn install(system: &System, all: &[Connected]) {
    let (home, sandbox) = (system.world.session.home(), system.world.session.url(Service::Sandbox));
    let [keys, folder] = ["own-credentials.json", "own-workflows"].map(|name| home.path(name));
    let credentials: Vec<Value> = all.iter().flat_map(Connected::credentials).collect();
    std::fs::write(&keys, Value::from(credentials).to_string()).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    for one in all {
        let file = folder.join(format!("{}.json", one.own.path()));
        std::fs::write(file, one.workflow(&sandbox).to_string()).unwrap();
    }
    let (keys, folder) = (keys.display(), folder.display());
    does(system, &format!("n8n import:credentials --input='{keys}'"), "Successfully imported 12 credentials").await;
    let import = format!("n8n import:workflow --separate --input='{folder}'");
    does(system, &import, "Successfully imported 6 workflows").await;
    for one in all {
        does(system, &format!("n8n publish:workflow --id={}", one.own.path()), "Note: Changes").await;
    }
}

/// Whether a workflow has called a platform through the gateway.
fn is_proxied(system: &System) -> bool {
    let log = std::fs::read_to_string(system.world.session.home().path("logs/api-gateway.log")).unwrap();
    log.contains("a workflow called a platform")
}

/// A system with all six, whose workflows are there.
async fn start() -> (System, Vec<Connected>) {
    let settings = [
        ("N8N__ERRAND_LIFE", "25s"),
        ("N8N__PAUSE", "1s"),
        ("DISPATCHER__LEASE", "20s"),
        // This n8n is on this machine.
        ("N8N__ALLOW_PRIVATE_ADDRESSES", "true"),
    ];
    let mut system = System::without_n8n("e2e-n8n-own", 29_800, &settings).await;
    let mut connected = Vec::new();
    for slug in PLATFORMS {
        connected.push(own(slug).connect(&system).await);
    }
    install(&system, &connected).await;
    system.start_n8n().await;
    let n8n = system.world.session.n8n().unwrap();
    for one in &connected {
        let path = one.own.path();
        wait::until(&format!("{path} to be there"), PATIENCE, || async {
            let (status, answer) = knock(n8n, (path.as_str(), r#"{"test": true}"#), None).await;
            if answer["ok"] == true { Ok(()) } else { Err((status, answer)) }
        })
        .await;
    }
    (system, connected)
}

#[tokio::test]
async fn each_workflow_with_a_credential_of_its_own_calls_its_platform_itself() {
    let (system, connected) = start().await;
    let person = json!({"email": "zoe@exemple.fr", "first_name": "Zoé", "last_name": "Martin"});
    system.send(&prospect("p1", "prospect.created", person)).await;
    for one in &connected {
        system.logged(&one.integration, "create success", 1).await;
    }
    system.send(&prospect("p1", "prospect.updated", json!({"first_name": "Zoë"}))).await;
    for one in &connected {
        let changed = system.logged(&one.integration, "update success", 1).await;
        let object = changed[0]["external_id"].as_str().unwrap();
        assert!(one.was_changed(&system, object).await, "{}: {object}", one.own.slug);
    }
    assert!(!is_proxied(&system), "the platforms are called directly");
    let held = testkit::dump(system.place.database.as_str()).await;
    assert!(held.contains("zoe@exemple.fr"), "what passed through is kept");
    for one in &connected {
        assert!(held.contains(&format!("coccinelle/{}", one.own.path())));
        assert!(!held.contains(one.own.key), "n8n seals its own credentials: {}", one.own.slug);
        assert!(!held.contains(&one.secret), "{}", one.own.slug);
    }

    // What the silence above is worth: the server's own workflow is heard.
    let hubspot = &connected[0].integration;
    let before = system.logged(hubspot, "update success", 1).await.len();
    system.edit(hubspot, json!({"workflow_url": ""})).await;
    system.send(&prospect("p1", "prospect.updated", json!({"first_name": "Zoélie"}))).await;
    system.logged(hubspot, "update success", before + 1).await;
    assert!(is_proxied(&system));
    assert!(!held.contains(system.place.signing.expose_secret()));
    system.world.end().await;
}
