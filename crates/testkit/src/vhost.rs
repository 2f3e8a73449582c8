//! A vhost for one test.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use url::Url;

use crate::environment::Server;
use crate::management::{Management, QueuedMessage};
use crate::{leftover, outside};

/// How long a vhost is left in peace once its test is over.
///
/// A quorum queue that dead-letters at least once and is deleted while RabbitMQ starts its worker makes that fail again and again, until no
/// such queue comes up on that node any more: <https://github.com/rabbitmq/rabbitmq-server/issues/16652>. After so long, all have started.
const PEACE: Duration = Duration::from_secs(10);

/// The vhosts of tests that are over, and since when; the last ones are left to [`sweep`].
static OVER: Mutex<VecDeque<(Instant, String)>> = Mutex::new(VecDeque::new());

/// A vhost of the test's own, empty. Deleted a while after this value is dropped, and with it all connections to it.
#[derive(Debug)]
pub struct TestVhost {
    broker: Url,
    management: Url,
    name: String,
}

/// Makes a vhost for this test.
///
/// # Panics
/// When there is no broker.
pub async fn vhost() -> TestVhost {
    let (broker, management) = (Server::Broker.url(), Server::BrokerManagement.url());
    let vhost = TestVhost { broker, management, name: leftover::new_name() };
    vhost.ask(|api, name| async move { sweep(&api).await.and(api.make_vhost(&name).await) }).await;
    vhost
}

impl TestVhost {
    /// Its AMQP address.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = self.broker.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes it again after [`TestVhost::remove`].
    pub async fn make(&self) {
        self.ask(|api, name| async move { api.make_vhost(&name).await }).await;
    }

    /// Deletes it with all that is in it, as an operator might.
    pub async fn remove(&self) {
        self.ask(|api, name| async move { api.delete_vhost(&name).await }).await;
    }

    /// The names of its queues.
    pub async fn queues(&self) -> Vec<String> {
        self.ask(|api, name| async move { api.queues(&name).await }).await
    }

    /// Of which type a queue was made, as `quorum`.
    pub async fn queue_type(&self, queue: &str) -> String {
        let queue = queue.to_owned();
        self.ask(|api, name| async move { api.queue_type(&name, &queue).await }).await
    }

    /// Empties a queue of what nobody holds, as an operator might.
    pub async fn purge(&self, queue: &str) {
        let queue = queue.to_owned();
        self.ask(|api, name| async move { api.purge(&name, &queue).await }).await;
    }

    /// Deletes a queue, as an operator might.
    pub async fn delete_queue(&self, queue: &str) {
        let queue = queue.to_owned();
        self.ask(|api, name| async move { api.delete_queue(&name, &queue).await }).await;
    }

    /// Makes a queue, and binds it to an exchange by a pattern, as another service does.
    pub async fn bind(&self, queue: &str, exchange: &str, pattern: &str) {
        self.bind_made(queue, json!({}), (exchange, pattern)).await;
    }

    /// The same of a queue that is full from the beginning: it refuses whatever comes.
    pub async fn bind_full(&self, queue: &str, exchange: &str, pattern: &str) {
        let arguments = json!({"x-queue-type": "classic", "x-max-length": 0, "x-overflow": "reject-publish"});
        self.bind_made(queue, arguments, (exchange, pattern)).await;
    }

    async fn bind_made(&self, queue: &str, arguments: Value, (exchange, pattern): (&str, &str)) {
        let (queue, exchange, pattern) = (queue.to_owned(), exchange.to_owned(), pattern.to_owned());
        self.ask(|api, name| async move { api.bind(&name, (&queue, arguments), (&exchange, &pattern)).await }).await;
    }

    /// The messages that are ready in a queue; they stay in it. Those that a consumer holds are not among them.
    pub async fn peek(&self, queue: &str) -> Vec<QueuedMessage> {
        let queue = queue.to_owned();
        self.ask(|api, name| async move { api.peek(&name, &queue).await }).await
    }

    /// Puts a message of any form into a queue, and says whether there was such a queue.
    pub async fn publish(&self, queue: &str, message: QueuedMessage) -> bool {
        let queue = queue.to_owned();
        self.ask(|api, name| async move { api.publish(&name, &queue, &message).await }).await
    }

    async fn ask<F, T>(&self, question: impl FnOnce(Management, String) -> F + Send + 'static) -> T
    where
        F: Future<Output = anyhow::Result<T>>,
        T: Send + 'static,
    {
        let (management, name) = (self.management.clone(), self.name.clone());
        outside::run(move || question(Management::new(management), name))
            .await
            .expect("an answer of the broker's management")
    }
}

/// Another test may sweep the same one at the same time, so a failure to delete is none.
async fn sweep(api: &Management) -> anyhow::Result<()> {
    for vhost in api.vhosts().await? {
        if leftover::is_left_over(&vhost) {
            api.delete_vhost(&vhost).await.ok();
        }
    }
    Ok(())
}

impl Drop for TestVhost {
    fn drop(&mut self) {
        let due: Vec<String> = {
            let mut over = OVER.lock().unwrap_or_else(PoisonError::into_inner);
            over.push_back((Instant::now(), std::mem::take(&mut self.name)));
            let due = over.iter().take_while(|(since, _)| since.elapsed() > PEACE).count();
            over.drain(..due).map(|(_, name)| name).collect()
        };
        if due.is_empty() {
            return;
        }
        let management = self.management.clone();
        outside::clean_up(move || async move {
            let api = Management::new(management);
            for name in due {
                drop(api.delete_vhost(&name).await);
            }
        });
    }
}
