//! Showing how far a long piece of work is: a bar for people, lines of JSON for programs.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

/// Between two looks for what somebody else has held.
pub(crate) const PAUSE: Duration = Duration::from_millis(200);

/// How often what somebody else holds is looked for again, before that counts as a failure.
pub(crate) const LOOKS: usize = 150;

/// How far a piece of work is.
pub(crate) struct Progress {
    bar: ProgressBar,
    is_json: bool,
    done: u64,
    total: u64,
}

impl Progress {
    /// Begins to show work of so many steps, which may turn out to be more.
    pub(crate) fn new(total: i64, is_json: bool) -> anyhow::Result<Self> {
        Self::named("sealed anew", total, is_json)
    }

    /// The same, with what is done of each step.
    pub(crate) fn named(what: &str, total: i64, is_json: bool) -> anyhow::Result<Self> {
        let total = u64::try_from(total)?;
        let style = ProgressStyle::with_template(&format!("{{wide_bar}} {{pos}}/{{len}} {what}, {{eta}} left"))?;
        // Without a terminal it shows nothing.
        let bar = if is_json { ProgressBar::hidden() } else { ProgressBar::new(total).with_style(style) };
        Ok(Self { bar, is_json, done: 0, total })
    }

    /// Shows that so many steps more are done, for good.
    pub(crate) fn advance(&mut self, steps: usize) -> anyhow::Result<()> {
        self.done += u64::try_from(steps)?;
        self.total = self.total.max(self.done);
        self.bar.set_length(self.total);
        self.bar.set_position(self.done);
        if self.is_json && steps > 0 {
            writeln!(io::stdout(), "{}", json!({ "done": self.done, "total": self.total }))?;
        }
        Ok(())
    }

    /// Removes the bar; returns how many steps were done.
    pub(crate) fn end(self) -> u64 {
        self.bar.finish_and_clear();
        self.done
    }
}
