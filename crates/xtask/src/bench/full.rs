//! Everything in one run: the usual measurements and each part that is measured by itself, one after the other. None knows of the others.

use std::process::ExitCode;

use clap::ValueEnum as _;
use serde_json::{Map, Value, json};

use super::parts::Part;
use super::{Args, n8n};
use crate::console::Console;

/// How what is measured where nothing is said is called here.
const USUAL: &str = "usual";

/// Measures all. What could not be measured is told and fails the run in the end, but not what comes after it.
///
/// A run that is interrupted fails as well, and tells what it has measured.
///
/// # Errors
/// Where nothing may be skipped and something has to be.
pub(super) async fn run(args: &Args, console: &Console) -> anyhow::Result<ExitCode> {
    let (mut tables, mut all, mut is_whole) = (String::new(), Map::new(), true);
    // Before anything is measured, as it may end all of it.
    let has_n8n = n8n::is_there(console).await?;
    let parts = Part::value_variants().iter().copied().filter(|part| has_n8n || *part != Part::N8n);
    for only in std::iter::once(None).chain(parts.map(Some)) {
        let name = name(only);
        console.note(&format!("… {name}"));
        let figures = match Box::pin(args.by_itself(only, console)).await {
            Ok(Some(measured)) => {
                tables.push_str(&format!("{name}\n{}\n", measured.table().trim_end()));
                measured.json()?
            }
            Ok(None) => {
                is_whole = false;
                console.note("interrupted");
                break;
            }
            Err(error) => {
                is_whole = false;
                console.note(&format!("✘ {name}: {error:#}"));
                tables.push_str(&format!("{name}\n  could not be measured: {error:#}\n"));
                json!({ "could_not_be_measured": format!("{error:#}") })
            }
        };
        all.insert(name, figures);
    }
    console.print(&if args.json { Value::Object(all).to_string() } else { tables });
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The name of a part as `--only` takes it.
fn name(only: Option<Part>) -> String {
    let part = only.and_then(|part| part.to_possible_value());
    part.map_or_else(|| USUAL.to_owned(), |value| value.get_name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_called_as_it_is_asked_for() {
        let names: Vec<String> = Part::value_variants().iter().copied().map(Some).map(name).collect();
        assert_eq!(name(None), "usual");
        assert!(names.contains(&"log-rows".to_owned()) && names.contains(&"n8n".to_owned()), "{names:?}");
    }
}
