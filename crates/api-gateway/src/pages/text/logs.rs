//! The words of the journal.

use super::{Counted, Message, count, say};

pub(in crate::pages) const EMPTY: Message = say("Rien n'a encore été tenté", "Nothing was tried yet");
pub(in crate::pages) const EMPTY_WHY: Message = say(
    "Dès que Coccinelle lit ou écrit une fiche sur cette plateforme, la tentative apparaît ici.",
    "As soon as Coccinelle reads or writes a record on this platform, the attempt appears here.",
);
pub(in crate::pages) const NOTHING_FOUND: Message = say(
    "Aucune tentative ne correspond. Élargissez la recherche, ou effacez les filtres.",
    "No attempt matches. Widen the search, or clear the filters.",
);
pub(in crate::pages) const RECENT: Message = say(
    "Les mots et les identifiants de la plateforme sont cherchés dans les 7 derniers jours : donnez une date pour remonter plus loin, \
     sur 31 jours au plus.",
    "Words and the platform's ids are looked for in the last 7 days: give a date to go further back, over 31 days at most.",
);
pub(in crate::pages) const RECENT_BEFORE: Message = say(
    "Les mots et les identifiants de la plateforme sont cherchés dans les 7 jours qui précèdent la date de fin : donnez aussi une date \
     de début pour remonter plus loin, sur 31 jours au plus.",
    "Words and the platform's ids are looked for in the 7 days before the end: give a beginning as well to go further back, over 31 days \
     at most.",
);
pub(in crate::pages) const SINCE: Message = say("Depuis", "From");
pub(in crate::pages) const UNTIL: Message = say("Jusqu'à", "Until");
pub(in crate::pages) const NOT_SOUGHT: Message = say(
    "Cette recherche n'est pas possible. Effacez les filtres et recommencez.",
    "This cannot be searched for. Clear the filters and try again.",
);
pub(in crate::pages) const SEARCH: Message = say("Identifiant ou mots d'une erreur", "An id, or words of an error");
pub(in crate::pages) const STATUS: Message = say("Résultat", "Outcome");
pub(in crate::pages) const WHAT: Message = say("Action", "Action");
pub(in crate::pages) const KIND: Message = say("Fiche", "Record");
pub(in crate::pages) const WHEN: Message = say("Quand", "When");
pub(in crate::pages) const OBJECT: Message = say("Objet", "Object");
pub(in crate::pages) const DURATION: Message = say("Durée", "Duration");
pub(in crate::pages) const SUCCEEDED: Message = say("Réussie", "Succeeded");
pub(in crate::pages) const FAILED: Message = say("Échouée", "Failed");
pub(in crate::pages) const CREATE: Message = say("Création", "Create");
pub(in crate::pages) const UPDATE: Message = say("Mise à jour", "Update");
pub(in crate::pages) const DELETE: Message = say("Suppression", "Delete");
pub(in crate::pages) const ADOPT: Message = say("Rapprochement", "Adopt");
pub(in crate::pages) const READ: Message = say("Lecture", "Read");
pub(in crate::pages) const OUTWARD: Message = say("Coccinelle → plateforme", "Coccinelle → platform");
pub(in crate::pages) const INWARD: Message = say("plateforme → Coccinelle", "platform → Coccinelle");
pub(in crate::pages) const LIVE: Message = say("En direct", "Live");
pub(in crate::pages) const PAUSE: Message = say("Mettre en pause", "Pause");
pub(in crate::pages) const RESUME: Message = say("Reprendre", "Resume");
pub(in crate::pages) const OLDER: Message = say("Plus anciennes", "Older");
pub(in crate::pages) const NEWEST: Message = say("Revenir aux plus récentes", "Back to the newest");
pub(in crate::pages) const NO_OLDER: Message = say("Il n'y a rien de plus ancien.", "There is nothing older.");

pub(in crate::pages) const ATTEMPT: Counted = count(("{}re tentative", "Attempt {}"), ("{}e tentative", "Attempt {}"));
pub(in crate::pages) const BACK: Message = say("Tous les journaux", "All logs");
pub(in crate::pages) const CHANGED: Message = say("Ce qui a changé", "What changed");
pub(in crate::pages) const TO_CHANGE: Message = say("Ce qui devait changer", "What was to change");
pub(in crate::pages) const FIELD: Message = say("Champ", "Field");
pub(in crate::pages) const WAS: Message = say("Avant", "Before");
pub(in crate::pages) const IS: Message = say("Après", "After");
pub(in crate::pages) const LEFT_OUT: Counted = count(
    (
        "{} autre champ n'est pas gardé : le journal retient 32 Kio de changements par tentative.",
        "{} other field is not kept: the log holds 32 KiB of changes for each attempt.",
    ),
    (
        "{} autres champs ne sont pas gardés : le journal retient 32 Kio de changements par tentative.",
        "{} other fields are not kept: the log holds 32 KiB of changes for each attempt.",
    ),
);
pub(in crate::pages) const SENT: Message = say("Envoyé", "Sent");
pub(in crate::pages) const RECEIVED: Message = say("Reçu", "Received");
pub(in crate::pages) const NO_BODY: Message = say("Rien", "Nothing");
pub(in crate::pages) const BEFORE: Message = say("Tentatives précédentes", "Attempts before");
pub(in crate::pages) const NO_BEFORE: Message = say("C'est la première.", "This is the first.");
pub(in crate::pages) const TRACE: Message = say("Même événement", "Same event");
pub(in crate::pages) const NO_TRACE: Message =
    say("Cet événement n'a rien entraîné d'autre.", "This event led to nothing else.");
pub(in crate::pages) const DELIVERY: Message = say("Webhook reçu", "Webhook received");
pub(in crate::pages) const VERIFIED: Message = say("vérifié", "verified");
pub(in crate::pages) const REFUSED: Message = say("refusé", "refused");
pub(in crate::pages) const MARKED: Counted =
    count(("{} fiche à relire", "{} record to be read"), ("{} fiches à relire", "{} records to be read"));
pub(in crate::pages) const RECORD: Message = say("Fiche", "Record");
pub(in crate::pages) const EXTERNAL: Message = say("Identifiant sur la plateforme", "Id on the platform");
pub(in crate::pages) const REFERENCE: Message = say("Référence", "Reference");
pub(in crate::pages) const REPLAY: Message = say("Rejouer", "Try again");
