//! How it goes, and finding out why it does not: statistics, the logs' filters, one attempt, one group of failures.

use std::time::Duration;

use domain::access::Role;
use domain::fault::FaultKind;
use domain::id::{IntegrationId, LinkId, RecordId, SyncLogId, WebhookLogId};
use domain::kind::RecordKind;
use domain::link::LinkState;
use domain::outcome::{SyncError, SyncOutcome, SyncType, WebhookOutcome, WebhookResult};
use domain::time::Timestamp;
use persistence::records::links::Ending;
use persistence::{Scope, sync_logs, webhook_logs};
use serde_json::{Value, json};

use crate::connecting::connected;
use crate::pages::{Browser, is_sound};
use crate::repair::{blocked, settled};
use crate::world::World;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

pub(crate) fn attempt(world: &World, integration: IntegrationId, minutes_ago: u64) -> SyncOutcome {
    SyncOutcome {
        id: SyncLogId::new(),
        created_at: Timestamp::now().minus(Duration::from_mins(minutes_ago)),
        tenant_id: world.tenant,
        integration_id: integration,
        link_id: LinkId::new(),
        record_id: Some(RecordId::new()),
        kind: RecordKind::Contact,
        sync_type: SyncType::Update,
        external_id: None,
        error: None,
        request: None,
        response: None,
        changes: std::collections::BTreeMap::new(),
        duration_ms: 40,
        attempt: 1,
        correlation_id: "abc".to_owned(),
    }
}

pub(crate) fn error(message: &str) -> Option<SyncError> {
    Some(SyncError { class: FaultKind::Invalid, code: "BAD_100%".to_owned(), message: message.to_owned() })
}

pub(crate) async fn write(world: &World, rows: &[SyncOutcome]) {
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    sync_logs::insert_batch(&mut tx, rows).await.unwrap();
    tx.commit().await.unwrap();
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn attempts_are_found_by_everything_that_one_might_know_of_them() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let (mut plain, mut failed, mut old) =
        (attempt(&world, integration, 1), attempt(&world, integration, 2), attempt(&world, integration, 60 * 24 * 9));
    plain.kind = RecordKind::Deal;
    plain.correlation_id = TRACE.to_owned();
    failed.error = error("zoe_1@example.fr is taken");
    failed.sync_type = SyncType::Read;
    old.error = error("zoe_1@example.fr is taken");
    write(&world, &[plain.clone(), failed.clone(), old.clone()]).await;

    let path = format!("/api/v1/integrations/{id}/logs");
    let fingerprint =
        failed.error.as_ref().unwrap().fingerprint().replace('%', "%25").replace('#', "%23").replace(' ', "%20");
    let hour_ago = Timestamp::now().minus(Duration::from_hours(1));
    let cases = [
        ("kind=deal".to_owned(), vec![&plain]),
        ("direction=from_platform".to_owned(), vec![&failed]),
        (format!("since={hour_ago}"), vec![&plain, &failed]),
        (format!("until={hour_ago}"), vec![&old]),
        (format!("record_id={}", old.record_id.unwrap()), vec![&old]),
        (format!("fingerprint={fingerprint}"), vec![&failed, &old]),
        (format!("q={}", plain.record_id.unwrap()), vec![&plain]),
        (format!("q={}&status=failed", plain.record_id.unwrap()), vec![]),
        (format!("q={}", failed.link_id), vec![&failed]),
        (format!("q={TRACE}"), vec![&plain]),
        // Words are looked for in the last days, unless another time is named.
        ("q=ZOE_1@example".to_owned(), vec![&failed]),
        (format!("q=zoe_1&until={hour_ago}&since={}", old.created_at.minus(Duration::from_hours(1))), vec![&old]),
        // Neither is a wildcard.
        ("q=zoeX1".to_owned(), vec![]),
        ("q=zoe%251".to_owned(), vec![]),
        ("q=bad_100%25".to_owned(), vec![&failed]),
        ("q=%00".to_owned(), vec![&failed]),
    ];
    for (query, expected) in cases {
        let found = world.get(&format!("{path}?{query}")).await;
        let expected: Vec<_> = expected.iter().map(|row| row.id.to_string()).collect();
        assert_eq!(ids(&found.body["data"]), expected, "{query}: {found:?}");
    }
    for query in ["q=x&since=2026-01-01T00:00:00Z", "kind=x", "direction=up", "since=x", "record_id=x"] {
        world.get(&format!("{path}?{query}")).await.is_problem(422, "invalid");
    }
    let first = world.get(&format!("{path}?q=zoe_1&limit=1")).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    assert_eq!(world.get(&format!("{path}?q=zoe_1&limit=1&cursor={cursor}")).await.body["data"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn an_object_is_found_by_the_platforms_id_of_it() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let refused = SyncError { class: FaultKind::Invalid, code: "X".to_owned(), message: "no".to_owned() };
    let state = LinkState { external_id: Some("501".to_owned()), ..LinkState::default() };
    let ending = Ending::Blocked { error: refused };
    let (_, link) = settled(&world, integration, &[("email", "zoe@example.fr")], (state, ending)).await;
    let mut row = attempt(&world, integration, 1);
    row.link_id = link;
    write(&world, &[row.clone(), attempt(&world, integration, 1)]).await;
    let found = world.get(&format!("/api/v1/integrations/{id}/logs?q=501")).await;
    assert_eq!(ids(&found.body["data"]), [row.id.to_string()], "{found:?}");
    world.stop().await;
}

#[tokio::test]
async fn one_attempt_is_shown_with_those_before_it_and_all_that_its_trace_led_to() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration: IntegrationId = id.parse().unwrap();
    let rows: Vec<_> = [3, 2, 1]
        .map(|minutes| SyncOutcome { correlation_id: format!("{minutes}"), ..attempt(&world, integration, minutes) })
        .into();
    let link_id = rows[0].link_id;
    let mut rows: Vec<_> = rows.into_iter().map(|row| SyncOutcome { link_id, ..row }).collect();
    let change = json!({ "company": { "before": "Ancienne", "after": null } });
    rows[1].changes = serde_json::from_value(change).unwrap();
    let other = SyncOutcome { correlation_id: "2".to_owned(), ..attempt(&world, integration, 5) };
    write(&world, &[rows.clone(), vec![other.clone()]].concat()).await;
    let delivery = WebhookOutcome {
        id: WebhookLogId::new(),
        created_at: Timestamp::now().minus(Duration::from_mins(6)),
        platform: "hubspot".parse().unwrap(),
        tenant_id: Some(world.tenant),
        integration_id: Some(integration),
        delivery_id: Some("evt-1".to_owned()),
        result: WebhookResult::Applied { marked: 1 },
        body: Some(json!([{ "objectId": 501 }])),
        correlation_id: "2".to_owned(),
    };
    let mut tx = world.worker().begin(Scope::System).await.unwrap();
    webhook_logs::insert_batch(&mut tx, std::slice::from_ref(&delivery)).await.unwrap();
    tx.commit().await.unwrap();

    let base = format!("/api/v1/integrations/{id}");
    let shown = world.get(&format!("{base}/logs/{}", rows[1].id)).await;
    assert_eq!((shown.status.as_u16(), &shown.body["id"]), (200, &json!(rows[1].id)), "{shown:?}");
    assert_eq!(shown.body["changes"], json!({ "company": { "before": "Ancienne", "after": null } }));
    assert_eq!(shown.body["before"][0]["changes"], json!({}));
    assert_eq!(ids(&shown.body["before"]), [rows[0].id.to_string()]);
    assert_eq!(ids(&shown.body["trace"]["attempts"]), [other.id.to_string()]);
    assert_eq!(ids(&shown.body["trace"]["deliveries"]), [delivery.id.to_string()]);

    let listed = world.get(&format!("{base}/webhook-logs?outcome=applied")).await;
    assert_eq!(ids(&listed.body["data"]), [delivery.id.to_string()], "{listed:?}");
    assert_eq!(world.get(&format!("{base}/webhook-logs?outcome=refused")).await.body["data"], json!([]));
    let shown = world.get(&format!("{base}/webhook-logs/{}", delivery.id)).await;
    assert_eq!(shown.body["body"], json!([{ "objectId": 501 }]), "{shown:?}");
    assert_eq!(ids(&shown.body["trace"]["attempts"]), [other.id.to_string(), rows[1].id.to_string()]);
    world.stop().await;
}

#[tokio::test]
async fn failures_are_replayed_one_by_one_by_time_and_only_counted_in_a_dry_run() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let refused = || error("7/8: é is not valid").unwrap();
    let (record, first) = blocked(&world, id.parse().unwrap(), refused()).await;
    let (_, second) = blocked(&world, id.parse().unwrap(), refused()).await;
    let path = format!("/api/v1/integrations/{id}/failures");
    let listed = world.get(&path).await;
    let fingerprint = listed.body["data"][0]["fingerprint"].as_str().unwrap();
    let mut encoded = url::form_urlencoded::byte_serialize(fingerprint.as_bytes()).collect::<String>();
    encoded = encoded.replace('+', "%20");
    let group = world.get(&format!("{path}/{encoded}?limit=1")).await;
    assert_eq!((group.status.as_u16(), &group.body["count"]), (200, &json!(2)), "{group:?}");
    assert_eq!(group.body["data"][0]["record_id"], json!(record));
    let cursor = group.body["next_cursor"].as_str().unwrap();
    let rest = world.get(&format!("{path}/{encoded}?limit=1&cursor={cursor}")).await;
    assert_eq!(rest.body["data"][0]["link_id"], json!(second), "{rest:?}");
    world.get(&format!("{path}/nothing")).await.is_problem(404, "not_found");

    let replay = async |body: Value| {
        let answer = world.post(&format!("{path}/replay"), body).await;
        (answer.status.as_u16(), answer.body["replayed"].as_i64().unwrap())
    };
    assert_eq!(replay(json!({ "dry_run": true })).await, (200, 2));
    assert_eq!(replay(json!({ "until": "2020-01-01T00:00:00Z" })).await, (202, 0));
    assert_eq!(replay(json!({ "link_id": first })).await, (202, 1));
    assert_eq!(replay(json!({ "since": "2020-01-01T00:00:00Z", "dry_run": true })).await, (200, 1));
    assert_eq!(replay(json!({ "since": "2020-01-01T00:00:00Z" })).await, (202, 1));
    assert_eq!(world.get(&path).await.body["data"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn statistics_tell_how_one_integration_and_how_all_of_them_do() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let mut failed = attempt(&world, integration, 0);
    failed.error = error("no");
    write(&world, &[attempt(&world, integration, 0), attempt(&world, integration, 0), failed]).await;
    for path in ["/api/v1/stats".to_owned(), format!("/api/v1/integrations/{id}/stats")] {
        for (period, buckets) in [("24h", 24), ("7d", 7), ("30d", 30)] {
            let stats = world.get(&format!("{path}?period={period}")).await;
            assert_eq!((stats.status.as_u16(), &stats.body["attempts"]), (200, &json!(3)), "{stats:?}");
            assert_eq!(stats.body["buckets"].as_array().unwrap().len(), buckets);
            assert_eq!((&stats.body["period"], &stats.body["time_zone"]), (&json!(period), &json!("Europe/Paris")));
            assert_eq!(stats.body["by_kind"], json!([{ "name": "contact", "success": 2, "failed": 1 }]));
            assert_eq!(
                (&stats.body["top_errors"][0]["count"], &stats.body["duration_ms"]["p50"]),
                (&json!(1), &json!(43))
            );
        }
        world.get(&format!("{path}?period=1y")).await.is_problem(422, "invalid");
    }
    world.stop().await;
}

#[tokio::test]
async fn each_chart_of_a_page_has_its_table_and_each_part_its_bar_in_both_languages() {
    let world = World::start().await;
    let id = connected(&world, "pat-eu1-4242-demo").await;
    let integration = id.parse().unwrap();
    let mut failed = attempt(&world, integration, 0);
    failed.error = error("no");
    write(&world, &[attempt(&world, integration, 0), failed]).await;
    let mut browser = Browser::of(&world, Role::Viewer).await;
    for (language, words) in
        [("fr", ["Durée : médiane, et 95 %", "Médiane"]), ("en", ["Duration: median, and 95%", "Median"])]
    {
        browser.language = language;
        for page in [format!("/dashboard/integrations/{id}"), "/dashboard/activity".to_owned()] {
            let page = browser.get(&format!("{page}?period=30d")).await;
            is_sound(&page, language);
            for said in words {
                page.says(said);
            }
            page.says("43 ms</td>").says("<rect class=\"half\"");
            for table in ["volume-table", "duration-table", "drift-table"] {
                page.says(&format!("<details id=\"{table}\">"));
            }
            // One of each kind, of each direction and of each error.
            assert_eq!(page.html.matches("<td class=\"spare bar\"><svg").count(), 3, "{}", page.html);
        }
    }
    world.stop().await;
}
