//! Prints the `AsyncAPI` document, for the checked-in copy: `cargo run -p messaging --example asyncapi > docs/asyncapi.json`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    writeln!(io::stdout().lock(), "{:#}", messaging::asyncapi::document())
}
