//! The edge of `deploy/`: where a real Caddy is, and what that makes of the file where no load balancer stands before it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::OnceCell;
use xtask::console::{Console, ServiceLines};
use xtask::services::install;
use xtask::workspace::root;

const NAME: &str = "e2e-edge";

/// Looked for once: where it has to be unpacked first, two tests would do so on top of each other.
static CADDY: OnceCell<Option<PathBuf>> = OnceCell::const_new();

/// The program; `None` where the test of that name is skipped for want of it.
pub(crate) async fn caddy(test: &str) -> Option<PathBuf> {
    let caddy = CADDY.get_or_init(|| install::unpacked("caddy", "caddy")).await;
    if caddy.is_none() {
        let why = "Caddy (Debian's package caddy) is not there, and apt cannot bring it";
        xtask::ci::skip(&Console::new(ServiceLines::InFilesOnly), test, why).unwrap();
    }
    caddy.clone()
}

/// The file that is deployed.
pub(crate) fn caddyfile() -> PathBuf {
    root().join("deploy/Caddyfile")
}

/// The variables by which it keeps in this folder what it makes, certificates among it.
pub(crate) fn keeps_in(folder: &Path) -> [(&'static str, String); 3] {
    ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"].map(|name| (name, folder.display().to_string()))
}

/// The listener that the file comes to for this `EDGE_SITE`, once all that it names could be set up.
async fn listener(caddy: &Path, folder: &Path, site: &str) -> Value {
    let mut adapt = Command::new(caddy);
    adapt.args(["adapt", "--validate", "--adapter", "caddyfile", "--config"]).arg(caddyfile());
    let done = adapt.env("EDGE_SITE", site).envs(keeps_in(folder)).output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let read: Value = serde_json::from_slice(&done.stdout).unwrap();
    read["apps"]["http"]["servers"]["srv0"].clone()
}

#[tokio::test]
async fn the_edge_with_certificates_of_its_own_does_behind_them_what_the_plain_one_does() {
    let Some(caddy) = caddy(NAME).await else { return };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(NAME);
    std::fs::create_dir_all(&folder).unwrap();
    let plain = listener(&caddy, &folder, ":8080").await;
    let named = listener(&caddy, &folder, "localhost").await;
    assert_eq!((&plain["listen"], &named["listen"]), (&json!([":8080"]), &json!([":443"])));
    let site = &named["routes"][0];
    assert_eq!(site["match"], json!([{ "host": ["localhost"] }]));
    assert_eq!(site["handle"][0]["routes"], plain["routes"]);
    assert!(plain["routes"].as_array().is_some_and(|routes| routes.len() == 3), "{plain}");
    std::fs::remove_dir_all(&folder).unwrap();
}
