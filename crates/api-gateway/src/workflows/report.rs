//! Reading what a workflow reports: the words of the first version, whatever else it sends along.

use actix_web::web::Bytes;
use domain::event::InputFault;
use domain::platform::PlatformSlug;
use domain::workflow::{Pass, Report, Verb};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::refusal::Refusal;

/// Bytes of a report.
const LIMIT: usize = 64 * 1024;

/// The longest id of a platform, in characters.
const ID: usize = 200;

/// What is kept of an error, in characters.
const ERROR: usize = 1_000;

/// What a workflow reports. Anything else in it is passed over.
#[derive(Debug, ToSchema)]
#[schema(as = SyncReport)]
#[expect(dead_code, reason = "reports are read value by value, so that every fault is told; this is for the document")]
pub(super) struct Reported {
    /// Whether it was done.
    #[schema(example = true)]
    success: bool,
    /// The platform's id of the object, as text or number. A create that succeeded must name it. The platform's own word
    /// means the same: `hubspot_id`, `salesforce_id`, `woocommerce_id` and so on.
    #[schema(example = "12345")]
    external_id: Option<String>,
    /// HubSpot's id of the object.
    #[schema(example = "12345")]
    hubspot_id: Option<String>,
    /// Why it was not done, as a sentence for the tenant.
    error: Option<String>,
    /// Whether the same may succeed later: then it is tried again by the schedule.
    #[schema(default = false)]
    retryable: Option<bool>,
}

/// Reads a report; every fault is named by its place.
pub(super) fn read(body: &Bytes, platform: &PlatformSlug, pass: &Pass) -> Result<Report, Refusal> {
    if body.len() > LIMIT {
        return Err(Refusal::TooLarge(LIMIT));
    }
    let said: Map<String, Value> = match serde_json::from_slice(body).map_err(Refusal::Malformed)? {
        Value::Object(said) => said,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(Refusal::at("", "must be an object"));
        }
    };
    let mut faults = Vec::new();
    let mut fault = |path: &str, message: &str| {
        faults.push(InputFault { path: path.to_owned(), message: message.to_owned() });
    };
    let flag = |name: &str| match said.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => Err(()),
    };
    let success = flag("success");
    match success {
        Ok(Some(_)) => {}
        Ok(None) => fault("success", "is missing"),
        Err(()) => fault("success", "must be true or false"),
    }
    let retryable = flag("retryable");
    if retryable.is_err() {
        fault("retryable", "must be true or false");
    }
    let own_word = format!("{platform}_id");
    let (named, own) = (id(said.get("external_id")), id(said.get(&own_word)));
    for (name, id) in [("external_id", &named), (own_word.as_str(), &own)] {
        if id.is_err() {
            fault(name, "must be the platform's id of the object, as text or number");
        }
    }
    if let (Ok(Some(named)), Ok(Some(own))) = (&named, &own)
        && named != own
    {
        fault(&own_word, "differs from `external_id`");
    }
    let external_id = named.ok().flatten().or(own.ok().flatten());
    let success = success.ok().flatten().unwrap_or_default();
    if success && pass.action.verb == Verb::Create && external_id.is_none() && faults.is_empty() {
        faults.push(InputFault { path: own_word, message: "is missing: the id of what was created".to_owned() });
    }
    if !faults.is_empty() {
        return Err(Refusal::Faulty(faults));
    }
    let error = said.get("error").filter(|error| !success && !error.is_null()).map(text_of);
    Ok(Report { success, external_id, error, retryable: retryable.ok().flatten().unwrap_or_default() })
}

/// Whether a body is what a workflow reports of a create: for `crate::fuzzing`.
#[cfg(fuzzing)]
pub(crate) fn is_report(body: &[u8]) -> bool {
    let platform = "hubspot".parse::<PlatformSlug>();
    platform.is_ok_and(|platform| read(&Bytes::copy_from_slice(body), &platform, &pass_for(Verb::Create)).is_ok())
}

/// A pass that matters by what it is for, and by nothing else.
#[cfg(any(fuzzing, test))]
fn pass_for(verb: Verb) -> Pass {
    Pass {
        tenant_id: domain::id::TenantId::new(),
        integration_id: domain::id::IntegrationId::new(),
        link_id: domain::id::LinkId::new(),
        record_id: domain::id::RecordId::new(),
        event_id: domain::id::ErrandId::new(),
        action: domain::workflow::Action { verb, kind: domain::kind::RecordKind::Contact },
        expires_at: domain::time::Timestamp::now(),
    }
}

fn id(said: Option<&Value>) -> Result<Option<String>, ()> {
    let text = match said {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) if number.is_u64() => number.to_string(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => return Err(()),
    };
    let is_one = (1..=ID).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_one { Ok(Some(text)) } else { Err(()) }
}

/// n8n's own errors are objects; what they say is in `message`.
fn text_of(error: &Value) -> String {
    let text = error.as_str().or_else(|| error.get("message").and_then(Value::as_str));
    let text = text.map_or_else(|| error.to_string(), str::to_owned);
    text.chars().filter(|c| *c != '\0').take(ERROR).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(verb: Verb, body: &str) -> Result<Report, Vec<String>> {
        let read = read(&Bytes::copy_from_slice(body.as_bytes()), &"hubspot".parse().unwrap(), &pass_for(verb));
        read.map_err(|refused| {
            if let Refusal::Faulty(faults) = refused {
                return faults.into_iter().map(|fault| fault.path).collect();
            }
            vec![refused.to_string()]
        })
    }

    #[test]
    fn an_id_is_read_by_the_platforms_word_and_by_ours_as_text_or_number() {
        for body in [
            r#"{"success": true, "hubspot_id": "12345"}"#,
            r#"{"success": true, "external_id": 12345, "more": {"of": "this"}}"#,
            r#"{"success": true, "external_id": "12345", "hubspot_id": 12345}"#,
        ] {
            assert_eq!(reading(Verb::Create, body).unwrap().external_id.as_deref(), Some("12345"), "{body}");
        }
    }

    #[test]
    fn a_failure_says_why_in_text_or_in_an_error_of_n8n() {
        let failed =
            reading(Verb::Create, r#"{"success": false, "error": {"message": "non"}, "retryable": true}"#).unwrap();
        assert_eq!((failed.success, failed.error.as_deref(), failed.retryable), (false, Some("non"), true));
        let failed = reading(Verb::Update, r#"{"success": false, "error": "non"}"#).unwrap();
        assert_eq!((failed.error.as_deref(), failed.retryable), (Some("non"), false));
    }

    #[test]
    fn faults_are_named_by_their_places() {
        for (body, paths) in [
            (r"{}", vec!["success"]),
            (r#"{"success": "yes", "retryable": 1}"#, vec!["success", "retryable"]),
            (r#"{"success": true}"#, vec!["hubspot_id"]),
            (r#"{"success": true, "hubspot_id": ""}"#, vec!["hubspot_id"]),
            (r#"{"success": true, "hubspot_id": -1.5}"#, vec!["hubspot_id"]),
            (r#"{"success": true, "hubspot_id": "1", "external_id": "2"}"#, vec!["hubspot_id"]),
            (r"[]", vec![""]),
        ] {
            assert_eq!(reading(Verb::Create, body).unwrap_err(), paths, "{body}");
        }
        assert!(reading(Verb::Update, r#"{"success": true}"#).is_ok());
        assert!(reading(Verb::Create, "success").is_err());
    }
}
