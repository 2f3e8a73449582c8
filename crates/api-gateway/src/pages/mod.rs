//! The dashboard: pages for people, in their language, over the same functions that the API answers with. A page is one file
//! here, one template, and one line in [`dashboard`].

mod activity;
mod alarms;
mod asset;
mod catalogue;
mod changes;
mod charts;
mod connect;
mod consent;
mod consented;
mod failing;
mod failure;
mod fields;
mod form;
mod frame;
mod gate;
mod integration;
mod login;
mod mark;
mod policies;
mod preferences;
mod reader;
mod rights;
mod said;
mod settings;
mod statistics;
mod status;
mod text;
mod tokens;
mod typeset;

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use runtime::http::Problem;

#[cfg(fuzzing)]
pub(crate) use frame::ways_back;
#[cfg(fuzzing)]
pub(crate) use integration::are_rows;
#[cfg(fuzzing)]
pub(crate) use reader::{is_language, moments};

/// Everything below `/dashboard`.
pub(crate) fn dashboard(routes: &mut ServiceConfig) {
    routes
        // Neither asks who somebody is: they tell nothing that is not public.
        .service(web::scope("/dashboard/assets").configure(asset::files))
        .service(asset::worker)
        .service(
            web::scope("/dashboard")
                .wrap(from_fn(gate::pass))
                .service(login::show_login)
                .service(login::log_in)
                .service(login::log_out)
                .service(preferences::prefer)
                .service(failure::show_offline)
                .service(catalogue::show_integrations)
                .service(activity::show_activity)
                .service(settings::show_settings)
                .service(settings::save)
                .service(settings::try_alerts)
                .service(tokens::make)
                .service(tokens::lead_back)
                .service(tokens::revoke)
                .service(connect::show_form)
                .service(connect::connect)
                .service(consent::begin_new)
                .service(consent::begin_again)
                .configure(integration::routes)
                .service(web::resource("").get(lead_home))
                .service(web::resource("/").get(lead_home))
                .default_service(web::to(|| async { Err::<&str, _>(Problem::not_found()) })),
        );
}

async fn lead_home() -> web::Redirect {
    web::Redirect::to("/dashboard/integrations").see_other()
}
