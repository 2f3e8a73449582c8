//! `cargo xtask contract`: the running API, asked what its document allows and what it forbids, by schemathesis.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

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

/// The arguments of `cargo xtask contract`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Requests made up for each operation at most.
    #[arg(long, default_value_t = 50)]
    examples: u32,
    /// Another seed makes other requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    build: Build,
}

impl Default for Args {
    fn default() -> Self {
        Self { examples: 20, seed: 1, build: Build::default() }
    }
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let console = Console::new(ServiceLines::InFilesOnly);
    let Some(tool) = SCHEMATHESIS.install(&console).await? else {
        console.note("SKIPPED contract: neither `python3 -m venv` nor schemathesis is there");
        return Ok(ExitCode::SUCCESS);
    };
    up::interruptible(args.build.run(&console)).await.transpose()?.context("interrupted")?;
    let folder = workspace::root().join(".dev/contract");
    Services::wipe(&folder).await?;
    let mut session = Session::open(&folder, Options::new(BASE_PORT).without_limits(), console.clone()).await?;
    let outcome = up::interruptible(carry_out(&mut session, args, &tool)).await;
    session.take_down().await;
    let holds = outcome.transpose()?.context("interrupted")?;
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Asks twice: with ids that are made up, and with those of the demo tenant's integration and record, which lead further.
async fn carry_out(session: &mut Session, args: &Args, tool: &Path) -> anyhow::Result<bool> {
    session.bring_up().await?;
    let tenant = session.demo_tenant().await?;
    let known = workspace::root().join(".dev/contract/schemathesis.toml");
    std::fs::write(&known, real_ids(&tenant)).context("the ids cannot be written down")?;
    let url = format!("{}/openapi.json", session.url(Service::ApiGateway));
    let mut holds = true;
    for ids in [None, Some(&known)] {
        let mut run = tokio::process::Command::new(tool);
        if let Some(file) = ids {
            run.arg("--config-file").arg(file);
        }
        run.args(["run", "--no-color", "--checks", CHECKS, "--continue-on-failure", "--request-timeout", "30"])
            // Its answer has no end.
            .args(["--exclude-path", "/api/v1/stream"])
            .args(["--max-examples", &args.examples.to_string(), "--seed", &args.seed.to_string()])
            .args(["--header", &format!("Authorization: Bearer {}", tenant.admin_token.expose_secret()), &url])
            .current_dir(workspace::root().join(".dev"));
        holds &= run.status().await.context("schemathesis could not be started")?.success();
    }
    Ok(holds)
}

/// Which ids to put into which paths.
fn real_ids(tenant: &Tenant) -> String {
    format!(
        "[[operations]]\ninclude-path-regex = '^/api/v1/integrations/\\{{id\\}}'\nparameters = {{ id = \"{}\" }}\n",
        tenant.integration
    )
}
