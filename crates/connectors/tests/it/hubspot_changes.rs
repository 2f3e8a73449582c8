//! Listing what changed and what was archived.

use std::collections::BTreeSet;

use connectors::connector::{Cursor, Update};
use domain::fault::FaultKind;
use domain::kind::RecordKind::{Contact, Deal};

use serde_json::json;

use crate::bench::{Bench, create, fields, key, names};

/// Every id that a listing shows from a cursor on, and where the next begins.
async fn listed(bench: &Bench, mut cursor: Option<Cursor>) -> (BTreeSet<String>, Cursor) {
    let mut ids = BTreeSet::new();
    loop {
        let page = bench.changes().list(&bench.account, Contact, cursor, &names(&["lastname"])).await.unwrap();
        ids.extend(page.objects.into_iter().map(|object| object.external_id));
        if !page.more {
            return (ids, page.next);
        }
        cursor = Some(page.next);
    }
}

#[tokio::test]
async fn lists_everything_and_then_what_changed() {
    let bench = Bench::ready().await;
    let people: Vec<_> = (1..=450).map(|n| create(n, &[("lastname", &format!("Nom {n}"))])).collect();
    let each = bench.writer().create(&bench.account, Contact, &people).await.unwrap();
    let made: BTreeSet<String> = each.into_iter().map(|result| result.unwrap().external_id).collect();
    let (ids, next) = listed(&bench, None).await;
    assert_eq!(ids, made);

    let changed = made.first().unwrap().clone();
    let update = Update { external_id: changed.clone(), fields: fields(&[("lastname", "Autre")]) };
    bench.writer().update(&bench.account, Contact, &[update]).await.unwrap()[0].as_ref().unwrap();
    let (ids, _) = listed(&bench, Some(next)).await;
    assert!(ids.contains(&changed));
}

#[tokio::test]
async fn lists_more_than_one_search_shows_and_more_of_one_moment_than_a_page_holds() {
    let bench = Bench::ready().await;
    bench.faults(json!({"search_limit_per_s": null})).await;
    let people: Vec<_> =
        (0..10_300).map(|n| json!({"lastname": format!("Nom {n}"), "email": format!("p{n}@x.fr")})).collect();
    for rows in people.chunks(500) {
        bench.import_contacts(rows).await;
    }
    let page = bench.changes().list(&bench.account, Contact, None, &names(&["lastname"])).await.unwrap();
    assert_eq!(page.total, Some(10_300));
    let (ids, _) = listed(&bench, None).await;
    assert_eq!(ids.len(), 10_300);
}

#[tokio::test]
async fn a_listed_object_carries_our_key_and_its_values() {
    let bench = Bench::ready().await;
    bench.writer().create(&bench.account, Contact, &[create(7, &[("lastname", "Martin")])]).await.unwrap();
    let page = bench.changes().list(&bench.account, Contact, None, &names(&["lastname"])).await.unwrap();
    let object = &page.objects[0];
    assert_eq!((object.key, &object.fields), (Some(key(7)), &fields(&[("lastname", "Martin")])));
    assert!(object.modified_at.is_some());
}

#[tokio::test]
async fn lists_what_was_archived_page_by_page() {
    let bench = Bench::ready().await;
    let deals: Vec<_> = (1..=130).map(|n| create(n, &[("dealname", "Rendez-vous")])).collect();
    let each = bench.writer().create(&bench.account, Deal, &deals).await.unwrap();
    let mut ids: Vec<String> = each.into_iter().map(|result| result.unwrap().external_id).collect();
    let kept = ids.pop().unwrap();
    let each = bench.writer().delete(&bench.account, Deal, &ids).await.unwrap();
    assert!(each.iter().all(Result::is_ok));

    let (mut gone, mut cursor) = (BTreeSet::new(), None);
    loop {
        let page = bench.changes().list_deleted(&bench.account, Deal, cursor).await.unwrap();
        assert!(page.ids.iter().all(|(_, at)| at.is_some()));
        gone.extend(page.ids.into_iter().map(|(id, _)| id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(gone, ids.into_iter().collect());
    assert!(!gone.contains(&kept));
}

#[tokio::test]
async fn a_cursor_of_somebody_else_is_refused() {
    let bench = Bench::ready().await;
    let cursor = Some(Cursor("page=2".to_owned()));
    let error = bench.changes().list(&bench.account, Contact, cursor, &[]).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Invalid, "foreign_cursor"));
}
