//! What HubSpot answers when it does not do what it is asked, and what that means to us.

use std::time::Duration;

use connectors::http::{Client, Reach};
use domain::credentials::Credentials;
use domain::fault::FaultKind;
use domain::kind::RecordKind::Contact;
use serde_json::json;

use crate::bench::{Bench, create, names, wanted};

#[tokio::test]
async fn each_status_has_its_class() {
    let bench = Bench::ready().await;
    for (status, kind) in [
        (401, FaultKind::Unauthorized),
        (403, FaultKind::Forbidden),
        (429, FaultKind::RateLimited),
        (500, FaultKind::Unavailable),
        (503, FaultKind::Unavailable),
    ] {
        bench.faults(json!({"fail_all_status": status})).await;
        let error = bench.reader().read(&bench.account, Contact, &names(&["1"]), &[]).await.unwrap_err();
        assert_eq!((error.kind, error.status), (kind, Some(status)));
    }
}

#[tokio::test]
async fn a_limit_says_how_long_to_wait() {
    let bench = Bench::ready().await;
    bench.faults(json!({"rate_limit_per_10s": 0})).await;
    let error = bench.reader().read(&bench.account, Contact, &names(&["1"]), &[]).await.unwrap_err();
    assert_eq!((error.kind, error.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(10))));
}

#[tokio::test]
async fn a_search_that_is_refused_by_the_second_is_tried_again() {
    let bench = Bench::ready().await;
    let made = create(1, &[("lastname", "M"), ("phone", "0612345678")]);
    bench.writer().create_unguarded(&bench.account, Contact, &[made]).await.unwrap()[0].as_ref().unwrap();
    bench.faults(json!({"search_limit_per_s": 1})).await;
    for n in 2..4 {
        let asked = [wanted(n, &[("phone", "0612345678")])];
        let found = bench.reader().find(&bench.account, Contact, &asked, &[]).await.unwrap();
        assert!(found[0].is_some());
    }
}

#[tokio::test]
async fn a_lost_answer_leaves_an_unknown_outcome_and_the_next_look_finds_what_was_written() {
    for loss in ["bad_gateway", "dropped"] {
        let bench = Bench::ready().await;
        bench.faults(json!({"lost_answer_next": 1, "lost_answer_as": loss})).await;
        let made = create(1, &[("phone", "0612345678")]);
        let error = bench.writer().create(&bench.account, Contact, std::slice::from_ref(&made)).await.unwrap_err();
        assert!(error.outcome_is_unknown() && error.kind == FaultKind::Unavailable, "{loss}: {error:?}");
        let found = bench.reader().find(&bench.account, Contact, &[wanted(1, &[])], &[]).await.unwrap();
        assert!(found[0].is_some(), "{loss}");
        let each = bench.writer().create(&bench.account, Contact, &[made]).await.unwrap();
        assert!(!each[0].as_ref().unwrap().created, "{loss}");
        assert_eq!(bench.created("contact").await, 1);
    }
}

#[tokio::test]
async fn a_platform_that_never_answers_is_given_up_after_the_timeout() {
    let mut bench = Bench::ready().await;
    bench.account.http = Client::new(Duration::from_millis(200), Reach::Anywhere).unwrap();
    bench.faults(json!({"hang": true})).await;
    let error = bench.probe().test(&bench.account).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Unavailable, "timeout"));
    assert!(error.outcome_is_unknown());
}

#[tokio::test]
async fn a_platform_that_is_away_was_not_reached_at_all() {
    let mut bench = Bench::ready().await;
    bench.account.base_url = "http://127.0.0.1:9/hubspot".parse().unwrap();
    let error = bench.probe().test(&bench.account).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Unavailable, "unreachable"));
    assert!(!error.outcome_is_unknown());
}

#[tokio::test]
async fn wrong_credentials_are_told_apart_and_repeated_nowhere() {
    let mut bench = Bench::ready().await;
    let key = "not-a-hubspot-token-123";
    bench.account.credentials = Credentials::ApiKey { key: key.to_owned().into(), secret: None };
    let error = bench.probe().test(&bench.account).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FaultKind::Unauthorized, "INVALID_AUTHENTICATION"));
    assert!(!format!("{error:?} {:?}", bench.account).contains(key));
}
