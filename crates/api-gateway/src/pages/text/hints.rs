//! Where each platform shows the key that it is connected by, step by step, and what it calls the place where an account is.

use super::{Message, say};

/// The steps by the slug of each platform that takes a key. Of one that is not here, the connector's own hint is shown.
const STEPS: &[(&str, &[Message])] = &[
    (
        "hubspot",
        &[
            say("Dans HubSpot, ouvrez Réglages, puis Intégrations.", "In HubSpot, open Settings, then Integrations."),
            say(
                "Choisissez Clés de service, ou Applications privées, et créez-en une.",
                "Choose Service keys, or Private apps, and create one.",
            ),
            say(
                "Cochez la lecture et l'écriture des contacts et des affaires, et de leurs schémas.",
                "Tick reading and writing of contacts and deals, and of their schemas.",
            ),
            say("Copiez le jeton. Il commence par « pat- ».", "Copy the token. It begins with “pat-”."),
        ],
    ),
    (
        "woocommerce",
        &[
            say(
                "Dans WordPress, ouvrez WooCommerce, Réglages, Avancé, API REST.",
                "In WordPress, open WooCommerce, Settings, Advanced, REST API.",
            ),
            say("Cliquez sur Ajouter une clé.", "Click Add key."),
            say("Donnez-lui les permissions Lecture/Écriture.", "Give it the permissions Read/Write."),
            say(
                "Copiez la clé client (ck_…) et le secret client (cs_…) : ils ne sont montrés qu'une fois.",
                "Copy the consumer key (ck_…) and the consumer secret (cs_…): they are shown only once.",
            ),
        ],
    ),
    (
        "pipedrive",
        &[
            say(
                "Dans Pipedrive, ouvrez le menu de votre compte, puis Préférences personnelles.",
                "In Pipedrive, open the menu of your account, then Personal preferences.",
            ),
            say("Ouvrez l'onglet API.", "Open the API tab."),
            say("Copiez votre jeton API personnel.", "Copy your personal API token."),
        ],
    ),
];

/// The steps for a platform.
pub(in crate::pages) fn steps(slug: &str) -> &'static [Message] {
    STEPS.iter().find(|(known, _)| *known == slug).map_or(&[], |(_, steps)| steps)
}

/// What is asked of an account's place before the consent, by the slug of the platform: its name, and where it is found. Of one that
/// is not here, the connector's own words are shown.
const SITES: &[(&str, Message, Message)] = &[
    (
        "salesforce",
        say("Mon domaine (facultatif)", "My Domain (optional)"),
        say(
            "Le nom qui précède « .my.salesforce.com », ou « test » pour une sandbox ; vide pour la page de connexion habituelle.",
            "The name before “.my.salesforce.com”, or “test” for a sandbox; empty for the usual login page.",
        ),
    ),
    (
        "shopify",
        say("Boutique", "Shop"),
        say(
            "L'adresse de votre boutique chez Shopify, par exemple « ma-boutique.myshopify.com ».",
            "The address of your shop at Shopify, such as “acme.myshopify.com”.",
        ),
    ),
    (
        "zendesk",
        say("Sous-domaine", "Subdomain"),
        say(
            "Ce qui précède « .zendesk.com » dans l'adresse de votre Zendesk, par exemple « acme ».",
            "What stands before “.zendesk.com” in the address of your Zendesk, such as “acme”.",
        ),
    ),
];

/// What a platform's accounts' place is called, and where it is found.
pub(in crate::pages) fn site(slug: &str) -> Option<(Message, Message)> {
    SITES.iter().find(|(known, ..)| *known == slug).map(|(_, label, hint)| (*label, *hint))
}

#[cfg(test)]
mod tests {
    use connectors::registry;

    use super::*;

    #[test]
    fn what_every_platform_asks_for_is_told_in_both_languages() {
        for platform in registry::all() {
            let descriptor = platform.connector().descriptor();
            let has_key = descriptor.key_fields().is_some_and(|keys| !keys.is_empty());
            assert_eq!(steps(descriptor.slug).is_empty(), !has_key, "{}", descriptor.slug);
            let has_site = descriptor.terms().is_some_and(|terms| terms.site.is_some());
            assert_eq!(site(descriptor.slug).is_some(), has_site, "{}", descriptor.slug);
        }
    }
}
