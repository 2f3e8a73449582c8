//! The words of an integration's overview.

use super::{Counted, Message, count, say};

pub(in crate::pages) const IN_STEP: Message =
    say("{} est synchronisé. Dernière synchronisation {}.", "{} is in step. Last sync {}.");
pub(in crate::pages) const UP_TO_DATE: Counted =
    count(("{} fiche à jour,", "{} record up to date,"), ("{} fiches à jour,", "{} records up to date,"));
pub(in crate::pages) const NO_DRIFT: Message = say("aucun écart.", "none out of step.");
pub(in crate::pages) const WAITING: Counted =
    count(("{} fiche attend.", "{} record is waiting."), ("{} fiches attendent.", "{} records are waiting."));
pub(in crate::pages) const FAILED: Counted =
    count(("{} fiche en échec.", "{} record failed."), ("{} fiches en échec.", "{} records failed."));
pub(in crate::pages) const FIRST: Message = say(
    "{} est connecté. La première synchronisation commence d'ici peu.",
    "{} is connected. The first sync begins shortly.",
);
pub(in crate::pages) const NOTHING_YET: Message =
    say("{} est synchronisé. Rien n'a encore eu besoin de circuler.", "{} is in step. Nothing has needed to flow yet.");
pub(in crate::pages) const OFF: Message =
    say("{} est désactivé : rien ne circule, dans aucun sens.", "{} is switched off: nothing flows, either way.");
pub(in crate::pages) const ERROR: Message =
    say("{} : aucune tentative n'a encore réussi.", "{}: no attempt has succeeded yet.");
pub(in crate::pages) const ERROR_SINCE: Message = say(
    "{} : les dernières tentatives ont toutes échoué. La dernière réussite date du {}.",
    "{}: all of the latest attempts failed. The last success was on {}.",
);
pub(in crate::pages) const REAUTH: Message = say(
    "Intégration non configurée : {} n'accepte plus les identifiants de Coccinelle.",
    "Integration not configured: {} no longer accepts Coccinelle's credentials.",
);
pub(in crate::pages) const REAUTH_SINCE: Message = say(
    "{} attend une reconnexion : l'autorisation n'est plus acceptée. La dernière réussite date du {}.",
    "{} needs to be reconnected: the authorisation is no longer accepted. The last success was on {}.",
);
pub(in crate::pages) const DOWN: Message = say(
    "{} est en panne pour tout le monde. Rien n'est perdu : la synchronisation reprendra d'elle-même.",
    "{} is down for everybody. Nothing is lost: syncing resumes by itself.",
);
pub(in crate::pages) const UNCONNECTED: Message = say(
    "Intégration non configurée : aucun compte {} n'est connecté. Donnez votre accord pour commencer.",
    "Integration not configured: no account of {} is connected. Give your consent to begin.",
);
pub(in crate::pages) const DISCONNECTED: Message = say(
    "Intégration non configurée : {} est déconnecté et rien ne circule. Reconnectez le même compte pour reprendre où vous en étiez.",
    "Integration not configured: {} is disconnected and nothing flows. Reconnect the same account to go on where you were.",
);
pub(in crate::pages) const REMOVE: Message = say("Retirer cette intégration", "Remove this integration");
pub(in crate::pages) const BEGIN: Message =
    say("Activer et lancer la première synchronisation", "Switch on and begin the first sync");
pub(in crate::pages) const SAID_LAST: Message = say("Dernier message : {}", "Last message: {}");
pub(in crate::pages) const SEE_FAILURES: Message = say("Voir les échecs", "See the failures");
pub(in crate::pages) const SEE_LOGS: Message = say("Voir les journaux", "See the logs");
pub(in crate::pages) const RECONNECT: Message = say("Reconnecter", "Reconnect");

pub(in crate::pages) const QUEUED: Message = say("Synchronisation en file d'attente", "Sync queued");
pub(in crate::pages) const RUNNING: Message = say("Synchronisation en cours", "Sync under way");
pub(in crate::pages) const CANCELLING: Message = say("Arrêt en cours", "Ending");
pub(in crate::pages) const ASKS: Message = say("Votre accord est nécessaire", "Your consent is needed");
pub(in crate::pages) const PROGRESS: Message = say("{} sur {}", "{} of {}");
pub(in crate::pages) const CANCEL: Message = say("Annuler", "Cancel");
pub(in crate::pages) const CONFIRM: Message = say("Accepter les suppressions", "Agree to the deletions");
pub(in crate::pages) const GONE: Counted = count(
    (
        "{} fiche a disparu de la plateforme. Elle ne sera supprimée ici que si vous l'acceptez.",
        "{} record has gone from the platform. It is deleted here only if you agree.",
    ),
    (
        "{} fiches ont disparu de la plateforme. Elles ne seront supprimées ici que si vous l'acceptez.",
        "{} records have gone from the platform. They are deleted here only if you agree.",
    ),
);
pub(in crate::pages) const RUN_DONE: Message =
    say("Dernière synchronisation complète {} : {}.", "Last complete sync {}: {}.");
pub(in crate::pages) const RUN_PARTLY: Message =
    say("Dernière synchronisation complète {}, avec {}.", "Last complete sync {}, with {}.");
pub(in crate::pages) const RUN_CANCELLED: Message =
    say("La dernière synchronisation complète a été annulée {}.", "The last complete sync was cancelled {}.");
pub(in crate::pages) const RUN_FAILED: Message = say(
    "Sync échouée : la dernière synchronisation complète s'est arrêtée {}. {}",
    "Sync failed: the last complete sync stopped {}. {}",
);
pub(in crate::pages) const RECORDS_MOVED: Counted =
    count(("{} fiche mise à jour", "{} record updated"), ("{} fiches mises à jour", "{} records updated"));
pub(in crate::pages) const RECORDS_FAILED: Counted =
    count(("{} fiche en échec", "{} failed record"), ("{} fiches en échec", "{} failed records"));

pub(in crate::pages) const TEST_GOOD: Message = say("Connexion établie en {}", "Connected in {}");
pub(in crate::pages) const TEST_ACCOUNT: Message = say("Compte {} ({}).", "Account {} ({}).");
pub(in crate::pages) const TEST_UNKEYED: Message = say(
    "Sans champ pour l'identifiant de Coccinelle : {}. Il est noté à la fin de leur texte ; une personne est reconnue à son adresse ou à son numéro.",
    "Without a field for Coccinelle's id: {}. It is noted at the end of their text; a person is recognised by address or number.",
);
pub(in crate::pages) const TEST_BAD: Message = say("La connexion a échoué", "The connection failed");
pub(in crate::pages) const TEST_UNAUTHORIZED: Message = say(
    "La plateforme n'accepte pas cette clé. Vérifiez qu'elle est toujours valide, ou donnez-en une autre dans Réglages.",
    "The platform does not accept this key. Check that it is still valid, or give another one in Settings.",
);
pub(in crate::pages) const TEST_FORBIDDEN: Message = say(
    "La clé est bonne mais ses droits ne suffisent pas. Ajoutez-les sur la plateforme, puis testez de nouveau.",
    "The key is good but may do too little. Add the missing permissions on the platform, then test again.",
);
pub(in crate::pages) const TEST_OTHER_ACCOUNT: Message = say(
    "La clé ouvre un autre compte que celui qui est connecté. Pour connecter celui-là, ajoutez une intégration.",
    "The key opens another account than the one connected. To connect that one, add an integration.",
);
pub(in crate::pages) const TEST_BUSY: Message = say(
    "La plateforme refuse d'autres demandes pour l'instant. Réessayez dans une minute.",
    "The platform takes no more requests for now. Try again in a minute.",
);
pub(in crate::pages) const TEST_ADDRESS: Message = say(
    "L'adresse ne mène à aucun compte. Vérifiez-la dans Réglages.",
    "The address leads to no account. Check it in Settings.",
);
pub(in crate::pages) const TEST_AWAY: Message = say(
    "La plateforme ne répond pas. Rien n'est perdu ; la synchronisation reprendra d'elle-même.",
    "The platform does not answer. Nothing is lost; syncing resumes by itself.",
);
pub(in crate::pages) const AUDIT: Message = say("Dernière comparaison complète", "Last complete comparison");
pub(in crate::pages) const AUDIT_KIND: Message = say("Sorte", "Kind");
pub(in crate::pages) const AUDIT_FOUND: [Message; 5] = [
    say("Comparées", "Compared"),
    say("Écarts", "Differed"),
    say("Inconnues", "Unknown"),
    say("En double", "Twice"),
    say("Disparues", "Gone"),
];
