//! What HubSpot's error bodies mean. Every field of them may be missing.

use std::sync::Arc;
use std::time::Duration;

use domain::fault::FaultKind;
use serde_json::Value;

use super::KEY;
use crate::error::ConnectorError;

/// The limit of requests in one second.
const SECOND: Duration = Duration::from_secs(1);
/// The daily limit ends at midnight in the account's time zone, which the answer does not tell.
const DAILY_PAUSE: Duration = Duration::from_secs(3_600);

/// Gives an error HubSpot's own code and message, and the class that they mean.
pub(crate) fn refine(error: ConnectorError) -> ConnectorError {
    let Some(body) = error.body.as_deref() else { return error };
    let code = code_of(body).unwrap_or(&error.code).to_owned();
    let message = message_of(body).unwrap_or_else(|| error.message.clone());
    // HubSpot answers 409 only to what is there already.
    let kind = if error.status == Some(409) || is_clash(&code, &message) { FaultKind::Conflict } else { error.kind };
    let retry_after = match (kind, error.retry_after) {
        (_, Some(wait)) => Some(wait),
        (FaultKind::RateLimited, None) => wait_by_policy(body),
        (_, None) => None,
    };
    ConnectorError { kind, code, message, retry_after, ..error }
}

/// The error of one item of a batch, as a 207 lists it.
pub(crate) fn of_item(item: &Value) -> ConnectorError {
    let category = item.get("category").and_then(Value::as_str).unwrap_or_default();
    let code = code_of(item).unwrap_or("item_refused");
    let message = message_of(item).unwrap_or_else(|| "HubSpot refused this object without saying why".to_owned());
    let kind = match category {
        _ if is_clash(code, &message) => FaultKind::Conflict,
        "OBJECT_NOT_FOUND" => FaultKind::NotFound,
        "MISSING_SCOPES" | "FORBIDDEN" => FaultKind::Forbidden,
        "RATE_LIMITS" | "RATE_LIMIT" => FaultKind::RateLimited,
        "INTERNAL_ERROR" | "SERVER_ERROR" | "SERVICE_UNAVAILABLE" | "TIMEOUT" => FaultKind::Unavailable,
        _ => FaultKind::Invalid,
    };
    ConnectorError { body: Some(Arc::new(item.clone())), ..ConnectorError::new(kind, code, message) }
}

/// Whether a refusal says that the account lacks our unique property.
pub(crate) fn lacks_key(error: &ConnectorError) -> bool {
    let message = error.message.to_lowercase();
    let lacks = ["does not exist", "doesn't exist", "not found", "unable to find", "not a unique", "idproperty"];
    let about_it = error.kind == FaultKind::Invalid && message.contains(KEY);
    about_it && (error.code == "PROPERTY_DOESNT_EXIST" || lacks.iter().any(|words| message.contains(words)))
}

/// A clash over a unique value comes under several codes, the one for all refusals among them.
fn is_clash(code: &str, message: &str) -> bool {
    matches!(code, "CONFLICT" | "CONFLICTING_UNIQUE_VALUE" | "CONTACT_EXISTS" | "OBJECT_ALREADY_EXISTS")
        || message.contains("already has that value")
}

/// The code of the first refused value, else the category of the whole.
fn code_of(body: &Value) -> Option<&str> {
    let of_value = body.pointer("/errors/0/code").and_then(Value::as_str);
    of_value.or_else(|| body.get("category").and_then(Value::as_str)).filter(|code| !code.is_empty())
}

fn message_of(body: &Value) -> Option<String> {
    let of_value = body.pointer("/errors/0/message").and_then(Value::as_str);
    let message = of_value.or_else(|| body.get("message").and_then(Value::as_str)).filter(|text| !text.is_empty())?;
    Some(ConnectorError::cut(message))
}

/// HubSpot sends no `Retry-After` with a 429; how long a limit lasts is told by its name.
fn wait_by_policy(body: &Value) -> Option<Duration> {
    match body.get("policyName").and_then(Value::as_str)? {
        "SECONDLY" => Some(SECOND),
        "TEN_SECONDLY_ROLLING" => Some(10 * SECOND),
        "DAILY" => Some(DAILY_PAUSE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(kind: FaultKind, status: u16, body: Value) -> ConnectorError {
        let bare = ConnectorError::new(kind, "http", "status");
        refine(ConnectorError { status: Some(status), body: Some(Arc::new(body)), ..bare })
    }

    #[test]
    fn the_refused_value_is_named_rather_than_the_whole() {
        let error = refused(
            FaultKind::Invalid,
            400,
            json!({"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid: […]",
                   "errors": [{"code": "INVALID_EMAIL", "message": "Email address x is invalid"}]}),
        );
        assert_eq!((error.code.as_str(), error.message.as_str()), ("INVALID_EMAIL", "Email address x is invalid"));
    }

    #[test]
    fn a_limit_is_waited_for_by_its_name() {
        for (policy, seconds) in [("SECONDLY", 1), ("TEN_SECONDLY_ROLLING", 10), ("DAILY", 3_600)] {
            let error = refused(FaultKind::RateLimited, 429, json!({"policyName": policy}));
            assert_eq!(error.retry_after, Some(Duration::from_secs(seconds)), "{policy}");
        }
    }

    #[test]
    fn a_unique_value_that_another_object_has_is_a_clash_although_the_status_is_400() {
        for body in [
            json!({"category": "VALIDATION_ERROR", "errors": [{"code": "CONFLICTING_UNIQUE_VALUE"}]}),
            json!({"category": "VALIDATION_ERROR", "message": "Cannot set coccinelle_id on 7. 8 already has that value."}),
        ] {
            assert_eq!(of_item(&body).kind, FaultKind::Conflict);
            let error = refused(FaultKind::Invalid, 400, body);
            assert_eq!((error.kind, lacks_key(&error)), (FaultKind::Conflict, false));
        }
    }

    #[test]
    fn a_body_without_any_known_field_leaves_the_error_as_it_was() {
        for body in [json!({}), json!([]), json!("<html>"), json!({"errors": "many", "message": 7, "category": ""})] {
            let error = refused(FaultKind::Unavailable, 502, body);
            assert_eq!((error.kind, error.code.as_str()), (FaultKind::Unavailable, "http"));
        }
    }
}
