//! A dispatcher that vanishes in the middle of its work, with all that it has begun.

use runtime::config::Settings;
use sync_dispatcher::startup;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// It has threads of its own, as what it has begun would go on otherwise. It vanishes when it is dropped.
pub(crate) struct Doomed(Option<Runtime>);

impl Doomed {
    pub(crate) fn start(settings: Settings, stop: CancellationToken) -> Self {
        let runtime = Runtime::new().unwrap();
        let entered = runtime.enter();
        drop(runtime.spawn(startup::build(settings).unwrap().run_until(stop)));
        drop(entered);
        Self(Some(runtime))
    }

    /// As by `kill -9`: nothing is ended and nothing given back.
    pub(crate) fn die(self) {
        drop(self);
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
