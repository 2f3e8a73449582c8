//! What each stand-in tells of a change, from the subscription to the object that is read again. A platform whose stand-in signs
//! otherwise than its connector checks, or whose deliveries name nothing that can be read, fails here.

use connectors::registry;
use connectors::subscriptions::Target;
use connectors::webhook::{Rejection, SecretSource, WebhookFormat, WebhookRequest};
use domain::field::FieldValue;
use domain::kind::RecordKind::Contact;
use domain::time::Timestamp;
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::bench::{Bench, stand_of};
use crate::door::Door;

const EMAIL: &str = "anne@exemple.fr";

/// Has the account call that place, as it is made to or, where we do not do that, as somebody there sets it up; under which secret.
async fn made_to_call(bench: &Bench, format: &dyn WebhookFormat, origin: &str) -> SecretString {
    let slug = bench.account.platform.as_str();
    let (tail, secret) = match format.secret() {
        SecretSource::App => ("", "sandbox-secret"),
        SecretSource::Integration => ("/int_1", "0123456789abcdef0123456789abcdef"),
    };
    let url = format!("{origin}/webhooks/integrations/{slug}{tail}");
    if bench.connector().subscriptions().is_some() {
        let own = (format.secret() == SecretSource::Integration).then(|| secret.to_owned().into());
        let made = bench.is_made_to_call(&Target { url: url.parse().unwrap(), secret: own }).await;
        return made.secret.unwrap_or_else(|| secret.to_owned().into());
    }
    let shown = if tail.is_empty() { url } else { format!("{url}?token={secret}") };
    bench.by_hand(Method::PUT, "webhook", json!({"target_url": shown, "client_secret": secret})).await;
    secret.to_owned().into()
}

#[tokio::test]
async fn what_a_stand_in_tells_is_let_in_by_its_connector_and_names_what_can_be_read() {
    for platform in registry::all() {
        let stand = stand_of(*platform);
        let (bench, format) = (Bench::ready_at(stand).await, platform.connector().webhooks());
        let mut door = Door::answering("").await;
        let secret = made_to_call(&bench, format, &door.origin).await;
        let (kind, typed) = stand.people;
        bench.by_hand(Method::POST, kind, typed(EMAIL)).await;
        let mapping = platform.connector().default_mapping(Contact);
        let address = mapping.fields.iter().find(|field| field.local.as_str() == "email").unwrap().remote.clone();
        loop {
            let arrival = door.next(bench.connector().descriptor().slug).await;
            let public_uri = format!("{}{}", door.origin, arrival.path);
            let request = WebhookRequest {
                method: "POST",
                public_uri: &public_uri,
                headers: &arrival.headers,
                body: arrival.body.as_bytes(),
                received_at: Timestamp::now(),
            };
            if format.is_greeting(&request) {
                continue;
            }
            assert_eq!(format.verify(&request, &secret), Ok(()), "{platform:?}: {}", arrival.body);
            let other = format!("{}x", secret.expose_secret()).into();
            assert_eq!(format.verify(&request, &other), Err(Rejection::WrongSignature), "{platform:?}");
            assert!(format.is_readable(&arrival.headers, &arrival.body), "{platform:?}: {}", arrival.body);
            let changes = format.parse(&arrival.headers, &arrival.body).unwrap();
            let ids: Vec<String> =
                changes.into_iter().filter(|it| it.kind == Contact).map(|it| it.external_id).collect();
            if ids.is_empty() {
                continue;
            }
            let asked = std::slice::from_ref(&address);
            let shown = bench.reader().read(&bench.account, Contact, &ids, asked).await.unwrap();
            if shown.into_iter().flatten().any(|it| it.fields.get(&address) == Some(&FieldValue::text(EMAIL))) {
                break;
            }
        }
    }
}
