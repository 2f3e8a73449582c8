//! `cargo xtask up`: everything running on one machine, with a demo tenant, until Ctrl-C.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use secrecy::ExposeSecret as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::console::{Console, ServiceLines};
use crate::demo::{CrowdArgs, send_crowd};
use crate::session::{Build, Options, Service, Session, Tenant, Workflows};
use crate::workspace;

const BASE_PORT: u16 = 20_000;

/// The arguments of `cargo xtask up`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Also send generated prospects, and stay up.
    #[arg(long)]
    demo: bool,
    /// Also run a real n8n, installed if need be, with all our workflows published and connected.
    #[arg(long)]
    n8n: bool,
    /// Do not show the services' lines; they are in .dev/logs all the same.
    #[arg(long)]
    quiet: bool,
    /// Where its data, its logs and its ports are kept; .dev if nothing is said. Two systems can run in two folders.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Where its ports are wished for; those that are taken are moved.
    #[arg(long, default_value_t = BASE_PORT, value_parser = clap::value_parser!(u16).range(1_024..32_000))]
    base_port: u16,
    #[command(flatten)]
    build: Build,
    #[command(flatten)]
    crowd: CrowdArgs,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let lines = if args.quiet { ServiceLines::InFilesOnly } else { ServiceLines::Shown };
    let console = Console::new(lines);
    let Some(built) = interruptible(args.build.run(&console)).await else { return Ok(ExitCode::SUCCESS) };
    built?;
    let workflows = if args.n8n { Workflows::Own } else { Workflows::None };
    let options = Options { workflows, ..Options::new(args.base_port) };
    let folder = args.folder.clone().unwrap_or_else(|| workspace::root().join(".dev"));
    let mut session = Session::open(&folder, options, console.clone()).await?;
    let outcome = interruptible(stay_up(&mut session, args, &console)).await;
    session.take_down().await;
    // Ctrl-C is how this command is meant to end.
    outcome.unwrap_or(Ok(())).map(|()| ExitCode::SUCCESS)
}

async fn stay_up(session: &mut Session, args: &Args, console: &Console) -> anyhow::Result<()> {
    session.bring_up().await?;
    let tenant = session.demo_tenant().await?;
    if args.demo {
        send_crowd(session, &tenant, &args.crowd, console).await?;
    }
    console.print(&banner(session, &tenant));
    std::future::pending().await
}

/// Runs the work until it is done (`Some`) or the process is asked to stop (`None`), whichever comes first.
pub(crate) async fn interruptible<T>(work: impl Future<Output = T>) -> Option<T> {
    let asked = async {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        // Without a handler the signal ends the process at once, which is what it asks for.
        let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    };
    tokio::select! {
        done = work => Some(done),
        () = asked => None,
    }
}

/// The folder as seen from the checkout.
fn shown(folder: &Path) -> std::path::Display<'_> {
    folder.strip_prefix(workspace::root()).unwrap_or(folder).display()
}

fn banner(session: &Session, tenant: &Tenant) -> String {
    let (gateway, sandbox) = (session.url(Service::ApiGateway), session.url(Service::Sandbox));
    let (admin, integration) = (tenant.admin_token.expose_secret(), &tenant.integration);
    let n8n =
        session.n8n().map(|n8n| format!("\n  n8n, with our workflows            {}", n8n.url())).unwrap_or_default();
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    format!(
        r#"
Everything is running. Ctrl-C stops it; the data stays in {folder} for the next time.

  The CRM (a stand-in for HubSpot)   {sandbox}/
  The dashboard, and you are in      {gateway}/dashboard/login#token={admin}
  The API                            {gateway}/api/v1
  Its reference, to read and try out {gateway}/docs/{n8n}
  The tenant                         {tenant_id}
  Its HubSpot integration            {integration}

For what is typed below and in the README's walk; the tokens are good for 30 days:

  {exports}

Send a prospect, as Coccinelle's backend does, and see it in the CRM:

  curl -sS {gateway}/api/v1/events \
    -H "Authorization: Bearer $SERVICE" \
    -H 'Content-Type: application/json' \
    -d '{{"event_id":"evt-1","type":"prospect.created","subject_id":"p-1","occurred_at":"{now}","data":{{"first_name":"Éloïse","last_name":"Martin","email":"eloise.martin@example.fr","phone":"06 12 34 56 78","city":"Nîmes"}}}}'

See what was done for it:

  curl -sS "{gateway}/api/v1/integrations/$INTEGRATION/logs" \
    -H "Authorization: Bearer $ADMIN"
"#,
        exports = tenant.exports(),
        folder = shown(session.home().folder()),
        tenant_id = tenant.id,
    )
}
