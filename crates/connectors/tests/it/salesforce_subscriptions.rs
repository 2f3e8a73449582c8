//! Salesforce's outbound messages and their flows: made in the setup, looked at, mended, replaced and taken away, by a user who may.

use std::collections::BTreeSet;

use connectors::subscriptions::{self, BY_HAND, Subscription, Subscriptions, Target};
use domain::fault::FaultKind;
use serde_json::{Value, json};

use crate::bench::{Bench, SALESFORCE};

const ALL: [&str; 3] = ["contact", "deal", "activity"];

fn target(integration: &str) -> Target {
    let url = format!("https://hooks.example.com/webhooks/integrations/salesforce/{integration}").parse().unwrap();
    Target { url, secret: Some("a secret/of+ours=".to_owned().into()) }
}

fn of(bench: &Bench) -> &'static dyn Subscriptions {
    bench.connector().subscriptions().unwrap()
}

async fn standing(bench: &Bench) -> Vec<Subscription> {
    of(bench).list(&bench.account).await.unwrap()
}

/// What a query of the setup finds.
async fn setup(bench: &Bench, soql: &str) -> Vec<Value> {
    let soql = soql.replace(' ', "+");
    let body = bench.get(&format!("{}/services/data/v68.0/tooling/query?q={soql}", SALESFORCE.account)).await;
    body["records"].as_array().unwrap().clone()
}

/// How many messages, flows and versions of flows there are.
async fn left(bench: &Bench) -> [usize; 3] {
    let mut left = [0; 3];
    for (count, kind) in left.iter_mut().zip(["WorkflowOutboundMessage", "FlowDefinition", "Flow"]) {
        *count = setup(bench, &format!("SELECT Id FROM {kind}")).await.len();
    }
    left
}

#[tokio::test]
async fn each_kind_gets_a_message_and_a_flow_once_and_all_of_them_go_again() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let target = target("int_1");
    assert_eq!(bench.is_made_to_call(&target).await.made, ALL);
    assert!(bench.is_made_to_call(&target).await.made.is_empty());
    let found = standing(&bench).await;
    assert!(found.iter().all(|it| it.is_active && it.url == target.url.as_str()), "{found:?}");
    assert_eq!(left(&bench).await, [3, 3, 3]);

    let id = &found.iter().find(|it| it.topic == "contact").unwrap().id;
    let path = format!("{}/services/data/v68.0/tooling/sobjects/WorkflowOutboundMessage/{id}", SALESFORCE.account);
    let message = bench.get(&path).await;
    let name = message["Name"].as_str().unwrap();
    assert_eq!(message["FullName"], format!("Contact.{name}"));
    let held = &message["Metadata"];
    assert_eq!(held["endpointUrl"], format!("{}?token=a+secret%2Fof%2Bours%3D", target.url));
    assert_eq!((&held["includeSessionId"], &held["fields"]), (&json!(false), &json!(["Id"])));

    assert_eq!(subscriptions::remove(of(&bench), &bench.account, &target).await.unwrap(), 3);
    assert_eq!(left(&bench).await, [0; 3]);
    of(&bench).unsubscribe(&bench.account, id).await.unwrap();
}

#[tokio::test]
async fn whose_people_are_leads_hears_of_leads_and_no_more_of_contacts() {
    let mut bench = Bench::ready_at(SALESFORCE).await;
    let target = target("int_1");
    bench.is_made_to_call(&target).await;
    bench.account.options = [("people".to_owned(), "lead".to_owned())].into();
    let mended = bench.is_made_to_call(&target).await;
    assert_eq!((mended.made, mended.removed), (vec!["contact"], 1));
    let names = setup(&bench, "SELECT Name FROM WorkflowOutboundMessage ORDER BY Name").await;
    let names: Vec<_> = names.iter().map(|row| row["Name"].as_str().unwrap().split('_').nth(1).unwrap()).collect();
    assert_eq!(names, ["Lead", "Opportunity", "Task"]);
}

#[tokio::test]
async fn a_flow_that_was_switched_off_is_made_again_with_its_message() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let target = target("int_1");
    bench.is_made_to_call(&target).await;
    let flows = setup(&bench, "SELECT Id FROM FlowDefinition").await;
    let path = format!(
        "{}/services/data/v68.0/tooling/sobjects/FlowDefinition/{}",
        SALESFORCE.account,
        flows[0]["Id"].as_str().unwrap()
    );
    bench.patch(&path, json!({"Metadata": {"activeVersionNumber": 0}})).await;
    let mended = bench.is_made_to_call(&target).await;
    assert_eq!((mended.made.len(), mended.removed), (1, 1));
    assert_eq!(left(&bench).await, [3, 3, 3]);
    assert!(standing(&bench).await.iter().all(|it| it.is_active));
}

#[tokio::test]
async fn of_two_integrations_of_an_organisation_each_has_its_own_and_what_is_replaced_goes_last() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let (one, other) = (target("int_1"), target("int_2"));
    assert_eq!(bench.is_made_to_call(&one).await.made, ALL);
    assert_eq!(bench.is_made_to_call(&other).await.made, ALL);
    let ids = async |target: &Target| -> BTreeSet<String> {
        let all = standing(&bench).await.into_iter();
        all.filter(|it| it.url == target.url.as_str()).map(|it| it.id).collect()
    };
    let (before, others) = (ids(&one).await, ids(&other).await);
    let replaced = subscriptions::replace(of(&bench), &bench.account, &one).await.unwrap();
    assert_eq!((replaced.made.len(), replaced.removed), (3, 3));
    assert!(ids(&one).await.is_disjoint(&before));
    assert_eq!(ids(&other).await, others);
}

#[tokio::test]
async fn a_user_without_the_right_is_told_that_somebody_else_has_to_and_leaves_nothing_by_halves() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let target = target("int_1");
    assert!(of(&bench).by_hand().is_some());
    for switch in ["no_sight_of_setup", "no_change_of_setup"] {
        bench.faults(json!({ switch: true })).await;
        let error = async {
            let found = subscriptions::look(of(&bench), &bench.account, &target).await?;
            subscriptions::mend(of(&bench), &bench.account, &target, found).await
        };
        let error = error.await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (FaultKind::Forbidden, "by_hand"), "{switch}");
        assert_eq!(error.message, BY_HAND, "{switch}");
        bench.faults(json!({ switch: false })).await;
        assert_eq!(left(&bench).await, [0; 3], "{switch}");
    }
}

#[tokio::test]
async fn what_fails_in_between_is_taken_back_or_swept_up_by_the_next_check() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let target = target("int_1");
    // The message is made, and nobody learns of it.
    bench.faults(json!({"lost_answer_next": 1})).await;
    let topic = of(&bench).topics()[0];
    of(&bench).subscribe(&bench.account, topic, &target).await.unwrap_err();
    bench.faults(json!({"lost_answer_next": 0})).await;
    assert_eq!(left(&bench).await, [1, 0, 0]);
    let mended = bench.is_made_to_call(&target).await;
    assert_eq!((mended.made.len(), mended.removed), (3, 1));
    assert_eq!(left(&bench).await, [3, 3, 3]);
}

#[tokio::test]
async fn a_flow_of_ours_without_its_message_is_swept_up_by_the_next_check_and_with_the_last_connection() {
    let bench = Bench::ready_at(SALESFORCE).await;
    let target = target("int_1");
    let made = async |kind: &str, body: Value| {
        let path = format!("{}/services/data/v68.0/tooling/sobjects/{kind}", SALESFORCE.account);
        bench.post(&path, body).await;
    };
    // Somebody's own, to which our flow was led before its own message was deleted: without an action there is no flow.
    let theirs = json!({"name": "Theirs", "apiVersion": 68, "endpointUrl": "https://theirs.example.com", "fields": ["Id"],
                        "includeSessionId": false, "integrationUser": "admin@exemple.fr", "protected": false});
    made("WorkflowOutboundMessage", json!({"FullName": "Contact.Theirs", "Metadata": theirs})).await;
    let orphan = async |name: &str| {
        let flow = json!({
            "label": name, "processType": "AutoLaunchedFlow", "status": "Active",
            "start": {"object": "Contact", "recordTriggerType": "CreateAndUpdate", "triggerType": "RecordAfterSave",
                      "connector": {"targetReference": "Step"}},
            "actionCalls": [{"name": "Step", "label": "Step", "actionType": "outboundMessage",
                             "actionName": "Contact.Theirs"}],
        });
        made("Flow", json!({"FullName": name, "Metadata": flow})).await;
    };
    let ours = "Coccinelle_Contact_20261128190754123456";
    for name in [ours, "Coccinelle_Contact"] {
        orphan(name).await;
    }
    let mended = bench.is_made_to_call(&target).await;
    assert_eq!((mended.made.len(), mended.removed), (3, 1));
    assert_eq!(left(&bench).await, [4, 4, 4], "what is not called as ours are is left alone");
    orphan(ours).await;
    assert_eq!(subscriptions::remove(of(&bench), &bench.account, &target).await.unwrap(), 4);
    assert_eq!(left(&bench).await, [1, 1, 1]);
}
