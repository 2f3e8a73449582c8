//! A secret of the backend's webhooks, made as the document says.

use std::process::Command;

use connectors::backend::WebhookSecret;

const DOCUMENT: &str = include_str!("../../../../docs/backend-webhooks.md");

#[test]
fn a_secret_that_is_made_as_the_document_says_is_one() {
    let (_, rest) = DOCUMENT.split_once("A secret is made by `").unwrap();
    let (command, _) = rest.split_once('`').unwrap();
    let said = Command::new("sh").args(["-ec", command]).output().unwrap();
    let made = String::from_utf8(said.stdout).unwrap();
    assert!(made.trim_end().parse::<WebhookSecret>().is_ok(), "{command}");
}
