//! Opening a platform account for whoever needs it: credentials, client, budget. What is then called is `connectors`'.

mod accounts;
mod budget;
mod error;
mod passes;

pub use accounts::{Accounts, KeyHint};
pub use error::AccountError;
pub use passes::Use;
