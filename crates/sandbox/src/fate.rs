//! How a request fares under the switches: the waiting before it is answered, and the loss of its answer.
//! What a refusal looks like is each platform's.

use std::{future::pending, time::Duration};

use actix_web::{
    HttpResponse,
    body::{BoxBody, MessageBody},
    dev::ServiceResponse,
    web::Bytes,
};
use futures_util::stream;

use crate::faults::{Faults, Loss};

/// What the switches have in store for one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fate {
    latency: Duration,
    hangs: bool,
    /// The status with which it is to be refused.
    pub(crate) failure: Option<u16>,
}

impl Fate {
    /// Counts down the refusals that were switched on.
    pub(crate) fn draw(faults: &mut Faults) -> Self {
        Self { latency: Duration::from_millis(faults.latency_ms), hangs: faults.hang, failure: faults.take_failure() }
    }

    /// Waits as long as was switched on, which may be for ever.
    pub(crate) async fn wait(&self) {
        if self.hangs {
            pending::<()>().await;
        }
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }
}

/// The answer as it leaves, or what becomes of it on the way.
pub(crate) async fn send<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
    loss: Option<Loss>,
) -> ServiceResponse<BoxBody> {
    match loss {
        None => response.map_into_boxed_body(),
        Some(Loss::Silence) => pending().await,
        Some(loss) => response.into_response(lost_answer(loss)).map_into_boxed_body(),
    }
}

fn lost_answer(loss: Loss) -> HttpResponse {
    match loss {
        Loss::BadGateway => HttpResponse::BadGateway()
            .content_type("text/html")
            .body("<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"),
        Loss::Dropped | Loss::Silence => {
            let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
            HttpResponse::Ok()
                .content_type("application/json")
                .streaming(stream::iter([Ok(Bytes::from_static(b"{")), Err(broken)]))
        }
    }
}
