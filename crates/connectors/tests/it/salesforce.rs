//! Salesforce's contacts, leads, opportunities and tasks, against its stand-in.

use connectors::connector::{Create, Cursor, Tie, Update};
use connectors::discovery::RemoteFieldType;
use domain::fault::FaultKind;
use domain::field::FieldValue;
use domain::kind::RecordKind::{self, Activity, Contact, Deal};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bench::{Bench, SALESFORCE, create, fields, key, names, wanted};

async fn one(bench: &Bench, kind: RecordKind, item: Create) -> String {
    bench.writer().create(&bench.account, kind, &[item]).await.unwrap().remove(0).unwrap().external_id
}

async fn shown(bench: &Bench, object: &str, id: &str) -> Value {
    bench.get(&format!("{}/services/data/v68.0/sobjects/{object}/{id}", SALESFORCE.account)).await
}

#[tokio::test]
async fn a_test_says_whose_organisation_it_is_and_a_wrong_token_what_is_wrong() {
    let mut bench = Bench::bare_at(SALESFORCE).await;
    let found = bench.probe().test(&bench.account).await.unwrap();
    assert_eq!(found.account_id, SALESFORCE.account);
    bench.account.credentials = domain::credentials::Credentials::Bearer { access_token: "nobody".to_owned().into() };
    let error = bench.probe().test(&bench.account).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Unauthorized, "INVALID_SESSION_ID"));
}

#[tokio::test]
async fn a_contact_is_created_once_whoever_asks_again_and_found_by_key_and_address() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let item = create(1, &[("Email", "Zoe@x.fr"), ("FirstName", "Zoé"), ("LastName", "O'Brien")]);
    let written =
        bench.writer().create(&bench.account, Contact, std::slice::from_ref(&item)).await.unwrap().remove(0).unwrap();
    assert_eq!((written.created, &written.shown["LastName"]), (true, &FieldValue::text("O'Brien")));
    assert_eq!(one(&bench, Contact, item).await, written.external_id);
    assert_eq!(bench.created("Contact").await, 1);
    let paul = bench.by_hand(Method::POST, "Contact", json!({"LastName": "Paul", "Email": "Paul@X.fr"})).await;
    assert!(paul["id"].is_string());
    let searched = [wanted(1, &[]), wanted(2, &[("Email", "paul@x.fr")]), wanted(3, &[("Email", "o'b@x.fr")])];
    let found = bench.reader().find(&bench.account, Contact, &searched, &names(&["LastName"])).await.unwrap();
    let contact = found[0].as_ref().unwrap();
    assert_eq!((contact.external_id.as_str(), contact.key), (written.external_id.as_str(), Some(key(1))));
    assert_eq!(found[1].as_ref().unwrap().fields["LastName"], FieldValue::text("Paul"));
    assert!(found[2].is_none());
}

#[tokio::test]
async fn a_number_that_two_people_share_does_not_make_them_one() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let paul = json!({"LastName": "Paul", "Phone": "+33612345678", "Email": "paul@x.fr"});
    bench.by_hand(Method::POST, "Contact", paul).await;
    let searched = [wanted(1, &[("Email", "zoe@x.fr"), ("Phone", "+33612345678")])];
    assert_eq!(bench.reader().find(&bench.account, Contact, &searched, &[]).await.unwrap(), [None]);
    bench.by_hand(Method::POST, "Contact", json!({"LastName": "Appel", "Phone": "06 12 34 56 78"})).await;
    let found = bench.reader().find(&bench.account, Contact, &searched, &names(&["LastName"])).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().fields["LastName"], FieldValue::text("Appel"));
}

#[tokio::test]
async fn a_person_with_nothing_but_a_number_is_found_in_whatever_notation_it_was_written() {
    let bench = Bench::ready_at(SALESFORCE).await;
    for (name, phone) in [("Autre", "07 12 34 56 78"), ("Zoé", "06.12.34.56.78"), ("Paul", "+33 1 40 20 50 50")] {
        bench.by_hand(Method::POST, "Contact", json!({"LastName": name, "Phone": phone})).await;
    }
    let asked = [
        wanted(1, &[("Phone", "+33612345678")]),
        wanted(2, &[("Phone", "0140205050")]),
        wanted(3, &[("Phone", "06 99 88 77 66")]),
        wanted(4, &[("Phone", "poste 12")]),
    ];
    let found = bench.reader().find(&bench.account, Contact, &asked, &names(&["LastName"])).await.unwrap();
    let found: Vec<_> = found.iter().map(|person| person.as_ref().map(|person| &person.fields["LastName"])).collect();
    assert_eq!(found, [Some(&FieldValue::text("Zoé")), Some(&FieldValue::text("Paul")), None, None]);
}

#[tokio::test]
async fn one_bad_row_of_a_collection_concerns_nobody_else() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let items = [
        create(1, &[("LastName", "Un")]),
        create(2, &[("LastName", "Deux"), ("Email", "no address")]),
        create(3, &[("FirstName", "Trois")]),
        create(4, &[("LastName", "Quatre")]),
    ];
    let each = bench.writer().create(&bench.account, Contact, &items).await.unwrap();
    let codes: Vec<&str> =
        each.iter().map(|result| result.as_ref().map_or_else(|error| error.code.as_str(), |_| "ok")).collect();
    assert_eq!(codes, ["ok", "INVALID_EMAIL_ADDRESS", "REQUIRED_FIELD_MISSING", "ok"]);
    assert!(each[1].as_ref().unwrap_err().message.contains("no address"));
    assert_eq!(bench.created("Contact").await, 2);
}

#[tokio::test]
async fn a_change_writes_what_differs_and_what_is_gone_says_so() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let id = one(&bench, Contact, create(1, &[("LastName", "Un"), ("Phone", "0612345678")])).await;
    let gone = one(&bench, Contact, create(2, &[("LastName", "Deux")])).await;
    for _ in 0..2 {
        let each = bench.writer().delete(&bench.account, Contact, std::slice::from_ref(&gone)).await.unwrap();
        each[0].as_ref().unwrap();
    }
    let change =
        |id: &str| Update { external_id: id.to_owned(), fields: fields(&[("MailingCity", "Lyon"), ("Phone", "")]) };
    let each = bench.writer().update(&bench.account, Contact, &[change(&id), change(&gone)]).await.unwrap();
    assert_eq!(each[0].as_ref().unwrap().shown["MailingCity"], FieldValue::text("Lyon"));
    assert_eq!(each[1].as_ref().unwrap_err().kind, FaultKind::NotFound);
    assert_eq!(shown(&bench, "Contact", &id).await["Phone"], Value::Null);
    let read = bench.reader().read(&bench.account, Contact, &[gone.clone(), id], &[]).await.unwrap();
    assert_eq!(read.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    let page = bench.changes().list_deleted(&bench.account, Contact, None).await.unwrap();
    assert_eq!(page.ids.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&gone]);
}

#[tokio::test]
async fn where_the_tenant_wants_it_people_are_leads_whose_address_has_other_names() {
    let mut bench = Bench::bare_at(SALESFORCE).await;
    bench.account.options.insert("people".to_owned(), "lead".to_owned());
    bench.probe().prepare(&bench.account).await.unwrap();
    let item = create(1, &[("LastName", "Un"), ("Email", "un@x.fr"), ("MailingCity", "Lyon")]);
    let written = bench.writer().create(&bench.account, Contact, &[item]).await.unwrap().remove(0).unwrap();
    assert_eq!(written.shown["MailingCity"], FieldValue::text("Lyon"));
    assert_eq!((bench.created("Lead").await, bench.created("Contact").await), (1, 0));
    assert_eq!(shown(&bench, "Lead", &written.external_id).await["City"], "Lyon");
    let page = bench.changes().list(&bench.account, Contact, None, &names(&["MailingCity"])).await.unwrap();
    assert_eq!(page.objects[0].fields["MailingCity"], FieldValue::text("Lyon"));
    // A lead has no opportunities until somebody converts it, and its calls are its own.
    let deal = create(2, &[("Name", "Rendez-vous"), ("StageName", "Prospecting")]);
    one(&bench, Deal, Create { contact: Some(written.external_id.clone()), ..deal }).await;
    let call = create(3, &[("Subject", "Appel")]);
    let task = one(&bench, Activity, Create { contact: Some(written.external_id.clone()), ..call }).await;
    assert_eq!(shown(&bench, "Task", &task).await["WhoId"], written.external_id.as_str());
    assert_eq!(bench.created("OpportunityContactRole").await, 0);
}

#[tokio::test]
async fn an_opportunity_is_tied_to_its_contact_once_and_a_number_comes_back_as_it_was() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let zoe = one(&bench, Contact, create(1, &[("LastName", "Zoé")])).await;
    let deal = create(2, &[("Name", "Rendez-vous"), ("StageName", "Prospecting"), ("Amount", "1500")]);
    let deal = Create { contact: Some(zoe.clone()), ..deal };
    let written =
        bench.writer().create(&bench.account, Deal, std::slice::from_ref(&deal)).await.unwrap().remove(0).unwrap();
    assert_eq!(written.shown["Amount"], FieldValue::Number(1_500.into()));
    let tie = Tie { external_id: written.external_id.clone(), contact: zoe };
    bench.writer().associate(&bench.account, Deal, std::slice::from_ref(&tie)).await.unwrap().remove(0).unwrap();
    assert_eq!(bench.created("OpportunityContactRole").await, 1);
    for _ in 0..2 {
        bench.writer().dissociate(&bench.account, Deal, std::slice::from_ref(&tie)).await.unwrap().remove(0).unwrap();
    }
    bench.writer().associate(&bench.account, Deal, &[tie]).await.unwrap().remove(0).unwrap();
    assert_eq!(bench.created("OpportunityContactRole").await, 2);
}

#[tokio::test]
async fn a_listing_goes_on_behind_its_last_row_and_shows_only_calls_of_all_tasks() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let rows: Vec<Value> = (0..700).map(|n| json!({"LastName": format!("Personne {n}")})).collect();
    bench.by_hand(Method::POST, "Contact/import", json!({ "rows": rows })).await;
    let first = bench.changes().list(&bench.account, Contact, None, &names(&["LastName"])).await.unwrap();
    let second = bench.changes().list(&bench.account, Contact, Some(first.next), &[]).await.unwrap();
    assert_eq!((first.objects.len(), first.more, second.objects.len(), second.more), (500, true, 200, false));
    // The next listing reaches back, so what was there at the same moment comes again.
    let third = bench.changes().list(&bench.account, Contact, Some(second.next), &[]).await.unwrap();
    assert_eq!(third.objects.len(), 500);
    bench.by_hand(Method::POST, "Task", json!({"Subject": "Autre chose"})).await;
    let ours = one(&bench, Activity, create(9, &[("Subject", "Appel")])).await;
    let calls = bench.changes().list(&bench.account, Activity, None, &[]).await.unwrap();
    assert_eq!(calls.objects.iter().map(|call| &call.external_id).collect::<Vec<_>>(), [&ours]);
    let foreign = Some(Cursor("{\"since\": []}".to_owned()));
    assert_eq!(bench.changes().list(&bench.account, Contact, foreign, &[]).await.unwrap_err().code, "foreign_cursor");
}

#[tokio::test]
async fn a_call_is_asked_for_where_archived_ones_are_shown_and_everybody_else_is_not() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let origin = bench.account.base_url.origin().ascii_serialization();
    let whose = format!("platform=salesforce&account={}", SALESFORCE.account);
    for (kind, resource) in [(Activity, "/queryAll"), (Contact, "/query")] {
        let id = one(&bench, kind, create(1, &[(if kind == Contact { "LastName" } else { "Subject" }, "Appel")])).await;
        let last = |requests: &[Value]| requests.last().map_or(0, |request| request["seq"].as_u64().unwrap());
        let requests = async |after: u64| {
            let url = format!("{origin}/_sandbox/requests?{whose}&after={after}");
            reqwest::get(url).await.unwrap().json::<Vec<Value>>().await.unwrap()
        };
        let before = last(&requests(0).await);
        bench.changes().list(&bench.account, kind, None, &[]).await.unwrap();
        let read = bench.reader().read(&bench.account, kind, &[id], &[]).await.unwrap();
        assert!(read[0].is_some(), "{kind}");
        let paths: Vec<_> = requests(before).await.iter().map(|it| it["path"].as_str().unwrap().to_owned()).collect();
        let queries: Vec<_> = paths.iter().filter(|path| path.contains("/query")).collect();
        assert!(queries.len() >= 2 && queries.iter().all(|path| path.ends_with(resource)), "{kind}: {paths:?}");
    }
}

#[tokio::test]
async fn a_read_follows_the_pages_of_a_query() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(one(&bench, Contact, create(n, &[("LastName", "Personne")])).await);
    }
    bench.faults(json!({"query_page": 3})).await;
    let read = bench.reader().read(&bench.account, Contact, &ids, &names(&["LastName"])).await.unwrap();
    let found: Vec<&str> = read.iter().map(|object| object.as_ref().unwrap().external_id.as_str()).collect();
    assert_eq!(found, ids);
}

#[tokio::test]
async fn without_our_field_people_are_found_by_their_address_and_nothing_claims_a_key() {
    let bench = Bench::bare_at(SALESFORCE).await;
    bench.faults(json!({"no_key_field": true})).await;
    assert!(bench.probe().prepare(&bench.account).await.unwrap().keyed.is_empty());
    let id = one(&bench, Contact, create(1, &[("LastName", "Un"), ("Email", "un@x.fr")])).await;
    let found = bench.reader().find(&bench.account, Contact, &[wanted(1, &[("Email", "un@x.fr")])], &[]).await.unwrap();
    assert_eq!((found[0].as_ref().unwrap().external_id.as_str(), found[0].as_ref().unwrap().key), (id.as_str(), None));
}

#[tokio::test]
async fn without_our_field_a_deal_and_a_call_carry_the_key_in_their_text_and_a_lost_answer_makes_no_second() {
    let bench = Bench::bare_at(SALESFORCE).await;
    bench.faults(json!({"no_key_field": true})).await;
    let deal = [("Name", "Rendez-vous"), ("StageName", "Prospecting"), ("Description", "Devis")];
    let call = [("Subject", "Appel"), ("CallType", "Inbound"), ("Description", "Rappeler")];
    for (n, kind, item, object) in [(1, Deal, deal, "Opportunity"), (3, Activity, call, "Task")] {
        one(&bench, kind, create(n, &item[..2])).await;
        bench.faults(json!({"lost_answer_next": 1})).await;
        let lost = bench.writer().create(&bench.account, kind, &[create(n + 1, &item)]).await.unwrap_err();
        assert!(lost.outcome_is_unknown(), "{lost:?}");
        let (asked, text) = ([wanted(n + 1, &[]), wanted(n, &[]), wanted(9, &[])], names(&["Description"]));
        let found = bench.reader().find(&bench.account, kind, &asked, &text).await.unwrap();
        let [Some(again), Some(first), None] = &found[..] else { panic!("{found:?}") };
        assert_eq!((again.key, &again.fields["Description"]), (Some(key(n + 1)), &FieldValue::text(item[2].1)));
        assert_eq!((first.key, &first.fields["Description"]), (Some(key(n)), &FieldValue::Null));
        assert_eq!(bench.created(object).await, 2, "{kind}");

        // It stays where the text is changed, and nobody takes it for what people wrote.
        let id = again.external_id.clone();
        let change = Update { external_id: id.clone(), fields: fields(&[("Description", "Autre chose")]) };
        let written = bench.writer().update(&bench.account, kind, &[change]).await.unwrap().remove(0).unwrap();
        assert_eq!(written.shown["Description"], FieldValue::text("Autre chose"));
        let kept = shown(&bench, object, &id).await;
        assert_eq!(kept["Description"], format!("Autre chose\n\nCoccinelle: {}", key(n + 1)));
    }
}

#[tokio::test]
async fn the_fields_of_an_organisation_are_described_with_its_own() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let found = bench.discovery().fields(&bench.account, Contact).await.unwrap();
    let field = |name: &str| found.iter().find(|field| field.name == name).unwrap();
    let own = field("Niveau__c");
    assert_eq!((own.field_type, own.options.len(), own.custom), (RemoteFieldType::Choice, 2, true));
    assert!(field("Coccinelle_Id__c").unique && field("SystemModstamp").read_only && !field("Email").read_only);
    let deals = bench.discovery().fields(&bench.account, Deal).await.unwrap();
    let amount = deals.iter().find(|field| field.name == "Amount").unwrap();
    assert_eq!(amount.field_type, RemoteFieldType::Number);
}

#[tokio::test]
async fn a_limit_of_the_day_is_waited_for_and_a_lost_answer_found_by_the_next_look() {
    let bench = Bench::ready_at(SALESFORCE).await;
    bench.faults(json!({"lost_answer_next": 1})).await;
    let item = create(1, &[("LastName", "Un")]);
    assert!(bench.writer().create(&bench.account, Contact, &[item]).await.unwrap_err().outcome_is_unknown());
    let found = bench.reader().find(&bench.account, Contact, &[wanted(1, &[])], &[]).await.unwrap();
    assert!(found[0].is_some());
    bench.faults(json!({"daily_requests": 0})).await;
    let error = bench.reader().read(&bench.account, Contact, &names(&["003000000000031AAA"]), &[]).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after.map(|wait| wait.as_secs())), (FaultKind::RateLimited, Some(3_600)));
}
