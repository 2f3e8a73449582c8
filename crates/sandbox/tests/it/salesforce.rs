//! What an organisation's setup takes and refuses, and which changes it then tells of, as a receiver sees it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::world::World;

const ORG: &str = "00D000000000001EAA";

async fn call(world: &World, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let url = format!("{}/{ORG}/services/data/v68.0/tooling/{path}", world.running.platform_url("salesforce"));
    let request = world.client.request(method, url).bearer_auth(format!("{ORG}!secret"));
    let request = if body.is_null() { request } else { request.json(&body) };
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap_or_default())
}

/// The id of what is made of this; it is taken.
async fn made(world: &World, kind: &str, body: Value) -> String {
    let (status, made) = call(world, Method::POST, &format!("sobjects/{kind}"), body).await;
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// The code of a refusal.
async fn refused(world: &World, method: Method, path: &str, body: Value) -> String {
    let (status, told) = call(world, method, path, body).await;
    assert!(status.is_client_error(), "{path}: {status} {told}");
    told[0]["errorCode"].as_str().unwrap().to_owned()
}

fn message(name: &str, url: &str) -> Value {
    json!({"FullName": format!("Contact.{name}"), "Metadata": {
        "name": name, "apiVersion": 68, "endpointUrl": url, "fields": ["Id"], "includeSessionId": false,
        "integrationUser": "admin@exemple.fr", "protected": false,
    }})
}

fn flow(name: &str) -> Value {
    json!({"FullName": name, "Metadata": {
        "label": name, "processType": "AutoLaunchedFlow", "status": "Draft",
        "start": {"object": "Contact", "recordTriggerType": "CreateAndUpdate", "triggerType": "RecordAfterSave",
                  "connector": {"targetReference": "Step"}},
        "actionCalls": [{"name": "Step", "label": "Step", "actionType": "outboundMessage",
                         "actionName": format!("Contact.{name}")}],
    }})
}

async fn add(world: &World, kind: &str, fields: Value) {
    let (status, made) = world.control(Method::POST, &format!("/salesforce/{ORG}/{kind}"), fields).await;
    assert_eq!(status, 201, "{made}");
}

#[tokio::test]
async fn what_is_not_whole_or_there_already_is_refused_by_name() {
    let world = World::new();
    let path = "sobjects/WorkflowOutboundMessage";
    let with = |name: &str, value: Value| {
        let mut whole = message("One", "https://hooks.exemple.fr");
        whole["Metadata"][name] = value;
        whole
    };
    for (body, code) in [
        (with("endpointUrl", Value::Null), "REQUIRED_FIELD_MISSING"),
        (with("endpointUrl", json!("nowhere")), "FIELD_INTEGRITY_EXCEPTION"),
        (with("integrationUser", json!("nobody@exemple.fr")), "INVALID_CROSS_REFERENCE_KEY"),
        (with("fields", json!(["Nothing__c"])), "INVALID_FIELD"),
        (json!({"FullName": "Contact.Two__Lines", "Metadata": {}}), "FIELD_INTEGRITY_EXCEPTION"),
        (json!({"Name": "One"}), "JSON_PARSER_ERROR"),
    ] {
        assert_eq!(refused(&world, Method::POST, path, body.clone()).await, code, "{body}");
    }
    assert_eq!(refused(&world, Method::POST, "sobjects/Flow", flow("One")).await, "FIELD_INTEGRITY_EXCEPTION");
    made(&world, "WorkflowOutboundMessage", message("One", "https://hooks.exemple.fr")).await;
    let again = message("One", "https://hooks.exemple.fr/2");
    assert_eq!(refused(&world, Method::POST, path, again).await, "DUPLICATE_DEVELOPER_NAME");
    assert_eq!(refused(&world, Method::GET, "sobjects/Nothing/1", Value::Null).await, "NOT_FOUND");
}

#[tokio::test]
async fn a_message_is_sent_by_a_flow_that_is_switched_on_and_neither_goes_before_it_is_off() {
    let (world, mut receiver) = (World::new(), Receiver::start());
    let message = made(&world, "WorkflowOutboundMessage", message("One", &receiver.url("/crochet?token=x"))).await;
    let version = made(&world, "Flow", flow("One")).await;
    add(&world, "Contact", json!({"LastName": "Before"})).await;
    let query = "query?q=SELECT+Id,ActiveVersionId+FROM+FlowDefinition+WHERE+DeveloperName+=+'One'";
    let (_, found) = call(&world, Method::GET, query, Value::Null).await;
    assert_eq!(found["records"][0]["ActiveVersionId"], Value::Null, "{found}");
    let definition = format!("sobjects/FlowDefinition/{}", found["records"][0]["Id"].as_str().unwrap());
    let switch = async |number: u64| {
        let body = json!({"Metadata": {"activeVersionNumber": number}});
        call(&world, Method::PATCH, &definition, body).await.0
    };
    assert_eq!((switch(7).await, switch(1).await), (StatusCode::BAD_REQUEST, StatusCode::NO_CONTENT));

    // Of another type nobody is told.
    add(&world, "Lead", json!({"LastName": "Lead", "Company": "SA"})).await;
    add(&world, "Contact", json!({"LastName": "After"})).await;
    let arrival = receiver.next().await;
    assert_eq!(arrival.body.matches("<Notification>").count(), 1, "{}", arrival.body);
    assert!(arrival.body.contains(&format!("<ActionId>{message}</ActionId>")), "{}", arrival.body);

    let (message, version) =
        (format!("sobjects/WorkflowOutboundMessage/{message}"), format!("sobjects/Flow/{version}"));
    for path in [&version, &message] {
        assert_eq!(refused(&world, Method::DELETE, path, Value::Null).await, "DELETE_FAILED");
    }
    assert_eq!(switch(0).await, 204);
    for path in [&version, &message] {
        assert_eq!(call(&world, Method::DELETE, path, Value::Null).await.0, 204);
    }
    let (_, found) = call(&world, Method::GET, query, Value::Null).await;
    assert_eq!(found["totalSize"], 0, "a definition goes with its last version: {found}");
}
