//! Every route of the API, in one list. Path, method, permission and form of each are said at its handler.

use actix_cors::Cors;
use actix_web::middleware::{Condition, from_fn};
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{
    audit, conflicts, door, events, idempotency, incidents, integrations as i, mappings, oauth, records, runs,
};
use crate::{sessions, settings, stats, stream, suppressions, tokens, unknown, workflows};

/// The API, version 1.
pub(crate) fn api(routes: &mut ServiceConfig<'_>, cors: Condition<Cors>) {
    routes.service(
        scope("/api/v1")
            .wrap(from_fn(unknown::narrow))
            .wrap(from_fn(idempotency::once))
            .wrap(from_fn(door::enter))
            .wrap(cors)
            .service(events::accept_events)
            .service(i::list_catalogue)
            .service(i::create_integration)
            .service(i::list_configured)
            .configure(oauth::routes)
            .configure(mappings::routes)
            .service(i::show_integration)
            .service(i::edit_integration)
            .service(i::remove_integration)
            .service(i::disconnect_integration)
            .service(i::enable_integration)
            .service(i::disable_integration)
            .service(i::test_integration)
            .service(i::list_logs)
            .service(i::show_log)
            .service(i::list_deliveries)
            .service(i::show_delivery)
            .service(i::list_failures)
            .service(i::replay_failures)
            .service(i::show_webhook)
            .service(i::rotate_webhook_secret)
            .service(i::tell_workflow_secret)
            .service(i::show_failures)
            .service(stats::show_integration_stats)
            .configure(runs::routes)
            .service(stream::stream_news)
            .service(stats::show_stats)
            .service(incidents::list_incidents)
            .service(settings::show_settings)
            .service(settings::replace_settings)
            .service(settings::try_alerts)
            .service(workflows::report_sync)
            .service(workflows::call_platform)
            .service(audit::list_changes)
            .service(sessions::begin_session)
            .service(sessions::show_session)
            .service(sessions::end_session)
            .service(records::list_records)
            .service(records::show_record)
            .service(records::show_history)
            .service(records::erase_person)
            .service(records::list_erasures)
            .service(records::show_erasure)
            .service(conflicts::list_conflicts)
            .service(conflicts::decide_conflict)
            .service(suppressions::list_suppressions)
            .service(suppressions::lift_suppression)
            .configure(tokens::routes)
            .default_service(actix_web::web::to(unknown::refuse)),
    );
}
