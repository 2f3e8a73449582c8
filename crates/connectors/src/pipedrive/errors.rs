//! What Pipedrive's error bodies mean. Every field of them may be missing.

use std::time::Duration;

use domain::fault::FaultKind;
use serde_json::Value;

use crate::error::ConnectorError;

/// The tokens of a day come back at midnight of a server whose time zone the answer does not tell.
const DAILY_PAUSE: Duration = Duration::from_secs(3_600);

/// Who goes on calling against a limit is shut out by the gateway in front for a good while, with a page of HTML.
const SHUT_OUT_PAUSE: Duration = Duration::from_secs(900);

/// What the company's plan does not hold is refused by 403, and yet for what a call holds: no other grant would change it, and
/// other objects may be taken.
const CAPPED: &str = "feature_capping_";

/// Gives an error Pipedrive's own code and message, and the class that they mean.
pub(crate) fn refine(error: ConnectorError, is_day_spent: bool) -> ConnectorError {
    let is_page = error.body.as_deref().is_none_or(|body| !body.is_object());
    match error.status {
        Some(429) if is_day_spent => {
            let message = "the requests that this Pipedrive company may make in a day are used up";
            let retry_after = Some(error.retry_after.unwrap_or_default().max(DAILY_PAUSE));
            ConnectorError { retry_after, ..named(error, FaultKind::RateLimited, "daily_budget_spent", message) }
        }
        Some(403) if is_page => {
            let message = "Pipedrive takes no requests of ours for a while, since there were too many";
            let retry_after = Some(error.retry_after.unwrap_or_default().max(SHUT_OUT_PAUSE));
            ConnectorError { retry_after, ..named(error, FaultKind::RateLimited, "shut_out", message) }
        }
        Some(402) => named(error, FaultKind::Forbidden, "account_closed", "this Pipedrive company is closed or unpaid"),
        _ => {
            let Some(body) = error.body.as_deref() else { return error };
            let code = text(body, "code").unwrap_or(&error.code).to_owned();
            let message = message_of(body).unwrap_or_else(|| error.message.clone());
            let kind = if code.starts_with(CAPPED) { FaultKind::Invalid } else { error.kind };
            ConnectorError { kind, code, message, ..error }
        }
    }
}

/// Whether a refusal is about the field that holds our key, which somebody may have deleted.
pub(crate) fn lacks(error: &ConnectorError, key: &str) -> bool {
    let told = error.body.as_deref().is_some_and(|body| body.to_string().contains(key));
    error.kind == FaultKind::Invalid && (told || error.message.contains(key))
}

fn named(error: ConnectorError, kind: FaultKind, code: &str, message: &str) -> ConnectorError {
    ConnectorError { kind, code: code.to_owned(), message: message.to_owned(), ..error }
}

fn message_of(body: &Value) -> Option<String> {
    let told = text(body, "error").or_else(|| text(body, "message"))?;
    // The second part is the same link to the documentation for all of them, but not always.
    let more = text(body, "error_info").filter(|info| !info.contains("developers.pipedrive.com"));
    Some(ConnectorError::cut(&more.map_or_else(|| told.to_owned(), |more| format!("{told} ({more})"))))
}

fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn refused(kind: FaultKind, status: u16, body: Value) -> ConnectorError {
        let bare = ConnectorError::new(kind, "http", "status");
        ConnectorError { status: Some(status), body: Some(Arc::new(body)), ..bare }
    }

    #[test]
    fn a_refusal_is_told_in_pipedrives_own_words() {
        let body = json!({"success": false, "error": "Scope and URL mismatch", "code": "scope_mismatch",
                          "error_info": "Please check developers.pipedrive.com for more information about Pipedrive API."});
        let error = refine(refused(FaultKind::Forbidden, 403, body), false);
        assert_eq!((error.code.as_str(), error.message.as_str()), ("scope_mismatch", "Scope and URL mismatch"));
        assert_eq!(error.kind, FaultKind::Forbidden);
        let body = json!({"success": false, "error": "Not in your plan", "code": "feature_capping_deals"});
        let error = refine(refused(FaultKind::Forbidden, 403, body), false);
        assert_eq!((error.kind, error.is_about_content()), (FaultKind::Invalid, true));
    }

    #[test]
    fn what_a_limit_means_depends_on_which_it_is() {
        let limit = || refused(FaultKind::RateLimited, 429, json!({"error": "request over limit"}));
        assert_eq!(refine(limit(), true).retry_after, Some(DAILY_PAUSE));
        assert_eq!(refine(limit(), false).retry_after, None);
        let page = refine(refused(FaultKind::Forbidden, 403, json!("<html>")), false);
        assert_eq!((page.kind, page.retry_after), (FaultKind::RateLimited, Some(SHUT_OUT_PAUSE)));
        let closed = refine(refused(FaultKind::Invalid, 402, json!({"error": "Company is closed"})), false);
        assert_eq!((closed.kind, closed.code.as_str()), (FaultKind::Forbidden, "account_closed"));
    }

    #[test]
    fn a_key_that_the_account_lacks_is_named_in_the_refusal() {
        let body = json!({"error": "Validation failed", "additional_data": {"abc123": "unknown custom field"}});
        assert!(lacks(&refused(FaultKind::Invalid, 400, body), "abc123"));
        assert!(!lacks(&refused(FaultKind::Invalid, 400, json!({"error": "name is required"})), "abc123"));
    }
}
