//! What Shopify's refusals mean: by status, at the top of an answer, or in the payload of one change. Every field may be missing.

use std::sync::Arc;
use std::time::Duration;

use domain::fault::FaultKind;
use serde_json::Value;

use crate::error::ConnectorError;
use crate::http::classify::LONGEST;

/// A bucket that does not say when it has room again.
const PAUSE: Duration = Duration::from_secs(2);

/// A shop that is frozen or locked stays so until somebody does something about it.
const LOCKED: Duration = Duration::from_secs(3_600);

/// Gives an error of a status Shopify's own message, and the class that it means.
pub(crate) fn refine(error: ConnectorError) -> ConnectorError {
    let said = error.body.as_deref().and_then(|body| said(body.get("errors")?));
    let message = said.map_or_else(|| error.message.clone(), |said| ConnectorError::cut(&said));
    let (kind, code) = match error.status {
        Some(401) => (FaultKind::Unauthorized, "invalid_token"),
        Some(402) => (FaultKind::Unavailable, "shop_frozen"),
        Some(423) => (FaultKind::Unavailable, "shop_locked"),
        // Nothing is asked for by its path, so what is not there is the shop.
        Some(404) => (FaultKind::Forbidden, "shop_gone"),
        Some(429) => (FaultKind::RateLimited, "throttled"),
        _ => (error.kind, error.code.as_str()),
    };
    let pause = match error.status {
        Some(402 | 423) => Some(LOCKED),
        Some(429) => Some(PAUSE),
        _ => None,
    };
    ConnectorError { kind, code: code.to_owned(), message, retry_after: error.retry_after.or(pause), ..error }
}

/// What the top of an answer finds fault with, where it does.
pub(crate) fn of_answer(body: &Value) -> Option<ConnectorError> {
    let errors = body.get("errors").filter(|errors| !errors.is_null())?;
    let first = errors.get(0).unwrap_or(errors);
    let code = first.pointer("/extensions/code").and_then(Value::as_str).unwrap_or("refused");
    let message = said(errors).unwrap_or_else(|| "Shopify refused the call without saying why".to_owned());
    let (kind, status) = match code {
        "THROTTLED" => (FaultKind::RateLimited, 429),
        // A scope that was not granted, or data of people that the app is not approved for.
        "ACCESS_DENIED" => (FaultKind::Forbidden, 403),
        "SHOP_INACTIVE" => (FaultKind::Unavailable, 402),
        // Nobody knows what came of it.
        "INTERNAL_SERVER_ERROR" | "TIMEOUT" => (FaultKind::Unavailable, 500),
        _ => (FaultKind::Invalid, 400),
    };
    let retry_after = (kind == FaultKind::RateLimited).then(|| until_room(body).unwrap_or(PAUSE));
    let body = Some(Arc::new(body.clone()));
    let error = ConnectorError::new(kind, &code.to_lowercase(), ConnectorError::cut(&message));
    Some(ConnectorError { status: Some(status), retry_after, body, ..error })
}

/// What the payload of one change finds fault with, where it does.
pub(crate) fn of_change(payload: &Value) -> Option<ConnectorError> {
    let all = payload.get("userErrors").and_then(Value::as_array)?;
    let first = all.first()?;
    let text = |name: &str| first.get(name).and_then(Value::as_str).unwrap_or_default();
    let field: Vec<&str> =
        first.get("field").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let message = text("message");
    let low = message.to_lowercase();
    let (kind, fallback) = match text("code") {
        "TAKEN" => (FaultKind::Conflict, "taken"),
        "NOT_FOUND" | "DOES_NOT_EXIST" | "PRODUCT_DOES_NOT_EXIST" | "ORDER_NOT_FOUND" => {
            (FaultKind::NotFound, "not_found")
        }
        _ if low.contains("already") || low.contains("must be unique") => (FaultKind::Conflict, "taken"),
        _ if low.contains("does not exist") || low.contains("not found") || low.contains("can't be found") => {
            (FaultKind::NotFound, "not_found")
        }
        _ => (FaultKind::Invalid, "invalid"),
    };
    let code = if text("code").is_empty() { fallback.to_owned() } else { text("code").to_lowercase() };
    let named = field.iter().rev().find(|name| name.parse::<usize>().is_err());
    let told = match named {
        Some(name) if !low.contains(&name.to_lowercase()) => format!("{name}: {message}"),
        Some(_) | None => message.to_owned(),
    };
    let error = ConnectorError::new(kind, &code, ConnectorError::cut(&told));
    // It is about what was sent, and about nothing else.
    Some(ConnectorError { status: Some(422), body: Some(Arc::new(payload.clone())), ..error })
}

/// Whether a shop does not know the metafield that carries our key.
pub(crate) fn lacks_key(error: &ConnectorError) -> bool {
    error.kind == FaultKind::Invalid && error.message.to_lowercase().contains("metafield definition")
}

/// How long it takes until the bucket has what a call asked for.
fn until_room(body: &Value) -> Option<Duration> {
    let number = |path: &str| body.pointer(path).and_then(Value::as_f64);
    let asked = number("/extensions/cost/requestedQueryCost")?;
    let available = number("/extensions/cost/throttleStatus/currentlyAvailable")?;
    let rate = number("/extensions/cost/throttleStatus/restoreRate").filter(|rate| *rate > 0.0)?;
    let wait = Duration::try_from_secs_f64(((asked - available) / rate).max(0.0)).ok()?;
    Some(wait.min(LONGEST))
}

/// Errors are a sentence, a list of them, or sentences by their field.
fn said(errors: &Value) -> Option<String> {
    match errors {
        Value::String(text) => Some(text.clone()),
        Value::Array(all) => {
            let first = all.first()?;
            first.as_str().or_else(|| first.get("message")?.as_str()).map(str::to_owned)
        }
        Value::Object(fields) => fields.values().find_map(said),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bucket_without_room_says_how_long_to_wait() {
        let status = json!({"maximumAvailable": 2000.0, "currentlyAvailable": 40, "restoreRate": 100.0});
        let body = json!({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
                          "extensions": {"cost": {"requestedQueryCost": 190, "throttleStatus": status}}});
        let error = of_answer(&body).unwrap();
        assert_eq!((error.kind, error.retry_after), (FaultKind::RateLimited, Some(Duration::from_millis(1_500))));
        assert!(!error.outcome_is_unknown());
    }

    #[test]
    fn a_bucket_that_hardly_fills_is_waited_for_no_longer_than_a_day() {
        let status = json!({"currentlyAvailable": 0, "restoreRate": 0.000_001});
        let body = json!({"extensions": {"cost": {"requestedQueryCost": 190, "throttleStatus": status}}});
        assert_eq!(until_room(&body), Some(Duration::from_hours(24)));
    }

    #[test]
    fn what_is_not_granted_is_told_from_what_went_wrong_there() {
        let error =
            |code: &str| of_answer(&json!({"errors": [{"message": "No", "extensions": {"code": code}}]})).unwrap();
        assert_eq!(error("ACCESS_DENIED").kind, FaultKind::Forbidden);
        assert!(error("INTERNAL_SERVER_ERROR").outcome_is_unknown());
        assert_eq!(error("undefinedField").kind, FaultKind::Invalid);
        assert!(of_answer(&json!({"data": {}})).is_none());
    }

    #[test]
    fn the_payload_of_a_change_says_what_is_wrong_with_it() {
        let told = |error: Value| {
            let error = of_change(&json!({"customer": null, "userErrors": [error]})).unwrap();
            (error.kind, error.message)
        };
        let taken = json!({"field": ["email"], "message": "Email has already been taken"});
        assert_eq!(told(taken), (FaultKind::Conflict, "Email has already been taken".to_owned()));
        let gone = json!({"field": ["id"], "message": "Customer does not exist"});
        assert_eq!(told(gone).0, FaultKind::NotFound);
        let bad = json!({"field": ["input", "phone"], "message": "is invalid", "code": "INVALID"});
        assert_eq!(told(bad), (FaultKind::Invalid, "phone: is invalid".to_owned()));
        assert!(of_change(&json!({"userErrors": []})).is_none());
    }

    #[test]
    fn a_status_means_what_it_means_at_shopify() {
        let refused = |status: u16, body: Value| {
            let bare = ConnectorError::new(FaultKind::NotFound, "http", "status");
            let error = refine(ConnectorError { status: Some(status), body: Some(Arc::new(body)), ..bare });
            (error.kind, error.code, error.message)
        };
        let invalid = json!({"errors": "[API] Invalid API key or access token"});
        assert_eq!(refused(401, invalid).2, "[API] Invalid API key or access token");
        assert_eq!(refused(404, json!({"errors": "Not Found"})).0, FaultKind::Forbidden);
        assert_eq!(refused(402, json!({"errors": "Unavailable Shop"})).1, "shop_frozen");
        assert_eq!(refused(423, json!({"errors": {"base": ["Locked"]}})).2, "Locked");
    }
}
