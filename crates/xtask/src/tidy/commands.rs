//! Commands that documents and comments tell people to type: each has an entry that says what runs it, or why nothing does.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

/// How a line of a fenced block begins, and what stands between backticks, that is a command; beside these, whatever stands behind a
/// prompt.
const BEGINNINGS: [&str; 20] = [
    "REGISTRY=",
    "SELECT ",
    "\\d+ ",
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

const WORKFLOW: &str = ".github/workflows/ci.yml";
const GUIDE: &str = "docs/operations.md";
const STAGES: &str = "crates/xtask/src/ci.rs";

/// What shows that a command does what its document says.
#[derive(Clone, Copy, Debug)]
enum Proof {
    /// The test of this name runs it, or calls what it calls.
    Test(&'static str),
    /// The stage of `cargo xtask ci` of this name is it.
    Stage(&'static str),
    /// The hosted workflow types these words.
    Hosted(&'static str),
    /// The hosted workflow cuts the one block of the operations guide that has these words out of it, and runs it.
    Cut(&'static str),
    /// Nothing does, and why.
    Skipped(&'static str),
}

use Proof::{Cut, Hosted, Skipped, Stage, Test};

const BY_NAME: Proof = Cut("edges=edge");
const BY_ADDRESS: Proof = Cut("for replica in");
const PROFILER: Proof = Skipped("it takes root, and a kernel that lets itself be looked into");
const DEAD: Proof = Test("dead_letters_are_shown_with_their_reason_given_back_and_thrown_away");
const OF_N8N: Proof = Test("every_command_of_the_document_does_what_the_document_says");
const ROTATING: Proof = Test("every_data_key_goes_under_a_new_master_key_and_is_the_same_afterwards");
const PREPARED: Proof = Test("a_key_that_was_prepared_seals_nothing_before_it_is_asked_for");
const TENANT: Proof = Test("a_tenant_is_made_whose_key_opens_and_whose_token_names_it");
const WALK: Proof = Test("every_command_of_the_walk_prints_what_stands_below_it");

/// Every command by how it begins; of several that fit, the longest counts.
const COMMANDS: [(&str, Proof); 105] = [
    ("CONTACT=$(curl -sS http://127.0.0.1:20080/api/v1/records/$RECORD", WALK),
    ("RECORD=$(curl -sS 'http://127.0.0.1:20080/api/v1/records?q=p-201'", WALK),
    ("REGISTRY=registry.example.com/coccinelle", Hosted("REGISTRY=registry.example.com/coccinelle")),
    ("SELECT", Test("what_documents_ask_the_database_is_answered")),
    ("\\d+", Skipped("it is psql's own, which need not be there where this is built")),
    ("admin create-tenant", TENANT),
    ("admin dead-letters", DEAD),
    ("admin erase-tenant", Test("nothing_is_left_of_an_erased_tenant_and_all_of_another")),
    ("admin issue-token", TENANT),
    ("admin migrate", Test("migrating_down_and_up_again_leaves_a_catalogue_and_no_tenants")),
    ("admin new-key-ring", TENANT),
    ("admin purge", DEAD),
    ("admin replay", DEAD),
    ("admin rotate-data-key", Test("every_secret_of_a_tenant_goes_under_a_new_data_key_and_the_old_one_is_forgotten")),
    ("admin rotate-keys", ROTATING),
    ("admin rotate-keys --prepare", PREPARED),
    ("admin rotate-keys --to", PREPARED),
    ("admin status", Test("status_shows_the_queues_and_what_waits_and_the_half_that_answers")),
    (
        "apt-get update && apt-get install -y gcc libc6-dev curl jq",
        Hosted("apt-get update && apt-get install -y gcc libc6-dev curl jq"),
    ),
    ("broker()", Hosted("broker() { kubectl -n coccinelle get secret coccinelle-broker-default-user")),
    // Each part that `--only` names is in it.
    ("cargo xtask bench", Hosted("cargo xtask bench --full --quick")),
    ("cargo xtask bench --json", Hosted("cargo xtask bench --full --quick --json")),
    ("cargo xtask bench --only loads --profile", PROFILER),
    ("cargo xtask browser", Stage("browser")),
    ("cargo xtask ci", Hosted(".ci/run")),
    ("cargo xtask contract", Stage("contract")),
    (
        "cargo xtask crash",
        Test("promise_1_everything_killed_at_every_step_under_load_loses_nothing_and_does_nothing_twice"),
    ),
    ("cargo xtask crash --minutes", Hosted("cargo xtask crash --minutes")),
    ("cargo xtask demo", Hosted("cargo xtask demo")),
    ("cargo xtask faults", Hosted("cargo xtask faults")),
    ("cargo xtask fuzz", Hosted("cargo xtask fuzz --minutes")),
    ("cargo xtask screenshots", Hosted("cargo xtask screenshots")),
    ("cargo xtask supply", Stage("supply")),
    ("cargo xtask supply --sbom", Hosted("cargo xtask supply --sbom")),
    ("cargo xtask test", Stage("test")),
    ("cargo xtask test --n8n", Hosted("cargo xtask test --n8n")),
    ("cargo xtask tidy", Stage("tidy")),
    ("cargo xtask up", Test("ctrl_c_leaves_nothing_behind_and_the_next_run_finds_what_the_first_one_had")),
    ("cargo xtask up --n8n", OF_N8N),
    ("cargo xtask upgrade", Hosted("cargo xtask upgrade")),
    (
        "cargo xtask upgrade --from",
        Skipped("the hosted workflow has it find the older version by itself; from there on it is the same"),
    ),
    // What it would write is held against what is there.
    ("cargo xtask workflows", Stage("tidy")),
    ("cp .env.example .env", Hosted("cp .env.example .env")),
    (
        "curl -X POST http://127.0.0.1:20090/_sandbox/shopify/acme/compliance",
        Test("what_the_law_lets_people_ask_is_sent_signed_to_the_address_of_the_app"),
    ),
    ("curl -sS \"http://127.0.0.1:20080/api/v1/integrations/$INTEGRATION/logs?record_id", WALK),
    ("curl -sS -X PATCH http://127.0.0.1:20090/_sandbox/hubspot/4242/contacts/$CONTACT", WALK),
    ("curl -sS -X POST \"$N8N/webhook/coccinelle/hubspot\"", OF_N8N),
    ("curl -sS http://127.0.0.1:20080/api/v1/events", WALK),
    ("curl -sS http://127.0.0.1:20080/api/v1/records/$RECORD", WALK),
    ("docker build --file", Hosted("docker build --file deploy/Dockerfile --build-arg BINARY=$program")),
    ("docker compose --profile demo up", Hosted("docker compose --profile demo up")),
    (
        "docker compose --profile monitoring --profile mail up --build --detach",
        Hosted("docker compose --profile monitoring --profile mail up --build --detach"),
    ),
    ("docker compose --profile n8n up", Hosted("docker compose --profile n8n up")),
    ("docker compose build", Hosted("docker compose build")),
    ("docker compose cp api-gateway:/data/key-ring.json", Hosted("docker compose cp api-gateway:/data/key-ring.json")),
    ("docker compose exec -T $edge sh -c \"echo $2 >/tmp/new", BY_NAME),
    (
        "docker compose run --rm --entrypoint coccinelle migrate create-tenant",
        Hosted("docker compose run --rm --entrypoint coccinelle migrate create-tenant"),
    ),
    (
        "docker compose run --rm --entrypoint coccinelle migrate issue-token",
        Hosted("docker compose run --rm --entrypoint coccinelle migrate issue-token"),
    ),
    ("docker compose run --rm migrate", BY_NAME),
    ("docker compose up", Hosted("docker compose up --detach")),
    ("docker compose up --build --detach", Hosted("docker compose up --build --detach")),
    ("docker compose up --detach --scale", Hosted("docker compose up --detach --scale sync-dispatcher=3")),
    ("docker compose up --detach --wait --no-deps --force-recreate", BY_ADDRESS),
    ("docker compose up --detach --wait --no-deps --no-recreate --scale $1=$((count + 1)) $1", BY_NAME),
    ("docker compose up --detach --wait --no-deps --no-recreate --scale $1=$count $1", BY_NAME),
    (
        "docker push",
        Skipped("it takes a registry; the hosted workflow brings the images to the nodes of a cluster without"),
    ),
    ("docker rm $old", BY_NAME),
    ("docker run --rm --network host --user", Hosted("docker run --rm --network host --user")),
    ("docker run --rm --user", Hosted("/admin:0.1.0 new-key-ring --out /keys/key-ring.json")),
    ("docker stop $old", BY_NAME),
    ("echo \"whsec_$(head -c 32 /dev/urandom | base64)\"", Test("a_secret_that_is_made_as_the_document_says_is_one")),
    (
        "export COCCINELLE__DATABASE__URL",
        Hosted("export COCCINELLE__DATABASE__URL=postgres://coccinelle_owner:$password@127.0.0.1:5432/coccinelle"),
    ),
    ("export SERVICE", WALK),
    ("for edge in $edges; do", BY_NAME),
    ("for program in", Hosted("for program in admin api-gateway webhook-ingest sync-dispatcher log-writer; do")),
    ("for replica in", BY_ADDRESS),
    ("git show --stat ea584d5", Hosted("git show --stat ea584d5")),
    (
        "kubectl -n coccinelle apply -f deploy/kubernetes/namespace.yaml",
        Hosted("kubectl -n coccinelle apply -f deploy/kubernetes/namespace.yaml"),
    ),
    (
        "kubectl -n coccinelle apply edit-last-applied",
        Skipped("it opens an editor, and is for what an earlier build has applied"),
    ),
    // With the end of the line, where another secret's name begins like this one's.
    (
        "kubectl -n coccinelle create secret generic coccinelle",
        Hosted("kubectl -n coccinelle create secret generic coccinelle \\\n"),
    ),
    (
        "kubectl -n coccinelle create secret generic coccinelle-database",
        Hosted("kubectl -n coccinelle create secret generic coccinelle-database \\\n"),
    ),
    (
        "kubectl -n coccinelle create secret generic coccinelle-database-owner",
        Hosted("kubectl -n coccinelle create secret generic coccinelle-database-owner"),
    ),
    (
        "kubectl -n coccinelle create secret generic coccinelle-dispatcher",
        Hosted("kubectl -n coccinelle create secret generic coccinelle-dispatcher \\\n"),
    ),
    (
        "kubectl -n coccinelle create secret generic coccinelle-key-ring",
        Hosted("kubectl -n coccinelle create secret generic coccinelle-key-ring"),
    ),
    ("kubectl -n coccinelle delete job migrate", Hosted("kubectl -n coccinelle delete job migrate --ignore-not-found")),
    (
        "kubectl -n coccinelle exec coccinelle-broker-server-0 -- rabbitmq-queues grow",
        Hosted("kubectl -n coccinelle exec coccinelle-broker-server-0 -- rabbitmq-queues grow"),
    ),
    (
        "kubectl -n coccinelle exec coccinelle-broker-server-0 -- rabbitmqctl list_queues",
        Hosted("kubectl -n coccinelle exec coccinelle-broker-server-0 -- rabbitmqctl list_queues name members online"),
    ),
    (
        "kubectl -n coccinelle port-forward service/coccinelle-database-rw 5432",
        Hosted("kubectl -n coccinelle port-forward service/coccinelle-database-rw 5432"),
    ),
    (
        "kubectl -n coccinelle wait --for=condition=AllReplicasReady",
        Hosted(
            "kubectl -n coccinelle wait --for=condition=AllReplicasReady --timeout=15m rabbitmqclusters.rabbitmq.com/",
        ),
    ),
    (
        "kubectl -n coccinelle wait --for=condition=Ready",
        Hosted("kubectl -n coccinelle wait --for=condition=Ready --timeout=15m clusters.postgresql.cnpg.io/"),
    ),
    (
        "kubectl -n coccinelle wait --for=condition=complete",
        Hosted("kubectl -n coccinelle wait --for=condition=complete --timeout=15m job/migrate"),
    ),
    // With the end of the line, where only a part of it is applied otherwise.
    ("kubectl apply -k overlay", Hosted("kubectl apply -k overlay\n")),
    (
        "kubectl apply -k overlay -l app.kubernetes.io/component=migrate",
        Hosted("kubectl apply -k overlay -l app.kubernetes.io/component=migrate"),
    ),
    (
        "kubectl apply -k overlay -l app.kubernetes.io/component=store",
        Hosted("kubectl apply -k overlay -l app.kubernetes.io/component=store"),
    ),
    ("n8n import:workflow", OF_N8N),
    ("n8n is starting up", Skipped("n8n says so while it starts; nobody types it")),
    ("n8n publish:workflow", OF_N8N),
    ("n8n unpublish:workflow", OF_N8N),
    ("node deploy/n8n/prepare.mjs", OF_N8N),
    ("perf probe", PROFILER),
    ("perf record", PROFILER),
    ("perf script", PROFILER),
    ("perf stat", PROFILER),
    ("rabbitmqctl cluster_status", Test("private_servers_survive_a_kill_and_leave_nothing_behind")),
    ("rm -rf .dev", Skipped("it would take from under the tests what they run on")),
];

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
                    let advice = format!("say in `tidy/commands.rs` what runs `{command}`, or why nothing does");
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
    const HERE: &str = "crates/xtask/src/tidy/commands.rs";
    if !met.contains(beginning) {
        return Some(Finding::of(HERE, format!("no document tells people to type `{beginning}`: remove its entry")));
    }
    let says = |path: &str, words: &str| tree.get(path).is_some_and(|file| file.text.contains(words));
    let holds = match proof {
        Test(name) => tree.rust().any(|file| file.is_test() && file.text.contains(&format!("fn {name}("))),
        Stage(name) => says(STAGES, &format!("stage(console, \"{name}\"")),
        Hosted(words) => tree.get(WORKFLOW).is_some_and(|file| types(&file.text, words)),
        Cut(words) => {
            let is_cut = |script: &File| types(&script.text, &format!("block '{words}' >replace"));
            tree.get(WORKFLOW).is_some_and(is_cut)
                && tree.get(GUIDE).is_some_and(|guide| is_in_block(&guide.text, words, beginning))
        }
        Skipped(reason) => !reason.is_empty(),
    };
    (!holds).then(|| Finding::of(HERE, format!("{proof:?} is not there, by which `{beginning}` is proved")))
}

/// Whether a script has these words where it has no comment.
fn types(script: &str, words: &str) -> bool {
    let typed: String = script.split_inclusive('\n').filter(|line| !line.trim_start().starts_with('#')).collect();
    typed.contains(words)
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

/// The commands of which nothing shows that they do what their documents say, each with the reason.
pub(super) fn skipped() -> impl Iterator<Item = (&'static str, &'static str)> {
    COMMANDS.iter().filter_map(|(beginning, proof)| match proof {
        Skipped(reason) => Some((*beginning, *reason)),
        Test(_) | Stage(_) | Hosted(_) | Cut(_) => None,
    })
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
            format!("docs/a.md:{line}: say in `tidy/commands.rs` what runs `{command}`, or why nothing does")
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
    fn a_command_is_cut_out_with_the_one_block_that_it_is_in() {
        let guide = "Do:\n```\none=1\n  make all\n```\nor:\n```\ntwo=2\n```\nmake none\n";
        assert!(is_in_block(guide, "one=1", "make all"));
        assert!(!is_in_block(guide, "two=2", "make all") && !is_in_block(guide, "=", "make all"));
        assert!(!is_in_block(guide, "one=1", "make none") && !is_in_block(guide, "three", "make all"));
    }

    #[test]
    fn what_nothing_runs_is_told_with_its_reason_and_nothing_else_is() {
        let told: Vec<&str> = skipped().filter(|(_, reason)| !reason.is_empty()).map(|(command, _)| command).collect();
        assert!(told.contains(&"perf record") && !told.contains(&"cargo xtask ci"), "{told:?}");
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
