//! What WooCommerce's error bodies mean. Every field of them may be missing.

use std::sync::Arc;

use domain::fault::FaultKind;
use serde_json::Value;

use crate::error::ConnectorError;
use crate::http::classify;

/// The code of what is wrong with a key itself, or is not permitted to it.
const OF_KEY: &str = "woocommerce_rest_authentication_error";

/// Gives an error the shop's own code and message, and the class that they mean.
pub(crate) fn refine(error: ConnectorError) -> ConnectorError {
    let Some(body) = error.body.as_deref() else { return error };
    let Some(code) = code_of(body) else { return error };
    let message = message_of(body).unwrap_or_else(|| error.message.clone());
    let kind = kind_of(&code, &message).unwrap_or(error.kind);
    ConnectorError { kind, code, message, ..error }
}

/// The error of one item of a batch, whose status is in its body.
pub(crate) fn of_item(item: &Value) -> ConnectorError {
    let body = item.get("error").unwrap_or(item);
    let code = code_of(body).unwrap_or_else(|| "item_refused".to_owned());
    let message = message_of(body).unwrap_or_else(|| "WooCommerce refused this object without saying why".to_owned());
    let status = body.pointer("/data/status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let kind = kind_of(&code, &message).or(status.map(classify::kind_of)).unwrap_or(FaultKind::Invalid);
    ConnectorError { body: Some(Arc::new(body.clone())), ..ConnectorError::new(kind, &code, message) }
}

/// The object that has the SKU, where the refusal names it. Who has something else that is unique, such as a bar code, is not by
/// that the one that is meant.
pub(crate) fn holder(error: &ConnectorError) -> Option<u64> {
    let body = error.body.as_deref().filter(|_| error.kind == FaultKind::Conflict)?;
    body.pointer("/data/resource_id")?.as_u64()
}

/// Whether a refusal says that somebody has the address already.
pub(crate) fn is_taken_address(error: &ConnectorError) -> bool {
    error.code == "registration-error-email-exists"
}

/// Whether a refusal is about the key, whoever it belongs to.
pub(crate) fn is_of_key(error: &ConnectorError) -> bool {
    error.code == OF_KEY
}

/// Whether a refusal is of many at once, and says nothing of each.
pub(crate) fn is_of_batch(error: &ConnectorError) -> bool {
    error.code == "woocommerce_rest_cannot_batch"
}

/// What the code says that the status does not. A key that may only read is refused by 401, although it opens the shop; of shops
/// that say so in another language, `api` finds it out.
fn kind_of(code: &str, message: &str) -> Option<FaultKind> {
    match code {
        "registration-error-email-exists" | "product_invalid_sku" => Some(FaultKind::Conflict),
        OF_KEY if message.contains("permission") => Some(FaultKind::Forbidden),
        "wc_user_invalid_id" | "woocommerce_rest_invalid_id" | "woocommerce_rest_already_trashed" => {
            Some(FaultKind::NotFound)
        }
        code if code.ends_with("_invalid_id") => Some(FaultKind::NotFound),
        // The plugin is off, or the site has plain permalinks: nothing of the shop is there.
        "rest_no_route" => Some(FaultKind::Invalid),
        "woocommerce_rest_trash_not_supported" => Some(FaultKind::Invalid),
        _ => None,
    }
}

fn code_of(body: &Value) -> Option<String> {
    body.get("code").and_then(Value::as_str).filter(|code| !code.is_empty()).map(str::to_owned)
}

/// Of a parameter that is refused, why.
fn message_of(body: &Value) -> Option<String> {
    let of_parameter =
        body.pointer("/data/params").and_then(Value::as_object).and_then(|params| params.values().next());
    let text = of_parameter.and_then(Value::as_str).or_else(|| body.get("message").and_then(Value::as_str))?;
    Some(ConnectorError::cut(text)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(status: u16, body: Value) -> ConnectorError {
        let kind = if status == 401 { FaultKind::Unauthorized } else { FaultKind::Invalid };
        let bare = ConnectorError::new(kind, "http", "status");
        refine(ConnectorError { status: Some(status), body: Some(Arc::new(body)), ..bare })
    }

    #[test]
    fn a_key_that_may_only_read_is_not_one_that_is_unknown() {
        let read_only = json!({"code": "woocommerce_rest_authentication_error",
            "message": "The API key provided does not have write permissions.", "data": {"status": 401}});
        assert_eq!(refused(401, read_only).kind, FaultKind::Forbidden);
        let unknown = json!({"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot list resources."});
        assert_eq!(refused(401, unknown).kind, FaultKind::Unauthorized);
    }

    #[test]
    fn a_clash_names_who_has_the_sku() {
        let item = json!({"id": 0, "error": {"code": "product_invalid_sku", "message": "Invalid or duplicated SKU.",
            "data": {"status": 400, "resource_id": 10, "unique_sku": "MUG-1-1"}}});
        let error = of_item(&item);
        assert_eq!((error.kind, holder(&error)), (FaultKind::Conflict, Some(10)));
        let code = json!({"id": 0, "error": {"code": "product_invalid_global_unique_id", "message": "Duplicated code.",
            "data": {"status": 400, "resource_id": 10}}});
        assert_eq!(holder(&of_item(&code)), None);
        let gone = json!({"id": 9, "error": {"code": "woocommerce_rest_product_invalid_id", "data": {"status": 400}}});
        assert_eq!(of_item(&gone).kind, FaultKind::NotFound);
    }

    #[test]
    fn an_item_of_a_batch_is_refused_for_what_its_own_status_means() {
        let kind = |status: Value| {
            let error =
                json!({"code": "woocommerce_rest_cannot_create", "message": "Sorry.", "data": {"status": status}});
            of_item(&json!({"id": 0, "error": error})).kind
        };
        assert_eq!(kind(json!(403)), FaultKind::Forbidden);
        assert_eq!(kind(json!(500)), FaultKind::Unavailable);
        assert_eq!((kind(json!(400)), kind(Value::Null)), (FaultKind::Invalid, FaultKind::Invalid));
    }

    #[test]
    fn a_body_without_any_known_field_leaves_the_error_as_it_was() {
        for body in [json!({}), json!([]), json!("<html>"), json!({"code": 7, "message": []})] {
            assert_eq!(refused(400, body).code, "http");
        }
    }
}
