//! Making a key ring.

use vault::KeyRing;

use crate::command::NewKeyRing;

/// Makes the file; never over an existing one.
pub(crate) fn create(wish: &NewKeyRing) -> anyhow::Result<String> {
    KeyRing::create(&wish.out)?;
    Ok(format!("made {}; keep a copy of it in a safe place", wish.out.display()))
}
