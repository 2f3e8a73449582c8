//! What Salesforce's error bodies mean: an array, of which the first tells; and a 403 that is a limit.

use std::sync::Arc;
use std::time::Duration;

use domain::fault::FaultKind;
use serde_json::Value;

use crate::error::ConnectorError;

/// Too many slow calls at once: over when one of them ends.
const CONCURRENT_PAUSE: Duration = Duration::from_secs(20);
/// The requests of a rolling day are spent.
const DAILY_PAUSE: Duration = Duration::from_secs(3_600);

/// Gives an error Salesforce's own code and message, and the class that they mean.
pub(crate) fn refine(error: ConnectorError) -> ConnectorError {
    let Some(first) = error.body.as_deref().and_then(|body| body.get(0)) else { return of_identity(error) };
    let code = text(first, "errorCode").unwrap_or(&error.code).to_owned();
    let message = message_of(first).unwrap_or_else(|| error.message.clone());
    let kind = kind_of(&code).unwrap_or(error.kind);
    let retry_after = error.retry_after.or_else(|| pause(&code, &message));
    ConnectorError { kind, code, message, retry_after, ..error }
}

/// Who asks whose a token is, and shows one that is no good, gets a 403 in plain text.
fn of_identity(error: ConnectorError) -> ConnectorError {
    let told = error.body.as_deref().and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    match told.as_str() {
        "Bad_OAuth_Token" | "Missing_OAuth_Token" => {
            let message = "Salesforce does not take the access token".to_owned();
            ConnectorError { kind: FaultKind::Unauthorized, code: told, message, ..error }
        }
        _ => error,
    }
}

/// The error of one row of a collection.
pub(crate) fn of_row(row: &Value) -> ConnectorError {
    let first = row.pointer("/errors/0").unwrap_or(&Value::Null);
    let code = text(first, "statusCode").unwrap_or("row_refused");
    let message = message_of(first).unwrap_or_else(|| "Salesforce refused this object without saying why".to_owned());
    let kind = kind_of(code).unwrap_or(FaultKind::Invalid);
    ConnectorError { body: Some(Arc::new(row.clone())), ..ConnectorError::new(kind, code, message) }
}

fn kind_of(code: &str) -> Option<FaultKind> {
    Some(match code {
        "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" => FaultKind::Unauthorized,
        "REQUEST_LIMIT_EXCEEDED" => FaultKind::RateLimited,
        "UNABLE_TO_LOCK_ROW"
        | "SERVER_UNAVAILABLE"
        | "REQUEST_RUNNING_TOO_LONG"
        | "QUERY_TIMEOUT"
        | "UNKNOWN_EXCEPTION" => FaultKind::Unavailable,
        "API_DISABLED_FOR_ORG"
        | "INSUFFICIENT_ACCESS"
        | "INSUFFICIENT_ACCESS_OR_READONLY"
        | "API_CURRENTLY_DISABLED"
        | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
        | "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" => FaultKind::Forbidden,
        "NOT_FOUND" | "ENTITY_IS_DELETED" | "INVALID_CROSS_REFERENCE_KEY" => FaultKind::NotFound,
        "DUPLICATE_VALUE" | "DUPLICATES_DETECTED" | "DUPLICATE_EXTERNAL_ID" => FaultKind::Conflict,
        "REQUIRED_FIELD_MISSING"
        | "INVALID_FIELD"
        | "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        | "STRING_TOO_LONG"
        | "INVALID_EMAIL_ADDRESS"
        | "MALFORMED_ID"
        | "MALFORMED_QUERY"
        | "INVALID_TYPE"
        | "JSON_PARSER_ERROR"
        | "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        | "NUMBER_OUTSIDE_VALID_RANGE" => FaultKind::Invalid,
        _ => return None,
    })
}

/// Salesforce sends no `Retry-After`; how long a limit lasts is told by its words.
fn pause(code: &str, message: &str) -> Option<Duration> {
    (code == "REQUEST_LIMIT_EXCEEDED").then(|| {
        if message.starts_with("ConcurrentRequests") || message.contains("ConcurrentPerOrg") {
            CONCURRENT_PAUSE
        } else {
            DAILY_PAUSE
        }
    })
}

fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn message_of(first: &Value) -> Option<String> {
    text(first, "message").map(ConnectorError::cut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(status: u16, body: Value) -> ConnectorError {
        let bare = ConnectorError::new(FaultKind::Forbidden, "http_403", "status");
        refine(ConnectorError { status: Some(status), body: Some(Arc::new(body)), ..bare })
    }

    #[test]
    fn a_403_may_be_a_limit_and_says_how_long() {
        for (message, seconds) in [
            ("TotalRequests Limit exceeded.", 3_600),
            ("ConcurrentRequests (Concurrent API Requests) Limit exceeded.", 20),
        ] {
            let error = refused(403, json!([{"message": message, "errorCode": "REQUEST_LIMIT_EXCEEDED"}]));
            assert_eq!((error.kind, error.retry_after), (FaultKind::RateLimited, Some(Duration::from_secs(seconds))));
        }
        let error = refused(403, json!([{"message": "no", "errorCode": "INSUFFICIENT_ACCESS"}]));
        assert_eq!((error.kind, error.retry_after), (FaultKind::Forbidden, None));
    }

    #[test]
    fn a_token_that_is_no_good_is_told_in_plain_text_where_it_is_asked_whose_it_is() {
        let error = refused(403, json!("Bad_OAuth_Token"));
        assert_eq!((error.kind, error.code.as_str()), (FaultKind::Unauthorized, "Bad_OAuth_Token"));
        assert_eq!(refused(403, json!("No_Access")).kind, FaultKind::Forbidden);
    }

    #[test]
    fn a_body_of_another_form_leaves_the_error_as_it_was() {
        for body in [json!([]), json!({}), json!("<html>"), json!([7]), json!({"error": "invalid_grant"})] {
            assert_eq!(refused(403, body).code, "http_403");
        }
    }
}
