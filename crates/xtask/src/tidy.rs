//! `cargo xtask tidy`: the checks of the source tree that no lint can make. It changes nothing.

mod codes;
mod commands;
mod copies;
mod docs;
mod layers;
mod lengths;
mod log_fields;
mod manifests;
mod metrics;
mod migrations;
mod modules;
mod promises;
mod runbook;
mod scan;
mod schemas;
mod steps;
mod strings;
mod suites;
mod tree;
mod variables;
mod workflows;

use std::fmt;
use std::path::Path;

use anyhow::Context as _;

use crate::console::{Console, ServiceLines};
use layers::Crate;
pub(crate) use migrations::LAST_FREE;
use tree::Tree;

/// The arguments of `cargo xtask tidy`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Something that breaks a rule, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: Option<usize>,
    advice: String,
}

impl Finding {
    /// A finding about a whole file.
    fn of(path: &str, advice: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, advice: advice.into() }
    }

    /// A finding about one line, counted from 1.
    fn at(path: &str, line: usize, advice: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(line), advice: advice.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.advice),
            None => write!(f, "{}: {}", self.path, self.advice),
        }
    }
}

/// Every rule that reads files. The layers are checked apart: they need what cargo knows.
const RULES: [fn(&Tree) -> Vec<Finding>; 17] = [
    codes::check,
    commands::check,
    copies::check,
    docs::check,
    lengths::check,
    log_fields::check,
    manifests::check,
    metrics::check,
    migrations::check,
    modules::check,
    promises::check,
    runbook::check,
    schemas::check,
    steps::check,
    suites::check,
    variables::check,
    workflows::check,
];

/// Checks the tree.
///
/// # Errors
/// Names every finding and what to do about it.
pub(crate) fn run(_args: &Args) -> anyhow::Result<()> {
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().exec().context("`cargo metadata` failed")?;
    let tree = Tree::read(Path::new(metadata.workspace_root.as_str()))?;
    let crates: Vec<_> = metadata.packages.iter().map(Crate::from).collect();
    let findings = findings(&tree, &crates);
    if findings.is_empty() {
        let summary = format!("tidy: {} files in {} crates, all in order", tree.files().len(), crates.len());
        Console::new(ServiceLines::InFilesOnly).print(&summary);
        return Ok(());
    }
    let list: String = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    anyhow::bail!("tidy has {} findings:{list}", findings.len())
}

/// How many of the commands that documents tell people to type the hosted workflow alone runs.
pub(crate) fn hosted_commands() -> usize {
    commands::hosted()
}

/// The paths of the project's files of which this holds, told their path and what is in them; sorted.
///
/// # Errors
/// Where a file cannot be read.
pub(crate) fn files(is_wanted: impl Fn(&str, &str) -> bool) -> anyhow::Result<Vec<String>> {
    let tree = Tree::read(&crate::workspace::root())?;
    let wanted = tree.files().iter().filter(|file| is_wanted(&file.path, &file.text));
    Ok(wanted.map(|file| file.path.clone()).collect())
}

/// What documents tell people to type that begins like this, in fenced blocks and between backticks.
#[cfg(test)]
pub(crate) fn documented(beginning: &str) -> anyhow::Result<Vec<String>> {
    let tree = Tree::read(&crate::workspace::root())?;
    let typed = commands::documents(&tree).flat_map(|document| commands::commands(&document.text));
    Ok(typed.map(|(_, command)| command).filter(|command| command.starts_with(beginning)).collect())
}

fn findings(tree: &Tree, crates: &[Crate]) -> Vec<Finding> {
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| rule(tree)).chain(layers::check(crates)).collect();
    findings.sort();
    findings.dedup();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_a_compiler_would_write_it() {
        let finding = Finding::at("crates/a/src/lib.rs", 3, "do this");
        assert_eq!(finding.to_string(), "crates/a/src/lib.rs:3: do this");
    }

    #[test]
    fn a_small_tree_in_order_has_no_findings() {
        let tree = Tree::of(&[
            ("Cargo.toml", "[workspace.dependencies]\nserde = \"1\"\n"),
            ("crates/domain/Cargo.toml", "[lints]\nworkspace = true\n\n[dependencies]\nserde.workspace = true\n"),
            ("crates/domain/src/lib.rs", "//! Nouns.\n\npub struct A;\n"),
        ]);
        let crates = [Crate::new("domain", &["serde"])];
        assert_eq!(findings(&tree, &crates), []);
    }
}
