//! Which of our fields is which of the platform's: shown, replaced, tried out. Mapping itself is `domain::mapping`'s.

mod counting;
mod descriptions;
mod draft;
mod fields;
mod given;
mod preview;
mod rehearsal;
mod replace;
mod sample;
mod show;

use domain::id::{IntegrationId, TenantId};
use domain::identity;
use domain::integration::Integration;
use domain::kind::RecordKind;
use domain::mapping::Mapping;
use persistence::{Transaction, mappings, tenants};
use runtime::http::Problem;
use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) use descriptions::{Described, Descriptions};
pub(crate) use fields::described;
pub(crate) use given::valued;
pub(crate) use preview::{Preview, previewed};
pub(crate) use rehearsal::{Draft, Line, Rehearsal, Verdict, With, rehearsed};
pub(crate) use replace::replaced;

use crate::integrations::{find, kinds_of};
use crate::refusal::Refusal;

/// Fields and mappings. What is under a word of its own comes before what is under a kind.
pub(crate) fn routes(routes: &mut ServiceConfig<'_>) {
    routes
        .service(fields::list_fields)
        .service(show::list_mappings)
        .service(replace::replace_mapping_of_kind)
        .service(replace::reset_mapping)
        .service(preview::preview_mapping)
        .service(show::show_mapping)
        .service(replace::replace_mapping);
}

/// The integration and its mapping of a kind; a kind that the platform does not hold has none.
pub(crate) async fn mapped(
    tx: &mut Transaction,
    tenant: TenantId,
    (id, kind): (IntegrationId, RecordKind),
) -> Result<(Integration, Mapping), Problem> {
    let integration = find(tx, tenant, id).await?;
    if !kinds_of(&integration).contains(&kind) {
        return Err(Refusal::NotFound.into());
    }
    let mapping = present(tx, &integration, kind).await?;
    Ok((integration, mapping))
}

/// Refuses a kind in a body that the platform does not hold.
fn held(integration: &Integration, kind: RecordKind) -> Result<(), Refusal> {
    if kinds_of(integration).contains(&kind) {
        Ok(())
    } else {
        Err(Refusal::at("kind", "is not held by this platform"))
    }
}

async fn present(tx: &mut Transaction, integration: &Integration, kind: RecordKind) -> Result<Mapping, Problem> {
    let tenant = integration.tenant_id;
    if let Some(mapping) = mappings::get(tx, tenant, integration.id, kind).await? {
        return Ok(mapping);
    }
    let region = tenants::region(tx, tenant).await?.unwrap_or(identity::HOME);
    Ok(Mapping { region, ..Mapping::default() })
}
