//! Identifiers: prefixed, sortable text (the `TypeID` form), one type for each noun. No other key lives here.

use type_safe_id::{StaticType, TypeSafeId};

macro_rules! ids {
    ($($(#[$doc:meta])* $marker:ident, $id:ident, $prefix:literal;)+) => {$(
        #[doc = concat!("The type behind the prefix `", $prefix, "`.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $marker;

        impl StaticType for $marker {
            const TYPE: &'static str = $prefix;
        }

        $(#[$doc])*
        pub type $id = TypeSafeId<$marker>;
    )+};
}

ids! {
    /// A customer of Coccinelle.
    Tenant, TenantId, "ten";
    /// One connection of a tenant to one platform account; Coccinelle's own backend has one as well.
    Integration, IntegrationId, "int";
    /// Coccinelle's copy of a contact, deal, product, order or activity.
    Record, RecordId, "rec";
    /// What ties a record to its counterpart in one integration.
    Link, LinkId, "lnk";
    /// The holder of a lease; new for every attempt.
    Lease, LeaseToken, "lease";
    /// A message on the broker.
    MessageMarker, MessageId, "msg";
    /// A row of `integration_sync_logs`.
    SyncLog, SyncLogId, "log";
    /// A row of `integration_webhook_logs`.
    WebhookLog, WebhookLogId, "whk";
    /// A value that lost against another and can be restored.
    Conflict, ConflictId, "cfl";
}
