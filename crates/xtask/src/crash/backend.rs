//! Coccinelle's backend, in one small server: it keeps what it is told, refuses a request now and then, and never dies.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde_json::Value;
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::http;
use crate::session::Session;

/// One request of so many is refused.
const REFUSED: u64 = 10;

/// It, as long as this is kept.
#[derive(Debug)]
pub struct Backend {
    heard: Arc<Mutex<Heard>>,
    server: JoinHandle<()>,
}

/// What it heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    requests: u64,
    /// By the backend's own id of a prospect, the integrations in which it has a counterpart.
    pub(super) linked: BTreeMap<String, BTreeSet<String>>,
    /// By the same, the job title that the newest version told of.
    pub(super) job_titles: BTreeMap<String, (u64, Option<String>)>,
}

impl Backend {
    /// Starts it, and lets the services know of it; must come before the services are started.
    ///
    /// # Errors
    /// When there is no port for it.
    pub async fn start(session: &mut Session) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the backend finds no port")?;
        let url = format!("http://{}/hooks", listener.local_addr()?);
        let secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3".to_owned();
        for (key, value) in [("URL", url), ("SECRETS", secret), ("PAUSE", "1s".to_owned())] {
            session.set(&format!("COCCINELLE__BACKEND__{key}"), &value);
        }
        let heard = Arc::<Mutex<Heard>>::default();
        let server = tokio::spawn(serve(listener, Arc::clone(&heard)));
        Ok(Self { heard, server })
    }

    /// What it heard by now.
    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, heard: Arc<Mutex<Heard>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let heard = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            while let Some(body) = http::read_body(&mut stream).await {
                let status = heard.lock().unwrap_or_else(PoisonError::into_inner).take(&body);
                let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\n\r\n");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

impl Heard {
    /// The status of the answer to a webhook.
    fn take(&mut self, body: &[u8]) -> u16 {
        self.requests += 1;
        if self.requests.is_multiple_of(REFUSED) {
            return 503;
        }
        let Ok(message) = serde_json::from_slice(body) else { return 400 };
        self.note(&message);
        204
    }

    fn note(&mut self, message: &Value) {
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let subjects = message.pointer("/data/subject_ids").and_then(Value::as_array).into_iter().flatten();
        for subject in subjects.filter_map(Value::as_str).map(str::to_owned) {
            match (text("/type").as_deref(), text("/data/integration_id"), text("/data/external_id")) {
                (Some("record.linked"), Some(integration), Some(_)) => {
                    self.linked.entry(subject).or_default().insert(integration);
                }
                (Some("record.changed"), ..) => {
                    let version = message.pointer("/data/version").and_then(Value::as_u64).unwrap_or_default();
                    let told = self.job_titles.entry(subject).or_default();
                    if version >= told.0 {
                        *told = (version, text("/data/fields/job_title"));
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_backend_believes_the_newest_version() {
        let told = |version: u64, title: &str| json!({"type": "record.changed", "data": {"subject_ids": ["p-1"], "version": version, "fields": {"job_title": title}}});
        let mut heard = Heard::default();
        [told(2, "b"), told(1, "a")].iter().for_each(|message| heard.note(message));
        heard.note(&json!({"type": "record.linked", "data": {"subject_ids": ["p-1"], "integration_id": "i", "external_id": "7"}}));
        assert_eq!(heard.job_titles["p-1"], (2, Some("b".to_owned())));
        assert!(heard.linked["p-1"].contains("i"));
    }
}
