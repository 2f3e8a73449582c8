//! Everything that stands for one person: its records, and what each is known by. Taking it away is `erase`'s.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Nullable, Text};
use diesel_async::RunQueryDsl;
use domain::id::{IntegrationId, RecordId, TenantId};
use domain::identity::{self, Identity};
use domain::kind::RecordKind;
use domain::record::Record;

use super::left_alone;
use crate::records::{joining, store};
use crate::statement::sql_query;
use crate::text::parse;
use crate::{PersistenceError, Transaction, tenants};

/// Something that a record of the person is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identifier {
    /// By Coccinelle, or by an address or a number.
    Known(RecordKind, Identity),
    /// By a platform's id of the object.
    External(IntegrationId, RecordKind, String),
}

impl Identifier {
    /// The kind of identifier, as tables name it.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::Known(_, identity) => identity.scheme.as_str(),
            Self::External(..) => "external_id",
        }
    }

    /// The text that is hashed in its place. No two identifiers have the same.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Known(kind, identity) => format!("{}:{kind}:{}", identity.scheme.as_str(), identity.value),
            Self::External(integration, kind, id) => format!("external_id:{integration}:{kind}:{id}"),
        }
    }
}

/// A person, and the deals and activities that belong to it.
#[derive(Clone, Debug)]
pub struct Person {
    /// The contact.
    pub contact: Record,
    /// The deals and activities.
    pub dependents: Vec<Record>,
    /// Records that became one of these, of which the logs still tell.
    pub(super) former: Vec<RecordId>,
    /// What they are known by. An address or number that names somebody else as well is not among it.
    pub identifiers: BTreeSet<Identifier>,
    /// The links of all of them.
    pub(super) links: Vec<String>,
    /// The accounts in which the external ids are.
    pub(super) accounts: BTreeSet<String>,
}

impl Person {
    /// The ids of the records, former ones among them.
    pub(super) fn records(&self) -> BTreeSet<RecordId> {
        let present = std::iter::once(&self.contact).chain(&self.dependents).map(|record| record.id);
        present.chain(self.former.iter().copied()).collect()
    }

    /// The values of all identifiers of a scheme.
    pub(super) fn values(&self, scheme: &str) -> Vec<&str> {
        let of_scheme = self.identifiers.iter().filter(|identifier| identifier.scheme() == scheme);
        of_scheme
            .map(|identifier| match identifier {
                Identifier::Known(_, identity) => identity.value.as_str(),
                Identifier::External(_, _, id) => id.as_str(),
            })
            .collect()
    }

    /// Addresses and numbers in lower case, as they are shown and in their normal forms.
    pub(super) fn written(&self) -> Vec<String> {
        let shown = ["email", "phone"].into_iter().filter_map(|field| self.text(field));
        let written = self.values("email").into_iter().chain(self.values("phone")).chain(shown);
        written.filter(|text| !text.is_empty()).map(str::to_lowercase).collect()
    }

    /// A field of the contact as text, where it has any.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.contact.fields.value(field)?.as_text()
    }
}

/// Finds a person by its contact, or an id that leads to it, and locks its records; `None` where there is no such contact.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    tx: &mut Transaction,
    tenant: TenantId,
    contact: RecordId,
) -> Result<Option<Person>, PersistenceError> {
    let Some(id) = joining::resolve(tx, tenant, contact).await? else { return Ok(None) };
    let locked = store::lock(tx, tenant, &[id].into()).await?;
    let Some(contact) = locked.into_iter().find(|record| record.kind == RecordKind::Contact) else { return Ok(None) };
    let dependents = joining::dependents(tx, tenant, contact.id).await?;
    let (identifiers, links, accounts) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    let mut person = Person { contact, dependents, former: Vec::new(), identifiers, links, accounts };
    let former = joining::former(tx, tenant, &person.records()).await?;
    person.former = former.into_iter().map(|(former, _)| former).collect();
    load_identities(tx, tenant, &mut person).await?;
    load_links(tx, tenant, &mut person).await?;
    let left_alone = left_alone::of_contact(tx, tenant, id).await?.into_iter();
    let named = left_alone.map(|it| Identifier::External(it.integration, RecordKind::Contact, it.external_id));
    person.identifiers.extend(named);
    Ok(Some(person))
}

async fn load_identities(tx: &mut Transaction, tenant: TenantId, person: &mut Person) -> Result<(), PersistenceError> {
    let ids = person.records();
    let mine = crate::records::identities::of_records(tx, tenant, &ids).await?;
    person.identifiers.extend(mine.into_iter().map(|key| Identifier::Known(key.kind, key.identity)));
    // What the contact shows, though it came second to claim it: unless it names somebody who stays.
    let region = tenants::region(tx, tenant).await?.unwrap_or(identity::HOME);
    let shown = identity::of_content(RecordKind::Contact, &person.contact.fields, region);
    let keys = shown
        .into_iter()
        .map(|identity| crate::records::identities::IdentityKey { kind: RecordKind::Contact, identity });
    let keys: BTreeSet<_> = keys.collect();
    let held = crate::records::identities::find(tx, tenant, &keys).await?;
    let free = keys.into_iter().filter(|key| held.get(key).is_none_or(|holder| ids.contains(holder)));
    person.identifiers.extend(free.map(|key| Identifier::Known(key.kind, key.identity)));
    Ok(())
}

async fn load_links(tx: &mut Transaction, tenant: TenantId, person: &mut Person) -> Result<(), PersistenceError> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        id: String,
        #[diesel(sql_type = Text)]
        integration_id: String,
        #[diesel(sql_type = Text)]
        kind: String,
        #[diesel(sql_type = Nullable<Text>)]
        external_id: Option<String>,
        #[diesel(sql_type = Nullable<Text>)]
        account_id: Option<String>,
    }
    let rows: Vec<Row> = sql_query(
        "SELECT link.id, link.integration_id, link.kind, link.external_id, integration.account_id
         FROM record_links AS link JOIN tenant_integrations AS integration ON integration.id = link.integration_id
         WHERE link.tenant_id = $1 AND link.record_id = ANY($2)",
    )
    .bind::<Text, _>(tenant.to_string())
    .bind::<Array<Text>, _>(person.records().iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(&mut **tx)
    .await?;
    for row in rows {
        person.links.push(row.id);
        person.accounts.extend(row.account_id);
        if let Some(external_id) = row.external_id {
            let (integration, kind) = (parse("integration_id", &row.integration_id)?, parse("kind", &row.kind)?);
            person.identifiers.insert(Identifier::External(integration, kind, external_id));
        }
    }
    Ok(())
}
