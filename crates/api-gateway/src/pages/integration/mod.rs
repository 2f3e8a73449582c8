//! The pages of one integration: what stands on top of each of them, and the tabs. A tab is one file here.

mod actions;
mod alerts;
mod data;
mod failures;
mod logs;
mod mapping;
mod mapping_rows;
mod overview;
mod record;
mod sentence;
mod settings;
mod trial;
mod webhooks;

use actix_web::web;
use domain::id::IntegrationId;
use persistence::Transaction;
use runtime::http::Problem;

use super::consented::Ended;
use super::failing::Failing;
use super::frame::{Frame, Section, Visit};
use super::mark::Mark;
use super::said::Said;
use super::status::Standing;
use super::text::Message;
use super::text::{frame as frame_words, integration as m, remedies};
use crate::integrations::{self, View};
use crate::state::Gateway;

#[cfg(fuzzing)]
pub(crate) use mapping_rows::are_rows;

/// The tabs, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Logs,
    Failures,
    Mapping,
    Data,
    Webhooks,
    Settings,
}

impl Tab {
    const ALL: [Self; 7] =
        [Self::Overview, Self::Logs, Self::Failures, Self::Mapping, Self::Data, Self::Webhooks, Self::Settings];

    /// Its name.
    pub(super) fn title(self) -> Message {
        match self {
            Self::Overview => m::OVERVIEW,
            Self::Logs => m::LOGS,
            Self::Failures => m::FAILURES,
            Self::Mapping => m::FIELDS,
            Self::Data => m::DATA,
            Self::Webhooks => m::WEBHOOKS,
            Self::Settings => frame_words::SETTINGS,
        }
    }

    /// Its address below that of the integration.
    fn path(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Logs => "/logs",
            Self::Failures => "/failures",
            Self::Mapping => "/fields",
            Self::Data => "/data",
            Self::Webhooks => "/webhooks",
            Self::Settings => "/settings",
        }
    }
}

/// Every route below `/dashboard/integrations/{id}`.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes
        .service(overview::show_overview)
        .service(logs::show_logs)
        .service(logs::show_log)
        .service(logs::replay)
        .service(failures::show_failures)
        .service(failures::show_group)
        .service(failures::replay)
        .service(failures::rehearse)
        .service(mapping::show_mapping)
        .service(mapping::save)
        .service(mapping::reset)
        .service(mapping::refresh)
        .service(data::show_data)
        .service(record::show_record)
        .service(record::decide)
        .service(record::erase)
        .service(webhooks::show_webhooks)
        .service(webhooks::show_delivery)
        .service(webhooks::rotate)
        .service(settings::show_settings)
        .service(settings::save)
        .service(settings::show_workflow_secret)
        .service(settings::disconnect)
        .service(settings::delete)
        .service(actions::enable)
        .service(actions::disable)
        .service(actions::test)
        .service(actions::begin)
        .service(actions::sync)
        .service(actions::cancel)
        .service(actions::confirm);
}

/// What stands on top of every page of one integration.
#[derive(Debug)]
pub(super) struct Shell {
    /// The integration.
    pub(super) view: View,
    /// The name of its platform.
    pub(super) platform: &'static str,
    /// The mark of its platform.
    pub(super) mark: Mark,
    /// How it is.
    pub(super) standing: Standing,
    /// How many failures stand.
    failing: Failing,
    /// Which tab is shown.
    pub(super) tab: Tab,
    /// What is said of what was just done.
    pub(super) said: Option<Said>,
    /// How a consent ended, where one did just now.
    pub(super) ended: Option<Ended>,
}

impl Shell {
    /// The top of a page of the tenant's integration, and the frame around it.
    pub(super) async fn of(
        visit: &Visit,
        gateway: &Gateway,
        tx: &mut Transaction,
        id: IntegrationId,
        tab: Tab,
    ) -> Result<(Self, Frame), Problem> {
        let integration = integrations::find(tx, visit.tenant_id, id).await?;
        let view = integrations::view(gateway, tx, integration).await?;
        let platform = integrations::name_of(&view.platform);
        let title = if tab == Tab::Overview {
            view.name.clone()
        } else {
            format!("{} · {}", visit.reader.say(tab.title()), view.name)
        };
        let frame = visit.frame(tx, Section::Integrations, title).await?;
        let standing = Standing::of(&view);
        let failing = Failing::of(tx, visit.tenant_id, &[id]).await?.remove(&id).unwrap_or_default();
        let shell = Self {
            platform,
            mark: Mark::of(platform),
            standing,
            failing,
            tab,
            said: visit.said,
            ended: visit.consent.clone(),
            view,
        };
        Ok((shell, frame))
    }

    /// The tabs: address, name, whether it is shown, and what stands there to be seen to.
    pub(super) fn tabs(&self) -> Vec<(String, Message, bool, Option<Failing>)> {
        let failing = |tab: Tab| (tab == Tab::Failures && self.failing.is_any()).then_some(self.failing);
        let place = |tab: Tab| (self.path(tab), tab.title(), tab == self.tab, failing(tab));
        Tab::ALL.into_iter().map(place).collect()
    }

    /// Whether an account was ever connected to it, so that there is something to lose.
    pub(super) fn has_past(&self) -> bool {
        self.view.account_id.is_some()
    }

    /// Whether it is connected by a grant, which is given on the platform's own page.
    pub(super) fn is_granted(&self) -> bool {
        let terms =
            integrations::platform_of(&self.view.platform).ok().and_then(|it| it.connector().descriptor().terms());
        self.view.credentials.hint.is_none() && terms.is_some()
    }

    /// Whether the settings have a form for a key of its platform.
    pub(super) fn takes_key(&self) -> bool {
        let keys =
            integrations::platform_of(&self.view.platform).ok().map(|it| it.connector().descriptor().key_fields());
        keys.flatten().is_some_and(|keys| !keys.is_empty())
    }

    /// Whose account it is: what the platform calls it, and its id there.
    pub(super) fn account(&self) -> Option<String> {
        let id = self.view.account_id.as_ref()?;
        Some(named(id, self.view.account_name.as_deref().unwrap_or_default()))
    }

    /// What may be shown of the key.
    pub(super) fn hint(&self) -> &str {
        self.view.credentials.hint.as_deref().unwrap_or("–")
    }

    /// What to do about a failure of this class and code here.
    pub(super) fn remedy(&self, class: &str, code: &str) -> Message {
        remedies::remedy(class, code, self.view.workflow_url.is_some())
    }

    /// The address of the overview, below which everything of the integration lies.
    pub(super) fn home(&self) -> String {
        self.path(Tab::Overview)
    }

    /// The address of a tab.
    pub(super) fn path(&self, tab: Tab) -> String {
        format!("/dashboard/integrations/{}{}", self.view.id, tab.path())
    }
}

/// An account by its name and its id; some platforms' names say the id already, and it is not said twice.
fn named(id: &str, name: &str) -> String {
    let says_id = name.split(|char: char| char.is_whitespace() || matches!(char, '(' | ')')).any(|word| word == id);
    match name {
        "" => id.to_owned(),
        _ if says_id => name.to_owned(),
        _ => format!("{name} ({id})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_shown_with_its_id_and_with_that_only_once() {
        assert_eq!(named("4242", "HubSpot 4242 (app-eu1.hubspot.com)"), "HubSpot 4242 (app-eu1.hubspot.com)");
        assert_eq!(named("acme.myshopify.com", "acme.myshopify.com"), "acme.myshopify.com");
        assert_eq!(named("acme.myshopify.com", "Garage Martin"), "Garage Martin (acme.myshopify.com)");
        assert_eq!(named("42", "HubSpot 4242"), "HubSpot 4242 (42)");
        assert_eq!(named("4242", ""), "4242");
    }
}
