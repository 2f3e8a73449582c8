//! What runs each command that people are told to type. Whether that is so is checked beside it.

/// What shows that a command does what its document says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Proof {
    /// The test of this name runs it, or calls what it calls.
    Test(&'static str),
    /// The stage of `cargo xtask ci` of this name is it.
    Stage(&'static str),
    /// The hosted workflow types these words.
    Hosted(&'static str),
    /// The hosted workflow cuts the one block that has these words out of this document, and runs it.
    Cut(&'static str, &'static str),
}

use Proof::{Cut, Hosted, Stage, Test};

const BY_NAME: Proof = Cut("docs/operations.md", "edges=edge");
const BY_ADDRESS: Proof = Cut("docs/operations.md", "for replica in");
const FORGOTTEN: Proof = Cut("docs/operations.md", "set-last-applied");
const IMAGES: Proof = Cut("docs/operations.md", "docker push");
const SEEN: Proof = Cut("docs/performance.md", "perf record");
const COUNTED: Proof = Cut("docs/performance.md", "perf probe");
const DEAD: Proof = Test("dead_letters_are_shown_with_their_reason_given_back_and_thrown_away");
const OF_N8N: Proof = Test("every_command_of_the_document_does_what_the_document_says");
const ROTATING: Proof = Test("every_data_key_goes_under_a_new_master_key_and_is_the_same_afterwards");
const PREPARED: Proof = Test("a_key_that_was_prepared_seals_nothing_before_it_is_asked_for");
const TENANT: Proof = Test("a_tenant_is_made_whose_key_opens_and_whose_token_names_it");
const WALK: Proof = Test("every_command_of_the_walk_prints_what_stands_below_it");

/// Every command by how it begins; of several that fit, the longest counts.
pub(super) const COMMANDS: [(&str, Proof); 105] = [
    ("CONTACT=$(curl -sS http://127.0.0.1:20080/api/v1/records/$RECORD", WALK),
    ("RECORD=$(curl -sS 'http://127.0.0.1:20080/api/v1/records?q=p-201'", WALK),
    ("REGISTRY=registry.example.com/coccinelle", IMAGES),
    ("SELECT", Test("what_documents_ask_the_database_is_answered")),
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
    ("cargo xtask bench --only loads --profile", Hosted("cargo xtask bench --only loads --profile webhook-ingest")),
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
    (
        "cargo xtask up",
        Test("ctrl_c_leaves_nothing_behind_and_the_next_run_finds_what_there_was_unless_its_folder_is_deleted"),
    ),
    ("cargo xtask up --n8n", OF_N8N),
    ("cargo xtask upgrade", Hosted("cargo xtask upgrade\n")),
    ("cargo xtask upgrade --from", Hosted("cargo xtask upgrade --from")),
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
    ("docker build --file", IMAGES),
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
    ("docker push", IMAGES),
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
    ("for program in", IMAGES),
    ("for replica in", BY_ADDRESS),
    ("for service in", FORGOTTEN),
    ("git show --stat ea584d5", Hosted("git show --stat ea584d5")),
    (
        "kubectl -n coccinelle apply -f deploy/kubernetes/namespace.yaml",
        Hosted("kubectl -n coccinelle apply -f deploy/kubernetes/namespace.yaml"),
    ),
    ("kubectl -n coccinelle apply view-last-applied", FORGOTTEN),
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
    ("kubectl apply set-last-applied", FORGOTTEN),
    ("n8n import:workflow", OF_N8N),
    ("n8n publish:workflow", OF_N8N),
    ("n8n unpublish:workflow", OF_N8N),
    ("node deploy/n8n/prepare.mjs", OF_N8N),
    ("perf probe", COUNTED),
    ("perf record", SEEN),
    ("perf script", SEEN),
    ("perf stat", COUNTED),
    ("rabbitmqctl cluster_status", Test("private_servers_survive_a_kill_and_leave_nothing_behind")),
    (
        "rm -rf .dev",
        Test("ctrl_c_leaves_nothing_behind_and_the_next_run_finds_what_there_was_unless_its_folder_is_deleted"),
    ),
];
