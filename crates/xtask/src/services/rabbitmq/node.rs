//! A RabbitMQ node from its own programs, with its own cookie, port mapper and folders: the system's is never touched.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use secrecy::ExposeSecret as _;
use tokio::process::Command;

use super::super::install::tail;
use super::super::ports::{Ports, beside};
use crate::home::{read_json, write_json, write_private};
use crate::processes;
use crate::workspace::output;

const STOP_LIMIT: Duration = Duration::from_secs(40);

/// The folder of a cluster's first node; the others' follow it in the alphabet.
const FIRST: &str = "rabbitmq";

#[derive(Debug)]
pub(super) struct Node {
    sbin: PathBuf,
    epmd: PathBuf,
    home: PathBuf,
    ports: Ports,
    name: String,
    /// The folder of its cluster's first node, unless it is that itself: who has the cookie and the port mapper of all.
    first: Option<PathBuf>,
}

impl Node {
    pub(super) fn new(sbin: PathBuf, epmd: PathBuf, folder: &Path, ports: Ports) -> Self {
        // The name is part of the data folder's: it stays the same when ports move.
        let name = "coccinelle@localhost".to_owned();
        Self { sbin, epmd, home: folder.join(FIRST), ports, name, first: None }
    }

    /// The second, third and so on of this one's cluster; it has yet to be started, and to join.
    pub(super) fn another(&self, number: u16) -> anyhow::Result<Self> {
        let ports = Ports {
            amqp: beside(self.ports.amqp, number)?,
            dist: beside(self.ports.dist, number)?,
            management: beside(self.ports.management, number)?,
            prometheus: beside(self.ports.prometheus, number)?,
            ..self.ports
        };
        Ok(Self {
            sbin: self.sbin.clone(),
            epmd: self.epmd.clone(),
            home: self.home.with_file_name(format!("{FIRST}-{number}")),
            ports,
            name: format!("coccinelle-{number}@localhost"),
            first: Some(self.home.clone()),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn ports(&self) -> Ports {
        self.ports
    }

    /// Starts the port mapper and the node unless they run. It serves some seconds later.
    pub(super) async fn start(&self) -> anyhow::Result<()> {
        if self.alive() {
            return Ok(());
        }
        self.write_files()?;
        if self.first.is_none() {
            self.start_port_mapper().await?;
        }
        let mut server = self.detached(&self.sbin.join("rabbitmq-server"), "log/output")?;
        let child = server.envs(self.environment()).spawn().context("rabbitmq-server could not be started")?;
        let pid = child.id().context("rabbitmq-server ended at once")?;
        write_private(&self.home.join("wrapper.pid"), pid.to_string().as_bytes())?;
        write_json(&self.home.join("ports.json"), &self.ports)
    }

    pub(super) fn alive(&self) -> bool {
        self.wrapper().is_some()
    }

    /// The script around the Erlang machine.
    pub(super) fn wrapper(&self) -> Option<u32> {
        self.pid("wrapper.pid")
    }

    /// The end of what the node wrote while it started.
    pub(super) fn log(&self) -> String {
        tail(&self.home.join("log/output"), 15)
    }

    /// What it writes once it has started.
    pub(super) fn log_file(&self) -> PathBuf {
        self.home.join(format!("log/{}.log", self.name))
    }

    /// With all that joined it, if it is the first.
    pub(super) async fn stop(&self) -> anyhow::Result<()> {
        match (&self.first, self.home.parent()) {
            (None, Some(folder)) => stop_all(folder).await,
            (None, None) | (Some(_), _) => stop(&self.home).await,
        }
    }

    pub(super) async fn kill(&self) -> anyhow::Result<()> {
        let wrapper = self.wrapper().context("RabbitMQ does not run")?;
        let machine = self.pid("rabbit.pid");
        processes::signal_group(wrapper, Signal::SIGKILL)?;
        for pid in [Some(wrapper), machine].into_iter().flatten() {
            processes::gone(pid, Duration::from_secs(10)).await;
        }
        stop_port_mapper(&self.home).await
    }

    pub(super) async fn control(&self, words: &[&str]) -> anyhow::Result<String> {
        let mut control = Command::new(self.sbin.join("rabbitmqctl"));
        output(control.args(words).envs(self.environment()).current_dir(&self.home)).await
    }

    /// Our own, in the foreground: one that the node starts would outlive it.
    async fn start_port_mapper(&self) -> anyhow::Result<()> {
        stop_port_mapper(&self.home).await?;
        let mut epmd = self.detached(&self.epmd, "log/epmd")?;
        epmd.args(["-port", &self.ports.epmd.to_string(), "-address", "127.0.0.1"]);
        let child = epmd.spawn().context("epmd could not be started")?;
        let pid = child.id().context("epmd ended at once")?;
        write_private(&self.home.join("epmd.pid"), pid.to_string().as_bytes())?;
        // The node would start a mapper of its own if it found none.
        let address = ("127.0.0.1", self.ports.epmd);
        let limit = std::time::Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            if limit.elapsed() > Duration::from_secs(10) || !processes::alive(pid) {
                anyhow::bail!("epmd does not listen on port {}", self.ports.epmd);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// A command in a process group of its own, so that Ctrl-C reaches only us.
    fn detached(&self, program: &Path, log: &str) -> anyhow::Result<Command> {
        let log = File::create(self.home.join(log))?;
        let mut command = Command::new(program);
        command.current_dir(&self.home).process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    fn pid(&self, file: &str) -> Option<u32> {
        running(&self.home, file)
    }

    fn write_files(&self) -> anyhow::Result<()> {
        for folder in ["home", "mnesia", "log", "conf"] {
            std::fs::create_dir_all(self.home.join(folder))?;
        }
        let cookie = self.user_home().join(".erlang.cookie");
        if !cookie.exists() {
            write_private(&cookie, crate::secrets::random().expose_secret().as_bytes())?;
        }
        let Ports { amqp, management, prometheus, .. } = self.ports;
        let conf = format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\n\
             prometheus.tcp.ip = 127.0.0.1\n\
             prometheus.tcp.port = {prometheus}\n\
             log.file.level = info\n\
             log.console = false\n\
             vm_memory_high_watermark.absolute = 2GB\n\
             disk_free_limit.absolute = 200MB\n\
             collect_statistics_interval = 1000\n"
        );
        std::fs::write(self.home.join("conf/rabbitmq.conf"), conf)?;
        std::fs::write(self.home.join("conf/env.conf"), "")?;
        let plugins = "[rabbitmq_management,rabbitmq_prometheus,rabbitmq_consistent_hash_exchange].\n";
        Ok(std::fs::write(self.home.join("conf/enabled_plugins"), plugins)?)
    }

    /// Where Erlang looks for the cookie, without which nodes do not talk to each other.
    fn user_home(&self) -> PathBuf {
        self.first.as_ref().unwrap_or(&self.home).join("home")
    }

    /// Everything that would otherwise lead to the system's own node.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let at = |name: &str| self.home.join(name).to_string_lossy().into_owned();
        let Ports { amqp, dist, epmd, .. } = self.ports;
        vec![
            ("HOME", self.user_home().to_string_lossy().into_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("RABBITMQ_NODENAME", self.name.clone()),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODE_PORT", amqp.to_string()),
            ("RABBITMQ_DIST_PORT", dist.to_string()),
            ("RABBITMQ_CTL_DIST_PORT_MIN", dist.saturating_add(20).to_string()),
            ("RABBITMQ_CTL_DIST_PORT_MAX", dist.saturating_add(40).to_string()),
            ("RABBITMQ_MNESIA_BASE", at("mnesia")),
            ("RABBITMQ_LOG_BASE", at("log")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", at("conf/enabled_plugins")),
            ("RABBITMQ_CONFIG_FILE", at("conf/rabbitmq.conf")),
            ("RABBITMQ_CONFIG_FILES", at("conf/conf.d")),
            ("RABBITMQ_CONF_ENV_FILE", at("conf/env.conf")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", at("conf/advanced.config")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", at("conf/generated")),
            ("RABBITMQ_PID_FILE", at("rabbit.pid")),
            ("ERL_EPMD_PORT", epmd.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}".to_owned()),
        ]
    }
}

/// Stops the node in this folder, in order if it can, and its port mapper.
async fn stop(home: &Path) -> anyhow::Result<()> {
    if let Some(wrapper) = running(home, "wrapper.pid") {
        // The Erlang machine stops in order on SIGTERM; the script around it would first boot another machine.
        match running(home, "rabbit.pid") {
            Some(machine) => processes::signal(machine, Signal::SIGTERM)?,
            None => processes::signal_group(wrapper, Signal::SIGKILL)?,
        }
        if !processes::gone(wrapper, STOP_LIMIT).await {
            processes::signal_group(wrapper, Signal::SIGKILL)?;
            processes::gone(wrapper, STOP_LIMIT).await;
        }
    }
    stop_port_mapper(home).await
}

async fn stop_port_mapper(home: &Path) -> anyhow::Result<()> {
    match running(home, "epmd.pid") {
        Some(pid) => processes::end(pid, Duration::from_secs(5)).await,
        None => Ok(()),
    }
}

/// Stops every node that runs for this folder, the first last: it has the port mapper of all.
pub(super) async fn stop_all(folder: &Path) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)?.flatten();
    let mut homes: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_home(path)).collect();
    homes.sort();
    for home in homes.iter().rev() {
        stop(home).await?;
    }
    Ok(())
}

fn is_home(path: &Path) -> bool {
    path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FIRST))
}

/// The ports of the node that runs for this folder, if one does.
pub(super) fn running_ports(folder: &Path) -> Option<Ports> {
    let home = folder.join(FIRST);
    running(&home, "wrapper.pid").or_else(|| running(&home, "epmd.pid"))?;
    read_json(&home.join("ports.json")).ok().flatten()
}

/// The process that the file names, if it is alive and works in the node's folder, and so is ours.
fn running(home: &Path, file: &str) -> Option<u32> {
    let pid = processes::read_pid(&home.join(file))?;
    let ours = processes::alive(pid) && processes::working_folder(pid).is_some_and(|folder| folder == home);
    ours.then_some(pid)
}
