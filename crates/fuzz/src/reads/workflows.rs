//! What n8n answers to a write that it is handed: taken, or an error of which it is known whether it concerns every write.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

use connectors::http::{Reach, Script};
use connectors::workflow::{Workflow, Workflows, absence};
use secrecy::SecretString;
use serde_json::json;
use url::Url;

use super::{Asked, heard};

static WORKFLOWS: LazyLock<Workflows> = LazyLock::new(|| {
    let base_url = Url::parse("https://n8n.example.com").expect("an address is one");
    let secret = SecretString::from("a secret of thirty-two bytes or more");
    Workflows::new(base_url, secret, Duration::from_secs(60), Reach::Anywhere).expect("a client can be set up")
});

/// While n8n starts it answers 200 to whatever it is asked, so that a write is taken by nothing less than words for it.
pub(super) async fn ask(asked: &Asked) {
    let workflows = WORKFLOWS.clone().answered_by(&Script::new(&asked.answers));
    let platform = asked.connector.descriptor().slug.parse().expect("a connector's slug is one");
    let taken = workflows.hand_over(&Workflow::Shared(platform), &json!({ "test": true })).await;
    if let Err(error) = &taken {
        black_box(absence(error));
    }
    if heard(taken).is_some() {
        let first = asked.answers.first().expect("nothing takes no write");
        assert!((200..300).contains(&first.status) && !first.body.is_empty(), "taken by {first:?}");
    }
}
