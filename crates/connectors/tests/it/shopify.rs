//! Shopify's customers, products and orders, against its stand-in.

use std::time::Duration;

use connectors::connector::{Create, Tie, Update};
use connectors::discovery::RemoteFieldType;
use domain::credentials::Credentials;
use domain::fault::FaultKind;
use domain::field::FieldValue;
use domain::kind::RecordKind::{self, Contact, Deal, Order, Product};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, SHOPIFY, create, fields, key, names, wanted};

async fn one(bench: &Bench, kind: RecordKind, item: Create) -> String {
    bench.writer().create(&bench.account, kind, &[item]).await.unwrap().remove(0).unwrap().external_id
}

async fn shown(bench: &Bench, kind: RecordKind, id: &str, asked: &[&str]) -> domain::field::RemoteFields {
    let read = bench.reader().read(&bench.account, kind, &[id.to_owned()], &names(asked)).await.unwrap();
    read.into_iter().next().flatten().unwrap().fields
}

#[tokio::test]
async fn a_test_says_which_shop_it_is_and_a_wrong_token_what_is_wrong() {
    let mut bench = Bench::bare_at(SHOPIFY).await;
    let found = bench.probe().test(&bench.account).await.unwrap();
    assert_eq!((found.account_id.as_str(), found.name.as_str()), ("acme.myshopify.com", "Boutique acme"));
    assert_eq!(found.details["currency"], "EUR");
    let token = "shpat_not-of-this-shop";
    bench.account.credentials = Credentials::Bearer { access_token: token.to_owned().into() };
    let error = bench.probe().test(&bench.account).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Unauthorized, "invalid_token"));
    assert!(!format!("{error:?} {:?}", bench.account).contains(token));
}

#[tokio::test]
async fn every_kind_is_made_ready_once_and_again() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let prepared = bench.probe().prepare(&bench.account).await.unwrap();
    assert_eq!(prepared.keyed, [Contact, Product, Order]);
}

#[tokio::test]
async fn a_customer_is_created_once_whoever_asks_again_with_an_address_of_its_own() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let item = create(1, &[("email", "zoe@x.fr"), ("firstName", "Zoé"), ("defaultAddress.city", "Brest")]);
    let written =
        bench.writer().create(&bench.account, Contact, std::slice::from_ref(&item)).await.unwrap().remove(0).unwrap();
    assert!(written.created && written.modified_at.is_some());
    assert_eq!(written.shown, item.fields);
    let again = bench.writer().create(&bench.account, Contact, &[item]).await.unwrap().remove(0).unwrap();
    assert_eq!((again.external_id.as_str(), again.created), (written.external_id.as_str(), false));
    assert_eq!(bench.created("customers").await, 1);
    let found = bench.reader().find(&bench.account, Contact, &[wanted(1, &[]), wanted(2, &[])], &[]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().key, Some(key(1)));
    assert!(found[1].is_none());
}

#[tokio::test]
async fn a_shop_that_does_not_know_our_key_yet_is_taught_it_by_the_first_look() {
    let bench = Bench::bare_at(SHOPIFY).await;
    assert!(bench.reader().find(&bench.account, Contact, &[wanted(1, &[])], &[]).await.unwrap()[0].is_none());
    one(&bench, Contact, create(1, &[("email", "zoe@x.fr")])).await;
    one(&bench, Product, create(2, &[("title", "Tasse")])).await;
    assert_eq!((bench.created("customers").await, bench.created("products").await), (1, 1));
}

#[tokio::test]
async fn somebody_who_was_there_before_us_is_found_by_address_and_by_number_and_taken_over() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let zoe = bench.by_hand(Method::POST, "customers", json!({"email": "zoe@x.fr", "note": "Fidèle"})).await;
    let paul = bench.by_hand(Method::POST, "customers", json!({"firstName": "Paul", "phone": "+33612345678"})).await;
    let searched = [wanted(1, &[("email", "Zoe@x.fr")]), wanted(2, &[("phone", "06 12 34 56 78")])];
    let found = bench.reader().find(&bench.account, Contact, &searched, &[]).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|found| found.as_ref().unwrap().external_id.as_str()).collect();
    assert_eq!(ids, [zoe["id"].as_str().unwrap(), paul["id"].as_str().unwrap()]);
    let taken = one(&bench, Contact, create(1, &[("email", "zoe@x.fr"), ("firstName", "Zoé")])).await;
    assert_eq!(taken, ids[0]);
    let zoe = shown(&bench, Contact, &taken, &["firstName", "note"]).await;
    assert_eq!(zoe, fields(&[("firstName", "Zoé"), ("note", "Fidèle")]));
}

#[tokio::test]
async fn a_change_writes_what_it_names_and_leaves_the_rest_of_an_address_alone() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let item = create(1, &[("email", "a@x.fr"), ("defaultAddress.city", "Brest"), ("defaultAddress.zip", "29200")]);
    let id = one(&bench, Contact, item).await;
    let mut change =
        fields(&[("lastName", "Durand"), ("defaultAddress.city", "Lyon"), ("metafields.custom.tier", "or")]);
    change.insert("note".to_owned(), FieldValue::Null);
    let updates = [
        Update { external_id: id.clone(), fields: change.clone() },
        Update { external_id: "999999".to_owned(), fields: fields(&[("note", "x")]) },
    ];
    let each = bench.writer().update(&bench.account, Contact, &updates).await.unwrap();
    assert_eq!(each[0].as_ref().unwrap().shown, change);
    assert_eq!(each[1].as_ref().unwrap_err().kind, FaultKind::NotFound);
    assert_eq!(
        shown(&bench, Contact, &id, &["defaultAddress.zip"]).await["defaultAddress.zip"],
        FieldValue::text("29200")
    );
    let mut cleared = fields(&[]);
    cleared.insert("metafields.custom.tier".to_owned(), FieldValue::Null);
    let update = Update { external_id: id, fields: cleared.clone() };
    let each = bench.writer().update(&bench.account, Contact, &[update]).await.unwrap();
    assert_eq!(each[0].as_ref().unwrap().shown, cleared);
}

#[tokio::test]
async fn what_a_shop_finds_fault_with_concerns_that_one_only_and_says_what_it_is() {
    let bench = Bench::ready_at(SHOPIFY).await;
    one(&bench, Contact, create(1, &[("email", "a@x.fr")])).await;
    let id = one(&bench, Contact, create(2, &[("firstName", "Paul")])).await;
    let updates = [
        Update { external_id: id.clone(), fields: fields(&[("email", "a@x.fr")]) },
        Update { external_id: id.clone(), fields: fields(&[("phone", "12")]) },
        Update { external_id: id, fields: fields(&[("note", "x")]) },
    ];
    let each = bench.writer().update(&bench.account, Contact, &updates).await.unwrap();
    let error = |n: usize| each[n].as_ref().map(|_| ()).map_err(|error| (error.kind, error.message.clone()));
    assert_eq!(error(0), Err((FaultKind::Conflict, "Email has already been taken".to_owned())));
    assert_eq!(error(1), Err((FaultKind::Invalid, "Phone is invalid".to_owned())));
    assert_eq!(error(2), Ok(()));
}

#[tokio::test]
async fn a_product_has_the_price_and_the_sku_of_its_first_variant_and_is_found_by_it() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let id = one(&bench, Product, create(1, &[("title", "Tasse"), ("variant.sku", "T-1"), ("variant.price", "10.50")]))
        .await;
    one(&bench, Product, create(2, &[("title", "Autre"), ("variant.sku", "T-10")])).await;
    let tasse = shown(&bench, Product, &id, &["variant.price", "totalInventory", "status"]).await;
    assert_eq!(tasse["variant.price"].to_plain_text(), "10.5");
    assert_eq!(tasse["status"], FieldValue::text("ACTIVE"));
    let searched = [wanted(9, &[("variant.sku", "T-1")]), wanted(8, &[("variant.sku", "T")])];
    let found = bench.reader().find(&bench.account, Product, &searched, &[]).await.unwrap();
    assert_eq!((found[0].as_ref().unwrap().external_id.clone(), found[1].is_none()), (id, true));
}

#[tokio::test]
async fn an_order_names_its_customer_and_can_be_another_s() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let zoe = one(&bench, Contact, create(1, &[("email", "zoe@x.fr")])).await;
    let paul = one(&bench, Contact, create(2, &[("email", "paul@x.fr")])).await;
    let order = Create { contact: Some(zoe.clone()), ..create(3, &[("note", "Sonner"), ("total", "7")]) };
    let id = one(&bench, Order, order).await;
    let looked_for = [wanted(3, &[]), wanted(4, &[])];
    let found = bench.reader().find(&bench.account, Order, &looked_for, &names(&["note"])).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|order| order.map(|order| order.external_id)).collect();
    assert_eq!(found, [Some(id.clone()), None]);
    let read = async || {
        let asked = names(&["name", "total", "note"]);
        bench.reader().read(&bench.account, Order, std::slice::from_ref(&id), &asked).await.unwrap().remove(0).unwrap()
    };
    let order = read().await;
    assert_eq!((order.contact.as_deref(), order.key), (Some(zoe.as_str()), Some(key(3))));
    assert_eq!(order.fields["name"], FieldValue::text("#1001"));
    assert_eq!(order.fields["total"].to_plain_text(), "0.0", "what it comes to is not ours to say");
    let tie = Tie { external_id: id.clone(), contact: paul.clone() };
    bench.writer().associate(&bench.account, Order, std::slice::from_ref(&tie)).await.unwrap().remove(0).unwrap();
    assert_eq!(read().await.contact, Some(paul));
    bench.writer().dissociate(&bench.account, Order, &[tie]).await.unwrap().remove(0).unwrap();
    assert_eq!(read().await.contact, None);
    let error = bench.reader().read(&bench.account, Deal, &names(&["1"]), &[]).await.unwrap_err();
    assert_eq!(error.code, "unsupported_kind");
}

#[tokio::test]
async fn what_was_deleted_is_gone_for_a_read_and_listed_and_deleting_again_is_no_failure() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let kept = one(&bench, Contact, create(1, &[("email", "a@x.fr")])).await;
    let gone = one(&bench, Contact, create(2, &[("email", "b@x.fr")])).await;
    for _ in 0..2 {
        let each = bench.writer().delete(&bench.account, Contact, std::slice::from_ref(&gone)).await.unwrap();
        each[0].as_ref().unwrap();
    }
    let asked = [kept, gone.clone(), "no-id".to_owned()];
    let read = bench.reader().read(&bench.account, Contact, &asked, &[]).await.unwrap();
    assert_eq!(read.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
    let page = bench.changes().list_deleted(&bench.account, Contact, None).await.unwrap();
    assert_eq!(page.ids.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&gone]);
}

#[tokio::test]
async fn an_order_that_is_too_old_to_be_shown_is_not_gone_and_one_that_was_destroyed_is() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let made = async || bench.by_hand(Method::POST, "orders", json!({"total": "21.00"})).await["id"].clone();
    let (old, destroyed) = (made().await, made().await);
    let ids = [old, destroyed].map(|id| id.as_str().unwrap().to_owned());
    bench.by_hand(Method::DELETE, &format!("orders/{}", ids[1]), json!({})).await;
    bench.faults(json!({"orders_from": 1_000_000})).await;
    let listed = bench.changes().list(&bench.account, Order, None, &[]).await.unwrap();
    assert!(listed.objects.is_empty(), "{listed:?}");
    let read = bench.reader().read(&bench.account, Order, &ids, &names(&["note"])).await.unwrap();
    assert_eq!(read.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    assert!(read[0].as_ref().unwrap().fields.is_empty(), "it says nothing");
}

#[tokio::test]
async fn a_listing_loses_nothing_of_one_second_and_the_next_shows_what_came_since() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let rows: Vec<Value> = (0..130).map(|n| json!({"email": format!("p{n}@x.fr")})).collect();
    bench.by_hand(Method::POST, "customers/import", json!({ "rows": rows })).await;
    let (mut cursor, mut seen, mut pages) = (None, std::collections::BTreeSet::new(), Vec::new());
    loop {
        let page = bench.changes().list(&bench.account, Contact, cursor, &names(&["email"])).await.unwrap();
        seen.extend(page.objects.iter().map(|object| object.external_id.clone()));
        pages.push((page.objects.len(), page.total));
        cursor = Some(page.next);
        if !page.more {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (130, vec![(50, Some(130)), (50, None), (30, None)]));
    let late = bench.by_hand(Method::POST, "customers", json!({"email": "late@x.fr"})).await;
    let mut found = false;
    loop {
        let page = bench.changes().list(&bench.account, Contact, cursor, &[]).await.unwrap();
        found |= page.objects.iter().any(|object| object.external_id == late["id"].as_str().unwrap());
        cursor = Some(page.next);
        if !page.more {
            break;
        }
    }
    assert!(found);
}

#[tokio::test]
async fn a_mark_that_is_no_longer_known_begins_the_listing_anew() {
    let bench = Bench::ready_at(SHOPIFY).await;
    bench.by_hand(Method::POST, "products", json!({"title": "Tasse"})).await;
    let cursor = connectors::connector::Cursor(json!({"since": 0, "after": "stale", "latest": 0}).to_string());
    let page = bench.changes().list(&bench.account, Product, Some(cursor), &[]).await.unwrap();
    assert_eq!((page.objects.len(), page.more), (1, false));
}

#[tokio::test]
async fn the_fields_of_a_shop_are_described_with_its_own() {
    let bench = Bench::ready_at(SHOPIFY).await;
    let customers = bench.discovery().fields(&bench.account, Contact).await.unwrap();
    let tier = customers.iter().find(|field| field.name == "metafields.custom.tier").unwrap();
    assert_eq!((tier.field_type, tier.custom, tier.read_only), (RemoteFieldType::Text, true, false));
    assert!(!customers.iter().any(|field| field.name.ends_with("record_id")), "our key is nobody's to map");
    let orders = bench.discovery().fields(&bench.account, Order).await.unwrap();
    assert!(orders.iter().find(|field| field.name == "currentTotal").unwrap().read_only);
    let products = bench.discovery().fields(&bench.account, Product).await.unwrap();
    assert!(products.iter().find(|field| field.name == "totalInventory").unwrap().read_only);
}

#[tokio::test]
async fn a_bucket_without_room_is_told_with_the_time_that_it_takes() {
    let bench = Bench::ready_at(SHOPIFY).await;
    bench.faults(json!({"bucket_size": 0, "restore_rate": 1})).await;
    let ids: Vec<String> = (1..=5).map(|n| n.to_string()).collect();
    let error = bench.reader().read(&bench.account, Contact, &ids, &[]).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::RateLimited, "throttled"));
    assert!(error.retry_after.unwrap() > Duration::from_secs(2), "{:?}", error.retry_after);
}

#[tokio::test]
async fn data_that_the_app_may_not_see_is_a_matter_of_consent_and_a_frozen_shop_is_waited_for() {
    let bench = Bench::ready_at(SHOPIFY).await;
    bench.by_hand(Method::POST, "customers", json!({"email": "a@x.fr"})).await;
    bench.faults(json!({"no_customer_data": true})).await;
    let error = bench.changes().list(&bench.account, Contact, None, &names(&["email"])).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Forbidden, "access_denied"));
    bench.faults(json!({"no_customer_data": false})).await;
    for (status, kind, code) in [
        (402, FaultKind::Unavailable, "shop_frozen"),
        (404, FaultKind::Forbidden, "shop_gone"),
        (423, FaultKind::Unavailable, "shop_locked"),
        (503, FaultKind::Unavailable, "http_503"),
    ] {
        bench.faults(json!({"fail_next": {"count": 1, "status": status}})).await;
        let error = bench.probe().test(&bench.account).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (kind, code), "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_got_lost_is_found_by_the_next_look() {
    let bench = Bench::ready_at(SHOPIFY).await;
    bench.faults(json!({"lost_answer_next": 1})).await;
    let item = create(1, &[("firstName", "Zoé")]);
    let each = bench.writer().create(&bench.account, Contact, &[item]).await.unwrap();
    assert!(each[0].as_ref().unwrap_err().outcome_is_unknown());
    let found = bench.reader().find(&bench.account, Contact, &[wanted(1, &[])], &[]).await.unwrap();
    assert!(found[0].is_some());
}
