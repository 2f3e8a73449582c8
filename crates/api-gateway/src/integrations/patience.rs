//! How long somebody waits for platforms: until one moment, for everything that their request asks of them. What is not needed
//! for the answer goes on behind their back.

use std::time::Duration;

use accounts::AccountError;
use connectors::account::Account;
use connectors::error::ConnectorError;
use domain::fault::FaultKind;
use domain::integration::Integration;
use tokio::time::{Instant, timeout_at};

use crate::state::Gateway;

/// Until when somebody waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience(Instant);

impl Patience {
    /// As long as one request may wait, from now on.
    pub(crate) fn begins(gateway: &Gateway) -> Self {
        Self::of(gateway.limits.platform_wait)
    }

    fn of(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// The account of an integration. A grant that is due is refreshed first, which asks the platform as well; that goes on
    /// where it takes too long.
    pub(crate) async fn open(self, gateway: &Gateway, integration: &Integration) -> Result<Account, AccountError> {
        let opened = self.until(gateway.accounts.open(integration)).await;
        opened.unwrap_or_else(|| Err(AccountError::Platform(Box::new(out_of_patience()))))
    }

    /// What a platform answers.
    pub(crate) async fn wait<T>(
        self,
        call: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        self.until(call).await.unwrap_or_else(|| Err(out_of_patience()))
    }

    /// What comes of anything; `None` where it takes too long.
    pub(crate) async fn until<T>(self, what: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.0, what).await.ok()
    }
}

fn out_of_patience() -> ConnectorError {
    ConnectorError::new(FaultKind::Unavailable, "timeout", "the platform did not answer in time")
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn one_moment_ends_the_waiting_for_everything() {
        let patience = Patience::of(Duration::from_millis(20));
        let silence = || patience.wait(pending::<Result<(), ConnectorError>>());
        assert_eq!(silence().await.unwrap_err().code, "timeout");
        // Nothing of it is left for what is asked next.
        assert_eq!(silence().now_or_never().unwrap().unwrap_err().code, "timeout");
        assert_eq!(patience.until(pending::<()>()).now_or_never(), Some(None));
        // What has come by then is not thrown away.
        assert_eq!(patience.wait(ready(Ok(1))).await.unwrap(), 1);
    }
}
