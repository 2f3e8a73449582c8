//! What platforms call. It is served by `webhook-ingest`, behind the same edge, and described here so that the document is whole.

use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;

use super::refuse;

/// Below this, the gateway answers nothing.
const BELOW: &str = "/webhooks/";

/// Takes a delivery of a platform, for whichever integrations it concerns.
///
/// Served by `webhook-ingest`. What a platform needs to be answered, as a text of its own, it is answered; others are told
/// the delivery's id. A 2xx means that the delivery is kept for good, or that it is for nobody whom we know.
#[utoipa::path(post, path = "/webhooks/integrations/{platform}", tag = "webhooks", security(("signature" = [])),
    params(("platform" = String, Path, description = "The platform, as the catalogue names it.", example = "hubspot")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "As the platform sends it."),
    responses((status = 202, description = "It is kept, or of nobody whom we know and dropped: `{\"delivery\": \"whk_…\"}`."),
        (status = 200, description = "The same, in the words that the platform expects to read; or its greeting.")))]
#[expect(dead_code, reason = "the handler is webhook-ingest's; this says how it is called")]
fn receive_delivery() {}

/// Takes a delivery of a platform for one integration, whose own secret signs it where the platform lets us choose one.
///
/// Served by `webhook-ingest`, as the address without an integration.
#[utoipa::path(post, path = "/webhooks/integrations/{platform}/{integration_id}", tag = "webhooks", security(("signature" = [])),
    params(("platform" = String, Path, description = "The platform, as the catalogue names it.", example = "pipedrive"),
        ("integration_id" = domain::id::IntegrationId, Path, description = "Which integration.")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "As the platform sends it."),
    responses((status = 202, description = "It is kept, or of nobody whom we know and dropped: `{\"delivery\": \"whk_…\"}`."),
        (status = 200, description = "The same, in the words that the platform expects to read; or its greeting.")))]
#[expect(dead_code, reason = "the handler is webhook-ingest's; this says how it is called")]
fn receive_delivery_for_integration() {}

#[derive(utoipa::OpenApi)]
#[openapi(paths(receive_delivery, receive_delivery_for_integration))]
struct Ingest;

/// Adds it to the document.
pub(super) fn add(document: &mut OpenApi) {
    let signature = ApiKeyValue::with_description(
        "signature",
        "The platform's own signature of the delivery, in the header that it uses; each platform has another.",
    );
    let schemes = &mut document.components.get_or_insert_default().security_schemes;
    schemes.insert("signature".to_owned(), SecurityScheme::ApiKey(ApiKey::Header(signature)).into());
    document.paths.paths.extend(Ingest::openapi().paths.paths);
    let ours = document.paths.paths.iter_mut().filter(|(path, _)| path.starts_with(BELOW));
    for (_, item) in ours {
        let server = ServerBuilder::new().url("/").description(Some(
            "webhook-ingest, at the address of the setting `webhooks.public_url`; the gateway does not answer here.",
        ));
        item.servers = Some(vec![server.build()]);
        let Some(operation) = &mut item.post else { continue };
        refuse(
            operation,
            "400",
            "`malformed`: the body is not of the form that the platform sends, or did not arrive whole.",
        );
        refuse(
            operation,
            "401",
            "`unsigned`, `undated`, `outside_window`, `wrong_signature`, `no_secret`: the platform did not sign this.",
        );
        refuse(operation, "404", "`not_found`: there is no such platform.");
        refuse(operation, "413", "`too_large`: the body is larger than is taken.");
        refuse(operation, "414", "`url_too_long`: the path with its query is longer than is taken.");
        refuse(operation, "500", "`internal`: something went wrong on our side; the platform sends it again.");
        refuse(operation, "503", "`unavailable`, `key_unavailable`: it cannot be kept, or not be checked, for now.");
    }
}
