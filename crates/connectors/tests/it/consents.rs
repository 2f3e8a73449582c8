//! The grants of every platform that gives some, at its stand-in: from the consent page to the end of the grant.

use connectors::account::Account;
use connectors::connector::Update;
use connectors::oauth::{App, Authorization, Code, Grant, INVALID_GRANT, OAuth, Pkce};
use connectors::registry::{self, Platform};
use domain::credentials::Credentials;
use domain::kind::RecordKind::Contact;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use url::Url;

use crate::bench::{Bench, create, fields, stand_of};

/// A platform at whose stand-in somebody consents.
struct Consenting {
    bench: Bench,
    platform: Platform,
    app: App,
}

impl Consenting {
    async fn at(platform: Platform) -> Self {
        let (stand, bench) = (stand_of(platform), Bench::bare_at(stand_of(platform)).await);
        let site = platform.connector().descriptor().terms().and_then(|terms| terms.site);
        let app = App {
            client_id: "sandbox-client".to_owned(),
            client_secret: "sandbox-secret".to_owned().into(),
            authorize_base: bench.below(stand.door),
            token_base: bench.below(stand.door),
            base_url: Some(bench.account.base_url.clone()),
            site: site.filter(|site| site.required).map(|_| stand.account.to_owned()),
        };
        Self { bench, platform, app }
    }

    fn oauth(&self) -> &'static dyn OAuth {
        self.platform.connector().oauth().unwrap()
    }

    /// Somebody consents on the page; what the platform grants.
    async fn consent(&self) -> Grant {
        let terms = self.platform.connector().descriptor().terms().unwrap();
        let pkce = terms.pkce.then(|| Pkce::of("v".repeat(64).into()));
        let redirect_uri: Url = "https://app.example.test/callback".parse().unwrap();
        let challenge = pkce.as_ref().map(|pkce| pkce.challenge.as_str());
        let asked = Authorization { state: "state", challenge, redirect_uri: &redirect_uri, scopes: terms.scopes };
        let page = self.oauth().authorize_url(&self.app, &asked);
        let scope = terms.scopes.join(if self.platform == Platform::Shopify { "," } else { " " });
        let form = [
            ("redirect_uri", redirect_uri.as_str()),
            ("state", "state"),
            ("code_challenge", challenge.unwrap_or_default()),
            ("scope", &scope),
            ("account", stand_of(self.platform).account),
            ("decision", "grant"),
        ];
        let browser = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let decided = browser.post(page).form(&form).send().await.unwrap();
        assert_eq!(decided.status().as_u16(), 303, "{:?}: {decided:?}", self.platform);
        let back: Url = decided.headers()[LOCATION].to_str().unwrap().parse().unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned().into();
        let verifier = pkce.as_ref().map(|pkce| &pkce.verifier);
        let code = Code { code: &code, verifier, redirect_uri: &redirect_uri, scopes: terms.scopes };
        let granted = self.oauth().exchange(&self.app, &self.bench.account.http, &code).await.unwrap();
        let spent = self.oauth().exchange(&self.app, &self.bench.account.http, &code).await.unwrap_err();
        assert_eq!(spent.code, INVALID_GRANT, "{:?}: a code is good once", self.platform);
        granted
    }

    async fn is_unspent(&self, grant: &Grant) -> Option<bool> {
        self.oauth().is_unspent(&self.app, &self.bench.account.http, grant).await.unwrap()
    }

    async fn refreshed(&self, grant: &Grant) -> Grant {
        let refresh = grant.refresh_token.as_ref().unwrap();
        let answer = self.oauth().refresh(&self.app, &self.bench.account.http, refresh).await.unwrap();
        grant.clone().renewed_by(answer)
    }
}

fn with_grants() -> impl Iterator<Item = Platform> {
    registry::all().iter().copied().filter(|platform| platform.connector().oauth().is_some())
}

#[test]
fn the_document_names_the_scopes_of_every_platform() {
    let document = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/oauth.md");
    let document = std::fs::read_to_string(document).unwrap();
    for platform in with_grants() {
        let descriptor = platform.connector().descriptor();
        let scopes: Vec<String> = descriptor.terms().unwrap().scopes.iter().map(|scope| format!("`{scope}`")).collect();
        let row = format!("| {} | {} |", descriptor.name, scopes.join(", "));
        assert!(document.contains(&row), "docs/oauth.md has to say: {row}");
    }
}

#[tokio::test]
async fn a_grant_says_what_it_permits_is_refreshed_and_ends_when_it_is_given_back() {
    for platform in with_grants() {
        let it = Consenting::at(platform).await;
        let terms = platform.connector().descriptor().terms().unwrap();
        let granted = it.consent().await;
        assert!(it.oauth().lacking(terms.scopes, &granted.scopes).is_empty(), "{platform:?}: {:?}", granted.scopes);
        let refreshed = it.refreshed(&granted).await;
        for _ in 0..2 {
            it.oauth().revoke(&it.app, &it.bench.account.http, &refreshed).await.unwrap();
        }
        let refresh = refreshed.refresh_token.as_ref().unwrap();
        let ended = it.oauth().refresh(&it.app, &it.bench.account.http, refresh).await.unwrap_err();
        assert_eq!(ended.code, INVALID_GRANT, "{platform:?}");
    }
}

#[tokio::test]
async fn of_a_refresh_token_that_is_good_once_it_can_be_found_out_whether_it_was_used() {
    for platform in with_grants() {
        if !platform.connector().descriptor().terms().unwrap().single_use_refresh {
            continue;
        }
        let it = Consenting::at(platform).await;
        let granted = it.consent().await;
        assert_eq!(it.is_unspent(&granted).await, Some(true), "{platform:?}");
        // To ask is not to use it.
        assert_eq!(it.is_unspent(&granted).await, Some(true), "{platform:?}");
        let refreshed = it.refreshed(&granted).await;
        assert_eq!(it.is_unspent(&granted).await, Some(false), "{platform:?}");
        assert_eq!(it.is_unspent(&refreshed).await, Some(true), "{platform:?}");
    }
}

#[tokio::test]
async fn what_is_granted_is_enough_for_a_contacts_address_and_for_what_was_deleted() {
    for platform in [Platform::Pipedrive, Platform::Zendesk] {
        let it = Consenting::at(platform).await;
        let (writer, granted) = (it.bench.writer(), it.consent().await);
        let credentials = Credentials::Bearer { access_token: granted.access_token };
        let shown = it.bench.connector().shown(&credentials);
        let account = Account { credentials, shown, ..it.bench.account.clone() };
        it.bench.probe().prepare(&account).await.unwrap();
        let item = create(1, &[("email", "a@x.fr"), ("first_name", "Zoé")]);
        let id = writer.create(&account, Contact, &[item]).await.unwrap().remove(0).unwrap().external_id;
        let update = Update { external_id: id.clone(), fields: fields(&[("email", "b@x.fr")]) };
        let each = writer.update(&account, Contact, &[update]).await.unwrap();
        assert_eq!(each[0].as_ref().unwrap().shown, fields(&[("email", "b@x.fr")]), "{platform:?}");
        writer.delete(&account, Contact, std::slice::from_ref(&id)).await.unwrap().remove(0).unwrap();
        let deleted = it.bench.changes().list_deleted(&account, Contact, None).await.unwrap();
        assert!(deleted.ids.iter().any(|(gone, _)| *gone == id), "{platform:?}: {deleted:?}");
    }
}
