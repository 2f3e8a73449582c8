//! The words of forms that several pages have.

use super::{Message, say};

pub(in crate::pages) const NAME: Message = say("Nom de l'intégration", "Name of the integration");
pub(in crate::pages) const NAME_HELP: Message = say(
    "Celui que verra votre équipe, par exemple « Mon WooCommerce ».",
    "What your team will see, for example “My shop”.",
);
pub(in crate::pages) const API_KEY: Message = say("Clé API", "API key");
pub(in crate::pages) const API_SECRET: Message = say("Secret API", "API secret");
pub(in crate::pages) const SECRET_HELP: Message =
    say("Chiffré dès la réception, jamais affiché.", "Encrypted on arrival, never shown.");
pub(in crate::pages) const URL: Message =
    say("Adresse de votre boutique ou instance", "Address of your shop or instance");
pub(in crate::pages) const URL_HELP: Message = say(
    "L'adresse complète, par exemple https://boutique.example.fr",
    "The full address, for example https://shop.example.com",
);

pub(in crate::pages) const DIRECTION: Message = say("Direction", "Direction");
pub(in crate::pages) const BOTH_WAYS: Message = say("Bidirectionnelle", "Both ways");
pub(in crate::pages) const BOTH_WAYS_HELP: Message =
    say("Chaque côté suit les modifications de l'autre.", "Each side follows the changes of the other.");
pub(in crate::pages) const TO_PLATFORM: Message = say("Vers la plateforme", "To the platform");
pub(in crate::pages) const TO_PLATFORM_HELP: Message = say(
    "Coccinelle écrit ; rien n'est repris de la plateforme.",
    "Coccinelle writes; nothing is taken from the platform.",
);
pub(in crate::pages) const FROM_PLATFORM: Message = say("Depuis la plateforme", "From the platform");
pub(in crate::pages) const FROM_PLATFORM_HELP: Message = say(
    "Coccinelle lit ; rien n'est écrit sur la plateforme.",
    "Coccinelle reads; nothing is written to the platform.",
);

pub(in crate::pages) const FREQUENCY: Message = say("Fréquence", "Frequency");
pub(in crate::pages) const REALTIME: Message = say("Temps réel", "Real time");
pub(in crate::pages) const REALTIME_HELP: Message =
    say("Dès que quelque chose change.", "As soon as something changes.");
pub(in crate::pages) const HOURLY: Message = say("Toutes les heures", "Every hour");
pub(in crate::pages) const HOURLY_HELP: Message = say("Les modifications partent par lots.", "Changes go in batches.");
pub(in crate::pages) const DAILY: Message = say("Tous les jours", "Every day");
pub(in crate::pages) const DAILY_HELP: Message = say("Une fois par jour, la nuit.", "Once a day, at night.");

pub(in crate::pages) const DELIVERY: Message = say("Acheminement", "Delivery");
pub(in crate::pages) const DIRECT: Message = say("Direct", "Direct");
pub(in crate::pages) const DIRECT_HELP: Message =
    say("Coccinelle parle elle-même à la plateforme.", "Coccinelle talks to the platform itself.");
pub(in crate::pages) const N8N: Message = say("Par n8n", "By n8n");
pub(in crate::pages) const N8N_HELP: Message = say(
    "Un workflow n8n s'en charge ; il ne voit jamais vos secrets.",
    "An n8n workflow does it; it never sees your secrets.",
);
pub(in crate::pages) const WORKFLOW_URL: Message = say("Adresse de votre workflow", "Address of your workflow");
pub(in crate::pages) const WORKFLOW_URL_HELP: Message = say(
    "Facultatif, pour l'acheminement par n8n : l'adresse https de votre propre workflow. Vide : celui de Coccinelle.",
    "Optional, for delivery by n8n: the https address of a workflow of your own. Empty: Coccinelle's.",
);
