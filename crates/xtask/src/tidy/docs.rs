//! Documents that name a file: the file must be there. What a document says beyond that is for its reader to judge.

use super::Finding;
use super::tree::{File, Tree};

/// Where a backticked path must begin for it to be one of ours.
const FOLDERS: [&str; 8] =
    [".cargo/", ".ci/", ".github/", "crates/", "deploy/", "docs/", "migrations/", "n8n-workflows/"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let documents = tree.files().iter().filter(|file| file.path.ends_with(".md"));
    documents.flat_map(|document| check_document(tree, document)).collect()
}

fn check_document(tree: &Tree, document: &File) -> Vec<Finding> {
    let folder = document.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let lines = document.text.lines().enumerate();
    let named = lines.flat_map(|(number, line)| {
        let paths = backticked(line).map(str::to_owned).chain(linked(line).map(|link| resolve(folder, link)));
        paths.map(move |path| (number, path))
    });
    let missing = named.filter(|(_, path)| !tree.has(path));
    let advice = |path: &str| format!("`{path}` does not exist: correct the path or the sentence around it");
    missing.map(|(number, path)| Finding::at(&document.path, number + 1, advice(&path))).collect()
}

/// The backticked words of a line that are paths of this project; patterns (`*`, `…`, `NNNN`) are none.
fn backticked(line: &str) -> impl Iterator<Item = &str> {
    let is_plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let is_path = move |word: &&str| {
        FOLDERS.iter().any(|folder| word.starts_with(folder)) && is_plain(word) && !word.contains("NNNN")
    };
    line.split('`').skip(1).step_by(2).filter(is_path)
}

/// The targets of a line's links that lie in this project, without their anchors.
fn linked(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let inside = targets.filter(|target| !target.contains("://") && !target.starts_with(['#', '/']));
    inside
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty() && !target.starts_with("mailto:"))
}

/// The backticked words in the first cells of a text's tables; the head of a table has none.
pub(super) fn keys(text: &str) -> impl Iterator<Item = &str> {
    let below = text.lines().skip(1).chain([""]);
    let rows = text.lines().zip(below).filter(|(line, below)| line.starts_with("| ") && !below.starts_with("|---"));
    let first = rows.filter_map(|(line, _)| line.split('|').nth(1));
    first.flat_map(|cell| cell.split('`').skip(1).step_by(2))
}

fn resolve(folder: &str, link: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let files = [("docs/a.md", text), ("crates/a/src/lib.rs", ""), ("README.md", "")];
        check(&Tree::of(&files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_a_path_that_is_gone() {
        let found = findings("One.\nSee `crates/a/src/gone.rs`.\n");
        assert!(found[0].starts_with("docs/a.md:2: `crates/a/src/gone.rs` does not exist"), "{found:?}");
        assert_eq!(findings("See `crates/a/src/lib.rs`, `crates/a` and `crates/*/src`.\n").len(), 0);
    }

    #[test]
    fn the_keys_of_a_table_stand_in_its_first_cells() {
        let text = "Of `a`:\n\n| `code` | what |\n|---|---|\n| `one`, `two` | see `three` |\n| `four` | x |\n";
        assert_eq!(keys(text).collect::<Vec<_>>(), ["one", "two", "four"]);
    }

    #[test]
    fn finds_a_link_that_leads_nowhere() {
        assert_eq!(findings("[a](b.md) [c](../README.md#top) [d](https://x.y/z) [e](#here)\n").len(), 1);
    }
}
