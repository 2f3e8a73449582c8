//! Which path of a shop is answered by what.

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use super::{errors::WooError, gate, objects, subscriptions};

/// Mounts everything that shops answer below the scope it is given.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .app_data(web::PathConfig::default().error_handler(|_, _| WooError::no_route().into()))
        .app_data(web::PayloadConfig::default().limit(4 * 1_024 * 1_024))
        .service(
            web::scope("").wrap(from_fn(gate::pass)).configure(shop).default_service(web::to(objects::refuse_path)),
        );
}

fn shop(config: &mut ServiceConfig) {
    const API: &str = "/{shop}/wp-json/wc/v3";
    config
        .route("/{shop}", web::get().to(objects::show_home))
        .route("/{shop}/", web::get().to(objects::show_home))
        .route("/{shop}/wp-json", web::get().to(objects::show_index))
        .route("/{shop}/wp-json/", web::get().to(objects::show_index))
        .service(
            web::scope(API)
                .route("/data/currencies/current", web::get().to(objects::show_currency))
                .route("/webhooks", web::get().to(subscriptions::list_hooks))
                .route("/webhooks", web::post().to(subscriptions::create_hook))
                .route("/webhooks/{id}", web::get().to(subscriptions::get_hook))
                .route("/webhooks/{id}", web::put().to(subscriptions::update_hook))
                .route("/webhooks/{id}", web::delete().to(subscriptions::delete_hook))
                .route("/{resource}", web::get().to(objects::list_objects))
                .route("/{resource}", web::post().to(objects::create_object))
                .route("/{resource}", web::method(actix_web::http::Method::OPTIONS).to(objects::describe_objects))
                .route("/{resource}/batch", web::post().to(objects::write_batch))
                .route("/{resource}/{id}", web::get().to(objects::get_object))
                .route("/{resource}/{id}", web::put().to(objects::update_object))
                .route("/{resource}/{id}", web::post().to(objects::update_object))
                .route("/{resource}/{id}", web::patch().to(objects::update_object))
                .route("/{resource}/{id}", web::delete().to(objects::delete_object))
                .default_service(web::to(objects::refuse_path)),
        );
}
