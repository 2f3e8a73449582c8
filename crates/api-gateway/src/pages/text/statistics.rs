//! The words around figures.

use super::{Counted, Message, count, say};

pub(in crate::pages) const TITLE: Message = say("Statistiques", "Statistics");
pub(in crate::pages) const PERIOD: Message = say("Période", "Period");
pub(in crate::pages) const DAY: Message = say("24 h", "24 h");
pub(in crate::pages) const WEEK: Message = say("7 j", "7 d");
pub(in crate::pages) const MONTH: Message = say("30 j", "30 d");
pub(in crate::pages) const NOW: Message = say("maintenant", "now");
pub(in crate::pages) const ATTEMPTS: Message = say("Tentatives", "Attempts");
pub(in crate::pages) const SUCCESS_RATE: Message = say("Taux de réussite", "Success rate");
pub(in crate::pages) const FIRST_RATE: Message = say("{} du premier coup", "{} at the first attempt");
pub(in crate::pages) const DURATION: Message = say("Durée médiane", "Median duration");
pub(in crate::pages) const SLOWEST: Message = say("95 % en moins de {}", "95% within {}");
pub(in crate::pages) const DURATIONS: Message = say("Durée : médiane, et 95 %", "Duration: median, and 95%");
pub(in crate::pages) const HALF: Message = say("Médiane", "Median");
pub(in crate::pages) const MOST: Message = say("95 % en moins de", "95% within");
pub(in crate::pages) const DRIFT: Message = say("Écart", "Drift");
pub(in crate::pages) const DRIFT_NOW: Counted =
    count(("{} fiche en attente", "{} record waiting"), ("{} fiches en attente", "{} records waiting"));
pub(in crate::pages) const FAILED: Counted = count(("{} échec", "{} failure"), ("{} échecs", "{} failures"));
pub(in crate::pages) const VOLUME: Message = say("Volume", "Volume");
pub(in crate::pages) const HIGHEST: Message = say("{} au plus", "{} at most");
pub(in crate::pages) const NOTHING: Message =
    say("Rien n'a été tenté pendant cette période.", "Nothing was tried during this time.");
pub(in crate::pages) const TABLE: Message = say("Voir le tableau", "Show as a table");
pub(in crate::pages) const WHEN: Message = say("Quand", "When");
pub(in crate::pages) const SUCCEEDED: Message = say("Réussies", "Succeeded");
pub(in crate::pages) const HAVE_FAILED: Message = say("Échouées", "Failed");
pub(in crate::pages) const OWED: Message = say("En attente", "Waiting");
pub(in crate::pages) const BLOCKED: Message = say("Bloquées", "Blocked");
pub(in crate::pages) const RATE: Message = say("Réussite", "Success");
pub(in crate::pages) const BY_KIND: Message = say("Par type de fiche", "By kind of record");
pub(in crate::pages) const BY_DIRECTION: Message = say("Par direction", "By direction");
pub(in crate::pages) const TO_PLATFORM: Message = say("Vers la plateforme", "To the platform");
pub(in crate::pages) const FROM_PLATFORM: Message = say("Depuis la plateforme", "From the platform");
pub(in crate::pages) const TOP_ERRORS: Message = say("Erreurs les plus fréquentes", "Most frequent errors");
pub(in crate::pages) const NO_ERRORS: Message =
    say("Aucune erreur pendant cette période.", "No errors during this time.");
pub(in crate::pages) const ERROR: Message = say("Erreur", "Error");
pub(in crate::pages) const COUNT: Message = say("Nombre", "Count");
pub(in crate::pages) const LAST: Message = say("Dernière", "Last");
