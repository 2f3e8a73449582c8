//! Work on a thread and runtime of its own, so that it runs whatever the runtime of the test, and in `Drop` too.

use std::future::Future;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// Runs `work` outside the test's runtime and waits for its result without blocking the test's other tasks.
pub(crate) async fn run<F, T>(work: impl FnOnce() -> F + Send + 'static) -> T
where
    F: Future<Output = T>,
    T: Send + 'static,
{
    let (result, arrival) = oneshot::channel();
    let worker = thread::spawn(move || drop(result.send(runtime().block_on(work()))));
    match arrival.await {
        Ok(value) => value,
        Err(_) => match worker.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => panic!("the work outside ended without a result"),
        },
    }
}

/// Runs `work` outside the test's runtime and blocks until it is done: for `Drop`, where nothing can be awaited.
///
/// A failure is of no interest there; what is left behind is swept by a later run.
pub(crate) fn clean_up<F>(work: impl FnOnce() -> F + Send + 'static)
where
    F: Future<Output = ()>,
{
    drop(thread::spawn(move || runtime().block_on(work())).join());
}

// Several threads: running migrations needs `block_in_place`.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime for the test's servers")
}
