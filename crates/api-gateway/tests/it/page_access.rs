//! Every page and form below an integration, asked for by nobody, by the wrong one, and by another tenant.

use std::collections::BTreeSet;

use domain::access::Role;

use crate::access::belongings;
use crate::connecting::connected;
use crate::pages::Browser;
use crate::world::{World, token};

/// Every page and form below one integration, with what stands behind its path.
const PAGES: &[&str] = &[
    "",
    "/logs",
    "/logs/{log}",
    "/failures",
    "/failures/{fingerprint}",
    "/fields",
    "/data",
    "/data/{record}",
    "/webhooks",
    "/webhooks/{delivery}",
    "/settings",
];
const FORMS: &[&str] = &[
    "/enable",
    "/disable",
    "/test",
    "/begin",
    "/sync",
    "/runs/{run}/cancel",
    "/runs/{run}/confirm",
    "/consent",
    "/logs/{log}/replay",
    "/failures",
    "/failures/{fingerprint}",
    "/fields",
    "/fields/reset",
    "/fields/refresh",
    "/data/{record}/decide",
    "/data/{record}/erase",
    "/webhooks/rotate",
    "/settings",
    "/settings/workflow-secret",
    "/disconnect",
    "/delete",
];

/// The pages and forms of an integration by their addresses, with what of its belongings they name.
fn addresses(paths: &[&str], id: &str, theirs: &[(&'static str, String)]) -> Vec<String> {
    let at = |page: &&str| {
        let path = page.replace("/data/{record}", "/data/records/{id}");
        let path = theirs.iter().fold(path, |path, (name, named)| path.replace(name, named));
        format!("/dashboard/integrations/{id}{}", path.replace("/data/records/", "/data/"))
    };
    paths.iter().map(at).collect()
}

/// Every page below an integration.
pub(crate) async fn pages_of(world: &World, id: &str) -> Vec<String> {
    addresses(PAGES, id, &belongings(world, id).await)
}

#[test]
fn no_page_below_an_integration_is_left_out() {
    let sources =
        ["src/pages", "src/pages/integration"].map(|folder| format!("{}/{folder}", env!("CARGO_MANIFEST_DIR")));
    let entries = sources.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let code: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for (attribute, known) in [("#[get(\"/integrations/{id}", PAGES), ("#[post(\"/integrations/{id}", FORMS)] {
        let routes: BTreeSet<_> = code.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(routes, known.iter().copied().collect::<BTreeSet<_>>(), "{attribute}");
    }
}

#[tokio::test]
async fn every_page_is_for_those_who_may_look_and_every_form_for_those_who_may_change() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let theirs = belongings(&world, &id).await;
    let home = format!("/dashboard/integrations/{id}");
    let mut nobody = Browser::new(&world);
    let (mut viewer, mut service) = (Browser::of(&world, Role::Viewer).await, Browser::new(&world));
    let mut stranger = Browser::new(&world);
    let other = token(world.other_tenant().await, Role::Admin, 600);
    assert_eq!(stranger.send("/dashboard/login", &[("token", &other)]).await.status, 303);
    service.send("/dashboard/login", &[("token", &world.token(Role::Service))]).await;
    for path in addresses(PAGES, &id, &theirs) {
        let sent = nobody.get(&path).await;
        assert!(sent.status == 303 && sent.location().starts_with("/dashboard/login"), "{path}: {sent:?}");
        assert_eq!(viewer.get(&path).await.status, 200, "{path}");
        assert_ne!(service.get(&path).await.status, 200, "{path}");
        assert_eq!(stranger.get(&path).await.status, 404, "{path}");
    }
    let everything = async || testkit::dump(&world.database.url()).await;
    let before = everything().await;
    for path in addresses(FORMS, &id, &theirs) {
        assert_eq!(nobody.send(&path, &[("csrf", "x")]).await.status, 303, "{path}");
        assert_eq!(viewer.submit(&home, &path, &[]).await.status, 403, "{path}");
        assert_eq!(stranger.submit("/dashboard/integrations", &path, &[]).await.status, 404, "{path}");
    }
    assert_eq!(everything().await, before, "somebody changed what is not theirs to change");
    world.stop().await;
}

#[tokio::test]
async fn a_large_form_is_read_of_whoever_is_logged_in_and_of_nobody_else() {
    let world = World::start().await;
    let mut known = Browser::of(&world, Role::Viewer).await;
    let (mut nobody, mut forger) = (Browser::new(&world), Browser::new(&world));
    let forged = |(name, value): &(String, String)| (name.clone(), value.chars().rev().collect::<String>());
    forger.cookies = known.cookies.iter().map(forged).collect();
    let large = "x".repeat(100_000);
    let form = [("theme", "dark"), ("back", large.as_str())];
    // Who shows a session that there is not is led to the login.
    for (stranger, answered) in [(&mut nobody, 413), (&mut forger, 303)] {
        assert_eq!(stranger.send("/dashboard/preferences", &form).await.status, answered);
        assert_eq!(stranger.send("/dashboard/preferences", &[("theme", "dark")]).await.status, 303);
    }
    assert_eq!(known.send("/dashboard/preferences", &form).await.status, 303);
    world.stop().await;
}
