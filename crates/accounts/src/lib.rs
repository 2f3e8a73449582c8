//! Opening a platform account for whoever needs it: credentials, client, budget. What is then called is `connectors`'.

mod accounts;
mod budget;
mod error;

pub use accounts::{Accounts, KeyHint};
pub use error::AccountError;
