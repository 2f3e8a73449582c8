//! The words of an integration's trouble, and of who hears of it.

use domain::incident::Trigger;

use super::{Counted, Message, count, say};

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
const FAILING: Message = say("Les synchronisations échouent", "Syncs fail");
const REAUTH_REQUIRED: Message = say("Reconnexion requise", "Reconnection needed");
const WEBHOOK_UNVERIFIED: Message = say("Des notifications sont refusées", "Notifications are refused");
const WEBHOOK_REMOVED: Message = say("Le webhook a été supprimé", "The webhook was removed");
const DRIFT: Message = say("Des fiches ne sont plus synchronisées", "Records are no longer in step");
const NEEDS_CONFIRMATION: Message = say("Des suppressions attendent votre accord", "Deletions wait for your consent");
const PLATFORM_DOWN: Message = say("Plateforme en panne", "Platform down");
const DEAD_LETTERS: Message = say("Des messages n'ont pas pu être traités", "Messages could not be handled");

pub(in crate::pages) const ALERTS: Message = say("Alertes", "Alerts");
pub(in crate::pages) const NONE: Message = say("Aucune alerte en ce moment.", "No alerts at the moment.");
pub(in crate::pages) const ALERT: Message = say("Alerte", "Alert");
pub(in crate::pages) const SINCE: Message = say("Depuis", "Since");
pub(in crate::pages) const UNTIL: Message = say("Jusqu'à", "Until");
pub(in crate::pages) const GOES_ON: Message = say("En cours", "Goes on");
pub(in crate::pages) const TO_DO: Message = say("Que faire", "What to do");
pub(in crate::pages) const OVER: Message = say("Rétabli", "Resolved");
pub(in crate::pages) const REFUSED: Counted = count(
    ("{} notification refusée", "{} notification refused"),
    ("{} notifications refusées", "{} notifications refused"),
);
pub(in crate::pages) const OUT_OF_STEP: Counted =
    count(("{} fiche en écart", "{} record out of step"), ("{} fiches en écart", "{} records out of step"));
pub(in crate::pages) const GONE: Counted = count(
    ("{} fiche a disparu de la plateforme", "{} record has gone from the platform"),
    ("{} fiches ont disparu de la plateforme", "{} records have gone from the platform"),
);

const MEND_FAILURES: Message = say(
    "Ouvrez l'intégration, corrigez ce qu'elle indique, puis rejouez.",
    "Open the integration, mend what it shows, then try again.",
);
const RECONNECT: Message = say(
    "Ouvrez l'intégration et reconnectez le compte. Tout ce qui attend part ensuite.",
    "Open the integration and reconnect the account. What waits is sent then.",
);
const CHECK_SECRET: Message = say(
    "Vérifiez que le secret saisi sur la plateforme est celui de l'intégration.",
    "Check that the secret on the platform is the integration's.",
);
const SEE_WEBHOOKS: Message = say(
    "Coccinelle rétablit le webhook d'elle-même. Si cela dure, l'onglet Webhooks dit ce qui l'en empêche.",
    "Coccinelle sets the webhook up again by itself. If this lasts, the Webhooks tab says what keeps it from that.",
);
pub(in crate::pages) const SILENT: Message = say(
    "Des modifications faites là-bas n'ont été annoncées par aucune notification.",
    "No notification told of changes that were made there.",
);
pub(in crate::pages) const SET_UP_AGAIN: Message = say(
    "Ouvrez l'onglet Webhooks : il dit quelle adresse la plateforme doit appeler. Rétablissez-la là-bas ; l'alerte prend fin avec la prochaine notification.",
    "Open the Webhooks tab: it says which address the platform is to call. Set it up there again; the alert ends with the next notification.",
);
const SEE_OWED: Message = say(
    "Ouvrez l'intégration et regardez ses échecs et ses journaux.",
    "Open the integration and look at its failures and its logs.",
);
const ANSWER: Message = say(
    "Ouvrez l'intégration et acceptez ces suppressions, ou annulez-les. Tout le reste continue d'être synchronisé.",
    "Open the integration and agree to these deletions, or cancel them. All else goes on being synchronised.",
);
const WAIT: Message = say("Rien à faire : tout reprend de soi-même.", "Nothing to do: all goes on by itself.");

/// What a trouble is called.
pub(in crate::pages) fn title(trigger: Trigger) -> Message {
    match trigger {
        Trigger::Failing => FAILING,
        Trigger::ReauthRequired => REAUTH_REQUIRED,
        Trigger::WebhookUnverified => WEBHOOK_UNVERIFIED,
        Trigger::WebhookRemoved => WEBHOOK_REMOVED,
        Trigger::Drift => DRIFT,
        Trigger::NeedsConfirmation => NEEDS_CONFIRMATION,
        Trigger::PlatformDown => PLATFORM_DOWN,
        Trigger::DeadLetters => DEAD_LETTERS,
    }
}

/// What to do about it. Those of the operators alone are not the tenant's to mend.
pub(in crate::pages) fn remedy(trigger: Trigger) -> Message {
    match trigger {
        Trigger::Failing => MEND_FAILURES,
        Trigger::ReauthRequired => RECONNECT,
        Trigger::WebhookUnverified => CHECK_SECRET,
        Trigger::WebhookRemoved => SEE_WEBHOOKS,
        Trigger::Drift => SEE_OWED,
        Trigger::NeedsConfirmation => ANSWER,
        Trigger::PlatformDown | Trigger::DeadLetters => WAIT,
    }
}
