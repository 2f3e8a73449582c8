//! The addresses of this service. What happens behind them is `intake`'s.

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::{self, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use domain::time::Timestamp;
use runtime::http::{Peer, Problem, Trace};
use serde_json::json;

use crate::body::Bodies;
use crate::door::{Address, Incoming};
use crate::intake::{Caller, Intake};

pub(crate) fn add(routes: &mut ServiceConfig) {
    routes
        .route("/webhooks/integrations/{platform}", web::post().to(receive_delivery))
        .route("/webhooks/integrations/{platform}/{integration_id}", web::post().to(receive_delivery_for_integration));
}

async fn receive_delivery(
    request: HttpRequest,
    path: Path<String>,
    trace: Trace,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    receive(&request, Address::parse(&path, None), trace, payload).await
}

async fn receive_delivery_for_integration(
    request: HttpRequest,
    path: Path<(String, String)>,
    trace: Trace,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    receive(&request, Address::parse(&path.0, Some(&path.1)), trace, payload).await
}

async fn receive(
    request: &HttpRequest,
    address: Option<Address>,
    Trace(trace): Trace,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let received_at = Timestamp::now();
    let address = address.ok_or_else(Problem::not_found)?;
    let (Some(intake), Some(bodies)) = (request.app_data::<Data<Intake>>(), request.app_data::<Bodies>()) else {
        return Err(Problem::not_found());
    };
    let body = bodies.read(payload, declared(request.headers())).await?;
    let incoming = Incoming {
        method: request.method().as_str(),
        target: request.uri().path_and_query().map_or("/", |target| target.as_str()),
        headers: &text_headers(request.headers()),
        body: &body,
        received_at,
    };
    if address.is_greeted_by(&incoming) {
        return Ok(HttpResponse::Ok().finish());
    }
    let caller = Caller { sender: Peer::of(request).map(|Peer(address)| address), trace };
    let delivery = intake.take(&address, &incoming, caller).await?;
    Ok(match address.receipt() {
        Some(receipt) => HttpResponse::Ok().content_type(receipt.content_type).body(receipt.body),
        None => HttpResponse::Accepted().json(json!({ "delivery": delivery })),
    })
}

/// How many bytes the body is said to have; `None` where it comes in chunks.
fn declared(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Those headers that are text; no platform signs by others.
fn text_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text =
        headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    text.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn what_is_served_here_is_in_the_document_of_the_api() {
        let document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let described: Vec<_> = paths.iter().filter(|(path, _)| path.starts_with("/webhooks/")).collect();
        let served = ["/webhooks/integrations/{platform}", "/webhooks/integrations/{platform}/{integration_id}"];
        assert_eq!(described.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), served);
        for (path, item) in described {
            let methods: Vec<_> = item.as_object().unwrap().keys().filter(|key| *key != "servers").collect();
            assert_eq!(methods, ["post"], "{path}");
            for status in ["200", "400", "401", "404", "413", "503"] {
                assert!(item["post"]["responses"][status].is_object(), "{path}: {status}");
            }
        }
    }
}
