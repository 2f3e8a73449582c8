//! What a process takes of the machine, as Linux counts it: memory and processor time.

use std::time::Instant;

use serde::Serialize;

/// The unit of processor time in /proc, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Memory of one process, in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Memory {
    /// Resident when it was looked at.
    pub(super) resident_mib: f64,
    /// The most that was ever resident.
    pub(super) peak_mib: f64,
}

impl Memory {
    /// `None` when the process is gone.
    pub(super) fn of(pid: u32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    fn parse(status: &str) -> Option<Self> {
        Some(Self { resident_mib: mib(status, "VmRSS:")?, peak_mib: mib(status, "VmHWM:")? })
    }
}

/// A size of which the system tells in a line of this name, in MiB.
fn mib(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u32 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(f64::from(kib) / 1_024.0)
}

/// What a process and all that descend from it have resident, in MiB; nothing where it is gone.
pub(super) fn resident_of_tree(root: u32) -> f64 {
    let resident = |pid: u32| Memory::of(pid).map(|memory| memory.resident_mib);
    tree(root).into_iter().filter_map(resident).sum()
}

/// The same with what they share counted once, as PostgreSQL's processes share most of what they have; `None` where somebody else's
/// processes are not to be looked into.
pub(super) fn share_of_tree(root: u32) -> Option<f64> {
    let share = |pid: u32| mib(&std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?, "Pss:");
    let shares: Vec<f64> = tree(root).into_iter().filter_map(share).collect();
    (!shares.is_empty()).then(|| shares.into_iter().sum())
}

/// The process and all that descend from it.
fn tree(root: u32) -> Vec<u32> {
    let (all, mut ahead, mut tree) = (processes(), vec![root], Vec::new());
    while let Some(pid) = ahead.pop() {
        ahead.extend(all.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
        tree.push(pid);
    }
    tree
}

/// Every process of this machine, each with the one that it descends from.
fn processes() -> Vec<(u32, u32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, parent(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))).collect()
}

/// It stands second behind the name.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Counts what the whole machine, this process and one service use from now on.
#[derive(Debug)]
pub(super) struct Meter {
    started: Instant,
    service: Option<u32>,
    before: Ticks,
}

/// Counts what a process and all that descend from it use from now on.
#[derive(Debug)]
pub(super) struct TreeMeter {
    started: Instant,
    root: u32,
    before: u32,
}

impl TreeMeter {
    pub(super) fn start(root: u32) -> Self {
        Self { started: Instant::now(), root, before: ticks_of_tree(root) }
    }

    /// Cores that were busy on average.
    pub(super) fn read(&self) -> f64 {
        let ticks = ticks_of_tree(self.root).saturating_sub(self.before);
        f64::from(ticks) / TICKS_PER_SECOND / self.started.elapsed().as_secs_f64()
    }
}

/// Processor cores that were busy on average.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Cores {
    /// In the service that was measured.
    pub(super) service: f64,
    /// In the load generator.
    pub(super) generator: f64,
    /// In the whole machine: these two, the broker, and whatever else runs.
    pub(super) machine: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ticks {
    service: u32,
    generator: u32,
    machine: u32,
}

impl Meter {
    pub(super) fn start(service: Option<u32>) -> Self {
        Self { started: Instant::now(), service, before: Ticks::now(service) }
    }

    pub(super) fn read(&self) -> Cores {
        let (now, seconds) = (Ticks::now(self.service), self.started.elapsed().as_secs_f64());
        let cores = |before: u32, now: u32| f64::from(now.saturating_sub(before)) / TICKS_PER_SECOND / seconds;
        Cores {
            service: cores(self.before.service, now.service),
            generator: cores(self.before.generator, now.generator),
            machine: cores(self.before.machine, now.machine),
        }
    }
}

impl Ticks {
    fn now(service: Option<u32>) -> Self {
        let stat = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
        let of = |pid: u32| stat(pid).as_deref().and_then(process_ticks).unwrap_or_default();
        let machine = std::fs::read_to_string("/proc/stat").ok().as_deref().and_then(machine_ticks);
        Self {
            service: service.map(of).unwrap_or_default(),
            generator: of(std::process::id()),
            machine: machine.unwrap_or_default(),
        }
    }
}

/// User and system time, which stand 12th and 13th behind the name; that may hold anything, parentheses too.
fn process_ticks(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)
}

fn ticks_of_tree(root: u32) -> u32 {
    let stat = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    let ticks = |pid: u32| stat(pid).as_deref().and_then(ticks_with_ended);
    tree(root).into_iter().filter_map(ticks).fold(0, u32::saturating_add)
}

/// A process's own time, and behind it that of its children that have ended, user and system of each.
fn ticks_with_ended(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(4);
    fields.try_fold(0_u32, |sum, field| sum.checked_add(field.parse().ok()?))
}

/// Everything but idling and waiting for disks, which stand fourth and fifth.
fn machine_ticks(stat: &str) -> Option<u32> {
    let fields: Vec<u32> = stat.lines().next()?.split_whitespace().skip(1).flat_map(str::parse).collect();
    let busy = [0, 1, 2, 5, 6].map(|place| fields.get(place).copied().unwrap_or_default());
    busy.into_iter().try_fold(0_u32, u32::checked_add)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn reads_the_memory_of_a_process() {
        let status = "Name:\tx\nVmHWM:\t    3072 kB\nVmRSS:\t    2048 kB\n";
        assert_eq!(Memory::parse(status), Some(Memory { resident_mib: 2.0, peak_mib: 3.0 }));
        assert!(Memory::of(std::process::id()).unwrap().resident_mib > 1.0);
        assert_eq!(Memory::parse("Name:\tx\n"), None);
    }

    #[test]
    fn a_process_counts_with_what_it_started() {
        assert_eq!(parent("7 (a) b (c) S 12 3 4"), Some(12));
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert!(processes().contains(&(child.id(), std::process::id())));
        let alone = Memory::of(child.id()).unwrap().resident_mib;
        assert!(alone > 0.0 && resident_of_tree(std::process::id()) > alone);
        assert!(share_of_tree(child.id()).is_some_and(|share| share > 0.0));
        assert_eq!(share_of_tree(u32::MAX), None);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(Memory::of(child.id()), None);
    }

    #[test]
    fn reads_processor_time_behind_any_name() {
        assert_eq!(process_ticks("7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 7 3"), Some(300));
        assert_eq!(ticks_with_ended("7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 7 3 20 0"), Some(310));
        assert_eq!(machine_ticks("cpu  10 1 20 4000 300 2 3 0 0 0\ncpu0 1 1 1 1\n"), Some(36));
    }
}
