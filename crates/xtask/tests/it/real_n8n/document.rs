//! Every command of `docs/n8n.md`, as it stands there: typed by somebody who has an n8n already, and by somebody who has nothing.

use std::path::Path;

use xtask::console::{Console, ServiceLines};
use xtask::n8n::{N8n, Place, install};
use xtask::workspace::root;

use super::place;
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

/// Runs a command, and sees that it says what it should.
async fn run(n8n: &N8n, line: &str) {
    let (_, expected) = SAYS.iter().find(|(beginning, _)| line.starts_with(beginning)).unwrap_or_else(|| {
        panic!("{line}: say in SAYS by what it is seen that it did what it should");
    });
    let done = n8n.shell(line).unwrap().output().await.unwrap();
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).join("\n");
    assert!(done.status.success() && said.contains(expected), "{line}: {said}");
}

#[tokio::test]
async fn every_command_of_the_document_does_what_the_document_says() {
    let text = std::fs::read_to_string(root().join("docs/n8n.md")).unwrap();
    let (french, english) = text.split_once("\n# Delivery by n8n\n").unwrap();
    let commands = commands(french);
    assert_eq!(commands, self::commands(english), "both languages tell the same");
    assert_eq!(commands.len(), 7, "{commands:?}");
    let up = commands.iter().find(|line| line.starts_with("cargo xtask up ")).unwrap();
    let (asking, preparing): (Vec<&String>, Vec<&String>) =
        commands.iter().filter(|line| *line != up && *line != SUITE).partition(|line| line.starts_with("curl "));

    // An n8n that somebody has already: nothing in it yet, and not running.
    testkit::execute(place().database.as_str(), "CREATE DATABASE n8n_document").await;
    let estate = Estate(Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-n8n-document"));
    let mut database = place().database;
    database.set_path("n8n_document");
    let theirs = Place { database, home: estate.0.join("n8n"), ..place() };
    let installed = install::needed(&Console::new(ServiceLines::InFilesOnly)).await.unwrap();
    let n8n = N8n::new(installed.clone(), theirs, (29_580, 29_581));
    for line in preparing {
        run(&n8n, line).await;
    }

    // Somebody who has nothing.
    let vhost = testkit::vhost().await;
    let folder = estate.0.join("up");
    std::fs::create_dir_all(&estate.0).unwrap();
    let words: Vec<&str> = up.strip_prefix("cargo xtask up ").unwrap().split(' ').collect();
    let running = Run::start(&folder, &vhost, &words).await;
    let ports = std::fs::read(folder.join("ports.json")).unwrap();
    let ports: serde_json::Value = serde_json::from_slice(&ports).unwrap();
    let port = ports["n8n"].as_u64().unwrap().try_into().unwrap();
    let n8n = N8n::new(installed, Place { home: estate.0.join("shell"), ..place() }, (port, 0));
    for line in asking {
        run(&n8n, line).await;
    }
    running.interrupt(&folder).await;
    std::fs::remove_dir_all(&estate.0).unwrap();
}
