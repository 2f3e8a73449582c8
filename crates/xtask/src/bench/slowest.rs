//! Where the time of the slowest events went, by what the stand-in was asked and by the ids of their records. Sending them is `flow`'s.

use std::cmp::Reverse;

use anyhow::Context as _;
use serde::Deserialize;

use super::flow::Sample;
use super::parts::Figures;
use crate::session::{Service, Session};

/// So many are told of.
const TOLD: usize = 5;
/// The digits of an id, of which the first ten say when it was made.
const DIGITS: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// What a platform was asked.
#[derive(Deserialize)]
struct Request {
    /// Milliseconds since 1970.
    at: i64,
}

/// Tells of the slowest of some events when each was sent and, from its 202 on, when its record was merged, when its platform was
/// asked for the person, and when it was asked to create the contact.
///
/// # Errors
/// Fails when the sandbox does not say what it was asked.
pub(super) async fn tell(
    figures: &mut Figures,
    session: &Session,
    portal: &str,
    (name, samples): (&str, &[Sample]),
) -> anyhow::Result<()> {
    let asked = session.client().get(format!("{}/_sandbox/requests", session.url(Service::Sandbox)));
    let response = asked.query(&[("platform", "hubspot"), ("account", portal)]).send().await?.error_for_status()?;
    let requests: Vec<Request> = response.json().await.context("the sandbox does not say what it was asked")?;
    let Some(first) = samples.first() else { return Ok(()) };
    for sample in slowest(samples) {
        let seconds = (sample.accepted_at - first.accepted_at).as_seconds_f64();
        let from = |at: Option<i64>| {
            at.map_or_else(|| "?".to_owned(), |at| at.saturating_sub(sample.accepted_at.timestamp_millis()).to_string())
        };
        let merged = sample.created.record.as_deref().and_then(made_at);
        let moments = merged.unwrap_or(sample.accepted_at.timestamp_millis())..=sample.created.at.timestamp_millis();
        let mut asked = requests.iter().map(|request| request.at).filter(|at| moments.contains(at));
        let (looked, wrote) = (asked.next(), asked.next_back());
        let stations = format!("merged {}, looked {}, wrote {}", from(merged), from(looked), from(wrote));
        figures.add(format!("{name}, at {seconds:.1} s: {stations}"), sample.took().as_secs_f64() * 1_000.0, "ms");
    }
    Ok(())
}

/// Those that are told of, the slowest first.
pub(super) fn slowest(samples: &[Sample]) -> Vec<&Sample> {
    let mut slowest: Vec<&Sample> = samples.iter().collect();
    slowest.sort_by_key(|sample| Reverse(sample.took()));
    slowest.truncate(TOLD);
    slowest
}

/// When an id was made, in milliseconds since 1970.
fn made_at(id: &str) -> Option<i64> {
    let (_, digits) = id.split_once('_')?;
    digits.bytes().take(10).try_fold(0, |made_at: i64, byte| {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        made_at.checked_mul(32)?.checked_add(i64::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the `TypeID` specification.
    #[test]
    fn an_id_says_when_it_was_made() {
        // 01890a5d-ac96-774b-bcce-b302099a8057
        assert_eq!(made_at("prefix_01h455vb4pex5vsknk084sn02q"), Some(0x0189_0a5d_ac96));
        assert_eq!(made_at("rec_00000000010000000000000000"), Some(1));
        assert_eq!((made_at("rec"), made_at("rec_u")), (None, None));
    }
}
