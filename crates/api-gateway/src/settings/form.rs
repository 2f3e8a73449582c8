//! The form of settings, and everything that can be told of it without asking anybody.

use connectors::http;
use domain::alert::email_faults;
use domain::audit::FieldChange;
use domain::event::InputFault;
use domain::identity::{Region, read_region, region_code};
use domain::policy::ConflictPolicy;
use domain::redaction::Redaction;
use domain::settings::{AlertForm, AlertWebhook, Language, TimeZone};
use persistence::settings::Settings;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;
use utoipa::ToSchema;

use super::differs;
use crate::refusal::Refusal;

/// Webhooks that are told of trouble at most.
const WEBHOOKS: usize = 5;

/// The longest name of a webhook, in characters, and the longest address of one.
const NAME_LIMIT: usize = 50;
const URL_LIMIT: usize = 2_000;

/// Characters of a secret: enough that nobody guesses it.
const SECRET: std::ops::RangeInclusive<usize> = 16..=200;

/// Settings as they are to be: all of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSettings)]
pub(crate) struct Wish {
    /// The language of mails and pages.
    language: Language,
    /// The time zone in which days begin.
    time_zone: TimeZone,
    /// The country of telephone numbers without a country code, by its ISO 3166-1 alpha-2 code.
    #[serde(deserialize_with = "read_region")]
    #[schema(value_type = String, example = "BE")]
    pub(super) region: Region,
    /// Who is told of trouble.
    #[schema(max_items = 10, example = json!(["astreinte@cabinet.example"]))]
    alert_emails: Vec<String>,
    /// What is told of trouble.
    #[schema(max_items = 5)]
    pub(super) alert_webhooks: Vec<WebhookWish>,
    /// For how many days logs are kept; `null`: as long as they are kept at all, which is the most as well.
    #[schema(minimum = 1)]
    retention_days: Option<u16>,
    /// What is taken out of bodies before they are logged.
    redaction: Redaction,
    /// Which system is believed where two disagree.
    conflict_policy: ConflictPolicy,
}

/// A webhook that is to be told of trouble.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAlertWebhook)]
pub(crate) struct WebhookWish {
    /// What it is called; no two have the same name.
    #[schema(min_length = 1, max_length = 50, example = "Astreinte")]
    pub(super) name: String,
    /// In which form it is told.
    pub(super) form: AlertForm,
    /// Its https address, of which only the host comes back. Left out: the one that is kept under this name.
    #[schema(value_type = Option<String>, format = Password, write_only, example = "https://hooks.slack.com/services/…")]
    pub(super) url: Option<SecretString>,
    /// What `signed` ones are signed with: 16 to 200 characters. Left out: the one that is kept under this name.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    pub(super) secret: Option<SecretString>,
}

/// The host of an address that can be told of trouble.
pub(super) fn host_of(url: &SecretString) -> Option<String> {
    let text = url.expose_secret();
    let url = Url::parse(text).ok().filter(|url| text.len() <= URL_LIMIT && http::may_be_called(url))?;
    url.host_str().map(str::to_owned)
}

impl Wish {
    /// Everything that is wrong, all at once; logs are kept `retention_days` at most.
    pub(super) fn check(&self, retention_days: u32) -> Result<(), Refusal> {
        let mut faults = self.redaction.faults("redaction");
        faults.extend(email_faults("alert_emails", &self.alert_emails));
        faults.extend(self.conflict_policy.check("conflict_policy").err().into_iter().flatten());
        let mut fault = |path: String, message: String| faults.push(InputFault { path, message });
        if self.retention_days.is_some_and(|days| days == 0 || u32::from(days) > retention_days) {
            fault("retention_days".to_owned(), format!("must lie between 1 and {retention_days}, or be null"));
        }
        if self.alert_webhooks.len() > WEBHOOKS {
            fault("alert_webhooks".to_owned(), format!("must be {WEBHOOKS} at most"));
        }
        for (index, webhook) in self.alert_webhooks.iter().enumerate().take(WEBHOOKS) {
            let is_told = self.alert_webhooks.iter().take(index).any(|other| other.name == webhook.name);
            for (field, message) in webhook.faults(is_told) {
                fault(format!("alert_webhooks[{index}].{field}"), message.to_owned());
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Faulty(faults)) }
    }

    /// What changes, the policy, and the settings as they are to be, still of the version that they replace.
    pub(super) fn applied(
        self,
        before: &Settings,
        (policy, region): (&ConflictPolicy, Region),
        (alert_webhooks, sealed): (Vec<AlertWebhook>, Option<String>),
    ) -> (Vec<FieldChange>, ConflictPolicy, Settings) {
        let after = Settings {
            version: before.version,
            language: self.language,
            time_zone: self.time_zone,
            alert_emails: self.alert_emails,
            alert_webhooks,
            sealed,
            retention_days: self.retention_days,
            redaction: self.redaction,
        };
        let word = |language| if language == Language::Fr { "fr" } else { "en" };
        let has_new_secret =
            self.alert_webhooks.iter().any(|webhook| webhook.url.is_some() || webhook.secret.is_some());
        let told = [
            FieldChange::told("language", word(before.language), word(after.language)),
            FieldChange::told("time_zone", before.time_zone.name(), after.time_zone.name()),
            FieldChange::told("region", region_code(&region), region_code(&self.region)),
            differs("alert_emails", &before.alert_emails, &after.alert_emails),
            differs("alert_webhooks", &before.alert_webhooks, &after.alert_webhooks)
                .or_else(|| has_new_secret.then(|| FieldChange::named("alert_webhooks"))),
            FieldChange::told("retention_days", before.retention_days, after.retention_days),
            differs("redaction", &before.redaction, &after.redaction),
            differs("conflict_policy", policy, &self.conflict_policy),
        ];
        (told.into_iter().flatten().collect(), self.conflict_policy, after)
    }
}

impl WebhookWish {
    fn faults(&self, is_told: bool) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        let is_name = (1..=NAME_LIMIT).contains(&self.name.chars().count()) && !self.name.chars().any(char::is_control);
        if !is_name {
            faults.push(("name", "must be 1 to 50 characters, none of them a control character"));
        } else if is_told {
            faults.push(("name", "is the name of another one"));
        }
        if self.url.as_ref().is_some_and(|url| host_of(url).is_none()) {
            faults.push(("url", "must be a public https address without a user"));
        }
        let secret = self.secret.as_ref().map(ExposeSecret::expose_secret);
        match (self.form, secret) {
            (AlertForm::Slack, Some(_)) => faults.push(("secret", "is not used by this form")),
            (AlertForm::Signed, Some(secret)) if !SECRET.contains(&secret.chars().count()) => {
                faults.push(("secret", "must be 16 to 200 characters"));
            }
            (AlertForm::Signed, Some(_) | None) | (AlertForm::Slack, None) => {}
        }
        faults
    }
}
