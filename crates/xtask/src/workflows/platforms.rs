//! What is of one platform only in its workflow: names, kinds, where its answers say what.

/// A platform with a workflow.
#[derive(Debug)]
pub(super) struct Platform {
    /// As it stands in addresses.
    pub(super) slug: &'static str,
    /// As people write it.
    pub(super) name: &'static str,
    /// Of the workflow; an import replaces the one with this id.
    pub(super) id: &'static str,
    /// The kinds that it holds, as they end the names of actions.
    pub(super) kinds: &'static [&'static str],
    /// Where an answer names the object, for those who call the platform without our proxy.
    pub(super) object_id: &'static str,
    /// Where an answer says why it refuses.
    pub(super) reason: &'static str,
    /// n8n's own type of credential.
    pub(super) credential: &'static str,
    /// Before the path of a call, for those who use such a credential.
    pub(super) base_url: &'static str,
}

pub(super) const ALL: [Platform; 6] = [
    Platform {
        slug: "hubspot",
        name: "HubSpot",
        id: "coccinelleHubSpot1",
        kinds: &["contact", "deal", "activity"],
        object_id: "$json.body?.id",
        reason: "$json.body?.message",
        credential: "HubSpot Service Key",
        base_url: "https://api.hubapi.com",
    },
    Platform {
        slug: "pipedrive",
        name: "Pipedrive",
        id: "coccinellePipedrive1",
        kinds: &["contact", "deal", "activity"],
        object_id: "$json.body?.data?.id",
        reason: "$json.body?.error",
        credential: "Pipedrive API",
        base_url: "https://VOTRE-SOCIETE.pipedrive.com",
    },
    Platform {
        slug: "salesforce",
        name: "Salesforce",
        id: "coccinelleSalesforce1",
        kinds: &["contact", "deal", "activity"],
        object_id: "$json.body?.id",
        reason: "$json.body?.[0]?.message",
        credential: "Salesforce OAuth2 API",
        base_url: "https://VOTRE-DOMAINE.my.salesforce.com",
    },
    Platform {
        slug: "shopify",
        name: "Shopify",
        id: "coccinelleShopify1",
        kinds: &["contact", "product", "order"],
        object_id: "Object.values($json.body?.data ?? {}).flatMap((reponse) => [reponse?.customer?.id, reponse?.product?.id, \
                    reponse?.order?.id]).find((id) => id)?.split('/').pop()",
        reason: "$json.body?.errors?.[0]?.message ?? Object.values($json.body?.data ?? {}).map((reponse) => \
                 reponse?.userErrors?.[0]?.message).find((message) => message)",
        credential: "Shopify Access Token API",
        base_url: "https://VOTRE-BOUTIQUE.myshopify.com",
    },
    Platform {
        slug: "woocommerce",
        name: "WooCommerce",
        id: "coccinelleWooCommerce1",
        kinds: &["contact", "product", "order"],
        object_id: "$json.body?.id",
        reason: "$json.body?.message",
        credential: "WooCommerce API",
        base_url: "https://VOTRE-BOUTIQUE.example.com",
    },
    Platform {
        slug: "zendesk",
        name: "Zendesk",
        id: "coccinelleZendesk1",
        kinds: &["contact", "activity"],
        object_id: "($json.body?.user?.id ?? $json.body?.ticket?.id)",
        reason: "$json.body?.description ?? $json.body?.error?.message ?? $json.body?.error",
        credential: "Zendesk API",
        base_url: "https://VOTRE-SOCIETE.zendesk.com",
    },
];
