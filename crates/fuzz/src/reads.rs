//! What platforms, and n8n, answer to our own calls. Whatever a connector asks, it is answered by the same, and makes of it what its contract
//! says or an error, in as many calls as that takes and no more.

mod grants;
mod objects;
mod proxies;
mod workflows;

use std::sync::LazyLock;
use std::time::Duration;

use connectors::connector::Connector;
use connectors::error::ConnectorError;
use connectors::http::{Client, Given, Reach, Script};
use connectors::registry;
use domain::kind::RecordKind;
use tokio::runtime::{Builder, Runtime};

use crate::letter::Letter;

/// What stands between two answers.
const BETWEEN: &[u8] = b"\n~~~\n";

/// Nobody is asked to wait for longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("a runtime can be set up")
});

static HTTP: LazyLock<Client> =
    LazyLock::new(|| Client::new(Duration::from_secs(60), Reach::Anywhere).expect("a client can be set up"));

/// Whom something is asked, of what, and what is answered one after the other.
struct Asked {
    connector: &'static dyn Connector,
    kind: RecordKind,
    answers: Vec<Given>,
}

/// The platform and the kind on the first line; below it the answers.
pub(crate) fn run(data: &[u8]) {
    let Some(asked) = read(data) else { return };
    RUNTIME.block_on(async {
        objects::ask(&asked).await;
        grants::ask(&asked).await;
        proxies::ask(&asked).await;
        workflows::ask(&asked).await;
    });
}

fn read(data: &[u8]) -> Option<Asked> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let (platform, kind) = std::str::from_utf8(data.get(..end)?).ok()?.split_once(' ')?;
    let platform = registry::all().iter().find(|known| known.connector().descriptor().slug == platform)?;
    let answers = parts(data.get(end + 1..)?).into_iter().filter_map(given).collect();
    Some(Asked { connector: platform.connector(), kind: kind.parse().ok()?, answers })
}

fn parts(data: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (Vec::new(), data);
    while let Some(at) = rest.windows(BETWEEN.len()).position(|bytes| bytes == BETWEEN) {
        parts.extend(rest.get(..at));
        rest = rest.get(at + BETWEEN.len()..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}

fn given(data: &[u8]) -> Option<Given> {
    let Letter { first, headers, body } = Letter::read(data);
    let status: u16 = first.parse().ok()?;
    // No others come over HTTP.
    (200..600).contains(&status).then(|| Given { status, headers, body: body.to_vec() })
}

impl Asked {
    /// Who is answered from the beginning.
    fn http(&self) -> Client {
        HTTP.clone().answered_by(Script::new(&self.answers))
    }
}

/// What came of a call. An error asks nobody to wait for ever, and is none of a place that the connector itself has kept.
fn heard<T>(answer: Result<T, ConnectorError>) -> Option<T> {
    let answer = answer.inspect_err(|error| {
        assert!(error.retry_after.is_none_or(|wait| wait <= LONGEST), "{error:?}");
        assert_ne!(error.code, "foreign_cursor", "{error:?}");
    });
    answer.ok()
}
