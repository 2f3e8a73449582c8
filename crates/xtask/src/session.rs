//! One whole running system: the database, the broker, our services and the sandbox, in one folder.

mod n8n;
mod options;
mod programs;
mod tenant;
mod traffic;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::process::Command;

pub use self::n8n::Workflows;
pub use self::options::{Build, Options, Servers};
pub use self::programs::Service;
pub use self::tenant::{PORTAL, Tenant};
pub use self::traffic::Count;
use crate::console::Console;
use crate::home::Home;
use crate::n8n::N8n;
use crate::secrets::Secrets;
use crate::services::Services;
use crate::services::ports::{Ports, is_free};
use crate::stack::Stack;
use crate::{http, stack, workspace};

const READY_LIMIT: Duration = Duration::from_secs(90);

/// A system in its folder. After anything that was started, [`Session::take_down`] must be called.
#[derive(Debug)]
pub struct Session {
    home: Home,
    options: Options,
    console: Console,
    client: reqwest::Client,
    binaries: PathBuf,
    secrets: Secrets,
    ports: Ports,
    servers: Option<Servers>,
    n8n: Option<N8n>,
    /// PostgreSQL and RabbitMQ, once [`Session::bring_up`] has prepared them; none where they were there already.
    pub services: Option<Services>,
    /// Our own processes.
    pub stack: Stack,
}

impl Session {
    /// Opens the folder, stops what a killed run left there, and chooses ports; starts nothing.
    ///
    /// # Errors
    /// Fails when another xtask works in the folder, or no port is free.
    pub async fn open(folder: &Path, options: Options, console: Console) -> anyhow::Result<Self> {
        let home = Home::open(folder)?;
        stack::stop_leftovers(home.folder()).await?;
        let stack = Stack::new(home.folder(), console.clone(), options.backoff);
        let kept = |port| Services::already_hold(home.folder(), port);
        let ports = Ports::choose(&home.path("ports.json"), options.base_port, kept)?;
        let secrets = Secrets::load_or_make(&home.path("secrets.json"))?;
        let binaries = options.binaries.clone().map_or_else(workspace::binaries, Ok)?;
        let (client, servers) = (http::client()?, options.servers.clone());
        Ok(Self { home, options, console, client, binaries, secrets, ports, servers, n8n: None, services: None, stack })
    }

    /// Starts everything, from the installation of missing programs to the last service's readiness.
    ///
    /// The services' binaries must have been built; see [`Build`].
    ///
    /// # Errors
    /// Names the part that did not come up, with the end of its log.
    pub async fn bring_up(&mut self) -> anyhow::Result<()> {
        self.start_services().await?;
        self.find_n8n().await?;
        self.migrate().await?;
        for service in Service::ALL {
            self.start(service)?;
        }
        let step = self.console.step("wait until every service is ready");
        for service in Service::ALL {
            step.detail(service.name());
            self.ready(service).await?;
        }
        step.done();
        self.bring_up_n8n().await
    }

    /// Starts PostgreSQL and RabbitMQ only, unless they are there already.
    ///
    /// # Errors
    /// Fails with the end of the log of the one that did not come up.
    pub async fn start_services(&mut self) -> anyhow::Result<()> {
        if self.options.servers.is_some() {
            return Ok(());
        }
        let folder = self.home.folder();
        let services = Services::prepare(folder, self.ports, self.options.choice, &self.console).await?;
        // Kept before the boot, so that an interrupted boot is taken down too.
        let services = self.services.insert(services);
        let step = self.console.step("start PostgreSQL and RabbitMQ");
        services.boot(self.options.durability).await?;
        let owner = services.postgres.database(programs::DATABASE).await?;
        self.servers = Some(programs::own_servers(owner, &services.rabbitmq, &self.secrets)?);
        step.done();
        Ok(())
    }

    /// Applies the migrations, sets the roles' passwords, and makes the key ring.
    ///
    /// # Errors
    /// Fails with what `admin` said.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        let step = self.console.step("apply the migrations");
        let ring = self.home.path("key-ring.json");
        if !ring.exists() {
            self.admin(&["new-key-ring", "--out", &ring.to_string_lossy()]).await?;
        }
        self.admin(&["migrate"]).await?;
        step.done();
        Ok(())
    }

    /// Starts one of our processes; it may not be ready yet.
    ///
    /// # Errors
    /// Fails when its port has been taken meanwhile.
    pub fn start(&mut self, service: Service) -> anyhow::Result<()> {
        let port = service.port(self.ports);
        if !is_free(port) {
            bail!("port {port} of {} is taken by another program", service.name());
        }
        let program = programs::program(service, self)?;
        self.stack.start(program)
    }

    /// Starts another process of a service beside the first, on this port; where it is 0, on one that the system chooses.
    ///
    /// # Errors
    /// Fails when it cannot be started.
    pub fn start_another(&mut self, service: Service, port: u16) -> anyhow::Result<()> {
        let mut program = programs::program(service, self)?;
        program.name = service.another();
        program.environment.push(("COCCINELLE__HTTP__LISTEN".to_owned(), format!("127.0.0.1:{port}")));
        self.stack.start(program)
    }

    /// Stops a service in order and starts it anew, with these variables beside the others.
    ///
    /// # Errors
    /// Fails when it cannot be started, or is not ready after 90 seconds.
    pub async fn restart(&mut self, service: Service, variables: &[(&str, String)]) -> anyhow::Result<()> {
        self.stack.halt(service.name()).await;
        let mut program = programs::program(service, self)?;
        program.environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.stack.start(program)?;
        self.ready(service).await
    }

    /// Where the services that are started from now on look for the database and the broker.
    ///
    /// # Errors
    /// Fails before the servers are started.
    pub fn go_by(&mut self, database: u16, broker: u16) -> anyhow::Result<()> {
        let servers = self.servers.as_mut().context("PostgreSQL and RabbitMQ are not started yet")?;
        for (url, port) in
            [(&mut servers.gateway, database), (&mut servers.worker, database), (&mut servers.broker, broker)]
        {
            url.set_port(Some(port)).map_err(|()| anyhow::anyhow!("the address of a server takes no port"))?;
        }
        Ok(())
    }

    /// Has the services that are started from now on reach the database over TLS, by this authority's certificate.
    ///
    /// # Errors
    /// Fails before the servers are started.
    pub fn trust(&mut self, authority: &Path) -> anyhow::Result<()> {
        let servers = self.servers.as_mut().context("PostgreSQL and RabbitMQ are not started yet")?;
        let query = format!("sslmode=verify-full&sslrootcert={}", authority.display());
        servers.gateway.set_query(Some(&query));
        servers.worker.set_query(Some(&query));
        Ok(())
    }

    /// Waits until the service answers 200 to `/readyz`.
    ///
    /// # Errors
    /// Fails after 90 seconds, with its last answer and the end of its log.
    pub async fn ready(&self, service: Service) -> anyhow::Result<()> {
        let url = format!("{}{}", self.url(service), service.readiness());
        let started = Instant::now();
        loop {
            let answer = match self.client.get(&url).send().await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => format!("{}: {}", response.status(), response.text().await.unwrap_or_default()),
                Err(error) => format!("{error}"),
            };
            if started.elapsed() > READY_LIMIT {
                let log = self.stack.tail(service.name(), 20);
                bail!("{} is not ready ({answer}); its log ends with:\n{log}", service.name());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Runs our `admin` with the owner's rights and gives what it printed.
    ///
    /// # Errors
    /// Fails with what it said.
    pub async fn admin(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(self.binaries.join("admin"));
        command.args(arguments).envs(programs::admin_environment(self)?);
        workspace::output(&mut command).await
    }

    /// Stops everything, the last started first; says what could not be stopped, and goes on.
    pub async fn take_down(&mut self) {
        let step = self.console.step("stop everything");
        step.detail("our services and n8n");
        self.stack.stop().await;
        step.detail("RabbitMQ and PostgreSQL");
        if let Some(services) = self.services.take()
            && let Err(error) = services.stop().await
        {
            self.console.note(&format!("✘ {error:#}"));
        }
        step.done();
    }

    /// Where a service listens, without a slash at the end.
    #[must_use]
    pub fn url(&self, service: Service) -> String {
        format!("http://127.0.0.1:{}", service.port(self.ports))
    }

    /// The client for talking to the services.
    #[must_use]
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The folder of this system.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The ports of this system.
    #[must_use]
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// Gives the services that are started from now on one more variable, or another value for one.
    pub fn set(&mut self, variable: &str, value: &str) {
        self.options.settings.push((variable.to_owned(), value.to_owned()));
    }

    /// Takes the binaries of what is started from now on from this folder: another version's.
    pub fn go_on_with(&mut self, binaries: PathBuf) {
        self.binaries = binaries;
    }

    fn servers(&self) -> anyhow::Result<&Servers> {
        self.servers.as_ref().context("PostgreSQL and RabbitMQ are not started yet")
    }
}
