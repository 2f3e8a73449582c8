//! The page of one attempt: what it changed, field by field, as people read it.

use domain::access::Role;
use domain::field::FieldValue;
use domain::id::{IntegrationId, RecordId};
use domain::outcome::{SyncOutcome, SyncType, ValueChange};
use domain::time::Timestamp;
use persistence::{Scope, sync_logs};
use serde_json::json;

use crate::connecting::connected;
use crate::pages::{Browser, is_sound};
use crate::repair::{outcome, refused};
use crate::statistics::write;
use crate::world::World;

#[tokio::test]
async fn an_attempt_shows_each_field_before_and_after() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration: IntegrationId = id.parse().unwrap();
    let at = |minute: u8, error| outcome(&world, integration, &format!("2026-11-22T10:{minute}:00Z"), error);
    let changes = |json| serde_json::from_value(json).unwrap();
    let record = RecordId::new();
    let outward = SyncOutcome {
        sync_type: SyncType::Update,
        record_id: Some(record),
        changes: changes(json!({ "jobtitle": { "before": "Gérante", "after": "<b>Directrice</b>" },
            "tags": { "before": null, "after": ["vip", "rappel"] } })),
        ..at(10, None)
    };
    let inward = SyncOutcome {
        sync_type: SyncType::Read,
        changes: changes(json!({ "job_title": { "before": "Gérante", "after": null } })),
        ..at(11, None)
    };
    let in_vain = SyncOutcome { error: Some(refused("PHONE")), ..outward.clone() };
    let in_vain = SyncOutcome { id: domain::id::SyncLogId::new(), ..in_vain };
    let old = at(12, None);
    let long = ValueChange { before: FieldValue::Null, after: FieldValue::text("é".repeat(300)) };
    let large = SyncOutcome {
        sync_type: SyncType::Update,
        changes: (0..200).map(|n| (format!("note_{n:03}"), long.clone())).collect(),
        ..at(13, None)
    };
    let rows = [outward, inward, in_vain, old, large];
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();

    let mut browser = Browser::of(&world, Role::Viewer).await;
    let mut pages = Vec::new();
    for row in &rows {
        let page = browser.get(&format!("/dashboard/integrations/{id}/logs/{}", row.id)).await;
        is_sound(&page, "fr");
        pages.push(page);
    }
    let cells = |name: &str, before: &str, after: &str| {
        format!("{name}</th><td class=\"error-text muted\">{before}</td><td class=\"error-text\">{after}</td>")
    };
    pages[0].says("Ce qui a changé").says(&cells("tags", "–", "vip;rappel"));
    pages[0].says(&cells("jobtitle", "Gérante", "&#60;b&#62;Directrice&#60;/b&#62;"));
    pages[0].says(&format!("<a href=\"/dashboard/integrations/{id}/data/{record}\"><code>{record}"));
    pages[0].says("<code id=\"reference\">abc</code>").says("data-copy=\"reference\"");
    pages[1].says("Ce qui a changé").says(&cells("Fonction", "Gérante", "–"));
    pages[2].says("Ce qui devait changer");
    assert!(!pages[3].html.contains("id=\"changed\""), "{}", pages[3].html);
    assert!(!pages[0].html.contains("pas gardé"), "{}", pages[0].html);
    let told = world.get(&format!("/api/v1/integrations/{id}/logs/{}", rows[4].id)).await;
    let left_out = 200 - told.body["changes"].as_object().unwrap().len();
    assert_eq!(told.body["changes_left_out"], left_out);
    pages[4].says(&format!("{left_out} autres champs ne sont pas gardés"));
    world.stop().await;
}

#[tokio::test]
async fn attempts_of_a_time_are_found_on_the_page_by_the_readers_clock() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration: IntegrationId = id.parse().unwrap();
    // In Paris, 11 and 12 o'clock.
    let rows = ["2026-11-02T10:00:00Z", "2026-11-02T11:00:00Z"]
        .map(|at| outcome(&world, integration, at, Some(refused("PHONE"))));
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, &rows).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/dashboard/integrations/{id}/logs");
    let mut browser = Browser::of(&world, Role::Viewer).await;
    for (query, shown) in [
        ("", [true, true]),
        ("?since=2026-11-02T11:30", [false, true]),
        ("?until=2026-11-02T11:30", [true, false]),
        ("?since=2026-11-02T10:30&until=2026-11-02T11:30", [true, false]),
        ("?q=phone", [false, false]),
        ("?q=phone&since=2026-11-01T00:00&until=2026-11-03T00:00", [true, true]),
        ("?since=%3Cb%3E", [false, false]),
        ("?q=phone&since=2026-01-01T00:00", [false, false]),
    ] {
        let page = browser.get(&format!("{path}{query}")).await;
        assert_eq!(page.status, 200, "{query}: {page:?}");
        is_sound(&page, "fr");
        let is_shown = rows.each_ref().map(|row| page.html.contains(&format!("{path}/{}\"", row.id)));
        assert_eq!(is_shown, shown, "{query}: {}", page.html);
    }
    browser.get(&format!("{path}?q=phone")).await.says("dans les 7 derniers jours");
    let page = browser.get(&format!("{path}?q=phone&until=2026-10-25T00:00")).await;
    page.says("qui précèdent la date de fin");
    let behind_all = format!("{path}?q=phone&cursor=2026-01-01T00:00:00Z~x");
    browser.get(&behind_all).await.says("Il n'y a rien de plus ancien.").says("dans les 7 derniers jours");
    // What moves by itself can be halted.
    browser.get(&path).await.says("En direct").says("data-pause=\"Reprendre\">Mettre en pause");
    // Who finds something is told as well that there may be more before.
    write(&world, &[outcome(&world, integration, &Timestamp::now().to_string(), Some(refused("PHONE")))]).await;
    browser.get(&format!("{path}?q=phone")).await.says("PHONE is not valid").says("dans les 7 derniers jours");
    let page = browser.get(&format!("{path}?q=phone&until=2026-11-03T00:00&since=2026-11-01T00:00")).await;
    assert!(!page.html.contains("dans les 7 derniers jours"), "{page:?}");
    let page = browser.get(&format!("{path}?since=%3Cb%3E&status=failed")).await;
    page.says("Donnez une date et une heure.").says("aria-invalid=\"true\"").says("value=\"failed\" selected");
    browser.language = "en";
    let page = browser.get(&format!("{path}?q=phone&since=2026-01-01T00:00")).await;
    is_sound(page.says("Words are looked for over 31 days only").says("value=\"2026-01-01T00:00\""), "en");
    world.stop().await;
}
