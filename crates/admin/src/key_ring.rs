//! Making a key ring.

use serde_json::json;
use vault::KeyRing;

use crate::command::NewKeyRing;

/// Makes the file; never over an existing one.
pub(crate) fn create(wish: &NewKeyRing) -> anyhow::Result<String> {
    KeyRing::create(&wish.out)?;
    let file = wish.out.display().to_string();
    let said = format!("made {file}; keep a copy of it in a safe place");
    Ok(if wish.json { json!({ "key_ring_file": file }).to_string() } else { said })
}
