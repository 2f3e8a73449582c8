//! Commands that documents and comments tell people to type: each has an entry that says what runs it.

use std::collections::BTreeSet;

use self::proofs::Proof::{Cut, Hosted, Stage, Test};
use self::proofs::{COMMANDS, Proof};
use super::Finding;
use super::tree::{File, Tree};
use crate::hosted::WORKFLOW;

mod proofs;

/// How a line of a fenced block begins, and what stands between backticks, that is a command; beside these, whatever stands behind a
/// prompt.
const BEGINNINGS: [&str; 19] = [
    "REGISTRY=",
    "SELECT ",
    "admin ",
    "apt-get ",
    "broker()",
    "cargo ",
    "cp ",
    "curl ",
    "docker ",
    "echo ",
    "export ",
    "for ",
    "git ",
    "kubectl ",
    "n8n ",
    "node ",
    "perf ",
    "rabbitmqctl ",
    "rm ",
];

/// The prompt.
const PROMPT: &str = "$ ";

/// Files that tell people what to type in their comments.
const COMMENTED: [&str; 2] = [".env.example", "docker-compose.yml"];

/// How a comment is indented that is a line to type.
const INDENT: &str = "   ";

const STAGES: &str = "crates/xtask/src/ci.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut met = BTreeSet::new();
    let told = documents(tree).map(|file| (file, commands(&file.text)));
    let beside = COMMENTED.iter().filter_map(|path| tree.get(path)).map(|file| (file, commented(&file.text)));
    for (document, typed) in told.chain(beside) {
        for (number, command) in typed {
            match entry(&command) {
                Some((beginning, _)) => {
                    met.insert(beginning);
                }
                None => {
                    let advice = format!("say in `tidy/commands/proofs.rs` what runs `{command}`");
                    findings.push(Finding::at(&document.path, number + 1, advice));
                }
            }
        }
    }
    // Another project's tree has neither these documents nor what proves them.
    if tree.has(STAGES) {
        findings.extend(COMMANDS.iter().filter_map(|(beginning, proof)| stale(tree, beginning, *proof, &met)));
    }
    findings
}

/// An entry of a command that is nowhere any more, or whose proof is not there.
fn stale(tree: &Tree, beginning: &str, proof: Proof, met: &BTreeSet<&str>) -> Option<Finding> {
    const HERE: &str = "crates/xtask/src/tidy/commands/proofs.rs";
    if !met.contains(beginning) {
        return Some(Finding::of(HERE, format!("no document tells people to type `{beginning}`: remove its entry")));
    }
    let says = |path: &str, words: &str| tree.get(path).is_some_and(|file| file.text.contains(words));
    let holds = match proof {
        Test(name) => tree.rust().any(|file| file.is_test() && file.text.contains(&format!("fn {name}("))),
        Stage(name) => says(STAGES, &format!("stage(console, \"{name}\"")),
        Hosted(words) => tree.get(WORKFLOW).is_some_and(|file| types(&file.text, words)),
        Cut(document, words) => {
            tree.get(WORKFLOW).is_some_and(|script| runs_block(&script.text, document, words))
                && tree.get(document).is_some_and(|document| is_in_block(&document.text, words, beginning))
        }
    };
    (!holds).then(|| Finding::of(HERE, format!("{proof:?} is not there, by which `{beginning}` is proved")))
}

/// Whether a script has these words where it has no comment.
fn types(script: &str, words: &str) -> bool {
    let typed: String = script.split_inclusive('\n').filter(|line| !line.trim_start().starts_with('#')).collect();
    typed.contains(words)
}

/// Whether a script cuts the block with these words out of this document, and runs it before it cuts another one out and before the
/// step is over.
fn runs_block(script: &str, document: &str, words: &str) -> bool {
    let cut = format!(".github/block {document} '{words}' >typed\n");
    let Some((_, rest)) = script.split_once(&cut) else { return false };
    let is_over = |line: &&str| line.ends_with(" >typed") || line.starts_with("      - ");
    rest.lines().take_while(|line| !is_over(line)).any(|line| types(line, " ./typed"))
}

/// Whether a document has one fenced block with these words, and this command is in it.
fn is_in_block(document: &str, words: &str, command: &str) -> bool {
    let blocks = document.split("\n```").skip(1).step_by(2);
    let found: Vec<&str> = blocks.filter(|block| block.contains(words)).collect();
    matches!(found.as_slice(), [block] if block.lines().any(|line| line.trim().starts_with(command)))
}

/// The entry of a command; the longest that fits.
fn entry(command: &str) -> Option<(&'static str, Proof)> {
    let fits = |beginning: &str| {
        command.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '=']))
    };
    COMMANDS.iter().copied().filter(|entry| fits(entry.0)).max_by_key(|entry| entry.0.len())
}

/// How many commands the hosted workflow alone runs.
pub(super) fn hosted() -> usize {
    COMMANDS.iter().filter(|(_, proof)| matches!(proof, Hosted(_) | Cut(..))).count()
}

/// What people read.
pub(super) fn documents(tree: &Tree) -> impl Iterator<Item = &File> {
    let is_one = |file: &&File| {
        let is_read = ["README.md", "docs/", ".github/"].iter().any(|place| file.path.starts_with(place));
        is_read && file.path.ends_with(".md")
    };
    tree.files().iter().filter(is_one)
}

/// The commands in the fenced blocks of a document and between its backticks, each with its line, without what is said of it beside
/// it.
pub(super) fn commands(text: &str) -> Vec<(usize, String)> {
    let mut is_fenced = false;
    let mut commands = Vec::new();
    for (number, line) in text.lines().map(str::trim).enumerate() {
        if line.starts_with("```") {
            is_fenced = !is_fenced;
            continue;
        }
        let typed = if is_fenced { vec![line] } else { named(line) };
        commands.extend(typed.into_iter().filter_map(command).map(|command| (number, command.to_owned())));
    }
    commands
}

/// The same in the comments of a file.
fn commented(text: &str) -> Vec<(usize, String)> {
    let comments = text.lines().enumerate().filter_map(|(number, line)| Some((number, line.trim().strip_prefix('#')?)));
    let typed = comments.flat_map(|(number, said)| {
        let typed = said.strip_prefix(INDENT).map_or_else(|| named(said), |line| vec![line]);
        typed.into_iter().filter_map(command).map(move |command| (number, command.to_owned()))
    });
    typed.collect()
}

/// What stands between the backticks of a line.
fn named(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

fn command(line: &str) -> Option<&str> {
    let typed = line.strip_prefix(PROMPT);
    let command = typed.or_else(|| BEGINNINGS.iter().any(|word| line.starts_with(word)).then_some(line))?;
    // What is said of it stands behind two blanks, or behind a `#`.
    let ends = ["  ", " #"].into_iter().filter_map(|end| command.find(end));
    Some(ends.min().and_then(|end| command.get(..end)).unwrap_or(command).trim_end_matches([' ', '\\']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Type `cargo build`.\n```\ncargo xtask up   # all\n$ whoami\nsomebody\nadmin rotate-keys   goes on\n```\n\
        cargo xtask up\n  ```bash\n  n8n import:workflow --x \\\n  ```\n";

    #[test]
    fn reads_the_commands_of_fenced_blocks_and_between_backticks_and_nothing_else() {
        let expected = [
            (0, "cargo build"),
            (2, "cargo xtask up"),
            (3, "whoami"),
            (5, "admin rotate-keys"),
            (9, "n8n import:workflow --x"),
        ];
        assert_eq!(commands(TEXT), expected.map(|(line, command)| (line, command.to_owned())));
    }

    #[test]
    fn reads_the_commands_of_comments() {
        let text =
            "# n8n is there. Or:\n#   docker compose up --build      (all)\nA: docker run x\n  # See `cargo build`.\n";
        let expected = [(1, "docker compose up --build"), (3, "cargo build")];
        assert_eq!(commented(text), expected.map(|(line, command)| (line, command.to_owned())));
    }

    #[test]
    fn finds_a_command_that_nobody_answers_for() {
        let found = check(&Tree::of(&[("docs/a.md", TEXT)]));
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        let asked = |line: usize, command: &str| {
            format!("docs/a.md:{line}: say in `tidy/commands/proofs.rs` what runs `{command}`")
        };
        assert_eq!(found, [asked(1, "cargo build"), asked(4, "whoami")]);
    }

    #[test]
    fn the_longest_entry_counts_and_a_longer_word_is_another() {
        assert!(matches!(entry("cargo xtask test --n8n"), Some((_, Hosted(_)))));
        assert!(matches!(entry("cargo xtask test -- rule_"), Some((_, Stage(_)))));
        assert!(entry("cargo xtask tests").is_none());
        assert!(entry("kubectl -n coccinelle create secret generic coccinelle-of-which-nobody-knows").is_none());
    }

    #[test]
    fn what_a_comment_says_is_not_typed() {
        assert!(types("run: |\n  make all\n", "make all"));
        assert!(!types("# make all\nrun: |\n    # make all\n", "make all"));
    }

    #[test]
    fn a_block_is_run_where_it_is_cut_out() {
        let cut = "run: |\n  .github/block a.md 'one' >typed\n";
        let runs = |rest: &str| runs_block(&format!("{cut}{rest}"), "a.md", "one");
        assert!(runs("  cat typed\n  . ./typed\n") && runs("  sudo sh -ex ./typed\n      - run: |\n"));
        assert!(!runs("  cat typed\n") && !runs("  # . ./typed\n") && !runs("      - run: |\n  . ./typed\n"));
        assert!(!runs("  .github/block a.md 'two' >typed\n  . ./typed\n"));
        assert!(!runs_block(&format!("{cut}  . ./typed\n"), "a.md", "two"));
    }

    #[test]
    fn a_command_is_cut_out_with_the_one_block_that_it_is_in() {
        let guide = "Do:\n```\none=1\n  make all\n```\nor:\n```\ntwo=2\n```\nmake none\n";
        assert!(is_in_block(guide, "one=1", "make all"));
        assert!(!is_in_block(guide, "two=2", "make all") && !is_in_block(guide, "=", "make all"));
        assert!(!is_in_block(guide, "one=1", "make none") && !is_in_block(guide, "three", "make all"));
    }

    #[test]
    fn finds_an_entry_without_a_document_or_without_its_proof() {
        let tree = Tree::of(&[(STAGES, ""), ("README.md", "```\ncargo xtask ci\n```\n")]);
        let found = check(&tree);
        assert!(
            found.iter().any(|finding| finding.advice.contains("is not there, by which `cargo xtask ci` is proved"))
        );
        assert!(found.iter().any(|finding| finding.advice.contains("type `cargo xtask up`: remove its entry")));
    }
}
