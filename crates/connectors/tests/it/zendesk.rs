//! Zendesk's users and tickets, against its stand-in.

use connectors::connector::{Create, Cursor, Tie, Update};
use connectors::discovery::RemoteFieldType;
use domain::fault::FaultKind;
use domain::field::FieldValue;
use domain::kind::RecordKind::{self, Activity, Contact};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, ZENDESK, create, fields, key, names, wanted};

async fn one(bench: &Bench, kind: RecordKind, item: Create) -> String {
    bench.writer().create(&bench.account, kind, &[item]).await.unwrap().remove(0).unwrap().external_id
}

#[tokio::test]
async fn a_test_says_whose_account_it_is_and_a_wrong_token_what_is_wrong() {
    let mut bench = Bench::bare_at(ZENDESK).await;
    let found = bench.probe().test(&bench.account).await.unwrap();
    assert_eq!((found.account_id.as_str(), found.name.as_str()), ("acme", "Zendesk acme"));
    bench.faults(json!({"as_end_user": true})).await;
    let error = bench.probe().test(&bench.account).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Forbidden, "not_an_agent"));
    let read = bench.reader().read(&bench.account, Contact, &names(&["1"]), &[]).await.unwrap_err();
    assert_eq!((read.kind, read.code.as_str()), (FaultKind::Forbidden, "Forbidden"));
    let token = "not-a-token-of-anybody";
    bench.account.credentials = domain::credentials::Credentials::Bearer { access_token: token.to_owned().into() };
    let error = bench.probe().test(&bench.account).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Unauthorized, "invalid_token"));
    assert!(!format!("{error:?} {:?}", bench.account).contains(token));
}

#[tokio::test]
async fn a_user_is_created_once_whoever_asks_again_and_found_by_key_and_address() {
    let bench = Bench::ready_at(ZENDESK).await;
    let item = create(1, &[("email", "Zoe@x.fr"), ("first_name", "Zoé"), ("last_name", "de la Tour")]);
    let written =
        bench.writer().create(&bench.account, Contact, std::slice::from_ref(&item)).await.unwrap().remove(0).unwrap();
    assert_eq!((written.created, &written.shown["last_name"]), (true, &FieldValue::text("de la Tour")));
    let again = bench.writer().create(&bench.account, Contact, &[item]).await.unwrap().remove(0).unwrap();
    assert_eq!((again.external_id.as_str(), again.created), (written.external_id.as_str(), false));
    assert_eq!(bench.created("users").await, 1);
    let searched = [wanted(1, &[]), wanted(2, &[("email", "paul@x.fr")])];
    let found = bench.reader().find(&bench.account, Contact, &searched, &names(&["email", "name"])).await.unwrap();
    let user = found[0].as_ref().unwrap();
    assert_eq!((user.external_id.as_str(), user.key), (written.external_id.as_str(), Some(key(1))));
    assert!(found[1].is_none());
}

#[tokio::test]
async fn somebody_who_was_there_before_us_is_found_by_address_and_by_number_in_any_notation() {
    let bench = Bench::ready_at(ZENDESK).await;
    let zoe = bench.by_hand(Method::POST, "users", json!({"name": "Zoé", "email": "Zoe@X.fr"})).await;
    let paul = bench.by_hand(Method::POST, "users", json!({"name": "Paul", "phone": "06 12 34 56 78"})).await;
    let searched = [wanted(1, &[("email", "zoe@x.fr")]), wanted(2, &[("phone", "+33612345678")])];
    let found = bench.reader().find(&bench.account, Contact, &searched, &[]).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|found| found.as_ref().unwrap().external_id.as_str()).collect();
    assert_eq!(ids, [zoe["id"].as_str().unwrap(), paul["id"].as_str().unwrap()]);
}

#[tokio::test]
async fn whoever_called_before_is_found_by_number_unless_the_address_says_that_it_is_another() {
    let bench = Bench::ready_at(ZENDESK).await;
    let shared = json!({"name": "Paul", "phone": "+33612345678", "email": "paul@x.fr"});
    bench.by_hand(Method::POST, "users", shared).await;
    let searched = [wanted(1, &[("email", "zoe@x.fr"), ("phone", "+33612345678")])];
    assert_eq!(bench.reader().find(&bench.account, Contact, &searched, &[]).await.unwrap(), [None]);
    let caller = json!({"name": "Caller +33 6 12 34 56 78", "phone": "+33612345678"});
    let caller = bench.by_hand(Method::POST, "users", caller).await;
    let found = bench.reader().find(&bench.account, Contact, &searched, &[]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().external_id, caller["id"].as_str().unwrap());
}

#[tokio::test]
async fn a_new_address_becomes_the_primary_one_and_half_a_name_keeps_the_other() {
    let bench = Bench::ready_at(ZENDESK).await;
    let id =
        one(&bench, Contact, create(1, &[("email", "a@x.fr"), ("first_name", "Zoé"), ("last_name", "Martin")])).await;
    let update = Update { external_id: id.clone(), fields: fields(&[("email", "b@x.fr"), ("last_name", "Durand")]) };
    let gone = Update { external_id: "999999".to_owned(), fields: fields(&[("notes", "x")]) };
    let each = bench.writer().update(&bench.account, Contact, &[update, gone]).await.unwrap();
    assert_eq!(each[0].as_ref().unwrap().shown, fields(&[("email", "b@x.fr"), ("last_name", "Durand")]));
    assert_eq!(each[1].as_ref().unwrap_err().kind, FaultKind::NotFound);
    let shown = bench.get(&format!("acme/api/v2/users/{id}")).await;
    assert_eq!(shown["user"]["name"], "Zoé Durand");
    let identities = bench.get(&format!("acme/api/v2/users/{id}/identities")).await;
    assert_eq!(identities["identities"][1]["value"], "a@x.fr");
}

#[tokio::test]
async fn an_address_that_is_cleared_is_taken_away_and_the_next_one_counts() {
    let bench = Bench::ready_at(ZENDESK).await;
    let id = one(&bench, Contact, create(1, &[("email", "a@x.fr"), ("first_name", "Zoé")])).await;
    let set = async |email: &str| {
        let update = Update { external_id: id.clone(), fields: fields(&[("email", email), ("notes", "x")]) };
        bench.writer().update(&bench.account, Contact, &[update]).await.unwrap().remove(0).unwrap().shown
    };
    assert_eq!(set("b@x.fr").await["email"], FieldValue::text("b@x.fr"));
    // An account at Google that goes by the same address is none of ours to take away.
    bench.by_hand(Method::PATCH, &format!("users/{id}"), json!({"google": "b@x.fr"})).await;
    assert_eq!(set("").await["email"], FieldValue::text("a@x.fr"), "what somebody else may have written there");
    assert_eq!(set("").await["email"], FieldValue::Null);
    assert_eq!(set("").await["email"], FieldValue::Null);
    let identities = bench.get(&format!("acme/api/v2/users/{id}/identities")).await;
    let left: Vec<_> = identities["identities"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    assert_eq!(left, ["google"]);
}

#[tokio::test]
async fn an_address_that_somebody_else_has_is_a_clash() {
    let bench = Bench::ready_at(ZENDESK).await;
    one(&bench, Contact, create(1, &[("email", "a@x.fr")])).await;
    let id = one(&bench, Contact, create(2, &[("phone", "0612345678")])).await;
    let update = Update { external_id: id, fields: fields(&[("email", "a@x.fr")]) };
    let error = bench.writer().update(&bench.account, Contact, &[update]).await.unwrap().remove(0).unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Conflict, "DuplicateValue"));
}

#[tokio::test]
async fn a_call_becomes_a_ticket_of_its_person_with_an_internal_note() {
    let bench = Bench::ready_at(ZENDESK).await;
    let zoe = one(&bench, Contact, create(1, &[("email", "zoe@x.fr")])).await;
    let paul = one(&bench, Contact, create(2, &[("email", "paul@x.fr")])).await;
    let item = create(3, &[("subject", "Appel"), ("comment", "Rappeler demain")]);
    let ticket = one(&bench, Activity, Create { contact: Some(zoe.clone()), ..item }).await;
    let requester =
        async || bench.get(&format!("acme/api/v2/tickets/{ticket}")).await["ticket"]["requester_id"].to_string();
    assert_eq!(requester().await, zoe);
    let comments = bench.get(&format!("acme/api/v2/tickets/{ticket}/comments")).await;
    assert_eq!(comments["comments"], json!([{"id": 0, "body": "Rappeler demain", "public": false}]));
    let found = bench.reader().find(&bench.account, Activity, &[wanted(3, &[]), wanted(4, &[])], &[]).await.unwrap();
    assert_eq!((found[0].as_ref().unwrap().external_id.clone(), found[1].is_none()), (ticket.clone(), true));
    let tie = Tie { external_id: ticket.clone(), contact: paul.clone() };
    bench.writer().associate(&bench.account, Activity, &[tie]).await.unwrap().remove(0).unwrap();
    assert_eq!(requester().await, paul);
}

#[tokio::test]
async fn where_the_tenant_wants_it_a_call_is_a_note_in_the_ticket_that_is_open() {
    let mut bench = Bench::ready_at(ZENDESK).await;
    bench.account.options.insert("calls".to_owned(), "comment".to_owned());
    let zoe = one(&bench, Contact, create(1, &[("email", "zoe@x.fr")])).await;
    let first = create(2, &[("subject", "Appel"), ("comment", "Un")]);
    let first = one(&bench, Activity, Create { contact: Some(zoe.clone()), ..first }).await;
    let second = create(3, &[("subject", "Appel"), ("comment", "Deux")]);
    let second = one(&bench, Activity, Create { contact: Some(zoe), ..second }).await;
    assert!(second.starts_with(&format!("{first}-")), "{second}");
    assert_eq!(bench.created("tickets").await, 1);
    let comments = bench.get(&format!("acme/api/v2/tickets/{first}/comments")).await;
    let expected = format!("Appel\n\nDeux\n\nCoccinelle: {}", key(3));
    assert_eq!(comments["comments"][1], json!({"id": 1, "body": expected, "public": false}));
    let found = bench.reader().find(&bench.account, Activity, &[wanted(3, &[])], &[]).await.unwrap();
    assert!(found[0].as_ref().unwrap().external_id.starts_with(&format!("{first}-")));
    // The ticket is somebody else's: the note stays in it, and the ticket is not taken away.
    bench.writer().delete(&bench.account, Activity, std::slice::from_ref(&second)).await.unwrap().remove(0).unwrap();
    let read = bench.reader().read(&bench.account, Activity, &[first, second.clone()], &[]).await.unwrap();
    assert_eq!(read[1].as_ref().unwrap().external_id, second);
    assert!(read[0].is_some());
}

#[tokio::test]
async fn who_was_deleted_is_gone_for_a_read_and_listed_and_deleting_again_is_no_failure() {
    let bench = Bench::ready_at(ZENDESK).await;
    let kept = one(&bench, Contact, create(1, &[("email", "a@x.fr")])).await;
    let gone = one(&bench, Contact, create(2, &[("email", "b@x.fr")])).await;
    for _ in 0..2 {
        let each = bench.writer().delete(&bench.account, Contact, std::slice::from_ref(&gone)).await.unwrap();
        each[0].as_ref().unwrap();
    }
    let read = bench.reader().read(&bench.account, Contact, &[kept, gone.clone()], &[]).await.unwrap();
    assert_eq!(read.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false]);
    let page = bench.changes().list_deleted(&bench.account, Contact, None).await.unwrap();
    assert_eq!(page.ids.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&gone]);
}

#[tokio::test]
async fn an_export_goes_on_where_it_ended_and_leaves_out_what_is_not_ours() {
    let bench = Bench::ready_at(ZENDESK).await;
    let rows: Vec<Value> = (0..1_200).map(|n| json!({"name": format!("Personne {n}")})).collect();
    bench.by_hand(Method::POST, "users/import", json!({ "rows": rows })).await;
    let first = bench.changes().list(&bench.account, Contact, None, &names(&["name"])).await.unwrap();
    let second = bench.changes().list(&bench.account, Contact, Some(first.next), &[]).await.unwrap();
    assert_eq!((first.objects.len(), first.more, second.objects.len(), second.more), (1_000, true, 200, false));
    let late = bench.by_hand(Method::POST, "users", json!({"name": "Tardive"})).await;
    let third = bench.changes().list(&bench.account, Contact, Some(second.next), &[]).await.unwrap();
    assert_eq!(
        third.objects.iter().map(|user| user.external_id.as_str()).collect::<Vec<_>>(),
        [late["id"].as_str().unwrap()]
    );
    bench.by_hand(Method::POST, "tickets", json!({"subject": "Autre chose"})).await;
    let ours = one(&bench, Activity, create(9, &[("subject", "Appel")])).await;
    let tickets = bench.changes().list(&bench.account, Activity, None, &[]).await.unwrap();
    assert_eq!(tickets.objects.iter().map(|ticket| &ticket.external_id).collect::<Vec<_>>(), [&ours]);
    let foreign = Some(Cursor("{\"after\": 7}".to_owned()));
    assert_eq!(bench.changes().list(&bench.account, Contact, foreign, &[]).await.unwrap_err().code, "foreign_cursor");
}

#[tokio::test]
async fn the_fields_of_an_account_are_described_with_its_own() {
    let bench = Bench::ready_at(ZENDESK).await;
    let users = bench.discovery().fields(&bench.account, Contact).await.unwrap();
    let plan = users.iter().find(|field| field.name == "user_fields.plan").unwrap();
    assert_eq!((plan.field_type, plan.options.len(), plan.custom), (RemoteFieldType::Choice, 2, true));
    assert!(!users.iter().any(|field| field.name == "user_fields.old"));
    let tickets = bench.discovery().fields(&bench.account, Activity).await.unwrap();
    assert!(tickets.iter().any(|field| field.name == "custom_fields.902"));
    assert!(!tickets.iter().any(|field| field.name == "custom_fields.901"));
}

#[tokio::test]
async fn a_limit_is_waited_for_and_a_lost_answer_found_by_the_next_look() {
    let bench = Bench::ready_at(ZENDESK).await;
    bench.faults(json!({"lost_answer_next": 1})).await;
    let item = create(1, &[("phone", "0612345678")]);
    let each = bench.writer().create(&bench.account, Contact, &[item]).await.unwrap();
    assert!(each[0].as_ref().unwrap_err().outcome_is_unknown());
    let found = bench.reader().find(&bench.account, Contact, &[wanted(1, &[])], &[]).await.unwrap();
    assert!(found[0].is_some());
    bench.faults(json!({"rate_limit_per_minute": 0})).await;
    let error = bench.reader().read(&bench.account, Contact, &names(&["1"]), &[]).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after.map(|wait| wait.as_secs())), (FaultKind::RateLimited, Some(17)));
}
