//! The three variables that say where the servers are. Nothing else is read from the environment.

use url::Url;

/// A server that the tests need.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Server {
    Database,
    Broker,
    BrokerManagement,
}

impl Server {
    /// Where it is.
    ///
    /// Panics with the sentence that says what to do when nobody said so.
    pub(crate) fn url(self) -> Url {
        let name = match self {
            Self::Database => "DATABASE_URL",
            Self::Broker => "AMQP_URL",
            Self::BrokerManagement => "AMQP_MANAGEMENT_URL",
        };
        #[expect(clippy::disallowed_methods, reason = "where the tests' servers are is no setting of the product")]
        let Ok(text) = std::env::var(name) else {
            panic!(
                "{name} is not set: run the tests with `cargo xtask test`, which starts the servers and says where they are"
            )
        };
        Url::parse(&text)
            .unwrap_or_else(|error| panic!("{name} is not a URL ({error}): run the tests with `cargo xtask test`"))
    }
}
