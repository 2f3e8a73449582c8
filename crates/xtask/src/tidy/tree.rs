//! The files of the project as text, read once for all rules. What they mean is for the rules.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;

/// Folders that are made by running the project, never part of it.
const MADE: [&str; 4] = [".dev", ".git", "node_modules", "target"];

/// The crates of what tests the programs, stands in for platforms, or serves whoever develops here.
const UNOPERATED: [&str; 4] = ["fuzz", "sandbox", "testkit", "xtask"];

/// One file; a file that is no text is kept with an empty one.
#[derive(Debug)]
pub(super) struct File {
    /// From the root of the workspace, with `/` between the names.
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// The last part of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The crate whose folder holds this file.
    pub(super) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    pub(super) fn is_rust(&self) -> bool {
        self.path.starts_with("crates/") && self.path.ends_with(".rs")
    }

    /// Whether the whole file is compiled for tests only.
    pub(super) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.name() == "tests.rs"
    }

    /// Whether this is part of a program that operators run.
    pub(super) fn is_operated(&self) -> bool {
        !self.is_test() && self.crate_name().is_some_and(|name| !UNOPERATED.contains(&name))
    }
}

/// The project's files, sorted by path.
#[derive(Debug)]
pub(super) struct Tree(Vec<File>);

impl Tree {
    /// Reads everything below `root` that belongs to the project.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self(files))
    }

    pub(super) fn files(&self) -> &[File] {
        &self.0
    }

    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.0.iter().filter(|file| file.is_rust())
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.0.iter().find(|file| file.path == path)
    }

    /// Whether a file or a folder of this path exists.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        self.0
            .iter()
            .any(|file| file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// The names right below a folder (`""` is the root), files and folders alike.
    pub(super) fn below(&self, folder: &str) -> BTreeSet<&str> {
        self.0.iter().filter_map(|file| file.path.strip_prefix(folder)?.split('/').next()).collect()
    }

    /// A tree out of pairs of path and text.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|&(path, text)| File { path: path.to_owned(), text: text.to_owned() }).collect())
    }
}

fn walk(root: &Path, folder: &str, files: &mut Vec<File>) -> anyhow::Result<()> {
    let place = root.join(folder);
    for entry in std::fs::read_dir(&place).with_context(|| format!("cannot list {}", place.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if entry.file_type()?.is_dir() {
            if !MADE.contains(&name.as_str()) {
                walk(root, &path, files)?;
            }
        } else {
            let bytes = std::fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
            files.push(File { path, text: String::from_utf8(bytes).unwrap_or_default() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_files_and_the_folders_above_them() {
        let tree = Tree::of(&[("docs/decisions/0001-x.md", "")]);
        assert!(tree.has("docs/decisions/0001-x.md") && tree.has("docs/decisions") && tree.has("docs/decisions/"));
        assert!(!tree.has("docs/dec") && !tree.has("docs/decisions/0001"));
    }

    #[test]
    fn reads_this_very_crate() {
        let tree = Tree::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert!(tree.get("Cargo.toml").is_some_and(|manifest| manifest.text.starts_with("[package]")));
    }
}
