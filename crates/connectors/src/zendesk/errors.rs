//! What Zendesk's error bodies mean. There are four forms of them, and every field of each may be missing.

use std::time::Duration;

use domain::fault::FaultKind;
use serde_json::Value;

use crate::error::ConnectorError;

/// A limit that does not say how long it lasts.
const PAUSE: Duration = Duration::from_secs(10);

/// Gives an error Zendesk's own code and message, and the class that they mean.
pub(crate) fn refine(error: ConnectorError) -> ConnectorError {
    let retry_after = error.retry_after.or((error.kind == FaultKind::RateLimited).then_some(PAUSE));
    let Some(body) = error.body.as_deref() else { return ConnectorError { retry_after, ..error } };
    let detail = details(body).next();
    let code = detail.and_then(|(_, detail)| text(detail, "error")).or_else(|| code_of(body));
    let code = code.unwrap_or(&error.code).to_owned();
    let message = match detail {
        Some((field, detail)) => text(detail, "description").map(|told| named(field, told)),
        None => message_of(body).map(str::to_owned),
    };
    let message = message.map_or_else(|| error.message.clone(), |message| ConnectorError::cut(&message));
    // What is there already is said like anything else that cannot be written.
    let is_clash = error.status == Some(422) && (code == "DuplicateValue" || message.contains("already being used"));
    let kind = if is_clash { FaultKind::Conflict } else { error.kind };
    ConnectorError { kind, code, message, retry_after, ..error }
}

/// Everything that a `RecordInvalid` finds fault with, with the field's name.
fn details(body: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = body.get("details").and_then(Value::as_object).into_iter().flatten();
    fields.flat_map(|(field, faults)| faults.as_array().into_iter().flatten().map(|fault| (field.as_str(), fault)))
}

fn named(field: &str, told: &str) -> String {
    // Some sentences name their field already.
    if field == "base" || told.to_lowercase().starts_with(&field.to_lowercase()) {
        told.to_owned()
    } else {
        format!("{field}: {told}")
    }
}

fn code_of(body: &Value) -> Option<&str> {
    let first = body.pointer("/errors/0").and_then(|error| text(error, "code"));
    first.or_else(|| text(body, "error")).or_else(|| body.pointer("/error").and_then(|error| text(error, "title")))
}

fn message_of(body: &Value) -> Option<&str> {
    let first = body.pointer("/errors/0");
    let told = first.and_then(|error| text(error, "detail").or_else(|| text(error, "title")));
    let told = told.or_else(|| text(body, "description")).or_else(|| text(body, "error_description"));
    told.or_else(|| body.pointer("/error").and_then(|error| text(error, "message")))
}

fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn refused(kind: FaultKind, status: u16, body: Value) -> (FaultKind, String, String) {
        let bare = ConnectorError::new(kind, "http", "status");
        let error = refine(ConnectorError { status: Some(status), body: Some(Arc::new(body)), ..bare });
        (error.kind, error.code, error.message)
    }

    fn said(kind: FaultKind, code: &str, message: &str) -> (FaultKind, String, String) {
        (kind, code.to_owned(), message.to_owned())
    }

    #[test]
    fn each_of_the_four_forms_is_told_in_zendesks_own_words() {
        let title = json!({"error": {"title": "Forbidden", "message": "You do not have access to this page."}});
        let expected = said(FaultKind::Forbidden, "Forbidden", "You do not have access to this page.");
        assert_eq!(refused(FaultKind::Forbidden, 403, title), expected);
        let plain = json!({"error": "RecordNotFound", "description": "Not found"});
        assert_eq!(refused(FaultKind::NotFound, 404, plain), said(FaultKind::NotFound, "RecordNotFound", "Not found"));
        let list =
            json!({"errors": [{"code": "InvalidPaginationParameter", "title": "Invalid", "detail": "page is wrong"}]});
        let expected = said(FaultKind::Invalid, "InvalidPaginationParameter", "page is wrong");
        assert_eq!(refused(FaultKind::Invalid, 400, list), expected);
        let details = json!({"error": "RecordInvalid", "description": "Record validation errors",
                             "details": {"phone": [{"description": "is not a number", "error": "InvalidFormat"}]}});
        let expected = said(FaultKind::Invalid, "InvalidFormat", "phone: is not a number");
        assert_eq!(refused(FaultKind::Invalid, 422, details), expected);
    }

    #[test]
    fn an_address_that_somebody_has_is_a_clash() {
        let told = "Email: zoe@x.fr is already being used by another user";
        let details =
            json!({"error": "RecordInvalid", "details": {"email": [{"description": told, "error": "DuplicateValue"}]}});
        assert_eq!(refused(FaultKind::Invalid, 422, details), said(FaultKind::Conflict, "DuplicateValue", told));
    }

    #[test]
    fn a_limit_that_does_not_say_how_long_is_waited_for_a_little() {
        let error =
            refine(ConnectorError { status: Some(429), ..ConnectorError::new(FaultKind::RateLimited, "http", "x") });
        assert_eq!(error.retry_after, Some(PAUSE));
    }
}
