//! The operator's tool: a table of contents. What each command does is in the module of its name.

mod command;
mod key_ring;
mod migrate;
mod tenant;
mod token;

use std::io::Write;

use clap::Parser;

use crate::command::{Cli, Command};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let said = match Cli::parse().command {
        Command::Migrate(wish) => migrate::run(&wish).await?,
        Command::CreateTenant(wish) => tenant::create(&wish).await?,
        Command::IssueToken(wish) => token::issue(&wish)?,
        Command::NewKeyRing(wish) => key_ring::create(&wish)?,
    };
    writeln!(std::io::stdout(), "{said}")?;
    Ok(())
}
