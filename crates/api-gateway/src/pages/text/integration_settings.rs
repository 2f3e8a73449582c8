//! The words of the settings of one integration.

use super::{Counted, Message, count, say};

pub(in crate::pages) const SAVE: Message = say("Enregistrer", "Save");
pub(in crate::pages) const CREDENTIALS: Message = say("Identifiants", "Credentials");
pub(in crate::pages) const CREDENTIALS_HELP: Message = say(
    "Laissez vide pour garder la clé actuelle ({}). Une nouvelle clé est essayée avant d'être enregistrée.",
    "Leave empty to keep the present key ({}). A new key is tried before it is saved.",
);
pub(in crate::pages) const ALERTS: Message = say("Alertes", "Alerts");
pub(in crate::pages) const ALERTS_HELP: Message = say(
    "Les adresses prévenues en cas de panne se règlent une fois pour toutes les intégrations.",
    "The addresses that are told of trouble are set once, for all integrations.",
);
pub(in crate::pages) const ALERTS_LINK: Message = say("Réglages des alertes", "Settings of alerts");
pub(in crate::pages) const DANGER: Message = say("Supprimer l'intégration", "Delete the integration");
pub(in crate::pages) const LOSS: Counted = count(
    (
        "La synchronisation s'arrête et la clé est détruite. {} fiche ne sera plus suivie. Les fiches et les journaux restent.",
        "Syncing ends and the key is destroyed. {} record is no longer followed. Records and logs stay.",
    ),
    (
        "La synchronisation s'arrête et la clé est détruite. {} fiches ne seront plus suivies. Les fiches et les journaux restent.",
        "Syncing ends and the key is destroyed. {} records are no longer followed. Records and logs stay.",
    ),
);
pub(in crate::pages) const TYPE_NAME: Message = say("Pour confirmer, tapez « {} »", "To confirm, type “{}”");
pub(in crate::pages) const WRONG_NAME: Message = say(
    "Ce n'est pas le nom de l'intégration. Rien n'a été supprimé.",
    "This is not the name of the integration. Nothing was deleted.",
);
pub(in crate::pages) const DELETE: Message = say("Supprimer définitivement", "Delete for good");
