//! `cargo xtask browser` and `cargo xtask screenshots`: the dashboard in a real Chromium. What is done there is said in `browser/`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use tokio::process::Command;

use crate::ci::Outcome;
use crate::console::{Console, ServiceLines};
use crate::services::{Services, install};
use crate::session::{Build, Options, Service, Session};
use crate::{up, workspace};

const BASE_PORT: u16 = 28_000;

/// From npm's registry: what drives the browser, and what looks for barriers. Neither is part of the product.
const PACKAGES: [&str; 2] = ["playwright-core@1.65.1", "axe-core@4.14.1"];

/// What Debian calls a browser that these drive, and its letters.
const DEBIAN: [&str; 2] = ["chromium", "fonts-noto-core"];

/// What runs them; Debian's own do not go together with another source's.
const NODE: [&str; 2] = ["nodejs", "npm"];

/// The forms have a field for a workflow's address only where there is an n8n; this one is called by nobody.
const N8N: [(&str, &str); 2] =
    [("N8N__BASE_URL", "http://127.0.0.1:9"), ("N8N__SIGNING_SECRET", "it signs nothing because nothing is sent")];

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// The arguments of both commands.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    #[command(flatten)]
    build: Build,
}

/// What is done in the browser.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Errand {
    /// Walk the guide of the product, and look for barriers on every page.
    Walk,
    /// Take a picture of every page.
    Screenshots,
}

impl Errand {
    fn script(self) -> &'static str {
        match self {
            Self::Walk => "walk.mjs",
            Self::Screenshots => "screenshots.mjs",
        }
    }
}

pub(crate) async fn run(args: &Args, errand: Errand) -> anyhow::Result<Outcome> {
    let console = Console::new(ServiceLines::InFilesOnly);
    let Some(tools) = Tools::find(&console).await? else {
        return Ok(Outcome::Skipped("Chromium, node or npm is not there, and apt cannot bring it"));
    };
    up::interruptible(args.build.run(&console)).await.transpose()?.context("interrupted")?;
    let folder = workspace::root().join(".dev/browser-run");
    Services::wipe(&folder).await?;
    let options = Options::new(BASE_PORT).without_limits();
    let mut session = Session::open(&folder, options, console.clone()).await?;
    for (name, value) in N8N {
        session.set(&format!("COCCINELLE__{name}"), value);
    }
    let outcome = up::interruptible(carry_out(&mut session, &tools, errand)).await;
    session.take_down().await;
    drop(session);
    let is_good = outcome.transpose()?.context("interrupted")?;
    if is_good {
        Services::wipe(&folder).await?;
    }
    Ok(Outcome::of(is_good))
}

async fn carry_out(session: &mut Session, tools: &Tools, errand: Errand) -> anyhow::Result<bool> {
    session.bring_up().await?;
    let tenant = session.demo_tenant().await?;
    let mut run = Command::new("node");
    run.arg(tools.folder.join(errand.script()))
        .env("CHROMIUM", &tools.chromium)
        .env("DASHBOARD_URL", session.url(Service::ApiGateway))
        .env("SANDBOX_URL", session.url(Service::Sandbox))
        .env("INTEGRATION", &tenant.integration)
        .env("ADMIN_TOKEN", tenant.admin_token.expose_secret())
        .env("SERVICE_TOKEN", tenant.service_token.expose_secret())
        .env("SCREENSHOTS", workspace::root().join(".dev/screenshots"))
        .kill_on_drop(true);
    Ok(run.status().await.context("node could not be started")?.success())
}

/// A browser, and the folder in which its scripts find their packages.
#[derive(Debug)]
struct Tools {
    chromium: PathBuf,
    folder: PathBuf,
}

impl Tools {
    /// What is there, installed if need be; `None` where it cannot be had.
    async fn find(console: &Console) -> anyhow::Result<Option<Self>> {
        let folder = workspace::root().join(".dev/browser");
        std::fs::create_dir_all(&folder).context("the folder of the browser's scripts cannot be made")?;
        if !are_there()
            && let Err(error) = install::apt("Chromium and node", &missing(), &folder, console).await
        {
            console.note(&format!("✘ {error:#}"));
        }
        let Some(chromium) = BROWSERS.iter().find_map(|name| install::program(name)).filter(|_| are_there()) else {
            return Ok(None);
        };
        let step = console.step("install the browser's driver by npm");
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix"])
            .arg(&folder)
            .args(PACKAGES);
        if !PACKAGES.iter().all(|package| is_installed(&folder, package)) {
            workspace::output(&mut npm).await?;
        }
        step.done();
        for script in ["common.mjs", Errand::Walk.script(), Errand::Screenshots.script()] {
            // Beside their packages, where node looks for them.
            let source = workspace::root().join("crates/xtask/browser").join(script);
            std::fs::copy(&source, folder.join(script)).with_context(|| format!("{script} cannot be copied"))?;
        }
        Ok(Some(Self { chromium, folder }))
    }
}

fn are_there() -> bool {
    missing().is_empty()
}

/// The packages of what is not there.
fn missing() -> Vec<&'static str> {
    let has = |name: &&str| install::program(name).is_some();
    let browser = if BROWSERS.iter().any(has) { &[][..] } else { &DEBIAN };
    let node = if ["node", "npm"].iter().all(has) { &[][..] } else { &NODE };
    [browser, node].concat()
}

/// Whether npm has put that very version there.
fn is_installed(folder: &Path, package: &str) -> bool {
    let Some((name, version)) = package.split_once('@') else { return false };
    let described = std::fs::read(folder.join("node_modules").join(name).join("package.json")).unwrap_or_default();
    let described: serde_json::Value = serde_json::from_slice(&described).unwrap_or_default();
    described.get("version").and_then(serde_json::Value::as_str) == Some(version)
}
