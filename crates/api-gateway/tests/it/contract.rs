//! Holds every answer of every test against the document: its status must be described, and a problem's code be named.

use reqwest::Method;
use serde_json::Value;

use crate::world::{Answer, document};

/// Asserts that the document foresees this answer.
#[track_caller]
pub(crate) fn foresees(method: &Method, path: &str, answer: &Answer) {
    let document = document();
    let path = path.split('?').next().unwrap_or(path);
    let Some(operation) = operation(&document, method, path) else { return };
    let status = answer.status.as_u16().to_string();
    let described = &operation["responses"][&status];
    assert!(described.is_object(), "{method} {path}: {status} is not in the document: {answer:?}");
    if let Some(code) = answer.body["code"].as_str().filter(|_| !answer.status.is_success()) {
        let description = described["description"].as_str().unwrap();
        assert!(description.contains(&format!("`{code}`")), "{method} {path}: `{code}` is not named at {status}");
    }
}

/// The operation behind a path; a path in words wins over one with a parameter.
fn operation<'a>(document: &'a Value, method: &Method, path: &str) -> Option<&'a Value> {
    let asked: Vec<&str> = path.split('/').collect();
    let paths = document["paths"].as_object()?.iter();
    let mut matching: Vec<_> = paths
        .filter(|(template, _)| {
            let parts: Vec<&str> = template.split('/').collect();
            parts.len() == asked.len()
                && parts.iter().zip(&asked).all(|(part, one)| part.starts_with('{') || part == one)
        })
        .collect();
    matching.sort_by_key(|(template, _)| template.matches('{').count());
    matching.first()?.1.get(method.as_str().to_lowercase())
}
