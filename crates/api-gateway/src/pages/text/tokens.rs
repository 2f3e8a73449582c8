//! The words of tokens for programs.

use super::{Message, say};

pub(in crate::pages) const TITLE: Message = say("Jetons d'API", "API tokens");
pub(in crate::pages) const LEAD: Message = say(
    "Un jeton ouvre l'API à un programme à vous. Il n'est montré qu'une fois et n'est pas conservé ici.",
    "A token opens the API to a program of yours. It is shown once, and not kept here.",
);
pub(in crate::pages) const ELSEWHERE: Message = say(
    "Ici, les jetons sont émis par le service d'identité de Coccinelle. Demandez-y celui de votre programme, et faites-le révoquer là-bas.",
    "Here, tokens are issued by Coccinelle's identity service. Ask there for your program's, and have it revoked there.",
);
pub(in crate::pages) const FOR_ADMINS: Message = say(
    "Seul un administrateur voit les jetons, en crée et en révoque.",
    "Only an administrator sees tokens, makes them and revokes them.",
);
pub(in crate::pages) const EMPTY: Message = say(
    "Aucun jeton pour l'instant. Donnez un nom au premier, par exemple celui du programme qui s'en servira.",
    "There is no token yet. Give the first one a name, such as that of the program that will use it.",
);
pub(in crate::pages) const OLDER: Message = say("Plus anciens", "Older");
pub(in crate::pages) const NEWEST: Message = say("Revenir aux plus récents", "Back to the newest");
pub(in crate::pages) const NEW: Message = say("Nouveau jeton", "New token");
pub(in crate::pages) const ONCE: Message = say(
    "Copiez-le maintenant : il ne sera plus montré. Votre programme l'envoie dans l'en-tête « Authorization: Bearer … ».",
    "Copy it now: it is not shown again. Your program sends it in the header “Authorization: Bearer …”.",
);
pub(in crate::pages) const NAME: Message = say("Nom", "Name");
pub(in crate::pages) const NAME_HELP: Message =
    say("Ce qui s'en sert, par exemple « Export CRM ».", "What uses it, for example “CRM export”.");
pub(in crate::pages) const ROLE: Message = say("Droits", "Permissions");
pub(in crate::pages) const SERVICE: Message = say("Événements", "Events");
pub(in crate::pages) const SERVICE_HELP: Message =
    say("Transmet des événements, ne lit rien.", "Hands over events, reads nothing.");
pub(in crate::pages) const VIEWER: Message = say("Lecture", "Reading");
pub(in crate::pages) const VIEWER_HELP: Message =
    say("Lit tout, ne modifie rien.", "Reads everything, changes nothing.");
pub(in crate::pages) const ADMIN: Message = say("Administration", "Administration");
pub(in crate::pages) const ADMIN_HELP: Message = say(
    "Lit et modifie tout, y compris les intégrations et les jetons.",
    "Reads and changes everything, integrations and tokens among it.",
);
pub(in crate::pages) const DAYS: Message = say("Durée, en jours", "Life, in days");
pub(in crate::pages) const DAYS_HELP: Message = say(
    "De 1 à {} jours. Ensuite, il n'ouvre plus rien ; créez-en un autre avant.",
    "1 to {} days. Then it opens nothing any more; make another one before.",
);
pub(in crate::pages) const MAKE: Message = say("Créer le jeton", "Make the token");
pub(in crate::pages) const MADE: Message = say("Créé", "Made");
pub(in crate::pages) const BY: Message = say("par {}", "by {}");
pub(in crate::pages) const UNTIL: Message = say("Valable jusqu'au", "Holds until");
pub(in crate::pages) const USED: Message = say("Dernier usage", "Last used");
pub(in crate::pages) const NEVER: Message = say("jamais", "never");
pub(in crate::pages) const STATE: Message = say("État", "State");
pub(in crate::pages) const ACTIVE: Message = say("Actif", "Active");
pub(in crate::pages) const EXPIRED: Message = say("Expiré", "Expired");
pub(in crate::pages) const REVOKED: Message = say("Révoqué", "Revoked");
pub(in crate::pages) const REVOKE: Message = say("Révoquer", "Revoke");
pub(in crate::pages) const REVOKE_WHICH: Message = say("Révoquer {}", "Revoke {}");
