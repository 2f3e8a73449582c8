//! What the servers complained of, and what the machine has left: for whoever reads the output of a run that failed, whose folders are
//! gone by then.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use tokio::process::Command;

use super::Services;
use crate::workspace::output;

/// Sorts of complaint that are told of each log: the first that came, since what broke a server comes before what broke with it.
const SORTS: usize = 25;

/// Bytes that are told of each, without the state that it was in.
const LENGTH: usize = 600;

/// What lines have that tell of trouble, in the logs of RabbitMQ and of PostgreSQL.
const TROUBLE: [&str; 6] = ["[error]", "[critical]", "[warning]", "FATAL:", "PANIC:", "No space left"];

/// What tests do on purpose, with each connection that they cut and each vhost that they delete: whatever else is wrong must not drown
/// in it.
const ON_PURPOSE: [&str; 11] = [
    "is deleted\"",
    "is down\"",
    "terminating connection",
    "unexpectedly closed TCP",
    "exception not_found: no queue",
    "exception access_refused: access to queue",
    "{shutdown,delete}",
    "errorContext: shutdown_error",
    "rebuilding indices from scratch",
    ".segment error: enoent",
    "segment_writer: skipping segment as directory",
];

impl Services {
    /// The first of each sort of trouble in each server's log, and the disk and the memory that the machine has left.
    pub(crate) async fn complaints(&self, folder: &Path) -> String {
        let logs = [("RabbitMQ", self.rabbitmq.log()), ("PostgreSQL", self.postgres.log())];
        let mut told: Vec<String> = Vec::new();
        for (server, log) in logs {
            let Some(log) = log else { continue };
            let text = File::open(&log).and_then(|log| trouble(BufReader::new(log)));
            told.push(format!("{server} complained of:\n{}", text.unwrap_or_else(|error| error.to_string())));
        }
        let disk = output(Command::new("df").arg("-h").arg(folder)).await;
        told.push(disk.unwrap_or_else(|error| format!("The disk cannot be looked at: {error}")));
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        told.push(memory.lines().take(3).collect::<Vec<_>>().join("\n"));
        told.join("\n")
    }
}

/// Of each sort of trouble that a log tells of: when it first came, how often it came, and the beginning of what was said.
fn trouble(log: impl BufRead) -> io::Result<String> {
    let mut sorts: Vec<(Report, usize)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut count = |report: Report| {
        if ON_PURPOSE.iter().any(|words| report.said.contains(words)) {
            return;
        }
        let place = *known.entry(report.sort()).or_insert(sorts.len());
        match sorts.get_mut(place) {
            Some((_, times)) => *times += 1,
            None => sorts.push((report, 1)),
        }
    };
    let mut open: Option<Report> = None;
    for line in log.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if !TROUBLE.iter().any(|word| line.contains(word)) {
            continue;
        }
        let (head, said) = split(&line);
        match &mut open {
            Some(report) if report.head == head => report.go_on(said),
            _ => {
                let mut report = Report { head: head.to_owned(), said: String::new(), is_state: false };
                report.go_on(said);
                if let Some(ended) = open.replace(report) {
                    count(ended);
                }
            }
        }
    }
    if let Some(last) = open {
        count(last);
    }
    let told = sorts.iter().take(SORTS).map(|(report, times)| format!("{} ({times}×){}", report.head, report.said));
    let mut told: Vec<String> = told.collect();
    if let Some(left) = sorts.len().checked_sub(SORTS).filter(|left| *left > 0) {
        told.push(format!("… and {left} other sorts"));
    }
    Ok(told.join("\n"))
}

/// What was said at one time by one process, in one line or in several.
struct Report {
    head: String,
    said: String,
    is_state: bool,
}

impl Report {
    fn go_on(&mut self, said: &str) {
        let said = said.trim_start();
        // A process that ends tells what it was at before its reason, and that is longer than all the rest.
        if said.starts_with("** ") {
            self.is_state = ["** Last message ", "** When "].iter().any(|words| said.starts_with(words));
        }
        if !self.is_state && self.said.len() < LENGTH {
            self.said.extend([" ", said]);
            let end = self.said.floor_char_boundary(LENGTH);
            self.said.truncate(end);
        }
    }

    /// What was said without what differs from one to the next: names and numbers, all of which hold a digit.
    fn sort(&self) -> String {
        let words = self.said.split(|letter: char| !(letter.is_alphanumeric() || "_-".contains(letter)));
        let is_kept = |word: &&str| !word.is_empty() && !word.contains(|letter: char| letter.is_ascii_digit());
        words.filter(is_kept).collect::<Vec<_>>().join(" ")
    }
}

/// Both servers begin a line with a day, a time and two words more, RabbitMQ's the level and the process, PostgreSQL's the zone and the
/// process.
fn split(line: &str) -> (&str, &str) {
    let end = line.match_indices(' ').nth(3).map_or(line.len(), |(end, _)| end);
    line.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_broke_first_is_told_once_whatever_tests_do_on_purpose() {
        let on_purpose = "2026-11-29 18:42:20.1+00:00 [error] <0.1.0> Error on AMQP connection <0.1.0>\n\
                          2026-11-29 18:42:20.1+00:00 [error] <0.1.0>  connection_forced: \"vhost 'test' is deleted\"\n";
        let broke = "2026-11-29 18:42:21.2+00:00 [error] <0.7.0> ** Reason for termination ==\n\
                     2026-11-29 18:42:21.2+00:00 [error] <0.7.0> ** {badmatch,{error,enospc}}\n";
        let followed = |number: u32| {
            format!(
                "2026-11-29 18:42:2{number}.3+00:00 [error] <0.{number}.0> queue test_{number} is without a leader\n"
            )
        };
        let log = format!(
            "2026-11-29 18:42:19.0+00:00 [info] <0.1.0> started\n{on_purpose}{broke}{on_purpose}{}{on_purpose}{}",
            followed(5),
            followed(6)
        );
        assert_eq!(
            trouble(log.as_bytes()).unwrap(),
            "2026-11-29 18:42:21.2+00:00 [error] <0.7.0> (1×) ** Reason for termination == ** {badmatch,{error,enospc}}\n\
             2026-11-29 18:42:25.3+00:00 [error] <0.5.0> (2×) queue test_5 is without a leader"
        );
    }

    #[test]
    fn the_reason_is_told_however_long_the_state_before_it() {
        let line = |said: &str| format!("2026-11-29 18:42:21.2+00:00 [error] <0.7.0> {said}\n");
        let ended = |reason: &str| {
            let state = format!("** When Server state  == {{state,<<{}>>,", "1,".repeat(LENGTH));
            let lines =
                ["** Generic server wal terminating", &state, "   none}", "** Reason for termination ==", reason];
            lines.map(line).concat()
        };
        let full = ended("** {{badmatch,{error,{file_error,\"/a/1\",enospc}}},[{ra,write,2}]}");
        let other = ended("** {noproc,{gen_server,call,[x1]}}").replace("<0.7.0>", "<0.8.0>");
        let told = trouble(format!("{other}{full}").as_bytes()).unwrap();
        assert_eq!(told.lines().count(), 2, "{told}");
        assert!(told.contains("enospc") && told.contains("noproc") && !told.contains("1,1,"), "{told}");
    }

    #[test]
    fn a_long_report_and_many_sorts_are_told_in_part() {
        let line = "2026-11-29 18:35:51.092 UTC [12603] FATAL:  canceling authentication due to timeout\n";
        for long in [line.repeat(100), format!("{} {}\n", line.trim_end(), "é".repeat(LENGTH))] {
            let told = trouble(long.as_bytes()).unwrap();
            assert!(told.lines().count() == 1 && told.chars().count() < LENGTH + 100, "{told}");
        }
        let sorts: String =
            ('a'..='z').chain('A'..='Z').map(|sort| format!("1 2 3 {sort} [warning] {sort}\n")).collect();
        let told = trouble(sorts.as_bytes()).unwrap();
        assert_eq!(told.lines().count(), SORTS + 1);
        assert!(told.ends_with("… and 27 other sorts"), "{told}");
    }
}
