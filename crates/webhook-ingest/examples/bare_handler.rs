//! What the web server itself can do: the same signature checked as for a delivery from HubSpot, and nothing kept.
//!
//! `WEBHOOK_SECRET=… bare_handler PORT` serves on 127.0.0.1 until SIGTERM.

use std::error::Error;

use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use ring::hmac;

/// A key, and the address that deliveries are signed for.
#[derive(Clone, Debug)]
struct Signed {
    key: hmac::Key,
    uri: String,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("no PORT")?.parse::<u16>()?;
    #[expect(clippy::disallowed_methods, reason = "a secret does not belong on the command line")]
    let secret = std::env::var("WEBHOOK_SECRET")?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = Data::new(Signed { key, uri: format!("http://127.0.0.1:{port}") });
    let app = move || App::new().app_data(signed.clone()).route("/{path:.*}", web::post().to(check_delivery));
    // As many workers as the services have: one for each core.
    HttpServer::new(app).bind(("127.0.0.1", port))?.run().await?;
    Ok(())
}

async fn check_delivery(request: HttpRequest, signed: Data<Signed>, body: Bytes) -> HttpResponse {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (signature, at) = (header("x-hubspot-signature-v3"), header("x-hubspot-request-timestamp"));
    let text = [b"POST", signed.uri.as_bytes(), request.path().as_bytes(), &body, at.as_bytes()].concat();
    let given = BASE64_STANDARD.decode(signature).unwrap_or_default();
    match hmac::verify(&signed.key, &text, &given) {
        Ok(()) => HttpResponse::Ok().json(serde_json::json!({ "verified": true })),
        Err(_) => HttpResponse::Unauthorized().finish(),
    }
}
