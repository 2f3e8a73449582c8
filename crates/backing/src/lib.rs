//! What every service stands on: the broker and the database, connected by its settings and watched for `/readyz`.
//!
//! What is done with either is the services'.

use domain::step::Steps;
use messaging::{Broker, BrokerOptions};
use persistence::Database;
use runtime::config::Settings;
use runtime::crash;
use runtime::health::{Readiness, Rule};

/// The broker and the database of one service. Either may be away, and is connected to when it is back.
#[derive(Clone, Debug)]
pub struct Backing {
    /// RabbitMQ.
    pub broker: Broker,
    /// PostgreSQL.
    pub database: Database,
    /// Who is told of what the service does, beside what it does with either.
    pub steps: Steps,
}

impl Backing {
    /// Begins to connect to both; the broker lists the connection under `name`, the service's.
    ///
    /// Must be called within a Tokio runtime, which carries the connections.
    #[must_use]
    pub fn connect(settings: &Settings, name: &'static str) -> Self {
        let (broker, database) = (&settings.broker, &settings.database);
        let steps = crash::steps(&settings.crash, name);
        let options = BrokerOptions {
            url: broker.url.clone(),
            confirm_timeout: broker.confirm_timeout,
            schedule: broker.retry_schedule.clone(),
            name,
        };
        let database = Database::new(&database.url, database.pool_size, database.connect_timeout);
        Self {
            broker: Broker::connect_watched(options, steps.clone()),
            database: database.watched(steps.clone()),
            steps,
        }
    }

    /// Whether the service can keep its promise, for which it needs one of them or both.
    #[must_use]
    pub fn readiness(&self, rule: Rule) -> Readiness {
        let (broker, database) = (self.broker.clone(), self.database.clone());
        Readiness::new(rule).part("broker", move || std::future::ready(broker.is_connected())).part(
            "database",
            move || {
                let database = database.clone();
                async move { database.is_up().await }
            },
        )
    }
}
