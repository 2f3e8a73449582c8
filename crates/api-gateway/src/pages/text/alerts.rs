//! The words of who hears of an integration's trouble, and of which.

use super::{Message, say};

pub(in crate::pages) const WHO: Message = say("Qui est prévenu", "Who is told");
pub(in crate::pages) const TENANT: Message = say("Comme dans les réglages", "As in the settings");
pub(in crate::pages) const TENANT_HELP: Message = say(
    "Les adresses et webhooks qui valent pour toutes vos intégrations.",
    "The addresses and webhooks that apply to all of your integrations.",
);
pub(in crate::pages) const ADDRESSES: Message = say("D'autres adresses", "Other addresses");
pub(in crate::pages) const ADDRESSES_HELP: Message = say(
    "Les e-mails vont aux adresses ci-dessous ; les webhooks des réglages restent prévenus.",
    "Mails go to the addresses below; the webhooks of the settings are still told.",
);
pub(in crate::pages) const NOBODY: Message = say("Personne", "Nobody");
pub(in crate::pages) const NOBODY_HELP: Message = say(
    "Ni e-mail ni webhook. L'état reste visible dans le tableau de bord.",
    "Neither mail nor webhook. The dashboard still shows how it is.",
);
pub(in crate::pages) const EMAILS: Message = say("Autres adresses", "Other addresses");
pub(in crate::pages) const EMAILS_HELP: Message = say(
    "Une adresse e-mail par ligne, dix au plus. Elles ne servent qu'avec « D'autres adresses ».",
    "One e-mail address a line, ten at most. They are used with “Other addresses” alone.",
);
pub(in crate::pages) const WHEN: Message = say("Quand prévenir", "When to tell");
pub(in crate::pages) const WHEN_HELP: Message = say(
    "Le retour à la normale est annoncé aussi. Une panne de la plateforme elle-même n'est pas annoncée.",
    "That all is well again is told as well. An outage of the platform itself is not told.",
);
pub(in crate::pages) const FAILING: Message = say("Les synchronisations échouent", "Syncs fail");
pub(in crate::pages) const REAUTH_REQUIRED: Message = say("Reconnexion requise", "Reconnection needed");
pub(in crate::pages) const WEBHOOK_UNVERIFIED: Message =
    say("Des notifications sont refusées", "Notifications are refused");
pub(in crate::pages) const WEBHOOK_REMOVED: Message = say("Le webhook a été supprimé", "The webhook was removed");
pub(in crate::pages) const DRIFT: Message =
    say("Des fiches ne sont plus synchronisées", "Records are no longer in step");
pub(in crate::pages) const PLATFORM_DOWN: Message = say("Plateforme en panne", "Platform down");
pub(in crate::pages) const DEAD_LETTERS: Message =
    say("Des messages n'ont pas pu être traités", "Messages could not be handled");
