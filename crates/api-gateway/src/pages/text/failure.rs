//! What is said where a page cannot be shown, and what to do about it.

use super::{Message, say};

pub(in crate::pages) const REFERENCE: Message = say("Référence", "Reference");
pub(in crate::pages) const BACK: Message = say("Retour aux intégrations", "Back to the integrations");
pub(in crate::pages) const SUPPORT: Message = say("Contacter le support", "Contact support");
pub(in crate::pages) const SUPPORT_SUBJECT: Message = say("Coccinelle, référence {}", "Coccinelle, reference {}");

pub(in crate::pages) const FORBIDDEN: Message = say("Accès réservé", "No access");
pub(in crate::pages) const FORBIDDEN_WHY: Message = say(
    "Votre rôle ne permet pas cette action. Demandez à un administrateur de votre organisation.",
    "Your role does not allow this. Ask an administrator of your organisation.",
);
pub(in crate::pages) const FORGED: Message = say("Formulaire périmé", "Form out of date");
pub(in crate::pages) const FORGED_WHY: Message = say(
    "Ce formulaire vient d'une session qui n'est plus la vôtre, ou d'un autre site. Rien n'a été modifié. Revenez à la \
     page, rechargez-la et recommencez.",
    "This form comes from a session that is no longer yours, or from another site. Nothing was changed. Go back to the \
     page, reload it and try again.",
);
pub(in crate::pages) const STRANGER: Message = say("Organisation inconnue", "Organisation unknown");
pub(in crate::pages) const STRANGER_WHY: Message = say(
    "Votre jeton est bon, mais son organisation n'est pas connue ici.",
    "Your token is good, but its organisation is not known here.",
);
pub(in crate::pages) const MISSING: Message = say("Page introuvable", "Page not found");
pub(in crate::pages) const MISSING_WHY: Message = say(
    "Cette adresse ne mène à rien, ou à une intégration qui a été supprimée.",
    "This address leads nowhere, or to an integration that was deleted.",
);
pub(in crate::pages) const TOO_MANY: Message = say("Trop de demandes", "Too many requests");
pub(in crate::pages) const TOO_MANY_WHY: Message =
    say("Attendez quelques secondes, puis rechargez la page.", "Wait a few seconds, then reload the page.");
pub(in crate::pages) const AWAY: Message = say("Service momentanément indisponible", "Service unavailable for now");
pub(in crate::pages) const AWAY_WHY: Message = say(
    "Une partie du système ne répond pas. Vos données sont en sécurité ; la synchronisation reprendra d'elle-même. \
     Rechargez la page dans un instant.",
    "A part of the system does not answer. Your data is safe, and syncing resumes by itself. Reload the page in a moment.",
);
pub(in crate::pages) const BROKEN: Message = say("Erreur de notre côté", "Something went wrong on our side");
pub(in crate::pages) const BROKEN_WHY: Message = say(
    "La page n'a pas pu être affichée. Rien n'a été perdu. Si cela se répète, écrivez-nous avec la référence ci-dessous.",
    "The page could not be shown. Nothing was lost. If it happens again, write to us with the reference below.",
);
pub(in crate::pages) const CHANGED: Message = say("Modifié entre-temps", "Changed meanwhile");
pub(in crate::pages) const CHANGED_WHY: Message = say(
    "Quelqu'un a modifié cette page depuis que vous l'avez ouverte. Rechargez-la et décidez de nouveau.",
    "Somebody changed this since you opened it. Reload the page and decide again.",
);
pub(in crate::pages) const REFUSED: Message = say("Demande refusée", "Request refused");
pub(in crate::pages) const REFUSED_WHY: Message = say(
    "Cette demande ne peut pas être traitée telle qu'elle est. Rien n'a été modifié. Revenez à la page, rechargez-la et recommencez.",
    "This request cannot be handled as it is. Nothing was changed. Go back to the page, reload it and try again.",
);
pub(in crate::pages) const TOO_LONG: Message = say("Demande trop longue", "Request too long");
pub(in crate::pages) const TOO_LONG_WHY: Message = say(
    "Ce qui a été envoyé, ou son adresse, est trop long. Rien n'a été modifié. Raccourcissez-le et recommencez.",
    "What was sent, or its address, is too long. Nothing was changed. Shorten it and try again.",
);
pub(in crate::pages) const OFFLINE: Message = say("Vous êtes hors ligne", "You are offline");
pub(in crate::pages) const OFFLINE_WHY: Message = say(
    "Votre navigateur ne joint pas Coccinelle. La synchronisation, elle, continue. La page se rechargera dès que la \
     connexion reviendra.",
    "Your browser cannot reach Coccinelle. Syncing goes on all the same. The page reloads once the connection is back.",
);
pub(in crate::pages) const RETRY: Message = say("Réessayer", "Try again");
