//! A channel that says goodbye before its connection does. What goes over it is its holders' business.

use std::ops::Deref;

use lapin::Channel;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

const REPLY_SUCCESS: u16 = 200;

/// A channel that is closed when it is dropped; its session ends the connection only after that.
///
/// Left to itself, lapin closes a dropped channel at some later moment. Where the connection is closing by then, it takes that
/// for a broken connection, says so as an error, and breaks it off.
#[derive(Debug)]
pub(crate) struct OpenChannel {
    channel: Channel,
    goodbyes: TaskTracker,
}

impl OpenChannel {
    pub(crate) fn new(channel: Channel, goodbyes: TaskTracker) -> Self {
        Self { channel, goodbyes }
    }
}

impl Deref for OpenChannel {
    type Target = Channel;

    fn deref(&self) -> &Channel {
        &self.channel
    }
}

impl Drop for OpenChannel {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.channel.status().connected() {
            let channel = self.channel.clone();
            self.goodbyes.spawn_on(async move { close(&channel).await }, &runtime);
        }
    }
}

/// Closes a channel, as far as there is still somebody to hear it.
pub(crate) async fn close(channel: &Channel) {
    if let Err(error) = channel.close(REPLY_SUCCESS, "done".into()).await {
        tracing::debug!(%error, "a channel was gone before it could be closed");
    }
}
