//! Who Coccinelle talks to beside the platforms, in one small server: its backend, which keeps what it is told, and n8n, whose workflow
//! sends each write that it is handed as it is, and reports. Neither dies, and both refuse a request now and then.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::session::{Service, Session, Tenant};

/// The account of the integration that n8n writes to.
pub(super) const PORTAL: &str = "70001";

/// One request of so many is refused.
const REFUSED: u64 = 10;

/// A workflow asks so often, this far apart, of a gateway that may be dying, and of an account that takes nine requests a second.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(500);

/// Under which everybody waits seconds, as in the rest of the suite.
const SETTINGS: [(&str, &str); 5] = [
    ("BACKEND__SECRETS", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"),
    ("BACKEND__PAUSE", "1s"),
    ("N8N__SIGNING_SECRET", "a signing secret of thirty-two bytes"),
    ("N8N__ERRAND_LIFE", "20s"),
    ("N8N__PAUSE", "1s"),
];

/// Both, as long as this is kept.
#[derive(Debug)]
pub struct Neighbours {
    heard: Arc<Mutex<Heard>>,
    server: JoinHandle<()>,
}

/// What they heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    requests: u64,
    /// By the backend's own id of a prospect, the integrations in which it has a counterpart.
    pub(super) linked: BTreeMap<String, BTreeSet<String>>,
    /// By the same, the job title that the newest version told of.
    pub(super) job_titles: BTreeMap<String, (u64, Option<String>)>,
}

impl Neighbours {
    /// Starts both, and lets the services know of them; must come before the services are started.
    ///
    /// # Errors
    /// When there is no port for them.
    pub async fn meet(session: &mut Session) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("the neighbours find no port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let gateway = session.url(Service::ApiGateway);
        let addresses =
            [("BACKEND__URL", format!("{url}/hooks")), ("N8N__BASE_URL", url), ("N8N__CALLBACK_BASE_URL", gateway)];
        let known = SETTINGS.map(|(key, value)| (key, value.to_owned()));
        for (key, value) in addresses.into_iter().chain(known) {
            session.set(&format!("COCCINELLE__{key}"), &value);
        }
        let heard = Arc::<Mutex<Heard>>::default();
        let server = tokio::spawn(serve(listener, Arc::clone(&heard), session.client().clone()));
        Ok(Self { heard, server })
    }

    /// Connects the tenant's second account, which n8n writes to.
    pub(super) async fn connect(session: &Session, tenant: &Tenant) -> anyhow::Result<Tenant> {
        let wish = json!({
            "name": "HubSpot (n8n)", "platform": "hubspot", "credentials": { "api_key": format!("pat-eu1-{PORTAL}-crash") },
            "direction": "bidirectional", "frequency": "realtime", "delivery": "n8n",
        });
        let post = async |path: String, body: Option<&Value>| {
            let (status, answer) = session.call(Method::POST, &path, &tenant.admin_token, body).await?;
            anyhow::ensure!(status.is_success(), "POST {path} was answered {status}: {answer}");
            Ok(answer)
        };
        let made = post("/api/v1/integrations".to_owned(), Some(&wish)).await?;
        let integration = made.get("id").and_then(Value::as_str).context("an integration has no id")?.to_owned();
        post(format!("/api/v1/integrations/{integration}/enable"), None).await?;
        Ok(Tenant { integration, ..tenant.clone() })
    }

    /// What they heard by now.
    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, heard: Arc<Mutex<Heard>>, client: reqwest::Client) {
    while let Ok((stream, _)) = listener.accept().await {
        let (heard, client) = (Arc::clone(&heard), client.clone());
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            while let Some((path, body)) = read(&mut stream).await {
                let status = take(&path, &body, &heard, &client);
                let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\n\r\n");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// The path and the body of a request; `None` once there are no more.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).await.ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((path, body))
}

fn take(path: &str, body: &[u8], heard: &Mutex<Heard>, client: &reqwest::Client) -> u16 {
    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    heard.requests += 1;
    if heard.requests.is_multiple_of(REFUSED) {
        return 503;
    }
    let Ok(message) = serde_json::from_slice::<Value>(body) else { return 400 };
    match path {
        "/hooks" => heard.note(&message),
        "/webhook/coccinelle/hubspot" => {
            let client = client.clone();
            tokio::spawn(async move { run(&client, &message).await });
        }
        _ => return 404,
    }
    200
}

impl Heard {
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

/// The workflow: the write as it was handed over, then the report. Where nobody answers for long, it dies, as n8n's would.
async fn run(client: &reqwest::Client, write: &Value) -> Option<()> {
    let text = |pointer: &str| write.pointer(pointer).and_then(Value::as_str);
    let url = format!("{}/{}", text("/proxy_url")?, text("/request/path")?);
    let method: Method = text("/request/method")?.parse().ok()?;
    let (token, body) = (text("/proxy_token")?, write.pointer("/request/body").filter(|body| !body.is_null()));
    let written = persistently(|| {
        let request = client.request(method.clone(), &url).bearer_auth(token);
        if let Some(body) = body { request.json(body) } else { request }
    })
    .await?;
    let header = |name: &str| written.headers().get(name)?.to_str().ok().map(str::to_owned);
    let report = if written.status().is_success() {
        json!({ "success": true, "external_id": header("x-coccinelle-object-id") })
    } else {
        let is_retryable = header("x-coccinelle-result").as_deref() != Some("refused");
        json!({ "success": false, "error": written.status().to_string(), "retryable": is_retryable })
    };
    let callback = text("/callback_url")?;
    persistently(|| client.post(callback).json(&report)).await?;
    Some(())
}

/// The first answer that says more than "later".
async fn persistently(request: impl Fn() -> reqwest::RequestBuilder) -> Option<reqwest::Response> {
    for _ in 0..TRIES {
        if let Ok(answer) = request().send().await
            && !answer.status().is_server_error()
            && !matches!(answer.status().as_u16(), 409 | 429)
        {
            return Some(answer);
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}

#[cfg(test)]
mod tests {
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
