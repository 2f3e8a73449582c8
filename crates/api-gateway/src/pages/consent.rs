//! The way to a platform's own page, on which a tenant consents. Coming back is `oauth`'s; how it ended is `consented`'s.

use accounts::AccountError;
use actix_web::http::{StatusCode, header::REFRESH};
use actix_web::{HttpResponse, post, web};
use askama::Template;
use domain::id::IntegrationId;
use domain::platform::PlatformSlug;
use persistence::Scope;
use runtime::http::Problem;
use url::Url;

use super::frame::{Frame, Section, Visit};
use super::text::{consent as m, frame as frame_words};
use super::{connect, fields::Fields, form};
use crate::body::{self, Id};
use crate::change::Change;
use crate::integrations;
use crate::oauth::{self, Asking};
use crate::state::Gateway;

#[derive(Template)]
#[template(path = "consent.html")]
struct Page {
    frame: Frame,
    platform: &'static str,
    target: Url,
    back: String,
}

/// Whether accounts of a platform can be connected by a consent here: it gives grants, and knows our app.
pub(super) fn is_offered(gateway: &Gateway, platform: &PlatformSlug) -> bool {
    !matches!(
        gateway.accounts.doorway(platform, None),
        Err(AccountError::NoApp(_) | AccountError::NoGrants(_) | AccountError::UnknownPlatform(_))
    )
}

/// Makes an integration that waits for a consent, and leads to the platform's page.
#[post("/integrations/new/consent")]
pub(super) async fn begin_new(
    change: Change,
    visit: Visit,
    gateway: web::Data<Gateway>,
    asking: Asking,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    match begun(&change, &gateway, &asking, &fields).await {
        Ok((id, sent)) => led(visit, &gateway, id, sent).await,
        Err(problem) if form::is_about_form(&problem) => {
            connect::refused(&visit.at(connect::address_of(&fields)), &gateway, fields, &problem).await
        }
        Err(problem) => Err(problem),
    }
}

/// Leads to the platform's page once more, for an integration whose grant is no more or was never given.
#[post("/integrations/{id}/consent")]
pub(super) async fn begin_again(
    change: Change,
    visit: Visit,
    id: Id<IntegrationId>,
    gateway: web::Data<Gateway>,
    asking: Asking,
) -> Result<HttpResponse, Problem> {
    let sent = oauth::begun(&gateway, &change, &asking, (id.0, None)).await?;
    led(visit, &gateway, id.0, sent).await
}

async fn begun(
    change: &Change,
    gateway: &Gateway,
    asking: &Asking,
    fields: &Fields,
) -> Result<(IntegrationId, oauth::Sent), Problem> {
    let wish = body::parse(&connect::wish(fields, false))?;
    let view = integrations::connected(gateway, change, wish).await?;
    Ok((view.id, oauth::begun(gateway, change, asking, (view.id, None)).await?))
}

/// A page of our own that goes on by itself: a form may lead to no other site, and need not.
async fn led(visit: Visit, gateway: &Gateway, id: IntegrationId, sent: oauth::Sent) -> Result<HttpResponse, Problem> {
    let back = format!("/dashboard/integrations/{id}");
    let visit = visit.at(back.clone());
    let mut tx = gateway.database.begin(Scope::Tenant(visit.tenant_id)).await?;
    let integration = integrations::find(&mut tx, visit.tenant_id, id).await?;
    let platform = integrations::name_of(&integration.platform);
    let frame = visit.frame(&mut tx, Section::Integrations, visit.reader.fill(m::TITLE, platform)).await?;
    tx.commit().await?;
    let page = Page { platform, target: sent.page, back, frame };
    let mut answer = page.frame.answer(StatusCode::OK, &page)?;
    answer.add_cookie(&sent.cookie).map_err(|_too_odd| Problem::internal())?;
    let on = format!("0;url={}", page.target).parse().map_err(|_too_odd| Problem::internal())?;
    answer.headers_mut().insert(REFRESH, on);
    Ok(answer)
}
