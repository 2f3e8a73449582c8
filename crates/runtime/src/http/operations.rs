//! The pages for operators: alive, ready, metrics. What ready means is composed by each binary.

use std::io;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Responder};
use tokio_util::sync::CancellationToken;

use super::server::{Leaving, bind};
use crate::config::HttpSettings;
use crate::health::Readiness;
use crate::metrics::{self, Metrics};

/// Adds `/healthz`, `/readyz` and `/metrics`.
pub fn operations(readiness: Readiness, metrics: Metrics) -> impl Fn(&mut ServiceConfig) + Send + Clone + 'static {
    move |routes| {
        routes
            .app_data(web::Data::new(readiness.clone()))
            .app_data(web::Data::new(metrics.clone()))
            .route("/healthz", web::get().to(show_health))
            .route("/readyz", web::get().to(show_readiness))
            .route("/metrics", web::get().to(show_metrics));
    }
}

/// Serves the operations pages alone, for binaries that take no requests, until `shutdown`.
///
/// # Errors
/// When the address is taken, or the listener breaks.
pub async fn serve_operations(
    settings: &HttpSettings,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> io::Result<()> {
    bind(settings, operations(readiness, metrics::install()))?.run_until(shutdown).await
}

async fn show_health() -> impl Responder {
    HttpResponse::Ok().json(serde_json::json!({ "alive": true }))
}

async fn show_readiness(readiness: web::Data<Readiness>, request: HttpRequest) -> impl Responder {
    let mut report = readiness.check().await;
    report.leaving = request.app_data::<Leaving>().is_some_and(Leaving::is_so);
    report.ready &= !report.leaving;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).json(report)
}

async fn show_metrics(metrics: web::Data<Metrics>) -> impl Responder {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(metrics.render())
}
