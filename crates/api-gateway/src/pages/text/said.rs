//! What is said of what was just done.

use super::{Message, say};

pub(in crate::pages) const CREATED: Message = say(
    "L'intégration est créée. La première synchronisation commence.",
    "The integration is created. Its first sync begins.",
);
pub(in crate::pages) const NOT_BEGUN: Message = say(
    "L'intégration est créée, mais sa première synchronisation n'a pas pu commencer. Lancez-la par « Synchroniser ».",
    "The integration is created, but its first sync could not begin. Start it by “Sync now”.",
);
pub(in crate::pages) const ENABLED: Message = say(
    "La synchronisation est activée. Ce qui attendait part maintenant.",
    "Syncing is on. What was waiting is sent now.",
);
pub(in crate::pages) const DISABLED: Message = say(
    "La synchronisation est arrêtée, dans les deux sens. Rien de ce qui attend n'est perdu.",
    "Syncing is off, both ways. Nothing that waits is lost.",
);
pub(in crate::pages) const NOT_CONNECTED: Message = say(
    "Aucun compte n'est connecté, ou son accès a pris fin : reconnectez-le d'abord.",
    "No account is connected, or its access has ended: reconnect it first.",
);
pub(in crate::pages) const STARTED: Message = say("La synchronisation est lancée.", "The sync has started.");
pub(in crate::pages) const CANCELLED: Message = say(
    "La synchronisation s'arrête après la page en cours. Ce qui est déjà fait reste.",
    "The sync ends after its present page. What is done stays.",
);
pub(in crate::pages) const CONFIRMED: Message = say(
    "Les suppressions sont acceptées ; la synchronisation reprend.",
    "The deletions are agreed to; the sync goes on.",
);
pub(in crate::pages) const SAVED: Message = say("C'est enregistré.", "Saved.");
pub(in crate::pages) const DELETED: Message = say(
    "L'intégration est supprimée et ses clés sont détruites.",
    "The integration is deleted and its keys are destroyed.",
);
pub(in crate::pages) const DISCONNECTED: Message = say(
    "Le compte est déconnecté et ses clés sont détruites. L'intégration, son mapping et son historique sont gardés.",
    "The account is disconnected and its keys are destroyed. The integration, its mapping and its history are kept.",
);
pub(in crate::pages) const REPLAYED: Message = say(
    "C'est rejoué. Le résultat apparaîtra dans les journaux.",
    "It is tried again. What comes of it appears in the logs.",
);
pub(in crate::pages) const DECIDED: Message =
    say("C'est décidé. Les fiches suivent.", "It is decided. The records follow.");
pub(in crate::pages) const MAPPED: Message = say(
    "Le mapping est enregistré. Ce qu'il change part maintenant.",
    "The mapping is saved. What it changes is sent now.",
);
pub(in crate::pages) const FIELDS_READ: Message =
    say("Les champs de la plateforme sont à jour.", "The platform's fields are up to date.");
pub(in crate::pages) const PLATFORM_REFUSED: Message = say(
    "La plateforme refuse de répondre. Testez la connexion pour en connaître la cause.",
    "The platform refuses to answer. Test the connection to see why.",
);
pub(in crate::pages) const ERASED: Message =
    say("La personne est effacée. Il n'en reste rien ici.", "The person is erased. Nothing of them is left here.");
pub(in crate::pages) const ERASING: Message = say(
    "La suppression est demandée aux plateformes ; la personne sera effacée ensuite. Rien d'elle n'est plus repris.",
    "The platforms are asked to delete; then the person is erased. Nothing of them is taken in any more.",
);
pub(in crate::pages) const TOKEN_REVOKED: Message = say(
    "Le jeton est révoqué. Dans dix secondes au plus, il n'ouvre plus rien nulle part.",
    "The token is revoked. Within ten seconds at most, it opens nothing anywhere.",
);
pub(in crate::pages) const TOKEN_OVER: Message =
    say("Ce jeton n'était déjà plus valable.", "This token was not valid any more already.");
pub(in crate::pages) const ALERT_TRIED: Message = say(
    "L'alerte d'essai est en route vers chaque adresse et chaque webhook enregistrés. Elle arrive en une minute environ.",
    "The trial alert is on its way to each saved address and webhook. It arrives within a minute or so.",
);
pub(in crate::pages) const NOBODY_TO_ALERT: Message = say(
    "Personne n'est prévenu : enregistrez d'abord une adresse ou un webhook.",
    "Nobody is told: save an address or a webhook first.",
);
pub(in crate::pages) const TOO_SOON: Message = say(
    "C'était demandé il y a moins d'une minute. Attendez un instant, puis réessayez.",
    "It was asked for less than a minute ago. Wait a moment, then try again.",
);
pub(in crate::pages) const CONFLICT_CLOSED: Message =
    say("Quelqu'un en a déjà décidé autrement.", "Somebody has decided otherwise already.");
pub(in crate::pages) const NOTHING_TO_REPLAY: Message =
    say("Il n'y a plus rien à rejouer ici.", "There is nothing left to try again here.");
pub(in crate::pages) const RUN_UNDER_WAY: Message = say(
    "Une synchronisation est déjà en cours. Attendez sa fin, ou annulez-la.",
    "A sync is under way already. Wait for its end, or cancel it.",
);
pub(in crate::pages) const SWITCHED_OFF: Message =
    say("Cette intégration est désactivée. Activez-la d'abord.", "This integration is off. Switch it on first.");
pub(in crate::pages) const NOTHING_TO_CONFIRM: Message =
    say("Cette synchronisation ne demande plus rien.", "This sync does not ask for anything any more.");
pub(in crate::pages) const PLATFORM_AWAY: Message = say(
    "La plateforme ne répond pas pour l'instant. Rien n'a été modifié ; réessayez dans un instant.",
    "The platform does not answer for now. Nothing was changed; try again in a moment.",
);
