//! What the servers complained of last, and what the machine has left: for whoever reads the output of a run that failed, whose folders
//! are gone by then.

use std::path::Path;

use tokio::process::Command;

use super::Services;
use super::install::end_of;
use crate::workspace::output;

/// Lines that are told of each log.
const LINES: usize = 40;

/// What lines have that tell of trouble, in the logs of RabbitMQ and of PostgreSQL.
const TROUBLE: [&str; 6] = ["[error]", "[critical]", "[warning]", "FATAL:", "PANIC:", "No space left"];

/// What tests do on purpose, with each connection that they cut: whatever else is wrong must not drown in it.
const ON_PURPOSE: [&str; 5] =
    ["is deleted\"", "is down\"", "Error on AMQP connection", "terminating connection", "unexpectedly closed TCP"];

impl Services {
    /// The last lines of trouble in each server's log, and the disk and the memory that the machine has left.
    pub(crate) async fn complaints(&self, folder: &Path) -> String {
        let logs = [("RabbitMQ", self.rabbitmq.log()), ("PostgreSQL", self.postgres.log())];
        let mut told: Vec<String> = Vec::new();
        for (server, log) in logs {
            let Some(log) = log else { continue };
            let text = end_of(&log).map_or_else(|error| error.to_string(), |text| last_trouble(&text));
            told.push(format!("{server}'s last complaints:\n{text}"));
        }
        let disk = output(Command::new("df").arg("-h").arg(folder)).await;
        told.push(disk.unwrap_or_else(|error| format!("The disk cannot be looked at: {error}")));
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        told.push(memory.lines().take(3).collect::<Vec<_>>().join("\n"));
        told.join("\n")
    }
}

fn last_trouble(log: &str) -> String {
    let is_any = |line: &str, words: &[&str]| words.iter().any(|word| line.contains(word));
    let trouble = log.lines().filter(|line| is_any(line, &TROUBLE) && !is_any(line, &ON_PURPOSE));
    let all: Vec<&str> = trouble.collect();
    all.get(all.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tests_do_on_purpose_does_not_hide_what_went_wrong() {
        let on_purpose =
            "2026 [error] <0.1.0>  operation none caused … connection_forced: \"vhost 'test' is deleted\"\n";
        let log = format!("2026 [info] started\n2026 [error] the log is full\n{}", on_purpose.repeat(100));
        assert_eq!(last_trouble(&log), "2026 [error] the log is full");
        assert_eq!(last_trouble(&"FATAL: away\n".repeat(100)).lines().count(), LINES);
    }
}
