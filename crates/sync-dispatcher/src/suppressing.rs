//! Leaving out whoever was erased, on every way in. By what an erased person is known is `accounts`'.

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::event::Event;
use domain::id::IntegrationId;
use domain::identity::{self, Identity, Region};
use domain::kind::RecordKind;
use domain::message::EventMerge;
use persistence::people::Identifier;
use persistence::records::identities::{self, IdentityKey};
use persistence::records::links::Heard;
use persistence::{Transaction, tenants};

use crate::engine::{DispatchError, Engine};

/// A message without the events of erased persons, and of what belonged to them.
pub(crate) async fn without_erased<'a>(
    engine: &Engine,
    tx: &mut Transaction,
    message: &'a EventMerge,
) -> Result<Cow<'a, EventMerge>, DispatchError> {
    let tenant = message.tenant_id;
    let suppressor = engine.accounts.suppressor(tx, tenant).await?;
    let region = tenants::region(tx, tenant).await?.unwrap_or(identity::HOME);
    let named: Vec<(Named, &Event)> = message.events.iter().map(|event| (Named::by(event, region), event)).collect();
    let identifiers = named.iter().flat_map(|(named, _)| named.all()).cloned().collect();
    let erased = suppressor.among(tx, &identifiers).await?;
    if erased.is_empty() {
        return Ok(Cow::Borrowed(message));
    }
    let subjects = named.iter().map(|(named, _)| named.subject.clone()).collect();
    let living: BTreeSet<IdentityKey> = identities::find(tx, tenant, &subjects).await?.into_keys().collect();
    let stays = |named: &Named| {
        let is_erased = named.ids.iter().any(|id| erased.contains(id));
        // Somebody else who is known may come to have the address or number.
        let looks_erased = named.content.as_ref().is_some_and(|content| erased.contains(content));
        !is_erased && (!looks_erased || living.contains(&named.subject))
    };
    let events: Vec<Event> =
        named.into_iter().filter(|(named, _)| stays(named)).map(|(_, event)| event.clone()).collect();
    let left_out = message.events.len() - events.len();
    metrics::counter!("coccinelle_suppressed_total").increment(left_out.try_into().unwrap_or(0));
    Ok(Cow::Owned(EventMerge { events, ..message.clone() }))
}

/// By what an event names somebody.
struct Named {
    subject: IdentityKey,
    /// The subject's id, and its contact's.
    ids: Vec<Identifier>,
    /// The strongest identifier of its content alone, as for recognising somebody: families share numbers.
    content: Option<Identifier>,
}

impl Named {
    fn by(event: &Event, region: Region) -> Self {
        let kind = event.event_type.kind();
        let subject = Identity::coccinelle(&event.subject_id);
        let contact = event.prospect_id.as_deref().map(Identity::coccinelle);
        let contact = contact.map(|contact| Identifier::Known(RecordKind::Contact, contact));
        let ids = std::iter::once(Identifier::Known(kind, subject.clone())).chain(contact).collect();
        let of_contact = |name: &str| event.data.get(name).filter(|_| kind == RecordKind::Contact);
        let content = Identity::email(of_contact("email")).or_else(|| Identity::phone(of_contact("phone"), region));
        let content = content.map(|content| Identifier::Known(kind, content));
        Self { subject: IdentityKey { kind, identity: subject }, ids, content }
    }

    fn all(&self) -> impl Iterator<Item = &Identifier> {
        self.ids.iter().chain(&self.content)
    }
}

/// Takes the objects of erased persons out of what was heard of.
pub(crate) async fn take_erased_out_of(
    engine: &Engine,
    tx: &mut Transaction,
    heard: &mut Heard,
) -> Result<(), DispatchError> {
    let suppressor = engine.accounts.suppressor(tx, heard.tenant).await?;
    let external = |id: &String| external(heard.integration, heard.kind, id);
    let erased = suppressor.among(tx, &heard.external_ids.iter().map(external).collect()).await?;
    let (integration, kind) = (heard.integration, heard.kind);
    heard.external_ids.retain(|id| !erased.contains(&self::external(integration, kind, id)));
    Ok(())
}

/// A platform's id of an object, as an identifier.
pub(crate) fn external(integration: IntegrationId, kind: RecordKind, id: &str) -> Identifier {
    Identifier::External(integration, kind, id.to_owned())
}
