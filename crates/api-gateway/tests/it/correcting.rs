//! Giving records that failed other values, and trying them again with these: what the gateway notes, and whom it tells. That the
//! records hold them then is the dispatcher's.

use std::collections::BTreeSet;

use domain::access::Role;
use domain::id::{IntegrationId, LinkId};
use domain::message::Amended;
use persistence::Scope;
use persistence::records::links;
use reqwest::Method;
use serde_json::{Value, json};

use crate::connecting::connected;
use crate::failure_groups::two_alike;
use crate::pages::is_sound;
use crate::repair::{blocked, pushed, refused};
use crate::world::{World, token};

/// What records are to hold, by their links.
async fn asked(world: &World) -> Vec<String> {
    let query = "SELECT link_id || ' ' || fields::text || ' ' || asked_by FROM record_edits ORDER BY link_id";
    world.database.texts(query).await
}

/// The fingerprint of a link's failure.
async fn fingerprint(world: &World, link: LinkId) -> String {
    let query = format!("SELECT fingerprint FROM record_links WHERE id = '{link}'");
    world.database.texts(&query).await.remove(0)
}

async fn failures(world: &World, integration: IntegrationId) -> i64 {
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    links::count_failures(&mut tx, (world.tenant, integration), &links::Selection::default()).await.unwrap()
}

#[tokio::test]
async fn every_failed_record_of_a_group_is_given_a_value_before_it_is_tried_again() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration: IntegrationId = id.parse().unwrap();
    let mut group = [
        blocked(&world, integration, refused("PHONE")).await.1,
        blocked(&world, integration, refused("PHONE")).await.1,
    ];
    group.sort_unstable();
    let (_, other) = blocked(&world, integration, refused("EMAIL")).await;
    let (_, untied) = blocked(&world, integration, refused("PHONE")).await;
    world.database.execute(&format!("UPDATE record_links SET record_id = NULL WHERE id = '{untied}'")).await;
    let path = format!("/api/v1/integrations/{id}/failures/replay");
    let nobody = json!({ "fingerprint": "none", "values": { "city": "Lyon" } });
    assert_eq!(world.post(&path, nobody).await.body, json!({ "replayed": 0 }));

    let selected = fingerprint(&world, group[0]).await;
    assert_ne!(selected, fingerprint(&world, other).await);
    let wish = json!({ "fingerprint": selected, "values": { "phone": "06 12 34 56 78" } });
    let answer = world.post(&path, wish).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({ "replayed": 3 })), "{answer:?}");
    let given = |link: &LinkId| format!(r#"{link} {{"phone": "06 12 34 56 78"}} a test"#);
    assert_eq!(asked(&world).await, group.iter().map(given).collect::<Vec<_>>());
    let told: BTreeSet<_> = world.amended().await.into_iter().map(|amended| format!("{amended:?}")).collect();
    assert_eq!(told, group.iter().map(|link| format!("{:?}", Amended::Edit(*link))).collect::<BTreeSet<_>>());
    // What is tied to no record has nothing to be given, and the others are not tried before they hold it.
    assert_eq!(pushed(&world).await, BTreeSet::from([untied]));
    assert_eq!(failures(&world, integration).await, 3, "the group's two, and the one beside it");

    // A second value stays beside the first.
    world.post(&path, json!({ "link_id": group[0], "values": { "city": "Lyon" } })).await;
    let both = format!(r#"{} {{"city": "Lyon", "phone": "06 12 34 56 78"}} a test"#, group[0]);
    assert_eq!(asked(&world).await, [both, given(&group[1])]);
    world.stop().await;
}

/// The newest entry of the audit log.
async fn told(world: &World) -> Value {
    let log = world.call(Method::GET, "/api/v1/audit", Some(&world.token(Role::Admin)), None).await;
    log.body["data"][0].clone()
}

#[tokio::test]
async fn a_value_is_checked_is_told_without_itself_and_is_nobody_elses_to_give() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    blocked(&world, id.parse().unwrap(), refused("EMAIL")).await;
    let path = format!("/api/v1/integrations/{id}/failures/replay");
    for (wish, at) in [
        (json!({ "values": { "colour": "red" } }), "values.colour"),
        (json!({ "values": { "email": "nobody" } }), "values.email"),
        (json!({ "values": { "city": 7 } }), "values.city"),
        (json!({ "mapping": { "kind": "contact", "fields": [] }, "values": { "city": "Lyon" } }), "mapping"),
    ] {
        let refusal = world.post(&path, wish).await;
        refusal.is_problem(422, "invalid");
        assert_eq!(refusal.paths(), [at]);
    }
    let wish = json!({ "values": { "email": "zoe@exemple.fr" } });
    let stranger = token(world.other_tenant().await, Role::Admin, 600);
    world.call(Method::POST, &path, Some(&stranger), Some(wish.clone())).await.is_problem(404, "not_found");
    assert_eq!(asked(&world).await, Vec::<String>::new());

    assert_eq!(world.post(&path, wish).await.status, 202);
    assert_eq!(world.amended().await.len(), 1, "nobody was told of what was refused");
    let entry = told(&world).await;
    let changes = json!([{ "field": "failures", "before": 1, "after": 0 }, { "field": "email" }]);
    assert_eq!((&entry["action"], &entry["changes"]), (&json!("failures.replayed"), &changes), "{entry:#}");
    world.stop().await;
}

#[tokio::test]
async fn a_value_that_was_tried_on_the_page_is_applied_once_that_is_agreed_to() {
    let world = World::start().await;
    let (mut browser, tab, group) = two_alike(&world).await;
    assert!(!browser.get(&group).await.html.contains("Appliquer et rejouer"), "before anything was tried");

    let tried = [("field", "email"), ("value", "zoe@exemple.fr")];
    let page = browser.submit(&group, &group, &tried).await;
    assert_eq!(page.status, 200, "{page:?}");
    is_sound(&page, "fr");
    page.says("Ce qui partirait").says("Appliquer et rejouer 2 fiches");
    assert!(page.html.contains(r#"type="hidden" name="value" value="zoe@exemple.fr""#), "{page:?}");
    assert_eq!(asked(&world).await, Vec::<String>::new(), "a trial changes nothing");
    // A mapping is changed on its own page.
    let mapped = [tried[0], tried[1], ("remote", "email"), ("local", "company")];
    assert!(!browser.submit(&group, &group, &mapped).await.html.contains("Appliquer et rejouer"), "with a mapping");

    let done = browser.submit(&group, &group, &[tried[0], tried[1], ("sure", "1")]).await;
    assert_eq!(done.location(), format!("{tab}?said=replayed"), "{done:?}");
    assert_eq!(asked(&world).await.len(), 2);
    let wrong = browser.submit(&group, &group, &[tried[0], ("value", "nobody"), ("sure", "1")]).await;
    assert_eq!(wrong.status, 422, "{wrong:?}");
    is_sound(&wrong, "fr");
    world.stop().await;
}
