//! Where each platform shows the key that it is connected by, step by step.

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
                "Dans Pipedrive, en administrateur, ouvrez le menu de votre compte, puis Préférences personnelles.",
                "In Pipedrive, as an administrator, open the menu of your account, then Personal preferences.",
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

#[cfg(test)]
mod tests {
    use connectors::registry;

    use super::*;

    #[test]
    fn every_platform_that_takes_a_key_has_its_steps_and_no_other() {
        for platform in registry::all() {
            let descriptor = platform.connector().descriptor();
            let has_key = descriptor.key_fields().is_some_and(|keys| !keys.is_empty());
            assert_eq!(steps(descriptor.slug).is_empty(), !has_key, "{}", descriptor.slug);
        }
    }
}
