//! The dashboard as a browser without JavaScript meets it: every page in both languages, its forms, and what strangers send.

use domain::access::Role;
use domain::id::IntegrationId;
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::connecting::connected;
use crate::world::World;

/// A browser: it keeps its cookies and follows nothing by itself.
pub(crate) struct Browser<'a> {
    world: &'a World,
    client: reqwest::Client,
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) language: &'static str,
}

/// A page as it came.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) html: String,
}

impl Page {
    /// Where it leads.
    pub(crate) fn location(&self) -> &str {
        self.headers.get("location").map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that it says this, whatever the spaces.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> &Self {
        let plain = |text: &str| text.replace(['\u{a0}', '\u{202f}'], " ").replace("&#39;", "'").replace("&#x27;", "'");
        assert!(plain(&self.html).contains(&plain(words)), "{words:?} is not in {}", self.html);
        self
    }

    pub(crate) fn csrf(&self) -> String {
        let (_, rest) = self.html.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

impl<'a> Browser<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { world, client, cookies: Vec::new(), language: "fr" }
    }

    /// A browser in which somebody of this role has logged in.
    pub(crate) async fn of(world: &'a World, role: Role) -> Self {
        let mut browser = Self::new(world);
        let page = browser.send("/dashboard/login", &[("token", world.token(role).as_str())]).await;
        assert_eq!(page.status, 303, "{page:?}");
        browser
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let request = self.client.get(format!("{}{path}", self.world.url()));
        self.take(request).await
    }

    /// Sends a form as one of our own pages does, without the session's token.
    pub(crate) async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.client.post(format!("{}{path}", self.world.url())).form(fields);
        self.take(request.header("sec-fetch-site", "same-origin")).await
    }

    /// Opens a page and sends its form, with the session's token that stands in it.
    pub(crate) async fn submit(&mut self, on: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.get(on).await.csrf();
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
        self.send(path, &fields).await
    }

    async fn take(&mut self, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("cookie", cookies.join("; ")).header("accept-language", self.language);
        let response = request.send().await.unwrap();
        for set in response.headers().get_all("set-cookie") {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        let (status, headers) = (response.status(), response.headers().clone());
        Page { status, headers, html: response.text().await.unwrap() }
    }
}

/// Everything that every page must be.
#[track_caller]
pub(crate) fn is_sound(page: &Page, language: &str) {
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.html.contains(&format!("<html lang=\"{language}\"")), "{}", page.html);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers["cache-control"], "no-store");
    // What the policy would refuse anyway is not even tried.
    for forbidden in [" style=", "<style", " onclick=", "javascript:"] {
        assert!(!page.html.contains(forbidden), "{forbidden:?} is in {}", page.html);
    }
    assert!(page.html.matches("<script").count() == page.html.matches("<script type=\"module\" src=\"/").count());
    assert_eq!(page.html.matches("<h1").count(), 1, "{}", page.html);
    assert!(!page.html.contains("{}"), "something was not filled in: {}", page.html);
}

#[tokio::test]
async fn every_page_is_there_in_both_languages_and_allows_nothing_inline() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let home = format!("/dashboard/integrations/{id}");
    let pages = [
        ("/dashboard/integrations".to_owned(), 200),
        ("/dashboard/integrations?q=nothing-of-that-name".to_owned(), 200),
        ("/dashboard/login".to_owned(), 200),
        ("/dashboard/offline".to_owned(), 200),
        ("/dashboard/nowhere".to_owned(), 404),
        (format!("/dashboard/integrations/{}", IntegrationId::new()), 404),
        ("/dashboard/activity?period=30d".to_owned(), 200),
        ("/dashboard/settings".to_owned(), 200),
        ("/dashboard/integrations/new?platform=hubspot".to_owned(), 200),
        ("/dashboard/integrations/new?platform=unknown".to_owned(), 404),
        (format!("{home}/settings"), 200),
        (format!("{home}/failures"), 200),
        (format!("{home}/fields"), 200),
        (format!("{home}/fields?kind=deal"), 200),
        (format!("{home}/data"), 200),
        (format!("{home}/data?kind=activity&q=x"), 200),
        (format!("{home}/data/rec_x"), 404),
        (format!("{home}/failures/nothing:of:that"), 404),
        (format!("{home}/webhooks"), 200),
        (format!("{home}/webhooks/x"), 404),
        (format!("{home}?oauth_error=scopes_missing&missing=a.b+c.d"), 200),
        ("/dashboard/integrations?oauth_error=other_browser".to_owned(), 200),
        (format!("{home}/logs"), 200),
        (format!("{home}/logs?status=failed&q=x"), 200),
        (format!("{home}/logs?status=nonsense"), 200),
        (format!("{home}?period=7d"), 200),
        (home, 200),
    ];
    for (path, status) in &pages {
        for language in ["fr", "en"] {
            browser.language = language;
            let page = browser.get(path).await;
            assert_eq!(page.status.as_u16(), *status, "{path}: {}", page.html);
            is_sound(&page, language);
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_language_and_a_light_are_chosen_for_good() {
    let world = World::start().await;
    let mut browser = Browser::of(&world, Role::Viewer).await;
    browser.get("/dashboard/integrations").await.says("Aucune intégration pour l'instant");
    let page = browser.send("/dashboard/preferences", &[("language", "en"), ("back", "/dashboard/integrations")]).await;
    assert_eq!((page.status.as_u16(), page.location()), (303, "/dashboard/integrations"));
    browser.send("/dashboard/preferences", &[("theme", "dark"), ("back", "https://evil.example")]).await;
    let page = browser.get("/dashboard/integrations").await;
    page.says("No integrations yet").says("data-theme=\"dark\"");
    // Who may only look is offered nothing that they may not do.
    page.says("Read only");
    assert!(!page.html.contains("/dashboard/integrations/new"), "{}", page.html);
    world.stop().await;
}

#[tokio::test]
async fn who_is_not_known_is_led_to_the_login_and_back() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let page = browser.get("/dashboard/integrations?category=crm").await;
    assert_eq!(page.status, 303);
    let login = page.location().to_owned();
    assert_eq!(login, "/dashboard/login?next=%2Fdashboard%2Fintegrations%3Fcategory%3Dcrm");
    browser.get(&login).await.says("value=\"/dashboard/integrations?category=crm\"");

    let page = browser.send("/dashboard/login", &[("token", "no token")]).await;
    assert_eq!(page.status, 422);
    page.says("Ce jeton n'est pas valide");

    let token = world.token(Role::Admin);
    let fields = [("token", token.as_str()), ("next", "/dashboard/integrations?category=crm")];
    let page = browser.send("/dashboard/login", &fields).await;
    assert_eq!((page.status.as_u16(), page.location()), (303, "/dashboard/integrations?category=crm"));
    assert_eq!(browser.get("/dashboard/integrations").await.status, 200);

    let page = browser.submit("/dashboard/integrations", "/dashboard/logout", &[]).await;
    assert_eq!((page.status.as_u16(), page.location()), (303, "/dashboard/login"));
    assert_eq!(browser.get("/dashboard/integrations").await.status, 303);
    world.stop().await;
}

#[tokio::test]
async fn a_form_of_another_site_or_without_the_sessions_token_changes_nothing() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let enable = format!("/dashboard/integrations/{id}/enable");
    let refused = browser.send(&enable, &[]).await;
    assert_eq!(refused.status, 403);
    refused.says("Formulaire périmé");
    let refused = browser.send(&enable, &[("csrf", "x")]).await;
    assert_eq!(refused.status, 403);
    let csrf = browser.get("/dashboard/integrations").await.csrf();
    for site in ["cross-site", "same-site", "none"] {
        let request = browser.client.post(format!("{}{enable}", world.url())).form(&[("csrf", csrf.as_str())]);
        let refused = browser.take(request.header("sec-fetch-site", site)).await;
        assert_eq!(refused.status, 403, "{site}");
    }
    let token = world.token(Role::Admin);
    let login = browser.client.post(format!("{}/dashboard/login", world.url())).form(&[("token", token.as_str())]);
    assert_eq!(browser.take(login.header("sec-fetch-site", "cross-site")).await.status, 403);
    assert_eq!(world.get(&format!("/api/v1/integrations/{id}")).await.body["enabled"], json!(false));
    world.stop().await;
}

#[tokio::test]
async fn an_integration_is_switched_tried_and_synced_by_its_buttons() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let home = format!("/dashboard/integrations/{id}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    browser.get(&home).await.says("HubSpot est désactivé").says("Inactif");

    let page = browser.submit(&home, &format!("{home}/sync"), &[]).await;
    assert_eq!(page.location(), format!("{home}?said=integration_disabled"));
    browser.get(page.location()).await.says("Cette intégration est désactivée. Activez-la d'abord.");

    let page = browser.submit(&home, &format!("{home}/enable"), &[]).await;
    assert_eq!((page.status.as_u16(), page.location()), (303, format!("{home}?said=enabled").as_str()));
    browser.get(page.location()).await.says("La synchronisation est activée");

    let page = browser.submit(&home, &format!("{home}/test"), &[]).await;
    assert_eq!(page.status, 200);
    page.says("Connexion établie en").says("(4242)");
    world.switch_faults(json!({ "token_revoked": true })).await;
    let page = browser.submit(&home, &format!("{home}/test"), &[]).await;
    page.says("La connexion a échoué").says("n'accepte pas cette clé").says("Reconnexion requise");
    world.switch_faults(json!({ "token_revoked": false })).await;
    browser.submit(&home, &format!("{home}/test"), &[]).await.says("Connexion établie en");

    let page = browser.submit(&home, &format!("{home}/sync"), &[]).await;
    assert_eq!(page.location(), format!("{home}?said=started"));
    let page = browser.get(&home).await;
    page.says("Synchronisation en file d'attente").says("<progress");
    let cancel = page.html.split("formaction=\"").find(|part| part.contains("/cancel\"")).unwrap();
    let cancel = cancel.split('"').next().unwrap().to_owned();
    let page = browser.submit(&home, &cancel, &[]).await;
    assert_eq!(page.location(), format!("{home}?said=cancelled"));

    let mut viewer = Browser::of(&world, Role::Viewer).await;
    let refused = viewer.submit(&home, &format!("{home}/disable"), &[]).await;
    assert_eq!(refused.status, 403);
    refused.says("Accès réservé");
    let disabled = browser.submit(&home, &format!("{home}/disable"), &[]).await;
    assert_eq!(disabled.location(), format!("{home}?said=disabled"));
    world.stop().await;
}

#[tokio::test]
async fn an_account_is_connected_by_its_form_which_keeps_what_was_typed_but_never_the_key() {
    let world = World::start().await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let form = "/dashboard/integrations/new?platform=hubspot";
    let path = "/dashboard/integrations/new";
    let long = "x".repeat(10_000);
    for (name, key, said) in [
        ("Mon <b>CRM</b>", "not-a-token-of-hubspot", "n'accepte pas cette clé"),
        ("Mon <b>CRM</b>", "two words", "sans espace"),
        ("", "pat-eu1-4242-demo", "Donnez un nom de 1 à 100 caractères."),
        (&long, "pat-eu1-4242-demo", "Donnez un nom de 1 à 100 caractères."),
        ("\u{202e}💥", &long, "sans espace"),
    ] {
        let fields = [("platform", "hubspot"), ("name", name), ("api_key", key), ("direction", "to_platform")];
        let page = browser.submit(form, path, &fields).await;
        assert_eq!(page.status, 422, "{page:?}");
        is_sound(&page, "fr");
        page.says(said).says("value=\"to_platform\" checked");
        assert!(!page.html.contains(key) && !page.html.contains("<b>CRM"), "{}", page.html);
    }
    let fields = [("platform", "hubspot"), ("name", "Mon CRM"), ("api_key", "pat-eu1-4242-demo"), ("start", "1")];
    let page = browser.submit(form, path, &fields).await;
    assert_eq!(page.status, 303, "{page:?}");
    assert!(page.location().ends_with("?said=created"), "{page:?}");
    let home = page.location().split('?').next().unwrap().to_owned();
    browser.get(page.location()).await.says("Mon CRM").says("<progress");
    let again = browser.submit(form, path, &fields).await;
    assert_eq!(again.status, 409, "{again:?}");
    is_sound(&again, "fr");
    again.says("Ce compte est déjà connecté").says("value=\"Mon CRM\"");
    again.says(&format!("<a href=\"{home}\">Ouvrir cette intégration</a>"));

    let settings = format!("{home}/settings");
    let version = browser.get(&settings).await.html;
    let version = version.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let fields = [("name", "Autre nom"), ("frequency", "daily"), ("version", version.as_str())];
    let page = browser.submit(&settings, &settings, &fields).await;
    assert_eq!(page.location(), format!("{settings}?said=saved"), "{page:?}");
    let page = browser.submit(&settings, &settings, &fields).await;
    assert_eq!(page.status, 412, "{page:?}");
    page.says("Quelqu'un a modifié ces réglages");

    let page = browser.submit(&settings, &format!("{home}/delete"), &[("confirm", "Mon CRM")]).await;
    assert_eq!(page.status, 422);
    page.says("Ce n'est pas le nom de l'intégration");
    let page = browser.submit(&settings, &format!("{home}/delete"), &[("confirm", "Autre nom")]).await;
    assert_eq!(page.location(), "/dashboard/integrations?said=deleted");
    assert_eq!(browser.get(&home).await.status, 404);
    world.stop().await;
}

#[tokio::test]
async fn a_tenants_settings_are_saved_or_refused_beside_their_fields() {
    let world = World::start().await;
    let mut browser = Browser::of(&world, Role::Admin).await;
    let path = "/dashboard/settings";
    let good = [
        ("version", "0"),
        ("language", "en"),
        ("time_zone", "America/Montreal"),
        ("region", " be "),
        ("alert_emails", "astreinte@cabinet.example\r\n"),
        ("retention_days", "7"),
        ("redaction.fields", "iban"),
    ];
    for (name, value) in [
        ("alert_emails", "<b>"),
        ("retention_days", "-1"),
        ("time_zone", "Nowhere"),
        ("region", "XX"),
        ("redaction.patterns", "("),
    ] {
        let fields: Vec<_> = good.iter().copied().filter(|(known, _)| *known != name).chain([(name, value)]).collect();
        let page = browser.submit(path, path, &fields).await;
        assert_eq!(page.status, 422, "{name}: {page:?}");
        is_sound(&page, "fr");
        page.says("aria-invalid=\"true\"");
    }
    let page = browser.submit(path, path, &good).await;
    assert_eq!(page.location(), "/dashboard/settings?said=saved", "{page:?}");
    let page = browser.get(path).await;
    page.says("astreinte@cabinet.example").says("settings.updated").says("value=\"BE\" list=\"regions\"");
    // A draft of before stays one, whatever else is wrong with it, until somebody is told.
    let nowhere: Vec<_> =
        good.iter().copied().filter(|(known, _)| *known != "region").chain([("region", "XX")]).collect();
    browser.submit(path, path, &nowhere).await.says("aria-invalid=\"true\"").says("name=\"version\" value=\"0\"");
    let page = browser.submit(path, path, &good).await;
    assert_eq!(page.status, 412, "{page:?}");
    page.says("name=\"version\" value=\"1\"");
    world.stop().await;
}

#[tokio::test]
async fn hostile_names_and_addresses_are_shown_as_text() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let name = "<script>alert(1)</script>\u{202e}\"'&💥";
    let seen = world.get(&format!("/api/v1/integrations/{id}")).await;
    let put = world.put(&format!("/api/v1/integrations/{id}"), seen.etag(), json!({ "name": name })).await;
    assert_eq!(put.status, 200, "{put:?}");
    let mut browser = Browser::of(&world, Role::Admin).await;
    for path in ["/dashboard/integrations".to_owned(), format!("/dashboard/integrations/{id}")] {
        let page = browser.get(&path).await;
        is_sound(&page, "fr");
        assert!(!page.html.contains("<script>alert"), "{}", page.html);
        page.says("&#60;script&#62;alert(1)");
    }
    for query in ["q=%22%3E%3Cscript%3E", "q=%00%ff", "category=%3Cb%3E", "said=%3Cb%3E&period=x", &"q=x".repeat(2_000)]
    {
        let page = browser.get(&format!("/dashboard/integrations?{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        is_sound(&page, "fr");
        assert!(!page.html.contains("\"><script>"), "{}", page.html);
    }
    world.stop().await;
}

#[tokio::test]
async fn files_are_kept_for_good_and_pages_name_the_present_ones() {
    let world = World::start().await;
    let mut browser = Browser::new(&world);
    let login = browser.get("/dashboard/login").await;
    let paths: Vec<_> = login.html.split('"').filter(|part| part.starts_with("/dashboard/assets/")).collect();
    assert!(paths.len() >= 4, "{paths:?}");
    for path in &paths {
        let (status, headers, _) = world.text(path).await;
        assert_eq!(
            (status.as_u16(), headers["cache-control"].to_str().unwrap()),
            (200, "public, max-age=31536000, immutable")
        );
    }
    let (status, headers, _) = world.text("/dashboard/assets/an-older-one/app.css").await;
    assert_eq!((status.as_u16(), headers["cache-control"].to_str().unwrap()), (200, "no-cache"));
    assert_eq!(world.text("/dashboard/assets/x/passwd").await.0.as_u16(), 404);
    let (status, headers, _) = world.text("/dashboard/worker.js").await;
    // What it keeps it has to fetch, which its own answer must let it.
    assert!(headers["content-security-policy"].to_str().unwrap().contains("connect-src 'self'"), "{headers:?}");
    assert_eq!((status.as_u16(), headers["content-type"].to_str().unwrap()), (200, "text/javascript; charset=utf-8"));
    let missing = world.call(Method::GET, "/dashboard/assets", None, None).await;
    assert_eq!(missing.status.as_u16(), 404);
    world.stop().await;
}
