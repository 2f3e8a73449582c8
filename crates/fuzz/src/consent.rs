//! What browsers bring back from a platform's page, and the name of a site that somebody types before they go there.

use std::hint::black_box;

use connectors::oauth::{App, Callback, OAuth};
use connectors::registry;
use domain::time::Timestamp;
use url::{Url, form_urlencoded};

/// When callbacks come in here: as those of the fixtures were signed.
const RECEIVED_AT: i64 = 1_795_946_400_000;

pub(crate) fn run(data: &[u8]) {
    let query: Vec<(String, String)> = form_urlencoded::parse(data).into_owned().collect();
    let typed = std::str::from_utf8(data).ok();
    for oauth in registry::all().iter().filter_map(|platform| platform.connector().oauth()) {
        come_back(oauth, &query);
        stay_at_home(oauth, typed);
    }
}

/// A platform that signs its callbacks lets none in for an app without a secret.
fn come_back(oauth: &dyn OAuth, query: &[(String, String)]) {
    let received_at = Timestamp::from_millis(RECEIVED_AT).expect("that is a moment");
    let is_good = |secret: &str, query: &[(String, String)]| {
        oauth.check_callback(&app(secret), &Callback { query, received_at }).is_ok()
    };
    let signs = !is_good("hush", &[]);
    black_box(is_good("hush", query));
    assert!(!signs || !is_good("", query), "an app without a secret lets somebody in");
}

/// Our app's secret goes to the site that is typed, so no name of one leads out of the platform's domain.
fn stay_at_home(oauth: &dyn OAuth, typed: Option<&str>) {
    let Ok(Some(site)) = oauth.site(typed) else { return };
    let Ok(url) = Url::parse(&format!("https://{site}.example.com/")) else { return };
    let is_at_home = url.host_str().is_some_and(|host| host.ends_with(".example.com"));
    assert!(is_at_home && url.username().is_empty() && url.path() == "/", "{site}");
}

/// Our app at a platform's site.
pub(crate) fn app(secret: &str) -> App {
    let base = Url::parse("https://acme.example.com").expect("that is an address");
    App {
        client_id: "app".to_owned(),
        client_secret: secret.to_owned().into(),
        authorize_base: base.clone(),
        token_base: base,
        base_url: None,
        site: Some("acme".to_owned()),
    }
}
