//! Secrets made once for a running system on a developer's machine, and kept in a file of mode 0600.

use std::path::Path;

use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::home::{read_json, write_json, write_private};

/// The passwords and keys that our own services are started with.
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(crate) gateway_password: SecretString,
    pub(crate) worker_password: SecretString,
    pub(crate) hs256: SecretString,
}

#[derive(Deserialize, Serialize)]
struct Stored {
    gateway_password: String,
    worker_password: String,
    hs256: String,
}

impl Secrets {
    /// Reads the file, or makes new secrets and writes it.
    pub(crate) fn load_or_make(file: &Path) -> anyhow::Result<Self> {
        if let Some(stored) = read_json::<Stored>(file)? {
            return Ok(Self {
                gateway_password: stored.gateway_password.into(),
                worker_password: stored.worker_password.into(),
                hs256: stored.hs256.into(),
            });
        }
        let made = Self { gateway_password: random(), worker_password: random(), hs256: random() };
        let stored = Stored {
            gateway_password: made.gateway_password.expose_secret().to_owned(),
            worker_password: made.worker_password.expose_secret().to_owned(),
            hs256: made.hs256.expose_secret().to_owned(),
        };
        write_json(file, &stored)?;
        Ok(made)
    }
}

/// The secret that a file of mode 0600 holds; a new one where there is no such file.
pub(crate) fn kept(file: &Path) -> anyhow::Result<SecretString> {
    if let Ok(text) = std::fs::read_to_string(file) {
        return Ok(text.trim().to_owned().into());
    }
    let made = random();
    write_private(file, made.expose_secret().as_bytes())?;
    Ok(made)
}

/// 256 random bits in hexadecimal, which need no escaping in a URL or in SQL.
pub(crate) fn random() -> SecretString {
    let bits: [u128; 2] = rand::rng().random();
    bits.iter().map(|half| format!("{half:032x}")).collect::<String>().into()
}
