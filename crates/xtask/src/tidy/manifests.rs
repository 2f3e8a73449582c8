//! The manifests and the top level: lints are inherited, versions are written once, nothing lies about.

use super::Finding;
use super::tree::{File, Tree};

/// What the top level holds besides dotfiles.
const TOP: [&str; 11] = [
    "Cargo.lock",
    "Cargo.toml",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "crates",
    "deploy",
    "docker-compose.yml",
    "docs",
    "migrations",
    "n8n-workflows",
];
/// Beside the manifests of cargo, two tools are configured by files whose place they choose themselves.
const TOOLS: [&str; 2] = ["deny.toml", "rustfmt.toml"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let is_manifest = |file: &&File| file.path.starts_with("crates/") && file.name() == "Cargo.toml";
    let manifests: Vec<_> = tree.files().iter().filter(is_manifest).collect();
    let mut findings: Vec<_> = manifests.iter().flat_map(|file| check_manifest(file)).collect();
    findings.extend(unused(tree, &manifests));
    findings.extend(top_level(tree));
    findings
}

fn check_manifest(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !entries(&file.text).any(|entry| entry.section == "lints" && entry.line == "workspace = true") {
        findings.push(Finding::of(&file.path, "inherit the lints: add `[lints]` with `workspace = true`"));
    }
    let own = entries(&file.text).filter(|entry| entry.is_dependency() && !entry.is_inherited());
    findings.extend(own.map(|entry| {
        let advice = "write the version once, in the root's `[workspace.dependencies]`, and `x.workspace = true` here";
        Finding::at(&file.path, entry.number, advice)
    }));
    findings
}

/// What the root names and nobody takes.
fn unused(tree: &Tree, manifests: &[&File]) -> Vec<Finding> {
    let Some(root) = tree.get("Cargo.toml") else { return Vec::new() };
    let named = entries(&root.text).filter(|entry| entry.section == "workspace.dependencies");
    let unused = named.filter(|entry| {
        let name = entry.name();
        let takes = |file: &&File| entries(&file.text).any(|entry| entry.is_dependency() && entry.name() == name);
        !manifests.iter().any(takes)
    });
    let advice = |name: &str| format!("no crate takes `{name}`: remove it");
    unused.map(|entry| Finding::at(&root.path, entry.number, advice(entry.name()))).collect()
}

fn top_level(tree: &Tree) -> Vec<Finding> {
    let strange = tree
        .below("")
        .into_iter()
        .filter(|name| !name.starts_with('.') && !TOP.contains(name) && !TOOLS.contains(name));
    let advice = "the top level has a fixed list: reports belong in a commit, notes in `docs`, programs in `crates`";
    strange.map(|name| Finding::of(name, advice)).collect()
}

/// One line of a manifest that is neither blank, a comment nor a heading.
struct Entry<'a> {
    section: &'a str,
    line: &'a str,
    number: usize,
}

impl Entry<'_> {
    fn is_dependency(&self) -> bool {
        !self.section.starts_with("workspace") && self.section.ends_with("dependencies")
    }

    fn is_inherited(&self) -> bool {
        self.line.contains("workspace = true")
    }

    fn name(&self) -> &str {
        self.line.split(['.', '=', ' ']).next().unwrap_or_default()
    }
}

/// The entries of a manifest; those that go on over several lines begin with their name.
fn entries(text: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(number, line)| {
        if let Some(heading) = line.strip_prefix('[') {
            section = heading.trim_end().trim_end_matches(']');
            return None;
        }
        let is_entry = line.starts_with(|c: char| c.is_ascii_alphanumeric());
        is_entry.then_some(Entry { section, line: line.trim_end(), number: number + 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[lints]\nworkspace = true\n\n[dependencies]\nserde.workspace = true\n";

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_a_crate_with_lints_of_its_own() {
        assert_eq!(findings(&[("crates/a/Cargo.toml", GOOD)]), Vec::<String>::new());
        assert!(findings(&[("crates/a/Cargo.toml", "[package]\n")])[0].contains("inherit the lints"));
    }

    #[test]
    fn finds_a_version_outside_the_root() {
        for line in ["tokio = \"1\"", "tokio = { version = \"1\" }", "tokio = { path = \"../x\" }"] {
            let found = findings(&[("crates/a/Cargo.toml", &format!("{GOOD}{line}\n"))]);
            assert!(found[0].contains(":6: write the version once"), "{line}: {found:?}");
        }
        assert_eq!(findings(&[("crates/a/Cargo.toml", &format!("{GOOD}x = {{ workspace = true }}\n"))]).len(), 0);
    }

    #[test]
    fn finds_what_the_root_names_for_nobody() {
        let root = "[workspace.dependencies]\n# Why.\nserde = \"1\"\nlapin = \"4\"\n";
        let found = findings(&[("Cargo.toml", root), ("crates/a/Cargo.toml", GOOD)]);
        assert_eq!(found, ["Cargo.toml:4: no crate takes `lapin`: remove it"]);
    }

    #[test]
    fn finds_what_lies_about_at_the_top() {
        assert!(findings(&[("STATUS.md", "")])[0].starts_with("STATUS.md: the top level has a fixed list"));
        assert_eq!(findings(&[("docs/a.md", ""), (".github/b.yml", "")]).len(), 0);
    }
}
