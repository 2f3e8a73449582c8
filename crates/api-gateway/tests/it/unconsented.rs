//! Consents that connect nothing, at the stand-in of each platform that has a consent page: denied, too small, or brought back by
//! somebody else than whoever began. What is the same everywhere is tried once, in `consenting`.

use connectors::registry::{self, Platform};
use domain::access::Role;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use url::Url;

use crate::world::{Lines, World, token_of};

/// A gateway whose app is set up everywhere, and a browser that follows nothing by itself.
struct Visit {
    world: World,
    browser: reqwest::Client,
}

/// A consent that was begun.
struct Begun {
    home: String,
    page: Url,
    cookie: String,
}

/// Where a browser ends: the path of the page, and its query.
type End = (String, Vec<(String, String)>);

fn with_consent() -> impl Iterator<Item = Platform> {
    registry::all().iter().copied().filter(|platform| platform.connector().oauth().is_some())
}

fn slug_of(platform: Platform) -> &'static str {
    platform.connector().descriptor().slug
}

/// The account that somebody chooses on the platform's page.
fn account_of(platform: Platform) -> &'static str {
    match platform {
        Platform::HubSpot => "4242",
        Platform::Pipedrive => "900",
        Platform::Salesforce => "00D000000000001EAA",
        Platform::Shopify | Platform::WooCommerce | Platform::Zendesk => "acme",
    }
}

/// What a tenant types before, where it has a site of its own.
fn site_of(platform: Platform) -> Option<&'static str> {
    let site = platform.connector().descriptor().terms().and_then(|terms| terms.site);
    site.filter(|site| site.required).map(|_| account_of(platform))
}

/// Our app at a platform.
fn app(platform: Platform) -> [(&'static str, String); 2] {
    let name = |half: &str| -> &'static str {
        format!("PLATFORMS__{}__CLIENT_{half}", slug_of(platform).to_uppercase()).leak()
    };
    [(name("ID"), "sandbox-client".to_owned()), (name("SECRET"), "sandbox-secret".to_owned())]
}

impl Visit {
    async fn start() -> Self {
        let own = [("GATEWAY__PUBLIC_URL", "https://app.example.test"), ("AUTH__SECURE_COOKIES", "false")];
        let own = own.map(|(name, value)| (name, value.to_owned()));
        let settings = with_consent().flat_map(app).chain(own).collect();
        let world = World::behind(|_, _| async { Lines { settings, ..Lines::default() } }).await;
        world.wait_for_broker().await;
        let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { world, browser }
    }

    async fn begin(&self, platform: Platform) -> Begun {
        let slug = slug_of(platform);
        let wish = json!({"name": slug, "platform": slug, "url": site_of(platform)});
        let made = self.world.post("/api/v1/integrations", wish).await;
        assert_eq!(made.status.as_u16(), 201, "{made:?}");
        let id = made.body["id"].as_str().unwrap();
        let began = self.world.post(&format!("/api/v1/integrations/{id}/oauth/start"), json!({})).await;
        assert_eq!(began.status.as_u16(), 200, "{began:?}");
        let cookie = began.headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        let page = began.body["authorize_url"].as_str().unwrap().parse().unwrap();
        Begun { home: format!("/dashboard/integrations/{id}"), page, cookie }
    }

    /// What a person decides on the page; the address to which the browser is sent.
    async fn decide(&self, platform: Platform, begun: &Begun, (decision, scope): (&str, &str)) -> Url {
        let held = |name: &str| {
            let found = begun.page.query_pairs().find(|(known, _)| known == name);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let mut form = vec![("account", account_of(platform).to_owned()), ("decision", decision.to_owned())];
        form.push(("scope", scope.to_owned()));
        form.extend(["redirect_uri", "state", "code_challenge"].map(|name| (name, held(name))));
        // HubSpot's page has a host of its own; here it is the stand-in's.
        let page = match begun.page.host_str() {
            Some("app.hubspot.com") => format!("{}/oauth/authorize", self.world.sandbox.hubspot_url()),
            Some(_) | None => begun.page.to_string(),
        };
        let decided = self.browser.post(page).form(&form).send().await.unwrap();
        assert_eq!(decided.status().as_u16(), 303, "{platform:?}: {decided:?}");
        decided.headers()[LOCATION].to_str().unwrap().parse().unwrap()
    }

    /// The browser comes back, as somebody or as nobody in particular.
    async fn come_back(&self, begun: &Begun, back: &Url, bearer: Option<&str>) -> End {
        let address = format!("{}{}?{}", self.world.url(), back.path(), back.query().unwrap_or_default());
        let request = self.browser.get(address).header(COOKIE, &begun.cookie);
        let request = bearer.into_iter().fold(request, |request, bearer| request.bearer_auth(bearer));
        let answer = request.send().await.unwrap();
        let page: Url = answer.headers()[LOCATION].to_str().unwrap().parse().unwrap();
        (page.path().to_owned(), page.query_pairs().into_owned().collect())
    }

    /// Nothing has come of any of it.
    async fn has_connected_nothing(&self) {
        let listed = self.world.get("/api/v1/integrations/configured").await;
        let all = listed.body["data"].as_array().unwrap();
        assert!(!all.is_empty() && all.iter().all(|one| one["connected"] == Value::Bool(false)), "{listed:?}");
        assert_eq!(self.world.database.count("SELECT count(*) FROM integration_oauth_tokens").await, 0);
    }
}

fn failed(page: &str, pairs: &[(&str, &str)]) -> End {
    (page.to_owned(), pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[tokio::test]
async fn a_consent_that_is_denied_or_too_small_connects_nothing_at_any_platform() {
    let it = Visit::start().await;
    for platform in with_consent() {
        let needed = platform.connector().descriptor().terms().unwrap().scopes;
        let begun = it.begin(platform).await;
        let back = it.decide(platform, &begun, ("refuse", needed[0])).await;
        let denied = failed(&begun.home, &[("oauth_error", "consent_denied")]);
        assert_eq!(it.come_back(&begun, &back, None).await, denied, "{platform:?}");

        let missing = platform.connector().oauth().unwrap().lacking(needed, &[needed[0].to_owned()]).join(" ");
        let begun = it.begin(platform).await;
        let back = it.decide(platform, &begun, ("grant", needed[0])).await;
        let lacking = failed(&begun.home, &[("oauth_error", "scopes_missing"), ("missing", &missing)]);
        assert_eq!(it.come_back(&begun, &back, None).await, lacking, "{platform:?}");
    }
    it.has_connected_nothing().await;
    it.world.stop().await;
}

#[tokio::test]
async fn a_callback_that_somebody_else_brings_connects_nothing_at_any_platform() {
    let it = Visit::start().await;
    let somebody = token_of("somebody else", it.world.tenant, Role::Admin, 600);
    let stranger = token_of("a test", it.world.other_tenant().await, Role::Admin, 600);
    let refused = failed("/dashboard/integrations", &[("oauth_error", "other_user")]);
    for platform in with_consent() {
        let needed = platform.connector().descriptor().terms().unwrap().scopes.join(" ");
        let begun = it.begin(platform).await;
        let back = it.decide(platform, &begun, ("grant", &needed)).await;
        for bearer in [&somebody, &stranger] {
            assert_eq!(it.come_back(&begun, &back, Some(bearer)).await, refused, "{platform:?}");
        }
    }
    it.has_connected_nothing().await;
    it.world.stop().await;
}
