//! The walk of the README, typed as it stands there: each command says what is printed below it.

use std::process::Stdio;

use reqwest::StatusCode;
use serde_json::{Deserializer, Value, json};
use testkit::wait;
use tokio::process::Command;
use xtask::ci;
use xtask::console::{Console, ServiceLines};
use xtask::session::Service;
use xtask::workspace::root;

use crate::world::{DEADLINE, World, prospect};

const NAME: &str = "e2e-walk";

/// Fields that are another at every walk.
const OF_ONE_WALK: [&str; 4] = ["at", "duration_ms", "origin", "request_id"];

/// The commands of a text behind a prompt, each with what is printed below it. What is indented belongs to the command.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for block in text.split("```").skip(1).step_by(2) {
        let mut typed: Vec<(String, String)> = Vec::new();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                typed.push((command.to_owned(), String::new()));
            } else if let Some((command, said)) = typed.last_mut() {
                let goes_on = said.is_empty() && line.starts_with("    ");
                let text = if goes_on { command } else { said };
                text.push('\n');
                text.push_str(line);
            }
        }
        commands.append(&mut typed);
    }
    commands
}

/// The JSON documents of a text, each without what is another at every walk.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    let read: Result<Vec<Value>, _> = Deserializer::from_str(text).into_iter::<Value>().collect();
    read.map(|all| all.iter().map(lasting).collect()).map_err(|error| format!("{error}: {text}"))
}

fn lasting(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(lasting).collect(),
        Value::Object(fields) => {
            let lasts = |name: &str| !OF_ONE_WALK.contains(&name);
            fields.iter().filter(|(name, _)| lasts(name)).map(|(name, value)| (name.clone(), lasting(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// A command for this system: where it is, and that what happens in it happens now.
fn here(world: &World, command: &str) -> String {
    let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let happens = "\"occurred_at\":\"";
    let command = match command.split_once(happens) {
        Some((before, behind)) => {
            let (_, behind) = behind.split_once('"').unwrap();
            format!("{before}{happens}{now}\"{behind}")
        }
        None => command.to_owned(),
    };
    let (gateway, sandbox) = (world.session.url(Service::ApiGateway), world.session.url(Service::Sandbox));
    command.replace("http://127.0.0.1:20080", &gateway).replace("http://127.0.0.1:20090", &sandbox)
}

async fn printed(script: &str) -> String {
    let done = Command::new("sh").args(["-ec", script]).stdin(Stdio::null()).output().await.unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Somebody is there before the walk's prospect: whom the banner of `up` has its reader send.
async fn obey_the_banner(world: &World) {
    let data = json!({ "first_name": "Éloïse", "last_name": "Martin", "email": "eloise.martin@example.fr" });
    let answer = world.post_event(&prospect("p-1", "prospect.created", data)).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(world.settle(1).await.is_exact());
}

#[tokio::test]
async fn every_command_of_the_walk_prints_what_stands_below_it() {
    for program in ["curl", "jq"] {
        if Command::new(program).arg("--version").output().await.is_err() {
            let why = "the walk is typed with curl and jq (Debian's packages of these names), and one is not there";
            ci::skip(&Console::new(ServiceLines::InFilesOnly), NAME, why).unwrap();
            return;
        }
    }
    let walk = commands(&std::fs::read_to_string(root().join("README.md")).unwrap());
    assert_eq!(walk.len(), 7, "{walk:?}");
    let world = World::on_shared_servers(NAME, 24_000, &[]).await;
    obey_the_banner(&world).await;
    // What was kept in a variable is there for whatever is typed later: first of all, what the banner says.
    let mut kept = format!("{}\n", world.tenant.exports());
    for (command, below) in &walk {
        let expected = documents(below).unwrap();
        let command = here(&world, command);
        let script = format!("{kept}{command}");
        wait::until(&command, DEADLINE, || async {
            let said = documents(&printed(&script).await)?;
            if said == expected { Ok(()) } else { Err(format!("{said:?} where {expected:?} is wanted")) }
        })
        .await;
        if expected.is_empty() {
            kept = format!("{script}\n");
        }
    }
    world.end().await;
}

#[test]
fn a_command_goes_on_where_it_is_indented_and_what_it_prints_does_not() {
    let text = "```\n$ curl a \\\n    -d b\n{\"at\":1,\"c\":\n[2]}\n```\nwords\n```\nd\n$ X=$(e)\n```\n";
    let read = commands(text);
    assert_eq!(read[0], ("curl a \\\n    -d b".to_owned(), "\n{\"at\":1,\"c\":\n[2]}".to_owned()));
    assert_eq!(read[1], ("X=$(e)".to_owned(), String::new()));
    assert_eq!(documents(&read[0].1).unwrap(), [json!({ "c": [2] })]);
}
