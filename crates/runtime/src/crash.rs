//! Dying on purpose: at which step this life of a process ends, by a plan that a crash test writes. Never in a release build.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use domain::step::{Step, Steps};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::config::CrashSettings;

/// Whether a process may be told to die: only one that was built for development.
pub(crate) const ALLOWED: bool = cfg!(debug_assertions);

/// The steps of the service `name`, which dies at one of them where a plan says so.
///
/// A plan is a file `NAME.plan` in `crash.plan_folder` with a line for each life: `write.after@3` dies at the third time that a
/// platform was written to. Each start takes the first line away; without one, it lives on. A death is noted in `NAME.deaths`
/// before it comes, which is by SIGKILL: nothing is tidied up.
#[must_use]
pub fn steps(settings: &CrashSettings, name: &str) -> Steps {
    let Some(folder) = settings.plan_folder.as_deref().filter(|_| ALLOWED) else { return Steps::default() };
    match Death::take(folder, name) {
        Ok(Some(death)) => Steps::watched(move |step| death.come(step)),
        Ok(None) => Steps::default(),
        Err(error) => {
            tracing::error!(%error, folder = %folder.display(), "the plan of crashes cannot be read");
            Steps::default()
        }
    }
}

/// The end of one life.
#[derive(Debug)]
struct Death {
    step: Step,
    /// How often the step may still be reached.
    left: AtomicU32,
    note: PathBuf,
    line: String,
}

impl Death {
    /// Takes the first line of the plan.
    fn take(folder: &Path, name: &str) -> io::Result<Option<Self>> {
        let plan = folder.join(format!("{name}.plan"));
        let text = match fs::read_to_string(&plan) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some((line, rest)) = text.split_once('\n') else { return Ok(None) };
        fs::write(&plan, rest)?;
        let unreadable = || io::Error::new(io::ErrorKind::InvalidData, format!("`{line}` is no STEP@TIMES"));
        let (step, times) = line.split_once('@').ok_or_else(unreadable)?;
        Ok(Some(Self {
            step: step.parse().map_err(|_unknown| unreadable())?,
            left: AtomicU32::new(times.parse().map_err(|_other| unreadable())?),
            note: folder.join(format!("{name}.deaths")),
            line: line.to_owned(),
        }))
    }

    fn come(&self, step: Step) {
        if step != self.step || !self.is_due() {
            return;
        }
        let noted = fs::OpenOptions::new().create(true).append(true).open(&self.note);
        if let Err(error) = noted.and_then(|mut note| writeln!(note, "{}", self.line)) {
            tracing::error!(%error, "a death on purpose could not be noted");
        }
        tracing::error!(step = %step, "dying on purpose");
        if let Err(error) = kill(Pid::this(), Signal::SIGKILL) {
            tracing::error!(%error, "a process could not end itself");
        }
    }

    fn is_due(&self) -> bool {
        let counted = self.left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        counted == Ok(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_life_takes_its_own_line_and_ends_when_its_step_is_reached_so_often() {
        let folder = std::env::temp_dir().join(format!("crash-plan-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("some.plan"), "write.after@2\npublish.before@1\n").unwrap();
        let first = Death::take(&folder, "some").unwrap().unwrap();
        assert_eq!(first.step, Step::WriteAfter);
        assert_eq!([first.is_due(), first.is_due(), first.is_due()], [false, true, false]);
        assert_eq!(Death::take(&folder, "some").unwrap().unwrap().step, Step::PublishBefore);
        assert!(Death::take(&folder, "some").unwrap().is_none());
        assert!(Death::take(&folder, "other").unwrap().is_none());
        fs::write(folder.join("some.plan"), "nonsense\n").unwrap();
        assert!(Death::take(&folder, "some").is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
