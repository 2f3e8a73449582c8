//! Connecting an account by a grant: to the platform's page, and back. Keeping and refreshing what is granted is `accounts`'.

mod browser;
mod callback;
mod connecting;
mod outcome;
mod start;

use std::time::Duration;

use url::Url;
use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) use browser::Asking;
pub(crate) use start::{Sent, begun, site_of};

use crate::state::Gateway;

/// How long a consent may take.
const LIFE: Duration = Duration::from_mins(10);

/// Where every platform sends browsers back to, below the gateway's public address.
const CALLBACK: [&str; 5] = ["api", "v1", "integrations", "oauth", "callback"];

/// There and back.
pub(crate) fn routes(routes: &mut ServiceConfig<'_>) {
    routes.service(start::start_consent).service(callback::finish_consent);
}

/// Whether a text is of the form of what travels through a platform's page.
#[cfg(fuzzing)]
pub(crate) fn is_state(text: &str) -> bool {
    browser::State::read(text).is_some()
}

/// Where every platform sends browsers back to.
fn redirect_uri(gateway: &Gateway) -> Url {
    below(&gateway.limits.public_url, &CALLBACK)
}

fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}
