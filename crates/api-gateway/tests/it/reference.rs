//! The OpenAPI document: that the checked-in copy is it, that it explains everything, that its page is there.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::world::{World, document};

const COPY: &str = include_str!("../../../../docs/openapi.json");

#[test]
fn the_checked_in_copy_is_the_document() {
    let copy: Value = serde_json::from_str(COPY).unwrap();
    assert!(
        copy == document(),
        "docs/openapi.json is not what the handlers say: \
         cargo run -p api-gateway --example openapi > docs/openapi.json"
    );
}

#[test]
fn every_operation_parameter_and_field_is_explained() {
    let (document, mut mute) = (document(), Vec::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| *key != "servers") {
            if operation["summary"].as_str().is_none_or(str::is_empty) {
                mute.push(format!("{method} {path}"));
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["description"].as_str().is_none_or(str::is_empty) {
                    mute.push(format!("{method} {path}: {}", parameter["name"]));
                }
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        unexplained(name, schema, true, &mut mute);
    }
    assert!(mute.is_empty(), "without a description: {mute:#?}");
}

#[test]
fn every_schema_has_an_example() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let bare: Vec<_> = schemas
        .iter()
        .filter(|(_, schema)| {
            schema.get("example").is_none() && schema["examples"].as_array().is_none_or(Vec::is_empty)
        })
        .map(|(name, _)| name)
        .collect();
    assert!(bare.is_empty(), "without an example: {bare:?}");
}

#[test]
fn every_reference_leads_to_what_the_document_holds() {
    let document = document();
    let mut named = Vec::new();
    references(&document, &mut named);
    let leads_nowhere = |one: &&str| document.pointer(one.trim_start_matches('#')).is_none();
    let lost: BTreeSet<&str> = named.iter().map(String::as_str).filter(leads_nowhere).collect();
    assert!(
        !named.is_empty() && lost.is_empty(),
        "a parameter's own type is written out by `#[param(inline)]`: {lost:?}"
    );
}

fn references(value: &Value, named: &mut Vec<String>) {
    if let Some(one) = value["$ref"].as_str() {
        named.push(one.to_owned());
    }
    let inner = value.as_object().into_iter().flat_map(|it| it.values()).chain(value.as_array().into_iter().flatten());
    inner.for_each(|inner| references(inner, named));
}

/// Notes what has no description: a schema of its own, and every property, however deep.
fn unexplained(path: &str, schema: &Value, named: bool, mute: &mut Vec<String>) {
    let explained = schema["description"].is_string() || schema.get("$ref").is_some() || schema.get("allOf").is_some();
    let by_reference = ["oneOf", "anyOf"].iter().any(|one| schema[one].is_array());
    // A list's name says it all: its items are explained where they are defined.
    if named && !explained && !by_reference {
        mute.push(path.to_owned());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        unexplained(&format!("{path}.{name}"), property, true, mute);
    }
    for part in ["oneOf", "anyOf", "allOf"] {
        for (index, inner) in schema[part].as_array().into_iter().flatten().enumerate() {
            unexplained(&format!("{path}.{part}[{index}]"), inner, false, mute);
        }
    }
}

#[tokio::test]
async fn the_document_and_its_page_are_open_to_everybody_and_need_no_other_host() {
    let world = World::start().await;
    let served = world.call(Method::GET, "/openapi.json", None, None).await;
    assert_eq!(served.body, document());
    let (status, headers, page) = world.text("/docs/").await;
    assert_eq!(status.as_u16(), 200);
    assert!(headers["content-type"].to_str().unwrap().starts_with("text/html"), "{headers:?}");
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for inline in ["<style", " style=", "<script>"] {
        assert!(!page.contains(inline), "{inline:?} is in {page}");
    }
    assert!(!page.contains("https://"), "{page}");
    let (status, _, script) = world.text("/docs/swagger-initializer.js").await;
    assert_eq!(status.as_u16(), 200);
    assert!(script.contains("/openapi.json"), "{script}");
    world.stop().await;
}
