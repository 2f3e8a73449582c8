//! Shopify, as its GraphQL interface answers in the version 2026-10: `https://acme.myshopify.com` is `/shopify/acme` here, its
//! consent page and its tokens' endpoint among it.

mod change;
mod compliance;
mod cost;
mod document;
mod errors;
mod gate;
mod grants;
mod hooks;
mod ledger;
mod oauth;
mod query;
mod run;
mod shop;
mod show;

use std::sync::Arc;

use actix_web::{
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};
use shop::Trader;

use crate::{
    accounts::Accounts,
    desk::Desk,
    people::Words,
    stand_in::{Account, StandIn},
    tools::Tools,
};

const SLUG: &str = "shopify";

/// The one version of the interface that is spoken here.
const VERSION: &str = "2026-10";

/// Our app, as every shop knows it.
const CLIENT: (&str, &str) = (crate::oauth::CLIENT_ID, crate::oauth::CLIENT_SECRET);

/// One shop.
pub(crate) type Shop = Desk<Trader>;

/// All shops, and who was let in.
#[derive(Debug)]
pub(crate) struct Shopify {
    shops: Accounts<Shop>,
    grants: grants::Grants,
    tools: Arc<Tools>,
}

impl Shopify {
    pub(crate) fn open(tools: &Arc<Tools>) -> Arc<Self> {
        Arc::new(Self { shops: Accounts::default(), grants: grants::Grants::default(), tools: Arc::clone(tools) })
    }

    /// The shop of that name; `None` where none can have it.
    fn shop(&self, name: &str) -> Option<Arc<Shop>> {
        let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=60).contains(&name.len()) && name.bytes().all(is_sign) && !name.starts_with('-');
        is_name.then(|| self.shops.get_or_make(name, || Desk::new(name, &self.tools)))
    }
}

impl StandIn for Shopify {
    fn slug(&self) -> &'static str {
        SLUG
    }

    fn name(&self) -> &'static str {
        "Shopify"
    }

    fn mount(self: Arc<Self>, config: &mut ServiceConfig) {
        let refuse = |error: actix_web::error::JsonPayloadError, _: &actix_web::HttpRequest| {
            errors::HttpError::new(400, &error.to_string()).into()
        };
        config
            .app_data(Data::from(self))
            .app_data(web::JsonConfig::default().content_type_required(false).error_handler(refuse))
            .configure(oauth::configure)
            .service(
                web::scope("/{shop}/admin/api/{version}")
                    .wrap(from_fn(gate::pass))
                    .route("/graphql.json", web::post().to(run::answer))
                    .default_service(web::to(errors::nothing)),
            );
    }

    fn accounts(&self) -> Vec<Arc<dyn Account>> {
        self.shops.all().into_iter().map(|shop| -> Arc<dyn Account> { shop }).collect()
    }

    fn account(&self, id: &str) -> Option<Arc<dyn Account>> {
        let shop: Arc<dyn Account> = self.shop(id)?;
        Some(shop)
    }

    fn clear(&self) {
        self.shops.clear();
        self.grants.clear();
    }

    fn own_switches(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (shop::RESTORE, "Points / s"),
            (shop::BUCKET, "Points du seau"),
            (shop::NO_CUSTOMER_DATA, "sans accès aux données clients"),
            (shop::FOREIGN_CALLBACK, "retour mal signé"),
            (shop::ORDERS_FROM, "Première commande visible"),
        ]
    }

    fn words(&self) -> Words {
        Words { kinds: &[shop::CUSTOMERS], emails: &["/email"], phones: &["/phone"], keys: &[] }
    }
}
