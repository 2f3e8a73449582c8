//! How a consent on a platform's page ended, as the page that follows tells it. The codes are those of the callback.

use domain::id::IntegrationId;
use domain::kind::RecordKind;

use super::catalogue::kinds;
use super::fields::Fields;
use super::reader::Reader;
use super::rights::Right;
use super::text::Message;
use super::text::consent as m;

/// The longest words of a platform that are shown.
const REASON: usize = 200;

/// How it ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    title: Message,
    help: Message,
    /// How it is meant, as the style names it.
    pub(super) tone: &'static str,
    /// What the platform says of it, in its own words.
    pub(super) reason: Option<String>,
    /// What should have been granted and was not.
    pub(super) missing: Vec<Right>,
    /// The integration that has the account already.
    pub(super) other: Option<IntegrationId>,
    /// What has no field for our id in an account that was just connected, by a key as well.
    pub(super) unkeyed: Vec<Message>,
}

/// Every way in which a consent can fail: its code, what happened, what to do.
const FAILURES: [(&str, Message, Message); 13] = [
    ("consent_denied", m::DENIED, m::DENIED_HELP),
    ("scopes_missing", m::LACKING, m::LACKING_HELP),
    ("state_expired", m::EXPIRED, m::EXPIRED_HELP),
    ("state_spent", m::SPENT, m::SPENT_HELP),
    ("state_unknown", m::UNKNOWN, m::EXPIRED_HELP),
    ("other_browser", m::OTHER_BROWSER, m::OTHER_BROWSER_HELP),
    ("other_user", m::OTHER_USER, m::OTHER_USER_HELP),
    ("callback_forged", m::FORGED, m::FORGED_HELP),
    ("account_taken", m::TAKEN, m::TAKEN_HELP),
    ("other_account", m::OTHER_ACCOUNT, m::OTHER_ACCOUNT_HELP),
    ("platform_refused", m::REFUSED, m::REFUSED_HELP),
    ("platform_unavailable", m::AWAY, m::AWAY_HELP),
    ("unavailable", m::OURS, m::AWAY_HELP),
];

impl Ended {
    /// What the query of an address says of it; anybody can write one, so nothing in it is more than words.
    pub(super) fn of_query(query: &str) -> Option<Self> {
        let fields = Fields::read(query.as_bytes());
        let ended = |title, help, tone| Self {
            title,
            help,
            tone,
            reason: None,
            missing: Vec::new(),
            other: None,
            unkeyed: Vec::new(),
        };
        let named: Vec<&str> = fields.get("unkeyed").split(' ').collect();
        let unkeyed = RecordKind::ALL.into_iter().filter(|kind| named.contains(&kind.as_str()));
        let unkeyed: Vec<_> = unkeyed.map(kinds).collect();
        if !unkeyed.is_empty() {
            return Some(Self { unkeyed, ..ended(m::CONNECTED, m::UNKEYED_HELP, "warn") });
        }
        if fields.get("connected") == "1" {
            return Some(ended(m::CONNECTED, m::CONNECTED_HELP, "good"));
        }
        let code = fields.given("oauth_error")?;
        let (_, title, help) = FAILURES.into_iter().find(|(known, ..)| *known == code)?;
        let words = fields.given("reason").or_else(|| fields.given("account"));
        let scopes = fields.get("missing").split(' ').filter(|scope| is_scope(scope)).map(Right::named);
        Some(Self {
            reason: words.map(|words| words.chars().filter(|c| !c.is_control()).take(REASON).collect()),
            missing: scopes.collect(),
            other: fields.given("other").and_then(|id| id.parse().ok()),
            ..ended(title, help, "warn")
        })
    }

    /// What happened.
    pub(super) fn title(&self, reader: &Reader) -> String {
        reader.say(self.title)
    }

    /// What it means, and what to do.
    pub(super) fn help(&self, reader: &Reader) -> String {
        reader.say(self.help)
    }
}

/// What is added to the query of an address, for [`Ended::of_query`] to read there: nothing where every kind has a field for our id.
pub(super) fn unkeyed(kinds: &[RecordKind]) -> String {
    let names: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
    if names.is_empty() { String::new() } else { format!("&unkeyed={}", names.join("+")) }
}

fn is_scope(text: &str) -> bool {
    (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_codes_of_the_callback_mean_something() {
        assert!(Ended::of_query("").is_none() && Ended::of_query("oauth_error=%3Cb%3E").is_none());
        assert_eq!(Ended::of_query("connected=1").unwrap().tone, "good");
        let lacking = Ended::of_query("oauth_error=scopes_missing&missing=crm.deals.read+%3Cb%3E").unwrap();
        assert_eq!(lacking.missing, [Right { scope: "crm.deals.read".to_owned(), purpose: None }]);
        let known = Ended::of_query("oauth_error=scopes_missing&missing=crm.objects.deals.read").unwrap();
        assert!(known.missing[0].purpose.is_some(), "{known:?}");
        let unkeyed = Ended::of_query("connected=1&unkeyed=deal+%3Cb%3E+activity").unwrap();
        assert_eq!((unkeyed.unkeyed.len(), unkeyed.tone), (2, "warn"));
        let written = super::unkeyed(&[RecordKind::Deal, RecordKind::Activity]);
        assert_eq!(Ended::of_query(&format!("said=saved{written}")).unwrap().unkeyed.len(), 2);
        assert_eq!(super::unkeyed(&[]), "");
        let refused = Ended::of_query(&format!("oauth_error=platform_refused&reason={}", "x".repeat(9_000))).unwrap();
        assert_eq!(refused.reason.unwrap().len(), REASON);
    }
}
