//! n8n with the benchmark's own workflows in it, and who hears what they report. How much they do is not known here.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::LOOK_AGAIN;
use crate::n8n::N8n;
use crate::session::{Service, Session};
use crate::workflows::nodes::{Nodes, connections};
use crate::{http, workspace};

/// What n8n does, each a workflow of that name: it takes a webhook, or makes the whole round trip of one.
pub(super) const TAKES: &str = "benchTakes";
pub(super) const ROUND_TRIP: &str = "benchRoundTrip";

/// An account of the stand-in that none of our tenants has.
pub(super) const PORTAL: &str = "69001";

const READY_LIMIT: Duration = Duration::from_secs(60);

/// What is answered to a report.
const HEARD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{\"ok\":true}";

/// Starts n8n anew with the two workflows. Their reports are heard as long as what this gives is kept.
///
/// # Errors
/// Fails with what n8n said, or when it does not serve them.
pub(super) async fn set(session: &mut Session) -> anyhow::Result<JoinSet<()>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("reports find no port")?;
    let reports = listener.local_addr()?;
    let mut hearer = JoinSet::new();
    hearer.spawn(hear(listener));
    publish(session, reports).await?;
    session.start_n8n()?;
    served(session).await?;
    Ok(hearer)
}

/// Answers every report, which nobody reads.
async fn hear(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            while http::read_body(&mut stream).await.is_some() && stream.write_all(HEARD).await.is_ok() {}
        });
    }
}

/// Puts the two workflows into n8n, which does not run meanwhile.
async fn publish(session: &mut Session, reports: SocketAddr) -> anyhow::Result<()> {
    session.stack.halt(N8n::NAME).await;
    let n8n = session.n8n().context("this system has no n8n")?;
    let folder = session.home().path("bench-workflows");
    std::fs::create_dir_all(&folder)?;
    let platform = format!("{}/hubspot/crm/objects/2026-03/contacts", session.url(Service::Sandbox));
    let create = call(&platform, "{ properties: { email: $json.body.email } }");
    let report = call(&format!("http://{reports}/"), "{ success: true, hubspot_id: $json.id }");
    for (id, calls) in [(TAKES, vec![]), (ROUND_TRIP, vec![("Create", create), ("Report", report)])] {
        std::fs::write(folder.join(format!("{id}.json")), workflow(id, &calls).to_string())?;
    }
    let input = folder.display();
    let line = format!(
        "n8n import:workflow --separate --input='{input}'\nn8n publish:workflow --id={TAKES}\n\
         n8n publish:workflow --id={ROUND_TRIP}"
    );
    workspace::output(&mut n8n.shell(&line)?).await?;
    Ok(())
}

/// A POST of this, as a node makes it.
fn call(url: &str, body: &str) -> Value {
    json!({
        "method": "POST",
        "url": url,
        "sendHeaders": true,
        "headerParameters": {
            "parameters": [{"name": "Authorization", "value": format!("Bearer pat-eu1-{PORTAL}-bench")}],
        },
        "sendBody": true,
        "specifyBody": "json",
        "jsonBody": format!("={{{{ JSON.stringify({body}) }}}}"),
        "options": {},
    })
}

/// A webhook that is answered after these calls. Nothing is kept of it: so n8n is fastest.
fn workflow(id: &'static str, calls: &[(&str, Value)]) -> Value {
    let nodes = Nodes { workflow: id };
    let mut all = vec![nodes.webhook("Webhook", (0, 0), id, &json!({}))];
    all.extend(calls.iter().map(|(name, parameters)| nodes.node(name, ("httpRequest", 4.5), (0, 0), parameters)));
    all.push(nodes.answer("Answer", (0, 0), (202, "{ accepted: true }")));
    let ways = match calls {
        [] => connections(&[("Webhook", &[&["Answer"]])]),
        _ => connections(&[("Webhook", &[&["Create"]]), ("Create", &[&["Report"]]), ("Report", &[&["Answer"]])]),
    };
    json!({
        "id": id,
        "name": id,
        "active": false,
        "nodes": all,
        "connections": ways,
        "settings": {
            "executionOrder": "v1",
            "saveDataSuccessExecution": "none",
            "saveDataErrorExecution": "none",
            "saveExecutionProgress": false,
        },
    })
}

/// Waits until n8n serves both: while it starts, it answers whatever it is asked, but not so.
async fn served(session: &Session) -> anyhow::Result<()> {
    session.n8n_ready().await?;
    let url = session.n8n().context("this system has no n8n")?.url();
    for path in [TAKES, ROUND_TRIP] {
        let started = Instant::now();
        loop {
            let request = session.client().post(format!("{url}/webhook/{path}"));
            let answer = request.json(&json!({"email": format!("{path}@example.fr")})).send().await?;
            if answer.status() == StatusCode::ACCEPTED {
                break;
            }
            ensure!(
                started.elapsed() < READY_LIMIT,
                "n8n does not serve {path} ({}); its log ends with:\n{}",
                answer.status(),
                session.stack.tail(N8n::NAME, 20)
            );
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_goes_from_the_webhook_over_both_calls_to_the_answer() {
        let calls = [("Create", call("http://a", "{}")), ("Report", call("http://b", "{}"))];
        let made = workflow(ROUND_TRIP, &calls);
        let (mut place, mut way) = ("Webhook", vec![]);
        while let Some(next) = made["connections"][place]["main"][0][0]["node"].as_str() {
            way.push(next);
            place = next;
        }
        assert_eq!(way, ["Create", "Report", "Answer"]);
        let nodes = made["nodes"].as_array().unwrap();
        assert_eq!(nodes.iter().filter(|node| node["webhookId"].is_string()).count(), 1);
        assert_eq!((nodes.len(), nodes[0]["parameters"]["path"].as_str()), (4, Some(ROUND_TRIP)));
    }
}
