//! The words of webhooks: the address, its secret, and what came in.

use super::{Message, say};

pub(in crate::pages) const ADDRESS: Message =
    say("Adresse à déclarer sur la plateforme", "Address to register on the platform");
pub(in crate::pages) const ADDRESS_HELP: Message =
    say("La plateforme l'appelle par POST à chaque modification.", "The platform calls it by POST with every change.");
pub(in crate::pages) const COPY: Message = say("Copier", "Copy");
pub(in crate::pages) const COPIED: Message = say("Copié", "Copied");
pub(in crate::pages) const SUBSCRIPTION: Message = say("Abonnement", "Subscription");
pub(in crate::pages) const OURS_GOOD: Message =
    say("Coccinelle s'en occupe. Vérifié le {}.", "Coccinelle sees to it. Checked on {}.");
pub(in crate::pages) const OURS_BAD: Message = say(
    "L'abonnement n'est pas en place ({}). Coccinelle réessaie chaque jour ; d'ici là, les modifications sont lues à intervalles.",
    "The subscription is not in place ({}). Coccinelle tries again every day; until then, changes are read at intervals.",
);
pub(in crate::pages) const OURS_BY_HAND: Message = say(
    "À créer à la main : l'utilisateur qui a connecté le compte n'a pas le droit de modifier la configuration de la plateforme. Tout le reste fonctionne, et d'ici là les modifications sont lues à intervalles. Coccinelle réessaie chaque jour ; une fois créé à la main, il n'y a plus rien à faire.",
    "To be made by hand: the user who connected the account has no right to change the platform's setup. Everything else works, and until then changes are read at intervals. Coccinelle tries again every day; once it is made by hand, there is nothing more to do.",
);
pub(in crate::pages) const OURS_NEW: Message =
    say("Coccinelle s'en occupe à la prochaine vérification.", "Coccinelle sees to it at the next check.");
pub(in crate::pages) const BY_APP: Message = say(
    "Déclaré une fois pour toutes par l'application Coccinelle. Vous n'avez rien à faire.",
    "Set up once for all by Coccinelle's app. There is nothing for you to do.",
);
pub(in crate::pages) const APP_GOOD: Message = say(
    "Coccinelle s'en occupe, pour tous les comptes qui autorisent son application. Vérifié le {}.",
    "Coccinelle sees to it, for all accounts that let its app in. Checked on {}.",
);
pub(in crate::pages) const APP_BAD: Message = say(
    "L'abonnement de l'application Coccinelle n'est pas en place ; nous le savons et réessayons. D'ici là, les modifications sont lues à intervalles.",
    "The subscription of Coccinelle's app is not in place; we know of it and try again. Until then, changes are read at intervals.",
);
pub(in crate::pages) const KEY_ALONE: Message = say(
    "Ce compte est connecté par une clé : {} n'annonce pas à l'application Coccinelle ce qui y change, et aucune API ne permet de le demander. Les modifications sont lues à intervalles. Pour qu'elles soient annoncées, connectez le compte par autorisation.",
    "This account is connected by a key: {} does not tell Coccinelle's app what changes there, and no API lets us ask for that. Changes are read at intervals. To have them announced, connect the account by consent.",
);
pub(in crate::pages) const BY_HAND: Message = say(
    "À déclarer une fois chez {} : créez un webhook vers cette adresse, avec le secret ci-dessous.",
    "To be set up once at {}: create a webhook to this address, with the secret below.",
);
pub(in crate::pages) const SILENT: Message = say(
    "Silencieux depuis le {} : des modifications faites là-bas ne sont plus annoncées, et sont lues à intervalles.",
    "Silent since {}: changes made there are no longer announced, and are read at intervals.",
);
pub(in crate::pages) const SILENT_APP: Message = say(
    "L'abonnement de l'application Coccinelle est à rétablir. Signalez-le à l'assistance ; l'alerte prend fin avec la prochaine livraison vérifiée.",
    "The subscription of Coccinelle's app is to be set up again. Tell support; the alert ends with the next verified delivery.",
);
pub(in crate::pages) const SILENT_BY_HAND: Message = say(
    "Vérifiez sur la plateforme que le webhook existe encore, qu'il est actif et qu'il appelle l'adresse ci-dessus avec le secret en vigueur ; puis modifiez un contact là-bas. L'alerte prend fin avec la prochaine livraison vérifiée.",
    "Check on the platform that the webhook still exists, is active and calls the address above with the present secret; then change a contact there. The alert ends with the next verified delivery.",
);
pub(in crate::pages) const SILENT_GUIDE: Message = say("Le guide de la plateforme", "The platform's guide");
pub(in crate::pages) const SECRET: Message = say("Secret de signature", "Signing secret");
pub(in crate::pages) const SECRET_APP: Message = say(
    "Les webhooks sont signés par le secret de l'application Coccinelle.",
    "Webhooks are signed by the secret of Coccinelle's app.",
);
pub(in crate::pages) const SECRET_NONE: Message = say("Aucun secret n'a encore été créé.", "No secret was made yet.");
pub(in crate::pages) const SECRET_IS: Message = say("{}, créé le {}.", "{}, made on {}.");
pub(in crate::pages) const PREVIOUS: Message =
    say("Le précédent reste accepté jusqu'au {}.", "The one before is still accepted until {}.");
pub(in crate::pages) const ROTATE: Message = say("Créer un nouveau secret", "Make a new secret");
pub(in crate::pages) const ROTATE_HELP: Message = say(
    "L'ancien reste accepté un jour. Là où Coccinelle s'occupe de l'abonnement, elle y met elle-même le nouveau ; là où il est créé à la main, remplacez-le sur la plateforme.",
    "The old one is still accepted for a day. Where Coccinelle sees to the subscription, it puts the new one there itself; where it is made by hand, replace it on the platform.",
);
pub(in crate::pages) const NEW_SECRET: Message = say("Nouveau secret", "New secret");
pub(in crate::pages) const ONCE: Message =
    say("Copiez-le maintenant : il n'est montré que cette fois.", "Copy it now: it is shown this once.");
pub(in crate::pages) const DELIVERIES: Message = say("Dernières livraisons", "Latest deliveries");
pub(in crate::pages) const EMPTY: Message = say(
    "La plateforme n'a encore rien envoyé. Modifiez un contact là-bas pour essayer.",
    "The platform has sent nothing yet. Change a contact there to try it.",
);
pub(in crate::pages) const OUTCOME: Message = say("Vérification", "Verification");
pub(in crate::pages) const WHY: Message = say("Suite donnée", "What came of it");
pub(in crate::pages) const DELIVERY: Message = say("Livraison", "Delivery");
pub(in crate::pages) const APPLIED: Message = say("Vérifiée, appliquée", "Verified, applied");
pub(in crate::pages) const IGNORED: Message = say("Vérifiée, ignorée", "Verified, ignored");
pub(in crate::pages) const REFUSED: Message = say("Refusée", "Refused");
pub(in crate::pages) const UNSIGNED: Message = say(
    "Elle n'est pas signée. Vérifiez que le webhook a un secret sur la plateforme.",
    "It is not signed. Check that the webhook has a secret on the platform.",
);
pub(in crate::pages) const UNDATED: Message =
    say("Elle ne dit pas quand elle a été signée.", "It does not say when it was signed.");
pub(in crate::pages) const OUTSIDE_WINDOW: Message = say(
    "Elle a été signée il y a trop longtemps : c'est peut-être une répétition.",
    "It was signed too long ago: it may be a repetition.",
);
pub(in crate::pages) const WRONG_SIGNATURE: Message = say(
    "La signature ne correspond pas. Le secret de la plateforme n'est pas celui-ci, ou le contenu a été modifié en route.",
    "The signature does not match. The platform has another secret, or the body was changed on the way.",
);
pub(in crate::pages) const NO_SECRET: Message =
    say("Il n'y a pas de secret pour la vérifier. Créez-en un.", "There is no secret to check it with. Make one.");
pub(in crate::pages) const UNKNOWN_ACCOUNT: Message =
    say("Elle concerne un compte qui n'est pas connecté.", "It is about an account that is not connected.");
pub(in crate::pages) const ALL: Message = say("Toutes les livraisons", "All deliveries");
pub(in crate::pages) const BODY: Message = say("Contenu", "Body");
pub(in crate::pages) const NO_BODY: Message =
    say("Le contenu d'une livraison refusée n'est pas gardé.", "The body of a refused delivery is not kept.");
pub(in crate::pages) const LED_TO: Message = say("Ce qui a suivi", "What followed");
