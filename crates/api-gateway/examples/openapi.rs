//! Prints the OpenAPI document, for the checked-in copy: `cargo run -p api-gateway --example openapi > docs/openapi.json`.

use std::io::{self, Write as _};

fn main() -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{}", api_gateway::openapi::document().to_pretty_json()?)?;
    Ok(())
}
