//! The settings of a tenant as they are shown.

use actix_web::HttpResponse;
use actix_web::http::header::ETAG;
use domain::identity::Region;
use domain::policy::ConflictPolicy;
use domain::redaction::Redaction;
use domain::settings::{AlertWebhook, Language, TimeZone};
use persistence::settings::Settings;
use serde::Serialize;
use utoipa::ToSchema;

use crate::version::etag;

/// What a tenant has set; the defaults where it has set nothing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Settings)]
pub(crate) struct View {
    /// The language of mails and pages.
    pub(crate) language: Language,
    /// The time zone in which days begin.
    pub(crate) time_zone: TimeZone,
    /// The country of telephone numbers without a country code, by its ISO 3166-1 alpha-2 code.
    #[schema(value_type = String, example = "BE")]
    pub(crate) region: Region,
    /// Who is told of trouble.
    pub(crate) alert_emails: Vec<String>,
    /// What is told of trouble.
    pub(crate) alert_webhooks: Vec<AlertWebhook>,
    /// For how many days logs are kept; `null`: as long as they are kept at all.
    pub(crate) retention_days: Option<u16>,
    /// What is taken out of bodies before they are logged.
    pub(crate) redaction: Redaction,
    /// Which system is believed where two disagree.
    pub(crate) conflict_policy: ConflictPolicy,
    /// Counts the changes; also the `ETag`.
    pub(crate) version: i64,
}

impl View {
    pub(super) fn of(settings: Settings, (conflict_policy, region): (ConflictPolicy, Region)) -> Self {
        Self {
            language: settings.language,
            time_zone: settings.time_zone,
            region,
            alert_emails: settings.alert_emails,
            alert_webhooks: settings.alert_webhooks,
            retention_days: settings.retention_days,
            redaction: settings.redaction,
            conflict_policy,
            version: settings.version,
        }
    }

    pub(super) fn into_response(self) -> HttpResponse {
        HttpResponse::Ok().insert_header((ETAG, etag(self.version))).json(self)
    }
}
