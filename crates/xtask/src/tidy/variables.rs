//! The variables of Compose: what `docker-compose.yml` reads is shown in `.env.example`, and nothing else is.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::Tree;

const COMPOSE: &str = "docker-compose.yml";
const EXAMPLE: &str = ".env.example";

/// How those begin that Compose reads of its own accord.
const ITS_OWN: &str = "COMPOSE_";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let (Some(compose), Some(example)) = (tree.get(COMPOSE), tree.get(EXAMPLE)) else { return Vec::new() };
    let (read, shown) = (read_by(&compose.text), shown_in(&example.text));
    let hidden = read.difference(&shown).map(|name| format!("show `{name}`, which `{COMPOSE}` reads"));
    let idle = shown.difference(&read).filter(|name| !name.starts_with(ITS_OWN));
    let idle = idle.map(|name| format!("take `{name}` out: `{COMPOSE}` does not read it"));
    hidden.chain(idle).map(|advice| Finding::of(EXAMPLE, advice)).collect()
}

/// The names behind each `${`.
fn read_by(compose: &str) -> BTreeSet<&str> {
    compose.split("${").skip(1).map(name).collect()
}

/// The names with which lines begin, also where they are commented out.
fn shown_in(example: &str) -> BTreeSet<&str> {
    let lines = example.lines().map(|line| line.trim_start_matches(['#', ' ']));
    let named = lines.filter_map(|line| Some(line.split_once('=')?.0).filter(|before| *before == name(before)));
    named.collect()
}

/// The name with which a text begins.
fn name(text: &str) -> &str {
    let is_sign = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.split_at(text.find(|c: char| !is_sign(c)).unwrap_or(text.len())).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_variable_that_is_not_shown_and_one_that_is_not_read() {
        let compose = "A: \"${AUTH_ISSUER:-}\"\nB: \"${LOG_FILTER:-info}\"\nC: \"${DRAIN}\"\n";
        let example =
            "# With DRAIN=5s, it waits.\nAUTH_ISSUER=\n# LOG_FILTER=info\nSMTP_HOST=\nCOMPOSE_PROJECT_NAME=a\n";
        let tree = Tree::of(&[(COMPOSE, compose), (EXAMPLE, example)]);
        let found: Vec<String> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                ".env.example: show `DRAIN`, which `docker-compose.yml` reads",
                ".env.example: take `SMTP_HOST` out: `docker-compose.yml` does not read it",
            ]
        );
    }
}
