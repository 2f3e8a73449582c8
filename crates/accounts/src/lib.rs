//! Opening a platform account for whoever needs it: credentials, client, budget. What is then called is `connectors`'. Whom a tenant has erased is told here too, since that takes its key.

mod accounts;
mod alert_hooks;
mod app_subscribing;
mod budget;
mod doorway;
mod error;
mod farewell;
mod grants;
mod parking;
mod passes;
mod place;
mod refresh;
mod renewing;
mod sealing;
mod subscribing;
mod suppression;
mod webhook_secrets;

pub use accounts::Accounts;
pub use alert_hooks::{AlertHook, AlertHooks};
pub use budget::budget_of;
pub use doorway::Doorway;
pub use error::AccountError;
pub use farewell::{Departure, Farewell};
pub use parking::park_if_refused;
pub use passes::Use;
pub use sealing::KeyHint;
pub use suppression::Suppressor;
pub use webhook_secrets::{Accepted, NewSecret, WebhookSecrets};
