//! What a batch says outside: to the platform, no longer than its lease allows, and to the broker. What is said is the others'.

use connectors::error::ConnectorError;
use domain::message::RecordPush;
use domain::trace::TraceParent;

use super::session::Session;
use crate::engine::DispatchError;

impl Session<'_> {
    /// Asks the platform, but waits no longer than the lease allows.
    pub(super) async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        let answer = self.engine.asking(self.call(call)).await;
        self.watch.note(&answer);
        answer
    }

    /// Writes to the platform, but waits no longer than the lease allows.
    pub(super) async fn write<T>(
        &self,
        call: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        let answer = self.engine.writing(self.call(call)).await;
        self.watch.note(&answer);
        answer
    }

    /// Hands a write to somebody else, whose answer says nothing of the platform.
    pub(super) async fn hand_over<T>(
        &self,
        call: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        self.engine.writing(self.call(call)).await
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, ConnectorError>>) -> Result<T, ConnectorError> {
        match tokio::time::timeout_at(self.deadline, call).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(ConnectorError::out_of_time()),
        }
    }

    /// The trace that led here, or one of them.
    pub(super) fn trace(&self) -> TraceParent {
        self.traces.values().next().copied().unwrap_or_else(TraceParent::generate)
    }

    /// Announces links under the trace that led here.
    pub(super) async fn announce(&self, pushes: &[RecordPush]) -> Result<(), DispatchError> {
        self.engine.announce(self.priority, pushes, self.trace()).await
    }
}
