//! One RabbitMQ node: its folder, starting, stopping, killing. Queues and vhosts are not known here.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::bail;
use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::docker::{Container, Image};
use super::install::RabbitMqMeans;
use super::ports::Ports;

mod node;

use node::Node;

/// A boot takes 13 s on a quiet machine and 50 s on a loaded one.
const START_LIMIT: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A RabbitMQ broker, reached as an administrator.
#[derive(Debug)]
pub struct RabbitMq {
    url: Url,
    management: Option<Url>,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Given,
    Node(Node),
    Docker(Container),
}

impl RabbitMq {
    pub(super) fn given(url: Url, management: Option<Url>) -> Self {
        Self { url, management, engine: Engine::Given }
    }

    pub(super) fn private(means: RabbitMqMeans, folder: &Path, ports: Ports) -> anyhow::Result<Self> {
        let engine = match means {
            RabbitMqMeans::Programs { sbin, epmd } => Engine::Node(Node::new(sbin, epmd, folder, ports)),
            RabbitMqMeans::Docker => Engine::Docker(Container::new(
                folder,
                Image {
                    service: "rabbitmq",
                    image: "rabbitmq:3-management",
                    data: "/var/lib/rabbitmq",
                    ports: vec![(ports.amqp, 5672), (ports.management, 15672)],
                    password: None,
                },
            )),
        };
        Self::on(ports, engine)
    }

    fn on(ports: Ports, engine: Engine) -> anyhow::Result<Self> {
        // RabbitMQ lets `guest` in from loopback only, which is where a node of ours listens.
        let url = Url::parse(&format!("amqp://guest:guest@127.0.0.1:{}/%2f", ports.amqp))?;
        let management = Url::parse(&format!("http://guest:guest@127.0.0.1:{}", ports.management))?;
        Ok(Self { url, management: Some(management), engine })
    }

    /// Starts a further node of this one's cluster, the second, third and so on; [`super::Services::stop`] stops it as well.
    ///
    /// # Errors
    /// Fails when it does not come up or may not join, and where this one is not a program's.
    pub async fn join(&self, number: u16) -> anyhow::Result<Self> {
        let Engine::Node(first) = &self.engine else {
            bail!("only a RabbitMQ from its own programs has further nodes")
        };
        let node = first.another(number)?;
        let further = Self::on(node.ports(), Engine::Node(node))?;
        further.boot().await?;
        for words in [&["stop_app"][..], &["join_cluster", first.name()], &["start_app"]] {
            further.control(words).await?;
        }
        further.boot().await?;
        Ok(further)
    }

    /// The name of the node among those of its cluster; `None` where it has no other.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.engine {
            Engine::Node(node) => Some(node.name()),
            Engine::Given | Engine::Docker(_) => None,
        }
    }

    /// The process from which all of the node's descend; `None` where it does not run, or is no program's.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match &self.engine {
            Engine::Node(node) => node.wrapper(),
            Engine::Given | Engine::Docker(_) => None,
        }
    }

    /// The file in which the node writes what it has to say; `None` where it is no program's.
    #[must_use]
    pub fn log(&self) -> Option<PathBuf> {
        match &self.engine {
            Engine::Node(node) => Some(node.log_file()),
            Engine::Given | Engine::Docker(_) => None,
        }
    }

    /// The URL for AMQP, with the default vhost.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL of the management API; `None` where the broker was given without one.
    #[must_use]
    pub fn management_url(&self) -> Option<&Url> {
        self.management.as_ref()
    }

    /// Starts the node, or finds it running, and waits until it serves AMQP and its management API.
    ///
    /// # Errors
    /// Fails with the end of the node's log when it ends or does not serve within two minutes.
    pub async fn boot(&self) -> anyhow::Result<()> {
        match &self.engine {
            Engine::Given => return Ok(()),
            Engine::Node(node) => node.start().await?,
            Engine::Docker(container) => container.start().await?,
        }
        let started = Instant::now();
        while !self.serves().await {
            let over = started.elapsed() > START_LIMIT;
            match &self.engine {
                Engine::Given => {}
                Engine::Node(node) => {
                    if over || !node.alive() {
                        bail!("RabbitMQ did not start:\n{}", node.log());
                    }
                }
                Engine::Docker(container) => {
                    if over {
                        bail!("RabbitMQ's container does not serve:\n{}", container.log().await);
                    }
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Stops the node in order. A given broker is left alone.
    ///
    /// # Errors
    /// Fails when it cannot be signalled.
    pub async fn stop(&self) -> anyhow::Result<()> {
        match &self.engine {
            Engine::Given => Ok(()),
            Engine::Node(node) => node.stop().await,
            Engine::Docker(container) => container.stop().await,
        }
    }

    /// Kills the node as a crash would; [`RabbitMq::boot`] brings it back.
    ///
    /// # Errors
    /// Fails for a given broker, which is not ours to kill.
    pub async fn kill(&self) -> anyhow::Result<()> {
        match &self.engine {
            Engine::Given => bail!("a RabbitMQ given by URL is not killed"),
            Engine::Node(node) => node.kill().await,
            Engine::Docker(container) => container.kill().await,
        }
    }

    /// Has the node told something by its own `rabbitmqctl`.
    ///
    /// # Errors
    /// Fails with what that said, and for a given broker, which is not ours to tell anything.
    pub async fn control(&self, words: &[&str]) -> anyhow::Result<String> {
        match &self.engine {
            Engine::Given => bail!("a RabbitMQ given by URL is told nothing"),
            Engine::Node(node) => node.control(words).await,
            Engine::Docker(container) => container.exec(&[&["rabbitmqctl"][..], words].concat()).await,
        }
    }

    /// Whether AMQP is spoken on its port, and the management port is open.
    pub async fn serves(&self) -> bool {
        let attempt = async {
            if let Some(url) = &self.management {
                TcpStream::connect(("127.0.0.1", url.port()?)).await.ok()?;
            }
            let mut amqp = TcpStream::connect(("127.0.0.1", self.url.port()?)).await.ok()?;
            amqp.write_all(b"AMQP\x00\x00\x09\x01").await.ok()?;
            // `connection.start` is a method frame, whose first octet is 1; a refusal starts with `A`.
            (amqp.read_u8().await.ok()? == 1).then_some(())
        };
        tokio::time::timeout(Duration::from_secs(2), attempt).await.ok().flatten().is_some()
    }
}

/// Whether the private node that runs for this folder listens on the port.
pub(super) fn holds(folder: &Path, port: u16) -> bool {
    node::running_ports(folder)
        .is_some_and(|ports| [ports.amqp, ports.dist, ports.management, ports.prometheus, ports.epmd].contains(&port))
}

/// Stops the private nodes that run for this folder, if any do.
pub(super) async fn stop_leftovers(folder: &Path) -> anyhow::Result<()> {
    node::stop_all(folder).await
}
