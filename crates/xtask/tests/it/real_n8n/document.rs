//! Every command of `docs/n8n.md`, as it stands there: typed by somebody who has an n8n already, and by somebody who has nothing.
//! What the document tells to do in n8n's pages is done as they do it.

use std::path::Path;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::time::interval;
use xtask::console::{Console, ServiceLines};
use xtask::n8n::{N8n, Place, install, slugs};
use xtask::stack::{Backoff, Stack};
use xtask::workspace::root;

use super::pages::Pages;
use super::{PATIENCE, knock, node, place, workflow};
use crate::languages;
use crate::up::Run;
use crate::world::Estate;

/// What a command says where it did what it should; n8n's own exit codes say nothing.
const SAYS: [(&str, &str); 5] = [
    ("n8n import:workflow", "Successfully imported 7 workflows"),
    ("n8n publish:workflow", "Note: Changes"),
    ("n8n unpublish:workflow", "Note: Changes"),
    ("node deploy/n8n/prepare.mjs", "The workflows are in place"),
    ("curl", r#"{"ok":true,"workflow":"coccinelle-hubspot","version":3}"#),
];

/// What runs all of these.
const SUITE: &str = "cargo xtask test --n8n";

/// How often somebody asks again who waits for n8n.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The commands in one language's part of the document, in their order.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut is_command = false;
    for line in text.lines().map(str::trim) {
        match line {
            "```bash" => is_command = true,
            "```" => is_command = false,
            line if is_command => commands.push(line.to_owned()),
            _ => {}
        }
    }
    commands
}

/// What a command must say.
fn expected(line: &str) -> &'static str {
    let found = SAYS.into_iter().find(|(beginning, _)| line.starts_with(*beginning));
    let Some((_, words)) = found else {
        panic!("{line}: say in SAYS by what it is seen that it did what it should");
    };
    words
}

/// Runs a command, and gives what it said; as an error where it failed.
async fn run(n8n: &N8n, line: &str) -> Result<String, String> {
    let done = n8n.shell(line).unwrap().output().await.unwrap();
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).join("\n");
    if done.status.success() { Ok(said) } else { Err(said) }
}

/// Runs a command that does what it should at once.
async fn does(n8n: &N8n, line: &str) {
    let said = run(n8n, line).await;
    assert!(said.as_ref().is_ok_and(|said| said.contains(expected(line))), "{line}: {said:?}");
}

/// Runs a command again and again until this is said: n8n takes its time to start, to publish and to take back.
async fn says_at_last(n8n: &N8n, line: &str, words: &str) {
    let (since, mut moments) = (Instant::now(), interval(ASK_AGAIN));
    loop {
        moments.tick().await;
        let said = run(n8n, line).await;
        if said.as_ref().is_ok_and(|said| said.contains(words)) {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{line}: {said:?}");
    }
}

/// What the pages are for: each file is imported there instead, given the signing secret, and published, all while n8n runs.
async fn import_by_hand(n8n: &N8n, asking: &str) {
    let pages = Pages::open(n8n.url()).await;
    let secret = json!({"hmacSecret": n8n.place().signing.expose_secret()});
    let credential = pages.make_credential("Coccinelle", "crypto", secret).await;
    for slug in slugs().unwrap() {
        let mut workflow = workflow(&slug);
        let by_command = workflow["id"].as_str().unwrap().to_owned();
        pages.unpublish(&by_command).await;
        let asking = asking.replace("hubspot", &slug);
        // "Not registered", or "published version not found": both are said, whichever n8n has forgotten first.
        says_at_last(n8n, &asking, r#""code":404"#).await;

        let id = pages.import(&workflow).await;
        assert_ne!(id, by_command);
        node(&mut workflow, "Calculer la signature")["credentials"] = json!({"crypto": credential});
        pages.publish(&id, &workflow).await;
        says_at_last(n8n, &asking, &expected(&asking).replace("hubspot", &slug)).await;
        let write = json!({"version": 1, "action": "create_contact", "data": {}}).to_string();
        assert_eq!(knock(n8n, (&slug, &write), None).await.0, 401);
        assert_eq!(knock(n8n, (&slug, &write), Some((0, &write))).await.0, 202);
    }
    let handler = std::fs::read(root().join("n8n-workflows/coccinelle-error-handler.json")).unwrap();
    pages.import(&serde_json::from_slice(&handler).unwrap()).await;
}

#[tokio::test]
async fn every_command_of_the_document_does_what_the_document_says() {
    let (french, english) = languages::n8n();
    let commands = commands(&french);
    assert_eq!(commands, self::commands(&english), "both languages tell the same");
    assert_eq!(commands.len(), 7, "{commands:?}");
    let up = commands.iter().find(|line| line.starts_with("cargo xtask up ")).unwrap();
    let (asking, preparing): (Vec<&String>, Vec<&String>) =
        commands.iter().filter(|line| *line != up && *line != SUITE).partition(|line| line.starts_with("curl "));
    let [asking] = asking[..] else { panic!("{asking:?}") };

    // An n8n that somebody has already: nothing in it yet, and not running.
    testkit::execute(place().database.as_str(), "CREATE DATABASE n8n_document").await;
    let estate = Estate(Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-n8n-document"));
    let mut database = place().database;
    database.set_path("n8n_document");
    let theirs = Place { database, home: estate.0.join("n8n"), ..place() };
    let console = Console::new(ServiceLines::InFilesOnly);
    let installed = install::needed(&console).await.unwrap();
    let n8n = N8n::new(installed.clone(), theirs, (29_580, 29_581));
    for line in preparing {
        does(&n8n, line).await;
    }
    let mut stack = Stack::new(&estate.0, console, Backoff::default());
    stack.start(n8n.program().unwrap()).unwrap();
    says_at_last(&n8n, asking, expected(asking)).await;
    import_by_hand(&n8n, asking).await;
    stack.stop().await;

    // Somebody who has nothing.
    let vhost = testkit::vhost().await;
    let folder = estate.0.join("up");
    let words: Vec<&str> = up.strip_prefix("cargo xtask up ").unwrap().split(' ').collect();
    let running = Run::start(&folder, &vhost, &words).await;
    let ports = std::fs::read(folder.join("ports.json")).unwrap();
    let ports: Value = serde_json::from_slice(&ports).unwrap();
    let port = ports["n8n"].as_u64().unwrap().try_into().unwrap();
    let n8n = N8n::new(installed, Place { home: estate.0.join("shell"), ..place() }, (port, 0));
    // `up` has waited for it.
    does(&n8n, asking).await;
    running.interrupt(&folder).await;
    std::fs::remove_dir_all(&estate.0).unwrap();
}
