//! `cargo xtask up` as people use it: ended by Ctrl-C without a trace, and taken up again with all that it had.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use testkit::{TestVhost, wait};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use xtask::processes;
use xtask::services::Services;
use xtask::services::ports::is_free;
use xtask::workspace::root;

use crate::world::{DEADLINE, Estate, World, variable};

/// One run of the command, which has said that everything is running.
pub(crate) struct Run {
    child: Child,
    /// Kept open: a broken pipe would be an end of another kind.
    _stdout: Lines<BufReader<ChildStdout>>,
    tenant: String,
    integration: String,
    /// What it has printed by then.
    said: String,
    stderr: PathBuf,
}

impl Run {
    pub(crate) async fn start(folder: &Path, vhost: &TestVhost, more: &[&str]) -> Self {
        let stderr = folder.with_extension("stderr");
        let mut up = Command::new(env!("CARGO_BIN_EXE_xtask"));
        up.args(["up", "--no-build", "--quiet", "--base-port", "26500", "--folder"]).arg(folder).args(more);
        // A PostgreSQL of its own, and a vhost of everybody's RabbitMQ, which takes long to start.
        up.env_remove("DATABASE_URL").env("AMQP_URL", vhost.url());
        up.env("AMQP_MANAGEMENT_URL", variable("AMQP_MANAGEMENT_URL"));
        up.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(std::fs::File::create(&stderr).unwrap());
        let mut child = up.kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut tenant, mut integration, mut exports, mut said) = (None, None, None, String::new());
        while tenant.is_none() || integration.is_none() || exports.is_none() {
            let Some(line) = lines.next_line().await.unwrap() else {
                panic!("`up` ended: {}", std::fs::read_to_string(&stderr).unwrap())
            };
            let value = |label: &str| line.trim().strip_prefix(label).map(|rest| rest.trim().to_owned());
            tenant = tenant.or_else(|| value("The tenant "));
            integration = integration.or_else(|| value("Its HubSpot integration "));
            exports = exports.or_else(|| value("export "));
            said.push_str(&line);
            said.push('\n');
        }
        let (integration, exports) = (integration.unwrap(), exports.unwrap());
        let named = exports.split(' ').filter_map(|word| word.split_once('=')).collect::<Vec<_>>();
        assert_eq!(named.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["SERVICE", "ADMIN", "INTEGRATION"]);
        assert_eq!(named[2].1, integration);
        Self { child, _stdout: lines, tenant: tenant.unwrap(), integration, said, stderr }
    }

    /// Ctrl-C, and what it must come to.
    pub(crate) async fn interrupt(mut self, folder: &Path) {
        processes::signal(self.child.id().unwrap(), Signal::SIGINT).unwrap();
        let status = self.child.wait().await.unwrap();
        assert!(status.success(), "{status}: {}", std::fs::read_to_string(&self.stderr).unwrap());
        assert_eq!(running_in(folder), Vec::<String>::new(), "left behind");
        let ports: Value = serde_json::from_slice(&std::fs::read(folder.join("ports.json")).unwrap()).unwrap();
        for name in ["postgres", "gateway", "ingest", "dispatcher", "log_writer", "sandbox"] {
            assert!(is_free(ports[name].as_u64().unwrap().try_into().unwrap()), "{name} still listens");
        }
    }
}

/// What is named where a text says that everything is running; what it is lies at the end of its line, and is another every time.
fn named(text: &str) -> Vec<&str> {
    let below = text.lines().skip_while(|line| !line.starts_with("Everything is running.")).skip(2);
    below.take_while(|line| line.starts_with("  ")).filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect()
}

/// The README shows what was printed.
fn is_as_shown(run: &Run) {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert_eq!(named(&run.said), named(&readme));
    assert_eq!(named(&readme).len(), 6);
    let steps = readme.lines().filter_map(|line| Some(line.strip_prefix("✔ ")?.split_once(" (")?.0));
    let said = std::fs::read_to_string(&run.stderr).unwrap();
    // Nothing is built here.
    for step in steps.filter(|step| *step != "build the services") {
        assert!(said.contains(&format!("✔ {step} (")), "{step}: {said}");
    }
}

/// The processes that work in the folder, or were told of it.
fn running_in(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let told = |pid: u32, file: &str| {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains(folder)
    };
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let ours = pids.filter(|pid| {
        let works = processes::working_folder(*pid).is_some_and(|place| place.starts_with(folder));
        processes::alive(*pid) && (works || told(*pid, "cmdline") || told(*pid, "environ"))
    });
    ours.map(|pid| format!("{pid} {:?}", processes::executable(pid))).collect()
}

#[tokio::test]
async fn ctrl_c_leaves_nothing_behind_and_the_next_run_finds_what_there_was_unless_its_folder_is_deleted() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("e2e-up");
    Services::wipe(&folder).await.unwrap();
    let estate = Estate(folder.clone());
    let vhost = testkit::vhost().await;

    let first = Run::start(&folder, &vhost, &["--demo", "--prospects", "5", "--seed", "2"]).await;
    assert!(!running_in(&folder).is_empty(), "the look at the processes sees some that run");
    is_as_shown(&first);
    let known = (first.tenant.clone(), first.integration.clone());
    first.interrupt(&folder).await;

    // To a CRM with people in it come others.
    let second = Run::start(&folder, &vhost, &["--demo", "--prospects", "7"]).await;
    assert_eq!((second.tenant.clone(), second.integration.clone()), known);
    let said = std::fs::read_to_string(&second.stderr).unwrap();
    assert!(said.contains("in the CRM") && !said.contains("people are missing"), "{said}");
    second.interrupt(&folder).await;

    std::fs::remove_dir_all(&folder).unwrap();
    let third = Run::start(&folder, &vhost, &[]).await;
    assert!(third.tenant != known.0 && third.integration != known.1);
    third.interrupt(&folder).await;

    Services::wipe(&folder).await.unwrap();
    assert!(!folder.exists());
    drop(estate);
}

#[tokio::test]
async fn a_tenant_that_the_database_does_not_know_is_made_anew() {
    let world = World::on_shared_servers("e2e-tenant", 28_500, &[]).await;
    let file = world.session.home().path("demo.json");
    let again = world.session.demo_tenant().await.unwrap();
    assert_eq!((&again.id, &again.integration), (&world.tenant.id, &world.tenant.integration));

    let stranger = world.tenant.integration.replacen("int_", "ten_", 1);
    std::fs::write(&file, json!({ "tenant": stranger, "integration": null }).to_string()).unwrap();
    let other = world.session.demo_tenant().await.unwrap();
    assert!(other.id != stranger && other.id != world.tenant.id);
    wait::until("its integration", DEADLINE, || async { world.session.integration(&other).await }).await;
    world.end().await;
}
