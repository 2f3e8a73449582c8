//! `cargo xtask contract`: the running API, asked what its document allows and what it forbids, by schemathesis.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::ci::Outcome;
use crate::console::{Console, ServiceLines};
use crate::python::Program;
use crate::services::Services;
use crate::session::{Build, Options, Service, Session, Tenant};
use crate::{up, workspace};

const BASE_PORT: u16 = 27_000;

/// From the Python package index; reads the document and makes requests of it, good ones and bad ones.
const SCHEMATHESIS: Program = Program { name: "schemathesis", package: "schemathesis==4.32.5" };

/// What must hold of every answer: no fault of ours, and nothing that the document does not foresee.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
    response_headers_conformance,ignored_auth,unsupported_method";

/// Beside those of the coverage phase, which tries every limit and every omission of the document by itself.
const EXAMPLES: u32 = 10;

const LOOK_AGAIN: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(60);

/// The arguments of `cargo xtask contract`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Requests made up for each operation at most.
    #[arg(long, default_value_t = EXAMPLES)]
    examples: u32,
    /// Another seed makes other requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    build: Build,
}

impl Default for Args {
    fn default() -> Self {
        Self { examples: EXAMPLES, seed: 1, build: Build::default() }
    }
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<Outcome> {
    let console = Console::new(ServiceLines::InFilesOnly);
    let tool = match SCHEMATHESIS.install(&console).await? {
        Ok(tool) => tool,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    up::interruptible(args.build.run(&console)).await.transpose()?.context("interrupted")?;
    let folder = workspace::root().join(".dev/contract");
    Services::wipe(&folder).await?;
    let mut session = Session::open(&folder, Options::new(BASE_PORT).without_limits(), console.clone()).await?;
    let outcome = up::interruptible(carry_out(&mut session, args, &tool)).await;
    session.take_down().await;
    let holds = outcome.transpose()?.context("interrupted")?;
    Ok(Outcome::of(holds))
}

/// Asks twice: quickly with ids that are made up, and thoroughly with those of things that are there, which lead further.
async fn carry_out(session: &mut Session, args: &Args, tool: &Path) -> anyhow::Result<bool> {
    session.bring_up().await?;
    let tenant = session.demo_tenant().await?;
    let known = workspace::root().join(".dev/contract/schemathesis.toml");
    std::fs::write(&known, Known::find(session, &tenant).await?.configuration())
        .context("the ids cannot be written down")?;
    let url = format!("{}/openapi.json", session.url(Service::ApiGateway));
    let mut holds = true;
    for (ids, phases) in [(None, "coverage"), (Some(&known), "examples,coverage,fuzzing,stateful")] {
        let mut run = tokio::process::Command::new(tool);
        if let Some(file) = ids {
            run.arg("--config-file").arg(file);
        }
        run.args(["run", "--no-color", "--checks", CHECKS, "--continue-on-failure", "--request-timeout", "30"])
            // Its answer has no end.
            .args(["--exclude-path", "/api/v1/stream"])
            // Served by webhook-ingest, and signed.
            .args(["--exclude-path-regex", "^/webhooks/"])
            .args(["--phases", phases, "--max-examples", &args.examples.to_string(), "--seed", &args.seed.to_string()])
            .args(["--header", &format!("Authorization: Bearer {}", tenant.admin_token.expose_secret()), &url])
            .current_dir(workspace::root().join(".dev"));
        holds &= run.status().await.context("schemathesis could not be started")?.success();
    }
    Ok(holds)
}

/// The ids of what is there.
struct Known {
    integration: String,
    record: String,
    log: String,
    run: String,
}

impl Known {
    /// Lets a prospect arrive in the CRM and a run begin, so that there is something to ask about.
    async fn find(session: &Session, tenant: &Tenant) -> anyhow::Result<Self> {
        let prospect = json!({
            "event_id": "contract-1", "type": "prospect.created", "subject_id": "contract-1",
            "occurred_at": chrono::Utc::now().to_rfc3339(),
            "data": { "first_name": "Camille", "last_name": "Rousseau", "email": "camille.rousseau@example.fr" },
        });
        session.send_events(tenant, &[prospect]).await?;
        let integration = tenant.integration.clone();
        let path = format!("/api/v1/integrations/{integration}/sync");
        // Where the clock has begun one already, that will do.
        session.call(Method::POST, &path, &tenant.admin_token, Some(&json!({}))).await?;
        let seen = async |path: String| first(session, tenant, &path).await;
        let record = seen("/api/v1/records".to_owned()).await?;
        let log = seen(format!("/api/v1/integrations/{integration}/logs?type=create")).await?;
        let run = seen(format!("/api/v1/integrations/{integration}/runs")).await?;
        Ok(Self { integration, record, log, run })
    }

    /// Which ids to put into which paths. What is there stays there: it is asked to be deleted by ids that are made up.
    fn configuration(&self) -> String {
        let put = |below: &str, parameters: &str| {
            format!(
                "[[operations]]\ninclude-path-regex = '^/api/v1/{below}'\nexclude-method = \"DELETE\"\n\
                 parameters = {{ {parameters} }}\n"
            )
        };
        let Self { integration, record, log, run } = self;
        let held = format!("\"path.id\" = \"{integration}\", \"path.log\" = \"{log}\", \"path.run\" = \"{run}\"");
        put("integrations/", &held) + &put("records/", &format!("\"path.id\" = \"{record}\""))
    }
}

/// The id of the first row of a list, as soon as there is one.
async fn first(session: &Session, tenant: &Tenant, path: &str) -> anyhow::Result<String> {
    let begun = Instant::now();
    loop {
        let (status, list) = session.call(Method::GET, path, &tenant.admin_token, None).await?;
        if let Some(id) = list.pointer("/data/0/id").and_then(Value::as_str) {
            return Ok(id.to_owned());
        }
        anyhow::ensure!(begun.elapsed() < PATIENCE, "GET {path} shows nothing: {status} {list}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
