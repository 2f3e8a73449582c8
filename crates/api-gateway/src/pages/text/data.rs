//! The words of records: what they hold, where they are, what they lost.

use super::{Message, say};

pub(in crate::pages) const SEARCH: Message =
    say("Nom, e-mail, téléphone ou identifiant", "Name, e-mail, telephone or id");
pub(in crate::pages) const RECORD: Message = say("Fiche", "Record");
pub(in crate::pages) const KNOWN_BY: Message = say("Repères", "Known by");
pub(in crate::pages) const CHANGED: Message = say("Modifiée", "Changed");
pub(in crate::pages) const DELETED: Message = say("Supprimée", "Deleted");
pub(in crate::pages) const OLDER: Message = say("Suite", "More");
pub(in crate::pages) const EMPTY: Message = say("Aucune fiche", "No records");
pub(in crate::pages) const EMPTY_WHY: Message = say(
    "Lancez une synchronisation pour reprendre celles de la plateforme, ou attendez le premier appel de Sara.",
    "Start a sync to take in those of the platform, or wait for Sara's first call.",
);
pub(in crate::pages) const NOTHING_FOUND: Message = say(
    "Aucune fiche ne correspond. Essayez le début du nom, ou l'e-mail entier.",
    "No record matches. Try the beginning of the name, or the whole e-mail address.",
);
pub(in crate::pages) const AMONG: Message = say("Quelles fiches", "Which records");
pub(in crate::pages) const LINKED: Message = say("Liées à {}", "Linked to {}");
pub(in crate::pages) const ANYWHERE: Message = say("Toutes celles de Coccinelle", "All that Coccinelle has");
pub(in crate::pages) const ALL: Message = say("Toutes les fiches", "All records");
pub(in crate::pages) const ATTEMPTS: Message = say("Voir ses tentatives", "See its attempts");
pub(in crate::pages) const VALUES: Message = say("Ce que contient la fiche", "What the record holds");
pub(in crate::pages) const FIELD: Message = say("Champ", "Field");
pub(in crate::pages) const VALUE: Message = say("Valeur", "Value");
pub(in crate::pages) const ORIGIN: Message = say("Provenance", "Came from");
pub(in crate::pages) const SINCE: Message = say("Depuis", "Since");
pub(in crate::pages) const CLEARED: Message = say("(vidé)", "(cleared)");
pub(in crate::pages) const COUNTERPARTS: Message = say("Sur les plateformes", "On the platforms");
pub(in crate::pages) const NO_COUNTERPART: Message =
    say("Cette fiche n'est encore sur aucune plateforme.", "This record is on no platform yet.");
pub(in crate::pages) const INTEGRATION: Message = say("Intégration", "Integration");
pub(in crate::pages) const EXTERNAL: Message = say("Identifiant", "Id");
pub(in crate::pages) const STATE: Message = say("État", "State");
pub(in crate::pages) const IN_STEP: Message = say("À jour", "In step");
pub(in crate::pages) const OWED: Message = say("En chemin", "On its way");
pub(in crate::pages) const BLOCKED: Message = say("En échec.", "Failed.");
pub(in crate::pages) const HISTORY: Message = say("Valeurs remplacées", "Values that were replaced");
pub(in crate::pages) const NO_HISTORY: Message = say("Aucune valeur n'a été remplacée.", "No value was replaced.");
pub(in crate::pages) const LOST: Message = say("Remplacée", "Lost");
pub(in crate::pages) const AGAINST: Message = say("Par", "Against");
pub(in crate::pages) const WHEN: Message = say("Quand", "When");
pub(in crate::pages) const ADOPTED: Message =
    say("Les deux côtés différaient au premier contact", "Both sides differed at the first contact");
pub(in crate::pages) const OVERRULED: Message =
    say("Modifiée des deux côtés à la fois", "Changed on both sides at once");
pub(in crate::pages) const REPLACED: Message = say("Modifiée", "Changed");
pub(in crate::pages) const UNLINKED: Message = say("Deux fiches sont devenues une", "Two records became one");
pub(in crate::pages) const RESTORE: Message = say("Restaurer", "Restore");
pub(in crate::pages) const KEEP: Message = say("Laisser", "Leave it");
pub(in crate::pages) const RESTORED: Message = say("Restaurée", "Restored");
pub(in crate::pages) const KEPT: Message = say("Laissée", "Left");
pub(in crate::pages) const DOUBLE: Message = say("Contact dupliqué", "Duplicate contact");
pub(in crate::pages) const DOUBLE_WHY: Message =
    say("Une autre fiche porte aussi {} :", "Another record has {} as well:");
pub(in crate::pages) const MERGE: Message = say("Fusionner les deux", "Merge the two");
pub(in crate::pages) const KEEP_APART: Message = say("Ce sont deux personnes", "They are two people");
pub(in crate::pages) const ERASE: Message = say("Effacer cette personne", "Erase this person");
pub(in crate::pages) const ERASE_WHY: Message = say(
    "La fiche, ses rendez-vous, ses appels et leurs traces dans les journaux sont détruits. Elle ne sera plus reprise, même \
     si elle revient d'une plateforme.",
    "The record, its appointments, its calls and their traces in the logs are destroyed. It is not taken in again, even if \
     it comes back from a platform.",
);
pub(in crate::pages) const ERASE_THERE: Message =
    say("Supprimer d'abord sur les plateformes", "Delete on the platforms first");
pub(in crate::pages) const ERASE_THERE_HELP: Message = say(
    "Sans cela, ce que les plateformes contiennent leur reste.",
    "Without it, what the platforms hold is left to them.",
);
pub(in crate::pages) const ERASE_NOW: Message = say("Effacer définitivement", "Erase for good");
pub(in crate::pages) const WRONG_NAME: Message =
    say("Ce n'est pas le nom de la fiche. Rien n'a été effacé.", "This is not the record's name. Nothing was erased.");
