//! Passes that workflows show: what is none is refused, and what is one is good for one use only.

use std::fs;
use std::hint::black_box;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::LazyLock;

use domain::workflow::Pass;
use vault::{KeyRing, TokenPurpose, Vault};

/// A ring with a key that is known, so that a corpus may hold passes which open.
const RING: &str = r#"{"active": "k1", "keys": {"k1": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}"#;

static VAULT: LazyLock<Vault> = LazyLock::new(vault);

pub(crate) fn run(data: &[u8]) {
    let Ok(token) = std::str::from_utf8(data) else { return };
    let opened = [TokenPurpose::WorkflowCallback, TokenPurpose::WorkflowProxy].map(|wanted| {
        let claims = VAULT.verify_token(wanted, token);
        claims.inspect(|claims| drop(black_box(serde_json::from_slice::<Pass>(claims)))).is_ok()
    });
    assert_ne!(opened, [true, true], "a pass is good for two uses");
}

/// Key rings are read from files alone.
fn vault() -> Vault {
    let file = std::env::temp_dir().join(format!("coccinelle-fuzz-ring-{}.json", std::process::id()));
    fs::write(&file, RING).expect("a file can be written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a file can be closed to others");
    let ring = KeyRing::load(&file).expect("the ring is one");
    fs::remove_file(&file).expect("a file can be removed");
    Vault::new(ring)
}
