//! A platform whose lists lead to themselves, and whose objects have no ids: whoever reads them comes to an end, and takes nothing for
//! an object that is none, nor for absent what it has not come to.

use connectors::account::{Account, Learnt};
use domain::fault::FaultKind;
use domain::kind::RecordKind::{Activity, Contact, Deal, Order};
use serde_json::json;

use crate::bench::{Bench, HUBSPOT, PIPEDRIVE, SALESFORCE, SHOPIFY, Stand, create, names, tried, wanted};
use crate::door::Door;

/// One page of a query, which names itself as the next.
const QUERY: &str = r#"{"done": false, "records": [], "nextRecordsUrl": "/services/data/v63.0/query/01g-2000"}"#;

/// A shop in which no order is shown, and whose history goes on as it begins.
const HISTORY: &str = r#"{"data": {"nodes": [null], "events": {"nodes": [],
    "pageInfo": {"hasNextPage": true, "endCursor": "x"}}}}"#;

/// What a batch made, without saying what.
const MADE: &str = r#"{"results": [{"id": "", "properties": {"email": "zoe@x.fr"}}]}"#;

/// Deals and activities, of which there are always more.
const DEALS: &str = r#"{"results": [{"id": "7", "properties": {"createdate": "2026-11-27T09:30:00.000Z"}}],
    "paging": {"next": {"after": "200"}}}"#;
const ACTIVITIES: &str = r#"{"success": true, "data": [{"id": 7, "add_time": "2999-01-01T00:00:00Z"}],
    "additional_data": {"next_cursor": "x"}}"#;

/// The account of a stand-in, at a place that answers everything by this. It is open as long as the place is kept.
async fn at(stand: Stand, answer: &'static str) -> (Bench, Account, Door) {
    let (bench, door) = (Bench::bare_at(stand).await, Door::answering(answer).await);
    let account =
        Account { base_url: door.origin.parse().unwrap(), learnt: Learnt::default(), ..bench.account.clone() };
    (bench, account, door)
}

#[tokio::test]
async fn a_query_whose_page_leads_to_itself_is_no_answer_and_is_not_followed_for_ever() {
    let (bench, account, _door) = at(SALESFORCE, QUERY).await;
    let error = bench.reader().read(&account, Contact, &names(&["003000000000001AAA"]), &[]).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Invalid, "endless_list"));
}

#[tokio::test]
async fn a_history_whose_page_leads_to_itself_says_of_no_order_that_it_is_there_or_gone() {
    let (bench, account, _door) = at(SHOPIFY, HISTORY).await;
    let error = bench.reader().read(&account, Order, &names(&["7"]), &[]).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Invalid, "endless_list"));
}

#[tokio::test]
async fn an_object_without_an_id_was_not_answered() {
    let (bench, account, _door) = at(HUBSPOT, MADE).await;
    let each = bench.writer().create(&account, Contact, &[create(1, &[("email", "zoe@x.fr")])]).await.unwrap();
    assert!(each[0].as_ref().unwrap_err().outcome_is_unknown());
}

#[tokio::test]
async fn of_what_a_create_may_have_left_nobody_says_that_it_is_not_there_before_all_was_looked_through() {
    for (stand, kind, page) in [(HUBSPOT, Deal, DEALS), (PIPEDRIVE, Activity, ACTIVITIES)] {
        let (bench, account, _door) = at(stand, page).await;
        account.learnt.put("key.deal", "lacking");
        let error = bench.reader().find(&account, kind, &[tried(1)], &[]).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (FaultKind::Unavailable, "unfinished_search"), "{kind}");
        assert!(error.is_worth_repeating() && !error.outcome_is_unknown());
        // Where no create is unaccounted for, it is enough to have looked at the newest.
        assert_eq!(bench.reader().find(&account, kind, &[wanted(1, &[])], &[]).await.unwrap(), [None], "{kind}");
    }
}

#[tokio::test]
async fn a_look_for_what_a_create_left_ends_while_the_calls_of_a_batch_may_last() {
    let (bench, account, door) = at(HUBSPOT, DEALS).await;
    account.learnt.put("key.deal", "lacking");
    let error = bench.reader().find(&account, Deal, &[tried(1)], &[]).await.unwrap_err();
    // With five searches a second, twenty of the seventy-two seconds.
    assert_eq!((error.code.as_str(), door.waiting()), ("unfinished_search", 100));
}

#[tokio::test]
async fn what_our_field_does_not_show_is_not_there_however_much_more_there_is_to_look_through() {
    for (stand, page) in [(HUBSPOT, DEALS), (PIPEDRIVE, ACTIVITIES)] {
        let (bench, account, _door) = at(stand, page).await;
        account.learnt.put("pipedrive deals", json!({"key": "0".repeat(40), "types": {}}).to_string());
        let found = bench.reader().find(&account, Deal, &[tried(1)], &[]).await.unwrap();
        assert_eq!(found, [None], "{:?}", stand.platform);
    }
}
