//! What every Rust file owes its reader: a first line that says what it is, a name that means something, no leftovers.

use super::Finding;
use super::scan::Source;
use super::tree::{File, Tree};

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = ["common", "helper", "helpers", "misc", "prelude", "util", "utils"];
/// Notes to oneself; written in two parts, so that this file holds none.
const NOTES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
/// The one file that may branch on which platform it is.
const REGISTRY: &str = "crates/connectors/src/registry.rs";
/// Macros of our own in the whole workspace.
const MACROS: usize = 3;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<_> = tree.rust().flat_map(check_file).collect();
    findings.extend(macros(tree));
    findings
}

fn check_file(file: &File) -> Vec<Finding> {
    let source = Source::new(&file.text, file.is_test());
    let mut findings = Vec::new();
    findings.extend(first_line(file));
    findings.extend(name(file));
    findings.extend(notes(file));
    findings.extend(source.lines().filter_map(|(number, line, test)| {
        line_advice(file, line, test).map(|advice| Finding::at(&file.path, number + 1, advice))
    }));
    findings
}

fn first_line(file: &File) -> Option<Finding> {
    let opens_well = file.text.lines().next().is_some_and(|line| line.starts_with("//! "));
    let advice = "open the file with one `//!` line: what lives here, and what does not";
    (!opens_well).then(|| Finding::at(&file.path, 1, advice))
}

fn name(file: &File) -> Option<Finding> {
    let empty = file.path.split('/').find(|part| EMPTY_NAMES.contains(&part.trim_end_matches(".rs")))?;
    Some(Finding::of(&file.path, format!("`{empty}` says nothing: name the module after the noun it is about")))
}

fn notes(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().enumerate();
    let noted = lines.filter_map(|(number, line)| Some((number, NOTES.iter().find(|note| line.contains(**note))?)));
    let advice = |note| format!("do what the {note} says, or take it to the issue tracker and delete it here");
    noted.map(|(number, note)| Finding::at(&file.path, number + 1, advice(note))).collect()
}

fn line_advice(file: &File, line: &str, test: bool) -> Option<&'static str> {
    if line.contains("#[allow(") || line.contains("#![allow(") {
        return Some(
            "use `#[expect(lint, reason = \"…\")]`: it says why, and complains once it is not needed any more",
        );
    }
    if line.trim_start().starts_with("pub use ") && line.contains("::*") {
        return Some("name what is re-exported; a glob hides what depends on what");
    }
    // The stand-ins have a list of their own, of those they stand in for.
    let may_branch = test || file.path == REGISTRY || file.crate_name() == Some("sandbox");
    if !may_branch && names_a_platform(line) {
        return Some("only the connectors' registry branches on the platform; ask the connector's descriptor instead");
    }
    None
}

fn names_a_platform(line: &str) -> bool {
    let mut found = line.match_indices("Platform::");
    found.any(|(start, word)| {
        let before = line.get(..start).and_then(|text| text.chars().next_back());
        let after = line.get(start + word.len()..).and_then(|text| text.chars().next());
        let is_whole = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        is_whole && after.is_some_and(char::is_uppercase)
    })
}

fn macros(tree: &Tree) -> Option<Finding> {
    let makers: Vec<_> = tree
        .rust()
        .flat_map(|file| {
            let source = Source::new(&file.text, file.is_test());
            let count = source.lines().filter(|(_, line, _)| line.contains("macro_rules!")).count();
            std::iter::repeat_n(file, count)
        })
        .collect();
    let last = makers.last().filter(|_| makers.len() > MACROS)?;
    let advice =
        format!("{} macros of our own, {MACROS} at most: try a generic, a table or a function first", makers.len());
    Some(Finding::of(&last.path, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_a_module_that_does_not_say_what_it_is() {
        let found = findings("crates/a/src/b.rs", "pub struct B;\n");
        assert!(found[0].contains("open the file with one `//!` line"), "{found:?}");
        assert_eq!(findings("crates/a/src/b.rs", "//! What B is.\npub struct B;\n").len(), 0);
    }

    #[test]
    fn finds_a_module_whose_name_says_nothing() {
        assert!(findings("crates/a/src/utils.rs", "//! A.\n")[0].contains("`utils.rs` says nothing"));
        assert!(findings("crates/a/src/common/b.rs", "//! A.\n")[0].contains("`common` says nothing"));
    }

    #[test]
    fn finds_notes_to_oneself() {
        for note in NOTES {
            assert!(findings("crates/a/src/b.rs", &format!("//! A.\n// {note} later\n"))[0].contains(":2: do what"));
        }
    }

    #[test]
    fn finds_a_silenced_lint_but_not_in_a_string() {
        let found = findings("crates/a/src/b.rs", "//! A.\n#[allow(dead_code)]\nfn a() {}\n");
        assert!(found[0].contains(":2: use `#[expect("), "{found:?}");
        assert_eq!(findings("crates/a/src/b.rs", "//! A.\nconst A: &str = \"#[allow(x)]\";\n").len(), 0);
    }

    #[test]
    fn finds_a_glob_that_is_passed_on() {
        assert_eq!(findings("crates/a/src/b.rs", "//! A.\npub use domain::*;\n").len(), 1);
    }

    #[test]
    fn finds_a_branch_on_the_platform_outside_the_registry() {
        let text = "//! A.\nfn a(p: Platform) { if p == Platform::HubSpot { b(); } }\n";
        assert_eq!(findings("crates/a/src/b.rs", text).len(), 1);
        assert_eq!(findings(REGISTRY, text).len(), 0);
        assert_eq!(
            findings("crates/a/src/b.rs", "//! A.\nfn a() { Platform::from_slug(b); MyPlatform::X; }\n").len(),
            0
        );
    }

    #[test]
    fn finds_more_macros_than_anybody_can_remember() {
        let text = format!("//! A.\n{}", "macro_rules! a { () => {} }\n".repeat(MACROS + 1));
        assert!(findings("crates/a/src/b.rs", &text)[0].contains("4 macros"));
    }
}
