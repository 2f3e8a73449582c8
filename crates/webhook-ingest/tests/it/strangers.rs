//! Whatever is thrown at the door is refused or taken in, and never our own fault.

use domain::time::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::world::{PATH, signature, start};

const THROWS: usize = 150;

/// A path, headers, and a body; signed by the platform or not.
type Throw = (String, Vec<(String, String)>, Vec<u8>, bool);

fn anything() -> impl Strategy<Value = Throw> {
    let path = prop_oneof![
        Just(PATH.to_owned()),
        "/webhooks/integrations/(hubspot|coccinelle|[a-zA-Z0-9._~%-]{1,40})",
        "/webhooks/integrations/hubspot/(int_[0-9a-hjkmnp-tv-z]{26}|[a-zA-Z0-9._~-]{1,40})",
        "/webhooks/integrations/hubspot\\?[a-zA-Z0-9%=&+/]{0,40}",
    ];
    let header = (
        "(x-hubspot-signature-v3|x-hubspot-request-timestamp|traceparent|content-type|x-forwarded-for|[a-z-]{3,12})",
        "[ -~é]{0,40}",
    );
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "[\\[\\]{}\":,0-9a-z\\x00é ]{0,60}".prop_map(String::into_bytes),
        Just(b"[".repeat(50_000)),
        Just(b"[{\"subscriptionType\":\"contact.merge\",\"mergedObjectIds\":[-1,null,\"x\"]}]".to_vec()),
    ];
    (path, prop::collection::vec(header, 0..4), body, any::<bool>())
}

#[tokio::test]
async fn nothing_that_is_thrown_at_the_door_is_our_fault() {
    let world = start().await;
    let (mut runner, anything) = (TestRunner::default(), anything());
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..THROWS {
        let throw = anything.new_tree(&mut runner).unwrap().current();
        let (path, headers, body, is_signed) = throw.clone();
        let signed = is_signed.then(|| signature(&path, &body, Timestamp::now()));
        let mut request = world.post(&path, body);
        for (name, value) in headers.iter().filter(|(name, _)| !is_signed || !name.starts_with("x-hubspot")) {
            request = request.header(name, value);
        }
        for (name, value) in signed.into_iter().flatten() {
            request = request.header(name, value);
        }
        // What the client itself does not send is no request.
        let Ok(request) = request.build() else { continue };
        let Ok(response) = world.execute(request).await else { continue };
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(!status.is_server_error(), "{status} {text}: {throw:?}");
        taken += usize::from(status.is_success());
        refused += usize::from(status.is_client_error());
    }
    assert!(taken > 0 && refused > 0, "{taken} were taken in and {refused} refused");
    world.stop().await;
}
