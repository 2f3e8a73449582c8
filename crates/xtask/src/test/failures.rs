//! What failed, out of the lines of the test binaries: said once more at the end, since of a long run often the end alone is read.

use std::collections::VecDeque;

/// Tests that are told of at most, and lines of each: the last, since a test's own words come last.
const TESTS: usize = 20;
const LINES: usize = 40;

/// What the binaries said of their failures so far.
#[derive(Debug, Default)]
pub(super) struct Failures {
    tests: Vec<VecDeque<String>>,
    is_inside: bool,
    is_backtrace: bool,
}

impl Failures {
    /// Reads the next line.
    pub(super) fn read(&mut self, line: &str) {
        let is_title = line.starts_with("---- ") && line.ends_with(" stdout ----");
        let is_next = line.starts_with("running ") && (line.ends_with(" tests") || line.ends_with(" test"));
        if is_title || is_next || line == "failures:" || line.starts_with("test result: ") {
            (self.is_inside, self.is_backtrace) = (is_title, false);
        }
        if is_title {
            self.tests.push(VecDeque::new());
        }
        self.is_backtrace = (self.is_backtrace && is_frame(line)) || line.eq_ignore_ascii_case("stack backtrace:");
        if !self.is_inside || self.is_backtrace || line.is_empty() {
            return;
        }
        let Some(test) = self.tests.last_mut() else { return };
        if test.len() == LINES {
            // Behind the title.
            test.remove(1);
        }
        test.push_back(line.to_owned());
    }

    /// All of it, without backtraces; nothing where no test failed.
    pub(super) fn told(&self) -> Option<String> {
        let lines = self.tests.iter().take(TESTS).flatten().cloned();
        let more = self.tests.len().saturating_sub(TESTS);
        let more = (more > 0).then(|| format!("… and of {more} other tests, above"));
        let told: Vec<String> = lines.chain(more).collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }
}

/// Whether it is a line of a backtrace, inside one.
fn is_frame(line: &str) -> bool {
    let line = line.trim_start();
    let is_numbered = line.split_once(": ").is_some_and(|(number, _)| number.parse::<u32>().is_ok());
    is_numbered || line.starts_with("at ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_kept_without_what_passed_and_without_the_frames() {
        let mut failures = Failures::default();
        let output = "
running 2 tests
test one ... ok
test other ... FAILED

failures:

---- other stdout ----

thread 'other' (1) panicked at crates/a/tests/it/other.rs:3:5:
refused: 4
    0: at first
stack backtrace:
   0: std::panicking::begin_panic
             at /rustc/library/std/src/panicking.rs:689:5
note: Some details are omitted

failures:
    other

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 1 test
test third ... ok
";
        output.lines().for_each(|line| failures.read(line));
        let told = "---- other stdout ----
thread 'other' (1) panicked at crates/a/tests/it/other.rs:3:5:
refused: 4
    0: at first
note: Some details are omitted";
        assert_eq!(failures.told().as_deref(), Some(told));
    }

    #[test]
    fn nothing_is_said_where_nothing_failed_and_of_too_much_the_last_of_each_test() {
        let mut failures = Failures::default();
        failures.read("test one ... ok");
        assert_eq!(failures.told(), None);
        failures.read("failures:");
        for test in 0..=TESTS {
            failures.read(&format!("---- test {test} stdout ----"));
            (0..=LINES).for_each(|number| failures.read(&format!("line {number}")));
        }
        let told = failures.told().unwrap();
        assert!(told.starts_with("---- test 0 stdout ----\nline 2\n"), "{told}");
        assert!(told.ends_with("line 40\n… and of 1 other tests, above"), "{told}");
    }
}
