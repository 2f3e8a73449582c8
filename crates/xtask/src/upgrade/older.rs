//! The older version: which one, and its binaries, built in a worktree of their own.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::process::Command;

use crate::console::Console;
use crate::session::Service;
use crate::tidy;
use crate::workspace::{self, output, root};

/// The commit of the version that is wished for, else of the newest tag.
///
/// Without tags it is the one before the migrations that have to leave the version before alone, so that all of these are put under it.
///
/// # Errors
/// When there is no such version, or no git.
pub(super) async fn find(wish: Option<&str>) -> anyhow::Result<String> {
    let revision = match wish {
        Some(wish) => wish.to_owned(),
        None => match git(&root(), &["describe", "--tags", "--abbrev=0"]).await {
            Ok(tag) => tag,
            Err(_without_tags) => before_the_rule().await?,
        },
    };
    let commit = format!("{revision}^{{commit}}");
    git(&root(), &["rev-parse", "--verify", "--end-of-options", &commit]).await
}

async fn before_the_rule() -> anyhow::Result<String> {
    let migrations = git(&root(), &["ls-tree", "--name-only", "HEAD", "migrations/"]).await?;
    let first = first_bound(&migrations).context("no migration came after the rule")?;
    let added = git(&root(), &["log", "-1", "--diff-filter=A", "--format=%H", "--", first]).await?;
    anyhow::ensure!(!added.is_empty(), "nobody knows when {first} came");
    Ok(format!("{added}^"))
}

/// The first of these folders whose migration is not free to take anything away.
fn first_bound(migrations: &str) -> Option<&str> {
    let is_bound = |path: &&str| path.strip_prefix("migrations/").is_some_and(|name| name > tidy::LAST_FREE);
    migrations.lines().filter(is_bound).min()
}

/// Builds that commit's binaries beside ours; gives the folder that they are in.
///
/// # Errors
/// When it cannot be checked out, or does not compile.
pub(super) async fn build(commit: &str, console: &Console) -> anyhow::Result<PathBuf> {
    let step = console.step("build the older version (the first time takes some minutes)");
    let place = root().join(".dev/upgrade");
    let (tree, target) = (place.join("tree"), place.join("target"));
    check_out(&tree, commit).await?;
    let mut cargo = workspace::cargo();
    // Locked: of what that version was made of, and so without asking anybody for what is here already.
    cargo.current_dir(&tree).env("CARGO_TARGET_DIR", &target);
    cargo.args(["build", "--quiet", "--locked", "--package", "admin"]);
    for service in Service::ALL {
        cargo.args(["--package", service.name()]);
    }
    // Standard output is kept for results.
    workspace::run(cargo.stdout(std::process::Stdio::null())).await?;
    step.done();
    Ok(target.join("debug"))
}

/// The worktree stays for the next time: so does what is built from it.
async fn check_out(tree: &Path, commit: &str) -> anyhow::Result<()> {
    if tree.join("Cargo.toml").is_file() {
        git(tree, &["checkout", "--quiet", "--force", "--detach", commit]).await?;
        return Ok(());
    }
    // One whose folder was removed is still known by its name.
    git(&root(), &["worktree", "prune"]).await?;
    git(&root(), &["worktree", "add", "--force", "--detach", &tree.to_string_lossy(), commit]).await?;
    Ok(())
}

async fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    output(Command::new("git").args(arguments).current_dir(folder)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_migration_under_the_rule_is_found_wherever_it_is_listed() {
        let last = format!("migrations/{}", tidy::LAST_FREE);
        let (first, later) = ("migrations/2026-11-28-0099610_next", "migrations/2026-12-01-000100_later");
        let before = "migrations/2026-11-22-000100_roles";
        assert_eq!(first_bound(&[before, &last, later, first].join("\n")), Some(first));
        assert_eq!(first_bound(&[before, &last].join("\n")), None);
    }
}
