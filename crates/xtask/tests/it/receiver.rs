//! The receiver that `docs/backend-webhooks.md` shows, as it stands there: it takes what is signed as the document says, and nothing else.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use tokio::process::Command;
use xtask::ci;
use xtask::console::{Console, ServiceLines};
use xtask::workspace::root;

const KEY: &[u8] = b"a secret of 32 bytes is long now";
const BODY: &str = r#"{"type":"record.changed","city":"Nîmes"}"#;

/// What asks it, behind its own lines.
const ASKED: &str = r#"
import json, os
print(is_ours(os.environ["SECRET"], json.loads(os.environ["HEADERS"]), os.environ["BODY"].encode()))
"#;

/// The headers of the body: signed by this key, so many seconds ago, beside the signature of a secret that was taken away.
fn headers(key: &[u8], age: i64) -> Value {
    let at = chrono::Utc::now().timestamp() - age;
    let signed = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("msg_1.{at}.{BODY}").as_bytes());
    let signature = format!("v1,{} v1,{}", BASE64_STANDARD.encode("another"), BASE64_STANDARD.encode(signed));
    json!({ "webhook-id": "msg_1", "webhook-timestamp": at.to_string(), "webhook-signature": signature })
}

#[tokio::test]
async fn the_receiver_of_the_document_takes_what_is_signed_as_it_says_and_nothing_else() {
    if Command::new("python3").arg("--version").output().await.is_err() {
        let why = "the receiver is Python, and `python3` is not there";
        ci::skip(&Console::new(ServiceLines::InFilesOnly), "docs-receiver", why).unwrap();
        return;
    }
    let document = std::fs::read_to_string(root().join("docs/backend-webhooks.md")).unwrap();
    let (_, behind) = document.split_once("```python\n").unwrap();
    let (receiver, _) = behind.split_once("```").unwrap();
    let secret = format!("whsec_{}", BASE64_STANDARD.encode(KEY));
    for (headers, verdict) in
        [(headers(KEY, 0), "True"), (headers(b"of somebody else", 0), "False"), (headers(KEY, 600), "False")]
    {
        let mut python = Command::new("python3");
        python.args(["-c", &format!("{receiver}{ASKED}")]).env("SECRET", &secret).env("BODY", BODY);
        // What the environment holds is text, whatever the machine's language is.
        let done = python.env("PYTHONUTF8", "1").env("HEADERS", headers.to_string()).output().await.unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert_eq!(said.trim(), verdict, "{headers}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
