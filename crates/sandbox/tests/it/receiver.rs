//! A place to which webhooks are delivered: it keeps what arrives and answers as it is told.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, rt, web};
use tokio::sync::mpsc;

/// What arrived.
pub(crate) struct Arrival {
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Arrival {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Receiver {
    address: SocketAddr,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    status: Arc<AtomicU16>,
    handle: ServerHandle,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let (sender, arrivals) = mpsc::unbounded_channel();
        let (started, outcome) = std::sync::mpsc::channel();
        let status = Arc::new(AtomicU16::new(200));
        let answered = Arc::clone(&status);
        std::thread::spawn(move || {
            rt::System::new().block_on(async move {
                let app = move || {
                    App::new()
                        .app_data(web::Data::new((sender.clone(), Arc::clone(&answered))))
                        .default_service(web::post().to(receive))
                };
                let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = outcome.recv().unwrap();
        Self { address, arrivals, status, handle }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What every later delivery is answered with.
    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub(crate) async fn next(&mut self) -> Arrival {
        tokio::time::timeout(Duration::from_secs(20), self.arrivals.recv()).await.expect("a delivery").unwrap()
    }
}

type Shared = web::Data<(mpsc::UnboundedSender<Arrival>, Arc<AtomicU16>)>;

async fn receive(request: HttpRequest, body: web::Bytes, shared: Shared) -> HttpResponse {
    let text = |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
    };
    let headers = request.headers().iter().map(text).collect();
    // Before the test hears of it, and changes the answer for the next.
    let status = shared.1.load(Ordering::SeqCst);
    shared.0.send(Arrival { headers, body: String::from_utf8(body.to_vec()).unwrap() }).unwrap();
    HttpResponse::build(status.try_into().unwrap()).finish()
}

/// Waits until something is so.
pub(crate) async fn until(is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it becomes so");
}
