//! What failed, out of the lines of the test binaries: said once more at the end, since of a long run often the end alone is read.

/// Lines kept at most.
const KEPT: usize = 200;

/// What the binaries said of their failures so far.
#[derive(Debug, Default)]
pub(super) struct Failures {
    lines: Vec<String>,
    left_out: usize,
    is_inside: bool,
    is_backtrace: bool,
}

impl Failures {
    /// Reads the next line.
    pub(super) fn read(&mut self, line: &str) {
        if line == "failures:" || line.starts_with("test result: ") {
            (self.is_inside, self.is_backtrace) = (line == "failures:", false);
            return;
        }
        self.is_backtrace = (self.is_backtrace && is_frame(line)) || line == "stack backtrace:";
        if !self.is_inside || self.is_backtrace || line.is_empty() {
            return;
        }
        if self.lines.len() < KEPT {
            self.lines.push(line.to_owned());
        } else {
            self.left_out += 1;
        }
    }

    /// All of it, without backtraces; nothing where no test failed.
    pub(super) fn told(&self) -> Option<String> {
        let left_out = (self.left_out > 0).then(|| format!("… and {} lines more, above", self.left_out));
        let told: Vec<&str> = self.lines.iter().chain(&left_out).map(String::as_str).collect();
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
note: Some details are omitted
    other";
        assert_eq!(failures.told().as_deref(), Some(told));
    }

    #[test]
    fn nothing_is_said_where_nothing_failed_and_of_too_much_how_much_it_is() {
        let mut failures = Failures::default();
        failures.read("test one ... ok");
        assert_eq!(failures.told(), None);
        failures.read("failures:");
        (0..=KEPT).for_each(|number| failures.read(&format!("line {number}")));
        assert!(failures.told().is_some_and(|told| told.ends_with("line 199\n… and 1 lines more, above")));
    }
}
