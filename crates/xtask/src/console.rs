//! What the developer sees: steps with their time, progress bars, and the services' prefixed lines.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Prints steps and notes to standard error, and service lines to standard output.
///
/// Clones write to the same screen. Without a terminal there are plain lines and no colours.
#[derive(Clone, Debug)]
pub struct Console {
    progress: MultiProgress,
    service_lines: ServiceLines,
    colours: bool,
    steps_animated: bool,
}

/// Whether the lines that services write are shown, or only kept in their log files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceLines {
    /// Shown on standard output, with the service's name before them.
    Shown,
    /// Kept in the log files only.
    InFilesOnly,
}

/// A piece of work under way; [`Step::done`] prints how long it took.
#[derive(Debug)]
pub struct Step {
    console: Console,
    bar: ProgressBar,
    title: String,
    started: Instant,
}

impl Console {
    /// A console on this process's standard streams.
    #[must_use]
    pub fn new(service_lines: ServiceLines) -> Self {
        Self {
            progress: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            service_lines,
            colours: std::io::stdout().is_terminal(),
            steps_animated: std::io::stderr().is_terminal(),
        }
    }

    /// Announces a step; what it is doing can be refined by [`Step::detail`].
    #[must_use]
    pub fn step(&self, title: impl Into<String>) -> Step {
        let title = title.into();
        let bar = self.progress.add(ProgressBar::new_spinner());
        bar.set_message(title.clone());
        if self.steps_animated {
            bar.enable_steady_tick(Duration::from_millis(100));
        } else {
            self.note(&format!("… {title}"));
        }
        Step { console: self.clone(), bar, title, started: Instant::now() }
    }

    /// A bar that counts to `length`, with a label before it.
    #[must_use]
    pub fn bar(&self, label: &'static str, length: u64) -> ProgressBar {
        let style = ProgressStyle::with_template("  {prefix:<10} {wide_bar} {pos:>5}/{len} {elapsed:>4}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        self.progress.add(ProgressBar::new(length).with_style(style).with_prefix(label))
    }

    /// Prints a line to standard error, above any progress display.
    pub fn note(&self, line: &str) {
        self.progress.suspend(|| writeln!(std::io::stderr(), "{line}").ok());
    }

    /// Prints a text to standard output, above any progress display.
    pub fn print(&self, text: &str) {
        self.progress.suspend(|| writeln!(std::io::stdout(), "{text}").ok());
    }

    /// Prints to standard output what another program printed, above any progress display.
    pub(crate) fn pass_on(&self, bytes: &[u8]) {
        let mut out = std::io::stdout();
        self.progress.suspend(|| out.write_all(bytes).and_then(|()| out.flush()).ok());
    }

    /// Shows a line of a service, if service lines are shown; the label carries the name and its colour.
    pub(crate) fn service_line(&self, label: &str, line: &str) {
        match self.service_lines {
            ServiceLines::Shown => self.print(&format!("{label} {line}")),
            ServiceLines::InFilesOnly => {}
        }
    }

    /// A service's name, padded and (on a terminal) in one of six colours chosen by its place.
    pub(crate) fn label(&self, name: &str, place: usize) -> String {
        const COLOURS: [&str; 6] = ["36", "33", "35", "32", "34", "31"];
        let colour = COLOURS.get(place % COLOURS.len()).copied().unwrap_or("0");
        if self.colours { format!("\x1b[{colour}m{name:>15} |\x1b[0m") } else { format!("{name:>15} |") }
    }
}

impl Step {
    /// Says what the step is doing just now.
    pub fn detail(&self, text: &str) {
        self.bar.set_message(format!("{}: {text}", self.title));
    }

    /// Ends the step with its time.
    pub fn done(self) {
        let seconds = self.started.elapsed().as_secs_f32();
        self.bar.finish_and_clear();
        self.console.note(&format!("✔ {} ({seconds:.1} s)", self.title));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Prints an error with its causes to standard error.
pub(crate) fn complain(error: &anyhow::Error) {
    writeln!(std::io::stderr(), "✘ {error:#}").ok();
}
