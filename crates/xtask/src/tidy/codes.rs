//! What is refused by a code of ours is explained under that code. Codes that a platform answers are its own.

use super::Finding;
use super::tree::{File, Tree};

const EXPLAINED: &str = "docs/troubleshooting.md";

/// The crates that answer callers.
const ANSWERING: [&str; 4] = ["api-gateway", "runtime", "sync-dispatcher", "webhook-ingest"];

/// Told to nobody: it stands in for an error that the platform's client needs to have.
const INTERNAL: &str = "FaultKind::Internal";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.get(EXPLAINED) else { return Vec::new() };
    let answering = |file: &&File| !file.is_test() && file.crate_name().is_some_and(|name| ANSWERING.contains(&name));
    let unexplained = tree.rust().filter(answering).flat_map(|file| {
        let lines = file.text.lines().take_while(|line| !line.contains("#[cfg(test)]")).enumerate();
        let codes = lines.filter_map(|(at, line)| Some((at + 1, code(line)?)));
        codes.filter(|(_, code)| !page.text.contains(&format!("`{code}`"))).map(|(at, code)| {
            Finding::at(&file.path, at, format!("explain the code `{code}` in {EXPLAINED}: what it means, what to do"))
        })
    });
    unexplained.collect()
}

/// The code in a line that says a class and a code.
fn code(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("FaultKind::")?;
    let class = after.split_once(", \"")?;
    let (code, _) = class.1.split_once('"')?;
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_said = !format!("{before}FaultKind::{}", class.0).contains(INTERNAL);
    let is_variant = class.0.bytes().all(|byte| byte.is_ascii_alphabetic());
    (is_said && is_variant && !code.is_empty() && is_word(code)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(code: &str, page: &str) -> Vec<String> {
        let tree = Tree::of(&[("crates/api-gateway/src/a.rs", code), (EXPLAINED, page)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_code_that_is_told_is_explained() {
        let told = "Self::new(FaultKind::Conflict, \"account_taken\", detail)";
        assert_eq!(findings(told, "| `account_taken` | 409 |"), Vec::<String>::new());
        let [found] = &findings(told, "| `other` |")[..] else { panic!("one finding") };
        assert!(found.starts_with("crates/api-gateway/src/a.rs:1: explain the code `account_taken`"), "{found}");
    }

    #[test]
    fn what_platforms_answer_and_what_is_told_to_nobody_is_left_out() {
        assert!(findings("new(FaultKind::Invalid, \"VALIDATION_ERROR\")", "").is_empty());
        assert!(findings("new(FaultKind::Internal, \"pass\")", "").is_empty());
        assert!(findings("#[cfg(test)]\nnew(FaultKind::Invalid, \"made_up\")", "").is_empty());
    }
}
