//! What failed, out of the lines of the test binaries: said once more at the end, since of a long run often the end alone is read.

/// Lines kept at most.
const KEPT: usize = 120;

/// What the binaries said of their failures so far.
#[derive(Debug, Default)]
pub(super) struct Failures {
    lines: Vec<String>,
    is_inside: bool,
}

impl Failures {
    /// Reads the next line.
    pub(super) fn read(&mut self, line: &str) {
        match line {
            "failures:" => self.is_inside = true,
            _ if line.starts_with("test result: ") => self.is_inside = false,
            _ if self.is_inside && self.lines.len() < KEPT && !line.is_empty() && !is_frame(line) => {
                self.lines.push(line.to_owned());
            }
            _ => {}
        }
    }

    /// All of it, without the frames of backtraces.
    pub(super) fn told(&self) -> String {
        self.lines.join("\n")
    }
}

/// Whether it is a line of a backtrace.
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
stack backtrace:
   0: std::panicking::begin_panic
             at /rustc/library/std/src/panicking.rs:689:5

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
stack backtrace:
    other";
        assert_eq!(failures.told(), told);
    }
}
