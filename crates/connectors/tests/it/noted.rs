//! Objects that carry our key in their text alone: what a create of ours left is found however many newer ones there are.

use std::time::Duration;

use connectors::account::{Account, Learnt};
use connectors::connector::{Create, Wanted};
use domain::kind::RecordKind::{self, Activity, Deal};
use domain::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, HUBSPOT, PIPEDRIVE, SALESFORCE, Stand, create, key, tried, wanted};

/// Makes an object of ours, and then imports so many like `row`. What nobody knows of is found all the same, and nothing else.
async fn is_found_behind(bench: &Bench, (kind, item): (RecordKind, Create), (shelf, row): (&str, Value), newer: usize) {
    let written = bench.writer().create(&bench.account, kind, &[item]).await.unwrap().remove(0).unwrap();
    let path = format!("{shelf}/import");
    bench.by_hand(Method::POST, &path, json!({"rows": vec![row; newer]})).await;
    let found = bench.reader().find(&bench.account, kind, &[tried(1), tried(2)], &[]).await.unwrap();
    let found: Vec<_> = found.iter().map(|object| object.as_ref().map(|object| &object.external_id)).collect();
    assert_eq!(found, [Some(&written.external_id), None], "{:?} {kind}", bench.account.platform);
}

#[tokio::test]
async fn what_a_create_left_is_found_behind_any_number_of_newer_objects() {
    let hubspot = Bench::bare_at(HUBSPOT).await;
    hubspot.faults(json!({"search_limit_per_s": null})).await;
    let deal = create(1, &[("dealname", "Rendez-vous")]);
    is_found_behind(&hubspot, (Deal, deal), ("deals", json!({"dealname": "Importée"})), 1_100).await;

    let salesforce = Bench::bare_at(SALESFORCE).await;
    salesforce.faults(json!({"no_key_field": true})).await;
    let deal = create(1, &[("Name", "Rendez-vous"), ("StageName", "Prospecting")]);
    let row = json!({"Name": "Importée", "StageName": "Prospecting", "CloseDate": "2026-12-31"});
    is_found_behind(&salesforce, (Deal, deal), ("Opportunity", row), 2_050).await;

    let pipedrive = Bench::bare_at(PIPEDRIVE).await;
    let call = create(1, &[("subject", "Appel")]);
    is_found_behind(&pipedrive, (Activity, call), ("activities", json!({"subject": "Importée"})), 2_050).await;
}

/// Makes a deal of ours where nobody knows of a field for our key. Once there is one, a process that has just begun finds that deal all the
/// same, and nothing else.
async fn is_found_beside_the_field(stand: Stand, deal: Create, [lacking, having]: [Value; 2]) {
    let bench = Bench::bare_at(stand).await;
    bench.faults(lacking).await;
    let written = bench.writer().create(&bench.account, Deal, &[deal]).await.unwrap().remove(0).unwrap();
    bench.faults(having).await;
    let account = Account { learnt: Learnt::default(), ..bench.account.clone() };
    assert!(bench.probe().prepare(&account).await.unwrap().keyed.contains(&Deal));
    let found = bench.reader().find(&account, Deal, &[tried(1), tried(2)], &[]).await.unwrap();
    let found: Vec<_> =
        found.iter().map(|object| object.as_ref().map(|object| (&object.external_id, object.key))).collect();
    assert_eq!(found, [Some((&written.external_id, Some(key(1)))), None], "{:?}", stand.platform);
    // Without such a create, all that is ours has its key in the field.
    assert_eq!(bench.reader().find(&account, Deal, &[wanted(1, &[])], &[]).await.unwrap(), [None]);
}

#[tokio::test]
async fn what_a_create_left_in_a_text_is_found_by_who_knows_a_field_for_our_key() {
    // Two make the field as they are made ready; in the third, an administrator does.
    let ready = || [json!({}), json!({})];
    is_found_beside_the_field(HUBSPOT, create(1, &[("dealname", "Rendez-vous")]), ready()).await;
    is_found_beside_the_field(PIPEDRIVE, create(1, &[("title", "Rendez-vous")]), ready()).await;
    let deal = create(1, &[("Name", "Rendez-vous"), ("StageName", "Prospecting")]);
    let switches = [true, false].map(|lacks| json!({ "no_key_field": lacks }));
    is_found_beside_the_field(SALESFORCE, deal, switches).await;
}

#[tokio::test]
async fn of_what_was_made_at_another_time_only_the_newest_are_looked_through() {
    let bench = Bench::bare_at(HUBSPOT).await;
    bench.account.learnt.put("key.deal", "lacking");
    bench.faults(json!({"search_limit_per_s": null})).await;
    let rows = vec![json!({"dealname": "Importée"}); 1_300];
    bench.by_hand(Method::POST, "deals/import", json!({ "rows": rows })).await;
    let begun = Timestamp::now().minus(Duration::from_secs(7_200));
    let earlier = Wanted { tried: Some(begun..=begun), ..wanted(1, &[]) };
    let before = bench.requests_of(HUBSPOT.account).await;
    assert_eq!(bench.reader().find(&bench.account, Deal, &[earlier], &[]).await.unwrap(), [None]);
    // One page of that time, in which nothing was made, and five of the newest.
    assert_eq!(bench.requests_of(HUBSPOT.account).await - before, 6);
}
