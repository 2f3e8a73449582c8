//! What is asked of a system in use: in each round an event, a delivery and one thing by turns, each with what alone is an answer to it.

use anyhow::Context as _;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::session::{Session, Tenant};

/// Something that is asked of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// To show something, by the API.
    Read,
    /// To show a page of the dashboard, to somebody who has logged in.
    Look,
    /// To begin a run.
    Begin,
    /// To take the settings as they are.
    PutBack,
}

/// One after the other, `{id}` being the integration and `{run}` its first run. None asks the platform anything, so that none depends on
/// how much it may be asked.
const TURNS: [(Act, &str); 24] = [
    (Act::Read, "/api/v1/integrations"),
    (Act::Read, "/api/v1/integrations/configured"),
    (Act::Read, "/api/v1/integrations/{id}"),
    (Act::Read, "/api/v1/integrations/{id}/mappings"),
    (Act::Read, "/api/v1/integrations/{id}/logs"),
    (Act::Read, "/api/v1/integrations/{id}/webhook-logs"),
    (Act::Read, "/api/v1/integrations/{id}/failures"),
    (Act::Read, "/api/v1/integrations/{id}/stats"),
    (Act::Begin, "/api/v1/integrations/{id}/sync"),
    (Act::Read, "/api/v1/integrations/{id}/runs"),
    (Act::Read, "/api/v1/integrations/{id}/runs/{run}"),
    (Act::Read, "/api/v1/incidents"),
    (Act::Read, "/api/v1/conflicts"),
    (Act::Read, "/api/v1/records"),
    (Act::PutBack, "/api/v1/settings"),
    (Act::Look, "/dashboard/integrations"),
    (Act::Look, "/dashboard/integrations/{id}"),
    (Act::Look, "/dashboard/integrations/{id}/logs"),
    (Act::Look, "/dashboard/integrations/{id}/failures"),
    (Act::Look, "/dashboard/integrations/{id}/data"),
    (Act::Look, "/dashboard/integrations/{id}/webhooks"),
    (Act::Look, "/dashboard/integrations/{id}/settings"),
    (Act::Look, "/dashboard/activity"),
    (Act::Look, "/dashboard/settings"),
];

/// One request.
#[derive(Debug)]
pub(super) enum Errand {
    /// An event.
    Tell(Value),
    /// A delivery of this number.
    Deliver(u64),
    /// Something of the gateway, at this path.
    Turn(Act, String),
}

impl Errand {
    /// Whether that is the answer to it.
    pub(super) fn is_answered_by(&self, status: StatusCode) -> bool {
        match self {
            Self::Tell(_) | Self::Deliver(_) => status == StatusCode::ACCEPTED,
            Self::Turn(Act::Read | Act::Look | Act::PutBack, _) => status == StatusCode::OK,
            // While one is under way, there is no other. How they end is looked at afterwards.
            Self::Turn(Act::Begin, _) => [StatusCode::ACCEPTED, StatusCode::CONFLICT].contains(&status),
        }
    }
}

/// What is asked by turns of this tenant's integration, which has a run from now on.
pub(super) async fn turns(session: &Session, tenant: &Tenant) -> anyhow::Result<Vec<(Act, String)>> {
    let path = |of: &str| of.replace("{id}", &tenant.integration);
    // Where the clock has begun one already, that will do.
    session.call(Method::POST, &path("/api/v1/integrations/{id}/sync"), &tenant.admin_token, None).await?;
    let list = path("/api/v1/integrations/{id}/runs");
    let (status, runs) = session.call(Method::GET, &list, &tenant.admin_token, None).await?;
    let run = runs.pointer("/data/0/id").and_then(Value::as_str);
    let run = run.with_context(|| format!("GET {list} was answered {status}, without a run: {runs}"))?;
    Ok(TURNS.into_iter().map(|(act, of)| (act, path(of).replace("{run}", run))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_was_asked_for_and_nothing_else() {
        let turn = |act| Errand::Turn(act, String::new());
        for (errand, good) in [
            (Errand::Tell(Value::Null), [202, 202]),
            (Errand::Deliver(1), [202, 202]),
            (turn(Act::Read), [200, 200]),
            (turn(Act::Look), [200, 200]),
            (turn(Act::PutBack), [200, 200]),
            (turn(Act::Begin), [202, 409]),
        ] {
            for status in [200, 202, 204, 303, 400, 401, 404, 409, 412, 422, 500] {
                let answer = StatusCode::from_u16(status).unwrap();
                assert_eq!(errand.is_answered_by(answer), good.contains(&status), "{errand:?}: {status}");
            }
        }
    }
}
