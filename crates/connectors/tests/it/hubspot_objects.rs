//! Contacts, deals and calls: looked for, created, tied, changed, read, archived.

use connectors::connector::{Create, Tie, Update};
use connectors::discovery::RemoteFieldType;
use domain::field::FieldValue;
use domain::kind::RecordKind::{Activity, Contact, Deal, Product};
use serde_json::{Value, json};

use crate::bench::{Bench, create, fields, key, names, wanted};

#[tokio::test]
async fn a_test_says_whose_account_it_is() {
    let bench = Bench::bare().await;
    let identified = bench.probe().test(&bench.account).await.unwrap();
    assert_eq!(identified.account_id, "4242");
    assert_eq!(identified.name, "HubSpot 4242 (app-eu1.hubspot.com)");
    assert_eq!(identified.details["currency"], "EUR");
}

#[tokio::test]
async fn preparing_makes_a_unique_property_for_each_kind_and_may_be_repeated() {
    let bench = Bench::bare().await;
    for _ in 0..2 {
        let prepared = bench.probe().prepare(&bench.account).await.unwrap();
        assert_eq!(prepared.keyed, [Contact, Deal, Activity]);
    }
    for kind in [Contact, Deal, Activity] {
        let described = bench.discovery().fields(&bench.account, kind).await.unwrap();
        let ours = described.iter().find(|field| field.name == "coccinelle_id").unwrap();
        assert!(ours.unique && ours.custom && !ours.read_only, "{kind}");
    }
}

#[tokio::test]
async fn fields_are_described_with_type_words_and_what_may_be_done_with_them() {
    let bench = Bench::bare().await;
    let described = bench.discovery().fields(&bench.account, Deal).await.unwrap();
    let stage = described.iter().find(|field| field.name == "dealstage").unwrap();
    assert_eq!((stage.field_type, stage.custom, stage.read_only), (RemoteFieldType::Choice, false, false));
    assert!(stage.options.iter().any(|option| option.value == "appointmentscheduled"));
    let modified = described.iter().find(|field| field.name == "hs_lastmodifieddate").unwrap();
    assert!(modified.read_only);
}

#[tokio::test]
async fn a_contact_is_created_once_and_found_again_by_key_address_and_number() {
    let bench = Bench::ready().await;
    let written = &[("email", "Zoe@Exemple.fr"), ("firstname", "Zoé"), ("phone", "06 12 34 56 78")];
    let first = bench.writer().create(&bench.account, Contact, &[create(1, written)]).await.unwrap();
    let first = first[0].as_ref().unwrap().clone();
    assert!(first.created);
    assert_eq!(first.shown["email"], FieldValue::text("zoe@exemple.fr"));

    let asked = [
        wanted(1, &[]),
        wanted(2, &[("email", "ZOE@exemple.fr")]),
        wanted(1, &[("phone", "+33612345678")]),
        wanted(3, &[("email", "autre@exemple.fr")]),
    ];
    let found = bench.reader().find(&bench.account, Contact, &asked, &names(&["firstname", "phone"])).await.unwrap();
    let ids: Vec<Option<&str>> = found.iter().map(|object| object.as_ref().map(|o| o.external_id.as_str())).collect();
    let id = Some(first.external_id.as_str());
    assert_eq!(ids, [id, id, id, None]);
    let object = found[0].as_ref().unwrap();
    assert_eq!(object.key, Some(key(1)));
    assert_eq!(object.fields, fields(&[("firstname", "Zoé"), ("phone", "06 12 34 56 78")]));

    let again = bench.writer().create(&bench.account, Contact, &[create(1, written)]).await.unwrap();
    let again = again[0].as_ref().unwrap();
    assert_eq!((again.created, &again.external_id), (false, &first.external_id));
    assert_eq!(bench.created("contact").await, 1);
}

#[tokio::test]
async fn somebody_known_to_the_crm_by_a_number_in_any_notation_is_found_without_our_key() {
    let bench = Bench::ready().await;
    for (n, number) in
        (1..).zip(["0612345601", "06 12 34 56 02", "+33 6 12 34 56 03", "06.12.34.56.04", "+33612345605"])
    {
        let made = create(n, &[("lastname", "Connu"), ("phone", number)]);
        bench.writer().create_unguarded(&bench.account, Contact, &[made]).await.unwrap()[0].as_ref().unwrap();
    }
    let numbers = ["+33612345601", "0612345602", "0612345603", "+33612345604", "06 12 34 56 05", "0612345699"];
    let asked: Vec<_> = (11..).zip(numbers).map(|(n, number)| wanted(n, &[("phone", number)])).collect();
    let found = bench.reader().find(&bench.account, Contact, &asked, &names(&["phone"])).await.unwrap();
    let hits: Vec<bool> = found.iter().map(Option::is_some).collect();
    assert_eq!(hits, [true, true, true, true, true, false]);
}

#[tokio::test]
async fn a_number_shared_by_people_with_different_addresses_makes_no_match() {
    let bench = Bench::ready().await;
    let made = create(1, &[("email", "paul@exemple.fr"), ("phone", "0612345678")]);
    bench.writer().create_unguarded(&bench.account, Contact, &[made]).await.unwrap()[0].as_ref().unwrap();
    let asked =
        [wanted(2, &[("email", "zoe@exemple.fr"), ("phone", "0612345678")]), wanted(3, &[("phone", "0612345678")])];
    let found = bench.reader().find(&bench.account, Contact, &asked, &[]).await.unwrap();
    assert_eq!((found[0].is_some(), found[1].is_some()), (false, true));
}

#[tokio::test]
async fn a_contact_without_address_is_created_once_by_our_key_alone() {
    let bench = Bench::ready().await;
    let made = create(1, &[("lastname", "Martin"), ("phone", "0612345678")]);
    for expected in [true, false] {
        let each = bench.writer().create(&bench.account, Contact, std::slice::from_ref(&made)).await.unwrap();
        assert_eq!(each[0].as_ref().unwrap().created, expected);
    }
    assert_eq!(bench.created("contact").await, 1);
}

#[tokio::test]
async fn without_the_guard_the_same_create_makes_two() {
    let bench = Bench::ready().await;
    let made = create(1, &[("lastname", "Martin"), ("phone", "0612345678")]);
    for _ in 0..2 {
        let each = bench.writer().create_unguarded(&bench.account, Contact, std::slice::from_ref(&made)).await.unwrap();
        assert!(each[0].as_ref().unwrap().created);
    }
    assert_eq!(bench.created("contact").await, 2);
}

async fn contact(bench: &Bench, n: u32) -> String {
    let each = bench.writer().create(&bench.account, Contact, &[create(n, &[("lastname", "Martin")])]).await.unwrap();
    each[0].as_ref().unwrap().external_id.clone()
}

async fn tied_to(bench: &Bench, object_type: &str, id: &str) -> Vec<Value> {
    let body = bench.get(&format!("crm/objects/2026-03/{object_type}/{id}/associations/contacts")).await;
    let results = body["results"].as_array().unwrap();
    results.iter().map(|tie| json!([tie["toObjectId"].to_string(), tie["associationTypes"][0]["typeId"]])).collect()
}

#[tokio::test]
async fn deals_and_calls_come_with_their_tie_and_a_second_create_is_a_clash() {
    let bench = Bench::ready().await;
    let contact = contact(&bench, 1).await;
    let deal = [("dealname", "Rendez-vous"), ("dealstage", "appointmentscheduled"), ("closedate", "1795370640000")];
    let call = [("hs_call_title", "Appel"), ("hs_call_direction", "INBOUND"), ("hs_call_duration", "61000")];
    for (n, kind, object_type, type_id, pairs) in
        [(2, Deal, "deals", 3, deal.as_slice()), (3, Activity, "calls", 194, call.as_slice())]
    {
        let made = Create { contact: Some(contact.clone()), ..create(n, pairs) };
        let each = bench.writer().create(&bench.account, kind, std::slice::from_ref(&made)).await.unwrap();
        let id = each[0].as_ref().unwrap().external_id.clone();
        assert_eq!(tied_to(&bench, object_type, &id).await, [json!([contact, type_id])]);

        let again = bench.writer().create(&bench.account, kind, &[made]).await.unwrap();
        let error = again[0].as_ref().unwrap_err();
        assert!(error.is_worth_repeating(), "{error:?}");
        assert_eq!(error.kind, domain::fault::FaultKind::Conflict);
        let found = bench.reader().find(&bench.account, kind, &[wanted(n, &[])], &[]).await.unwrap();
        assert_eq!(found[0].as_ref().unwrap().external_id, id);
    }
    assert_eq!((bench.created("deal").await, bench.created("call").await), (1, 1));
}

#[tokio::test]
async fn an_adopted_deal_is_tied_afterwards_and_a_tie_may_be_repeated() {
    let bench = Bench::ready().await;
    let contact = contact(&bench, 1).await;
    let each =
        bench.writer().create(&bench.account, Deal, &[create(2, &[("dealname", "Sans contact")])]).await.unwrap();
    let external_id = each[0].as_ref().unwrap().external_id.clone();
    assert!(tied_to(&bench, "deals", &external_id).await.is_empty());
    let good = Tie { external_id: external_id.clone(), contact };
    let bad = Tie { external_id: "999999".to_owned(), contact: good.contact.clone() };
    for _ in 0..2 {
        let each = bench.writer().associate(&bench.account, Deal, std::slice::from_ref(&good)).await.unwrap();
        assert!(each[0].is_ok());
    }
    assert_eq!(tied_to(&bench, "deals", &external_id).await.len(), 1);
    assert!(bench.writer().associate(&bench.account, Deal, &[bad]).await.unwrap()[0].is_err());
}

#[tokio::test]
async fn a_tie_is_taken_away_alone_and_one_that_is_not_there_is_no_failure() {
    let bench = Bench::ready().await;
    let (first, second) = (contact(&bench, 1).await, contact(&bench, 2).await);
    let made = Create { contact: Some(first.clone()), ..create(3, &[("dealname", "Visite")]) };
    let each = bench.writer().create(&bench.account, Deal, &[made]).await.unwrap();
    let external_id = each[0].as_ref().unwrap().external_id.clone();
    let tie = |contact: &str| Tie { external_id: external_id.clone(), contact: contact.to_owned() };
    bench.writer().associate(&bench.account, Deal, &[tie(&second)]).await.unwrap();

    let stray = Tie { external_id: "999999".to_owned(), contact: first.clone() };
    for _ in 0..2 {
        let each = bench.writer().dissociate(&bench.account, Deal, &[tie(&first), stray.clone()]).await.unwrap();
        assert!(each.iter().all(Result::is_ok), "{each:?}");
    }
    assert_eq!(tied_to(&bench, "deals", &external_id).await, [json!([second, 3])]);
}

#[tokio::test]
async fn a_change_touches_only_what_it_names_and_null_clears() {
    let bench = Bench::ready().await;
    let made = create(1, &[("email", "a@exemple.fr"), ("firstname", "Zoé"), ("city", "Lyon")]);
    let each = bench.writer().create(&bench.account, Contact, &[made]).await.unwrap();
    let id = each[0].as_ref().unwrap().external_id.clone();
    let change =
        [("city".to_owned(), FieldValue::Null), ("jobtitle".to_owned(), FieldValue::text("Pâtissière"))].into();
    let update = Update { external_id: id.clone(), fields: change };
    let each = bench.writer().update(&bench.account, Contact, &[update]).await.unwrap();
    let written = each[0].as_ref().unwrap();
    assert_eq!((written.created, &written.shown["city"]), (false, &FieldValue::Null));

    let asked = names(&["firstname", "city", "jobtitle", "zip", "never_heard_of"]);
    let read = bench.reader().read(&bench.account, Contact, &[id], &asked).await.unwrap();
    let object = read[0].as_ref().unwrap();
    assert_eq!(object.fields["firstname"], FieldValue::text("Zoé"));
    assert_eq!(object.fields["jobtitle"], FieldValue::text("Pâtissière"));
    assert_eq!((&object.fields["city"], &object.fields["zip"]), (&FieldValue::Null, &FieldValue::Null));
    assert!(object.field_times["jobtitle"] >= object.field_times["firstname"]);
}

#[tokio::test]
async fn what_the_platform_makes_of_a_value_is_shown_as_the_result_of_the_write() {
    let bench = Bench::ready().await;
    bench.faults(json!({"reformat_phones": true, "truncate": {"jobtitle": 4}})).await;
    let made = create(1, &[("lastname", "M"), ("phone", "0612345678"), ("jobtitle", "Pâtissière")]);
    let each = bench.writer().create(&bench.account, Contact, &[made]).await.unwrap();
    let shown = &each[0].as_ref().unwrap().shown;
    assert_eq!(shown["phone"], FieldValue::text("+33 6 12 34 56 78"));
    assert_eq!(shown["jobtitle"], FieldValue::text("Pâti"));
}

#[tokio::test]
async fn an_archived_object_is_gone_to_a_read_and_archiving_it_again_is_no_failure() {
    let bench = Bench::ready().await;
    let ids = [contact(&bench, 1).await, contact(&bench, 2).await];
    for _ in 0..2 {
        let each = bench.writer().delete(&bench.account, Contact, &ids[..1]).await.unwrap();
        assert!(each[0].is_ok());
    }
    let asked = [ids[1].clone(), ids[0].clone(), "999999".to_owned(), ids[1].clone()];
    let read = bench.reader().read(&bench.account, Contact, &asked, &names(&["lastname"])).await.unwrap();
    let there: Vec<bool> = read.iter().map(Option::is_some).collect();
    assert_eq!(there, [true, false, false, true]);
}

#[tokio::test]
async fn a_kind_that_is_not_kept_in_step_is_refused() {
    let bench = Bench::ready().await;
    let error = bench.reader().read(&bench.account, Product, &names(&["1"]), &[]).await.unwrap_err();
    assert_eq!(error.code, "unsupported_kind");
}
