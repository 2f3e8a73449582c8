//! The words of the settings of one integration.

use super::{Counted, Message, count, say};

pub(in crate::pages) const SAVE: Message = say("Enregistrer", "Save");
pub(in crate::pages) const CREDENTIALS: Message = say("Identifiants", "Credentials");
pub(in crate::pages) const CREDENTIALS_HELP: Message = say(
    "Laissez vide pour garder la clé actuelle ({}). Une nouvelle clé est essayée avant d'être enregistrée.",
    "Leave empty to keep the present key ({}). A new key is tried before it is saved.",
);
pub(in crate::pages) const BY_KIND: Message = say("Direction par sorte de fiche", "Direction by kind of record");
pub(in crate::pages) const BY_KIND_HELP: Message =
    say("Par exemple, lire les commandes sans jamais les écrire.", "For example, to read orders and never write them.");
pub(in crate::pages) const LOOKS: Message = say(
    "En plus des webhooks, Coccinelle cherche ce qui a changé toutes les {}, et compare tout au plus toutes les {}.",
    "Besides webhooks, Coccinelle looks for changes every {}, and compares everything every {} at most.",
);
pub(in crate::pages) const AS_ABOVE: Message = say("Comme ci-dessus", "As above");
pub(in crate::pages) const GRANT: Message = say("Autorisation", "Authorisation");
pub(in crate::pages) const GRANT_HELP: Message = say(
    "Le compte est connecté par votre accord. Donnez-le de nouveau si ses droits ont changé.",
    "The account is connected by your consent. Give it again if its permissions have changed.",
);
pub(in crate::pages) const WORKFLOW_SECRET: Message =
    say("Secret de signature de votre workflow", "Signing secret of your workflow");
pub(in crate::pages) const WORKFLOW_SECRET_HELP: Message = say(
    "Votre workflow reconnaît à ce secret ce qui vient de Coccinelle. Donnez-le à n8n, et à personne d'autre.",
    "By this secret your workflow knows what comes from Coccinelle. Give it to n8n, and to nobody else.",
);
pub(in crate::pages) const SHOW_SECRET: Message = say("Afficher le secret", "Show the secret");
pub(in crate::pages) const CONFLICTS: Message = say("Conflits", "Conflicts");
pub(in crate::pages) const CONFLICTS_HELP: Message = say(
    "Quel système l'emporte quand deux se contredisent se règle une fois pour toutes les intégrations.",
    "Which system is believed where two disagree is set once, for all integrations.",
);
pub(in crate::pages) const CONFLICTS_LINK: Message = say("Réglages des conflits", "Settings of conflicts");
pub(in crate::pages) const ALERTS_LINK: Message = say("Réglages communs des alertes", "Common settings of alerts");
pub(in crate::pages) const DISCONNECT: Message = say("Déconnecter le compte", "Disconnect the account");
pub(in crate::pages) const DISCONNECT_HELP: Message = say(
    "La clé ou l'autorisation est détruite et la plateforme cesse de nous appeler. L'intégration, son mapping et son historique \
     restent : reconnectez le même compte pour reprendre.",
    "The key or the authorisation is destroyed, and the platform stops calling us. The integration, its mapping and its history \
     stay: reconnect the same account to go on.",
);
pub(in crate::pages) const DISCONNECT_LOSS: Counted = count(
    (
        "{} fiche reste liée, et ne suit plus rien jusqu'à la reconnexion.",
        "{} record stays linked, and follows nothing until the account is reconnected.",
    ),
    (
        "{} fiches restent liées, et ne suivent plus rien jusqu'à la reconnexion.",
        "{} records stay linked, and follow nothing until the account is reconnected.",
    ),
);
pub(in crate::pages) const DISCONNECT_NOW: Message = say("Déconnecter maintenant", "Disconnect now");
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
