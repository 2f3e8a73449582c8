//! What a failure means and what to do about it, by the class of the failure.

use super::{Message, say};

const INVALID: Message = say(
    "La plateforme refuse ces valeurs. Corrigez la fiche ou le mapping, puis rejouez.",
    "The platform refuses these values. Correct the record or the mapping, then try again.",
);
const UNAUTHORIZED: Message = say(
    "La plateforme n'accepte plus l'autorisation. Reconnectez l'intégration dans Réglages ; tout ce qui attend partira ensuite.",
    "The platform no longer accepts the authorisation. Reconnect the integration in Settings; what waits is sent then.",
);
const FORBIDDEN: Message = say(
    "L'autorisation ne donne pas ce droit. Ajoutez-le sur la plateforme, puis rejouez.",
    "The authorisation does not allow this. Add the permission on the platform, then try again.",
);
const NOT_FOUND: Message = say(
    "L'objet n'existe plus sur la plateforme. Rejouez pour le créer de nouveau, ou laissez-le.",
    "The object is no longer on the platform. Try again to create it anew, or leave it.",
);
const CONFLICT: Message = say(
    "Contact dupliqué : la plateforme a déjà une fiche avec cet identifiant. Vérifiez dans Champs que l'e-mail sert d'identifiant, puis rejouez.",
    "Duplicate contact: the platform has a record with this identifier already. Check in Fields that the e-mail is the \
     identifier, then try again.",
);
const RATE_LIMITED: Message = say(
    "La plateforme demande d'attendre. Rien à faire : Coccinelle réessaie d'elle-même.",
    "The platform asks to wait. Nothing to do: Coccinelle tries again by itself.",
);
const UNAVAILABLE: Message = say(
    "La plateforme, ou le webhook n8n, ne répond pas. Rien à faire : Coccinelle réessaie d'elle-même.",
    "The platform, or the n8n webhook, does not answer. Nothing to do: Coccinelle tries again by itself.",
);
const INTERNAL: Message = say(
    "C'est une erreur de notre côté. Écrivez-nous avec la référence.",
    "This is a mistake of ours. Write to us with the reference.",
);

/// The remedy for failures of that class, by its stable code.
pub(in crate::pages) fn of_class(class: &str) -> Message {
    match class {
        "invalid" => INVALID,
        "unauthorized" => UNAUTHORIZED,
        "forbidden" => FORBIDDEN,
        "not_found" => NOT_FOUND,
        "conflict" => CONFLICT,
        "rate_limited" => RATE_LIMITED,
        "unavailable" => UNAVAILABLE,
        _ => INTERNAL,
    }
}
