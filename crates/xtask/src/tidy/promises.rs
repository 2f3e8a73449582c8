//! Rules and promises of the design: each has a test of its name, and the page that states them names those and no other.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::Tree;

/// The page.
const PAGE: &str = "docs/reliability.md";

/// How the names of their tests begin.
const PREFIXES: [&str; 2] = ["rule_", "promise_"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(page) = tree.get(PAGE) else { return Vec::new() };
    let tests = tests(tree);
    let mut findings = Vec::new();
    for (number, line) in page.text.lines().enumerate() {
        for name in line.split('`').skip(1).step_by(2).filter(|word| is_name(word)) {
            if !tests.contains_key(name) {
                let advice = format!("no test is called `{name}`: correct the name, or write the test");
                findings.push(Finding::at(PAGE, number + 1, advice));
            }
        }
    }
    for (name, path) in tests {
        if !page.text.contains(&format!("`{name}`")) {
            findings.push(Finding::of(path, format!("`{name}` proves a rule: name it in `{PAGE}`")));
        }
    }
    findings
}

/// The tests that are named after a rule or a promise, and where they are.
fn tests(tree: &Tree) -> BTreeMap<&str, &str> {
    let mut tests = BTreeMap::new();
    for file in tree.rust() {
        let functions =
            file.text.lines().filter_map(|line| line.split_once("fn ")?.1.split_once('(')).map(|(name, _)| name);
        tests.extend(functions.filter(|name| is_name(name)).map(|name| (name, file.path.as_str())));
    }
    tests
}

/// `rule_` or `promise_`, a number, and a sentence.
fn is_name(word: &str) -> bool {
    let rest = PREFIXES.iter().find_map(|prefix| word.strip_prefix(prefix));
    let number = rest.and_then(|rest| rest.split_once('_'));
    number.is_some_and(|(number, sentence)| {
        number.bytes().all(|byte| byte.is_ascii_digit()) && !number.is_empty() && !sentence.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_test_that_the_page_does_not_name_and_a_name_that_no_test_has() {
        // Not written out, or this very file would hold tests of those names.
        let names = ["rule_01_all_is_well", "promise_2_nothing_is_lost", "rule_of_thumb"];
        let code = names.map(|name| format!("#[test]\n{} {name}() {{}}\n", "fn")).concat();
        let page = "`rule_01_all_is_well`, `rule_02_all_is_better` and `rule_of_thumb`\n";
        let tree = Tree::of(&[("crates/a/src/lib.rs", code.as_str()), (PAGE, page)]);
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("docs/reliability.md:1: no test is called `rule_02_all_is_better`"), "{found:?}");
        assert!(found[1].starts_with("crates/a/src/lib.rs: `promise_2_nothing_is_lost` proves a rule"), "{found:?}");
    }
}
