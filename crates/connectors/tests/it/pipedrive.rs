//! Pipedrive's persons, deals and activities, against its stand-in.

use connectors::connector::{Create, Cursor, Tie, Update};
use connectors::discovery::RemoteFieldType;
use connectors::proxy::{self, Intended};
use domain::fault::FaultKind;
use domain::field::FieldValue;
use domain::kind::RecordKind::{self, Activity, Contact, Deal};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, PIPEDRIVE, create, fields, key, names, wanted};

async fn one(bench: &Bench, kind: RecordKind, item: Create) -> String {
    bench.writer().create(&bench.account, kind, &[item]).await.unwrap().remove(0).unwrap().external_id
}

#[tokio::test]
async fn a_test_says_whose_account_it_is_and_a_wrong_token_what_is_wrong() {
    let mut bench = Bench::bare_at(PIPEDRIVE).await;
    let found = bench.probe().test(&bench.account).await.unwrap();
    assert_eq!((found.account_id.as_str(), found.name.as_str()), ("900", "Pipedrive Entreprise 900"));
    let key = "not-a-token-of-anybody";
    bench.account.credentials = domain::credentials::Credentials::ApiKey { key: key.to_owned().into(), secret: None };
    let error = bench.probe().test(&bench.account).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (FaultKind::Unauthorized, "unauthorized access"));
    assert!(!format!("{error:?} {:?}", bench.account).contains(key));
}

#[tokio::test]
async fn our_field_is_made_once_for_what_takes_fields() {
    let bench = Bench::bare_at(PIPEDRIVE).await;
    for _ in 0..2 {
        assert_eq!(bench.probe().prepare(&bench.account).await.unwrap().keyed, [Contact, Deal]);
    }
    assert_eq!(bench.created("person_fields").await, 1);
    assert_eq!(bench.created("deal_fields").await, 1);
}

#[tokio::test]
async fn a_person_is_created_found_by_key_and_address_and_shown_in_our_terms() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    let item = create(
        1,
        &[("email", "Zoe@x.fr"), ("first_name", "Zoé"), ("last_name", "de la Tour"), ("phone", "0612345678")],
    );
    let written = bench.writer().create(&bench.account, Contact, &[item]).await.unwrap().remove(0).unwrap();
    assert!(written.created && written.modified_at.is_some());
    assert_eq!(written.shown["last_name"], FieldValue::text("de la Tour"));
    let asked = names(&["email", "first_name", "last_name", "phone", "name"]);
    let searched = [wanted(1, &[]), wanted(2, &[("email", "zoe@X.fr")]), wanted(3, &[("email", "paul@x.fr")])];
    let found = bench.reader().find(&bench.account, Contact, &searched, &asked).await.unwrap();
    let person = found[0].as_ref().unwrap();
    assert_eq!((person.external_id.as_str(), person.key), (written.external_id.as_str(), Some(key(1))));
    assert_eq!(person.fields["name"], FieldValue::text("Zoé de la Tour"));
    // It carries the key of another record, and so is nobody else.
    assert!(found[1].is_none() && found[2].is_none());
}

#[tokio::test]
async fn somebody_who_was_there_before_us_is_found_by_address_and_by_number_in_any_notation() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    let zoe = bench.by_hand(Method::POST, "persons", json!({"name": "Zoé", "email": "Zoe@X.fr"})).await;
    let paul = bench.by_hand(Method::POST, "persons", json!({"name": "Paul", "phone": "06 12 34 56 78"})).await;
    let searched = [wanted(1, &[("email", "zoe@x.fr")]), wanted(2, &[("phone", "+33612345678")])];
    let found = bench.reader().find(&bench.account, Contact, &searched, &[]).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|found| found.as_ref().unwrap().external_id.as_str()).collect();
    assert_eq!(ids, [zoe["id"].as_str().unwrap(), paul["id"].as_str().unwrap()]);
}

#[tokio::test]
async fn a_change_leaves_the_other_addresses_and_the_other_half_of_the_name() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    let emails = json!([{"value": "a@x.fr", "primary": true}, {"value": "b@x.fr", "primary": false}]);
    let made = bench.by_hand(Method::POST, "persons", json!({"name": "Zoé Martin", "emails": emails})).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let update = Update { external_id: id.clone(), fields: fields(&[("email", "c@x.fr"), ("last_name", "Durand")]) };
    let gone = Update { external_id: "999999".to_owned(), fields: fields(&[("email", "c@x.fr")]) };
    let each = bench.writer().update(&bench.account, Contact, &[update, gone]).await.unwrap();
    assert_eq!(each[0].as_ref().unwrap().shown, fields(&[("email", "c@x.fr"), ("last_name", "Durand")]));
    assert_eq!(each[1].as_ref().unwrap_err().kind, FaultKind::NotFound);
    let shown = bench.get(&format!("api/v2/persons/{id}")).await["data"].clone();
    assert_eq!(shown["name"], "Zoé Durand");
    let values: Vec<&Value> = shown["emails"].as_array().unwrap().iter().map(|entry| &entry["value"]).collect();
    assert_eq!(values, ["c@x.fr", "b@x.fr"]);
}

#[tokio::test]
async fn an_appointment_becomes_a_deal_of_its_person_and_can_be_tied_to_another() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    let zoe = one(&bench, Contact, create(1, &[("email", "zoe@x.fr")])).await;
    let paul = one(&bench, Contact, create(2, &[("email", "paul@x.fr")])).await;
    let item = create(
        3,
        &[("title", "Rendez-vous"), ("expected_close_date", "2026-11-30T09:00:00.000000Z"), ("status", "open")],
    );
    let deal = one(&bench, Deal, Create { contact: Some(zoe.clone()), ..item }).await;
    let person = async || bench.get(&format!("api/v2/deals/{deal}")).await["data"]["person_id"].clone();
    assert_eq!(person().await.to_string(), zoe);
    let tie = |contact: &str| Tie { external_id: deal.clone(), contact: contact.to_owned() };
    bench.writer().associate(&bench.account, Deal, &[tie(&paul)]).await.unwrap().remove(0).unwrap();
    assert_eq!(person().await.to_string(), paul);
    // The tie to the first is not there any more, and the one to the second stays.
    bench.writer().dissociate(&bench.account, Deal, &[tie(&zoe)]).await.unwrap().remove(0).unwrap();
    assert_eq!(person().await.to_string(), paul);
    bench.writer().dissociate(&bench.account, Deal, &[tie(&paul)]).await.unwrap().remove(0).unwrap();
    assert_eq!(person().await, Value::Null);
    let found = bench.reader().find(&bench.account, Deal, &[wanted(3, &[])], &names(&["title"])).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().external_id, deal);
}

#[tokio::test]
async fn a_call_becomes_an_activity_that_is_found_by_the_key_in_its_note() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    let zoe = one(&bench, Contact, create(1, &[("email", "zoe@x.fr")])).await;
    let mut item =
        create(2, &[("subject", "Appel"), ("note", "Rappeler <demain>"), ("due_at", "2026-11-27T09:30:10.000000Z")]);
    item.fields.insert("duration".to_owned(), FieldValue::Number(90.into()));
    let call = one(&bench, Activity, Create { contact: Some(zoe.clone()), ..item }).await;
    let shown = bench.get(&format!("api/v2/activities/{call}")).await["data"].clone();
    assert_eq!(shown["participants"], json!([{"person_id": zoe.parse::<u64>().unwrap(), "primary": true}]));
    assert_eq!((&shown["type"], &shown["done"], &shown["duration"]), (&json!("call"), &json!(true), &json!("00:02")));
    let update = Update { external_id: call.clone(), fields: fields(&[("note", "Rappelée")]) };
    bench.writer().update(&bench.account, Activity, &[update]).await.unwrap().remove(0).unwrap();
    let searched = [wanted(2, &[]), wanted(9, &[])];
    let found = bench.reader().find(&bench.account, Activity, &searched, &names(&["note"])).await.unwrap();
    let activity = found[0].as_ref().unwrap();
    assert_eq!(
        (activity.external_id.as_str(), &activity.fields["note"]),
        (call.as_str(), &FieldValue::text("Rappelée"))
    );
    assert!(found[1].is_none());
}

#[tokio::test]
async fn what_was_deleted_is_gone_for_a_read_and_listed_and_deleting_it_again_is_no_failure() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    for kind in [Contact, Deal, Activity] {
        let title =
            ["name", "title", "subject"][[Contact, Deal, Activity].iter().position(|one| *one == kind).unwrap()];
        let kept = one(&bench, kind, create(1, &[(title, "Reste")])).await;
        let gone = one(&bench, kind, create(2, &[(title, "Part")])).await;
        for _ in 0..2 {
            let each = bench.writer().delete(&bench.account, kind, std::slice::from_ref(&gone)).await.unwrap();
            each[0].as_ref().unwrap();
        }
        let read = bench.reader().read(&bench.account, kind, &[kept, gone.clone()], &[]).await.unwrap();
        assert_eq!(read.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false], "{kind}");
        let page = bench.changes().list_deleted(&bench.account, kind, None).await.unwrap();
        assert_eq!(page.ids.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&gone], "{kind}");
        assert!(page.next.is_none());
    }
}

#[tokio::test]
async fn an_archived_deal_is_still_there() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    let deal = one(&bench, Deal, create(1, &[("title", "Vieux")])).await;
    bench.by_hand(Method::PATCH, &format!("deals/{deal}"), json!({"is_archived": true})).await;
    let read = bench.reader().read(&bench.account, Deal, &[deal], &names(&["title"])).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap().fields["title"], FieldValue::text("Vieux"));
}

/// Every person that is listed from there on, and where the listing ends.
async fn walk(bench: &Bench, mut cursor: Option<Cursor>) -> (Vec<String>, Cursor) {
    let mut ids = Vec::new();
    loop {
        let page = bench.changes().list(&bench.account, Contact, cursor, &names(&["email"])).await.unwrap();
        ids.extend(page.objects.iter().map(|object| object.external_id.clone()));
        if !page.more {
            return (ids, page.next);
        }
        cursor = Some(page.next);
    }
}

#[tokio::test]
async fn changes_are_listed_page_by_page_and_then_from_where_they_ended() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    let rows: Vec<Value> =
        (0..620).map(|n| json!({"name": format!("Personne {n}"), "email": format!("p{n}@x.fr")})).collect();
    bench.by_hand(Method::POST, "persons/import", json!({ "rows": rows })).await;
    let (mut ids, cursor) = walk(&bench, None).await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 620);
    let late = bench.by_hand(Method::POST, "persons", json!({"name": "Tardive"})).await;
    let (ids, _) = walk(&bench, Some(cursor)).await;
    assert!(ids.iter().any(|id| id == late["id"].as_str().unwrap()));
    let foreign = Some(Cursor("{\"since\": 7}".to_owned()));
    assert_eq!(bench.changes().list(&bench.account, Contact, foreign, &[]).await.unwrap_err().code, "foreign_cursor");
}

#[tokio::test]
async fn the_fields_of_an_account_are_described_with_its_own_and_ours() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    let fields = bench.discovery().fields(&bench.account, Contact).await.unwrap();
    let field = |name: &str| fields.iter().find(|field| field.name == name);
    assert_eq!(field("phone").unwrap().field_type, RemoteFieldType::Phone);
    assert!(field("emails").is_none() && field("first_name").is_some());
    let ours = fields.iter().find(|field| field.label == "Coccinelle ID").unwrap();
    assert!(ours.custom && ours.name.len() == 40);
    assert!(field("update_time").unwrap().read_only);
    let deals = bench.discovery().fields(&bench.account, Deal).await.unwrap();
    let status = deals.iter().find(|field| field.name == "status").unwrap();
    assert_eq!((status.field_type, status.options.len()), (RemoteFieldType::Choice, 3));
}

#[tokio::test]
async fn a_refused_item_does_not_concern_the_others_and_a_lost_answer_is_found_by_the_next_look() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    // More than are under way at once, so that some are not begun when the first is refused.
    let mut items = vec![create(1, &[("job_title", "Maire")])];
    items.extend((10..40).map(|n| create(n, &[("email", &format!("p{n}@x.fr"))])));
    let each = bench.writer().create(&bench.account, Contact, &items).await.unwrap();
    let refused = each[0].as_ref().unwrap_err();
    assert_eq!((refused.kind, refused.code.as_str()), (FaultKind::Invalid, "feature_capping_contact_sync"));
    assert!(each.iter().skip(1).all(Result::is_ok), "{each:?}");
    bench.faults(json!({"lost_answer_next": 1})).await;
    let each = bench.writer().create(&bench.account, Contact, &[create(4, &[("email", "d@x.fr")])]).await.unwrap();
    assert!(each[0].as_ref().unwrap_err().outcome_is_unknown());
    let found = bench.reader().find(&bench.account, Contact, &[wanted(4, &[])], &[]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().key, Some(key(4)));
}

#[tokio::test]
async fn limits_are_told_apart_and_waited_for() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    let read = async || bench.reader().read(&bench.account, Contact, &names(&["1"]), &[]).await;
    bench.faults(json!({"rate_limit_per_2s": 0})).await;
    let error = read().await.unwrap_err();
    assert_eq!((error.kind, error.retry_after.map(|wait| wait.as_secs())), (FaultKind::RateLimited, Some(2)));
    // A few tokens may be left of a day's, and yet too few for any call but the cheapest.
    for left in [0, 9] {
        bench.faults(json!({"rate_limit_per_2s": null, "daily_tokens": left})).await;
        let error = read().await.unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.retry_after.map(|wait| wait.as_secs())),
            ("daily_budget_spent", Some(3_600))
        );
    }
}

#[tokio::test]
async fn a_field_that_somebody_deleted_there_is_missed_once() {
    let bench = Bench::ready_at(PIPEDRIVE).await;
    one(&bench, Contact, create(1, &[("email", "a@x.fr")])).await;
    let fields = bench.get("api/v2/personFields?limit=500").await;
    let ours = fields["data"].as_array().unwrap().iter().find(|field| field["field_name"] == "Coccinelle ID").unwrap();
    let code = ours["field_code"].as_str().unwrap().to_owned();
    bench.account.learnt.put("pipedrive persons", json!({"key": "0".repeat(40), "types": {}}).to_string());
    let id = one(&bench, Contact, create(2, &[("email", "b@x.fr")])).await;
    assert_eq!(bench.get(&format!("api/v2/persons/{id}")).await["data"]["custom_fields"][&code], Value::Null);
    let id = one(&bench, Contact, create(3, &[("email", "c@x.fr")])).await;
    assert_eq!(bench.get(&format!("api/v2/persons/{id}")).await["data"]["custom_fields"][&code], key(3).to_string());
}

#[tokio::test]
async fn without_our_field_a_deal_carries_the_key_in_its_title_and_a_lost_answer_makes_no_second() {
    let bench = Bench::bare_at(PIPEDRIVE).await;
    bench.faults(json!({"no_new_fields": true})).await;
    assert!(bench.probe().prepare(&bench.account).await.unwrap().keyed.is_empty());
    one(&bench, Deal, create(1, &[("title", "Devis")])).await;
    bench.faults(json!({"lost_answer_next": 1})).await;
    let lost = bench.writer().create(&bench.account, Deal, &[create(2, &[("title", "Rendez-vous")])]).await.unwrap();
    assert!(lost[0].as_ref().unwrap_err().outcome_is_unknown());
    let (asked, shown) = ([wanted(2, &[]), wanted(1, &[]), wanted(9, &[])], names(&["title"]));
    let found = bench.reader().find(&bench.account, Deal, &asked, &shown).await.unwrap();
    let [Some(again), Some(first), None] = &found[..] else { panic!("{found:?}") };
    assert_eq!((again.key, &again.fields["title"]), (Some(key(2)), &FieldValue::text("Rendez-vous")));
    assert_eq!((first.key, &first.fields["title"]), (Some(key(1)), &FieldValue::text("Devis")));
    assert_eq!(bench.created("deals").await, 2);

    // It stays where the title is changed, and nobody takes it for what people wrote.
    let change = Update { external_id: again.external_id.clone(), fields: fields(&[("title", "Visite")]) };
    let written = bench.writer().update(&bench.account, Deal, &[change]).await.unwrap().remove(0).unwrap();
    assert_eq!(written.shown["title"], FieldValue::text("Visite"));
    let kept = bench.get(&format!("api/v2/deals/{}", again.external_id)).await["data"]["title"].clone();
    assert_eq!(kept, format!("Visite (Coccinelle: {})", key(2)));
}

#[tokio::test]
async fn a_key_leaves_the_title_that_is_changed_for_the_field_that_there_is_by_now() {
    let bench = Bench::bare_at(PIPEDRIVE).await;
    let deal = one(&bench, Deal, create(1, &[("title", "Devis")])).await;
    bench.probe().prepare(&bench.account).await.unwrap();
    let change = Update { external_id: deal.clone(), fields: fields(&[("title", "Visite")]) };
    let written = bench.writer().update(&bench.account, Deal, &[change]).await.unwrap().remove(0).unwrap();
    assert_eq!(written.shown["title"], FieldValue::text("Visite"));
    assert_eq!(bench.get(&format!("api/v2/deals/{deal}")).await["data"]["title"], "Visite");
    let found = bench.reader().find(&bench.account, Deal, &[wanted(1, &[])], &[]).await.unwrap();
    assert_eq!(found[0].as_ref().map(|object| (&object.external_id, object.key)), Some((&deal, Some(key(1)))));
}

#[tokio::test]
async fn the_deal_of_a_workflow_carries_the_key_in_its_title_where_there_is_no_field_and_nowhere_else() {
    for (is_refused, title) in
        [(true, format!("Rendez-vous (Coccinelle: {})", key(1))), (false, "Rendez-vous".to_owned())]
    {
        let bench = Bench::bare_at(PIPEDRIVE).await;
        bench.faults(json!({ "no_new_fields": is_refused })).await;
        bench.probe().prepare(&bench.account).await.unwrap();
        let (proxy, item) = (bench.connector().proxy().unwrap(), create(1, &[("title", "Rendez-vous")]));
        let call = proxy.request(&bench.account, Deal, Intended::Create(&item)).await.unwrap();
        let keyed = proxy.keyed(&bench.account, Deal, call, key(1)).await.unwrap();
        let answer = proxy::forward(&bench.account, keyed).await.unwrap();
        assert_eq!(answer.body["data"]["title"], title);
        let found = bench.reader().find(&bench.account, Deal, &[wanted(1, &[])], &[]).await.unwrap();
        assert_eq!(found[0].as_ref().unwrap().key, Some(key(1)));
    }
}
