//! Steps at which a process may die: the crash suite has somebody die at each of those that the domain names, and at no other.

use super::Finding;
use super::tree::Tree;

/// Where the steps have their names.
const TABLE: &str = "crates/domain/src/step.rs";

/// Where it is said who dies at which.
const PLAN: &str = "crates/xtask/src/crash/plan.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let (Some(table), Some(plan)) = (tree.get(TABLE), tree.get(PLAN)) else { return Vec::new() };
    let missing = named(&table.text).into_iter().filter(|step| !plan.text.contains(&format!("\"{step}\"")));
    let advice = |step: String| format!("nobody dies at `{step}`: name those who come by it in `{PLAN}`");
    missing.map(|step| Finding::of(TABLE, advice(step))).collect()
}

/// The names that the table gives: `Self::SomeStep => "some.step",`.
fn named(table: &str) -> Vec<String> {
    let name =
        |line: &str| Some(line.trim().strip_prefix("Self::")?.split_once("=> \"")?.1.split_once('"')?.0.to_owned());
    table.lines().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_step_at_which_nobody_dies() {
        let table = "Self::AckBefore => \"ack.before\",\n            Self::AckAfter => \"ack.after\",\n";
        let tree = Tree::of(&[(TABLE, table), (PLAN, "(\"ack.before\", &[LogWriter], 4),\n")]);
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("crates/domain/src/step.rs: nobody dies at `ack.after`"), "{found:?}");
    }
}
