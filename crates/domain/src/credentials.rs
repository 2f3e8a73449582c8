//! What opens a platform account. Sealing is `vault`'s, keeping is `persistence`'s, use is `connectors`'.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The secrets of one integration.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A key, and a second half where the platform has one.
    ApiKey {
        /// The key, token or consumer key.
        key: SecretString,
        /// The secret or consumer secret.
        secret: Option<SecretString>,
    },
    /// An access token from an OAuth grant. The refresh token never leaves `accounts`.
    Bearer {
        /// The access token.
        access_token: SecretString,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Plain {
    ApiKey { key: String, secret: Option<String> },
    Bearer { access_token: String },
}

impl Credentials {
    /// The clear text that is to be sealed.
    ///
    /// # Errors
    /// Never in practice; serialisation is fallible by its signature.
    pub fn to_clear_text(&self) -> Result<SecretString, serde_json::Error> {
        let plain = match self {
            Self::ApiKey { key, secret } => Plain::ApiKey {
                key: key.expose_secret().to_owned(),
                secret: secret.as_ref().map(|secret| secret.expose_secret().to_owned()),
            },
            Self::Bearer { access_token } => Plain::Bearer { access_token: access_token.expose_secret().to_owned() },
        };
        serde_json::to_string(&plain).map(SecretString::from)
    }

    /// Reads what [`Self::to_clear_text`] wrote.
    ///
    /// # Errors
    /// When the text is not of that form.
    pub fn from_clear_text(text: &SecretString) -> Result<Self, serde_json::Error> {
        Ok(match serde_json::from_str(text.expose_secret())? {
            Plain::ApiKey { key, secret } => Self::ApiKey { key: key.into(), secret: secret.map(SecretString::from) },
            Plain::Bearer { access_token } => Self::Bearer { access_token: access_token.into() },
        })
    }
}
