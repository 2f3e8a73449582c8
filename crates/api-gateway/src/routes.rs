//! Every route of the API, in one list. Path, method, permission and form of each are said at its handler.

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::{audit, events, integrations as i, records, runs, unknown};

/// The API, version 1.
pub(crate) fn api(routes: &mut ServiceConfig<'_>) {
    routes.service(
        scope("/api/v1")
            .service(events::accept_events)
            .service(i::list_catalogue)
            .service(i::create_integration)
            .service(i::list_configured)
            .service(i::show_integration)
            .service(i::edit_integration)
            .service(i::remove_integration)
            .service(i::enable_integration)
            .service(i::disable_integration)
            .service(i::test_integration)
            .service(i::list_logs)
            .service(i::list_failures)
            .service(i::replay_failures)
            .service(runs::start_run)
            .service(runs::list_runs)
            .service(runs::show_run)
            .service(runs::cancel_run)
            .service(runs::confirm_run)
            .service(audit::list_changes)
            .service(records::list_records)
            .service(records::show_record)
            .default_service(actix_web::web::to(unknown::refuse)),
    );
}
