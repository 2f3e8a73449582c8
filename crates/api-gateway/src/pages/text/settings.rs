//! The words of the tenant's settings.

use super::{Message, say};

pub(in crate::pages) const LEAD: Message =
    say("Ils valent pour toutes vos intégrations.", "They apply to all of your integrations.");
pub(in crate::pages) const LANGUAGE: Message = say("Langue des alertes", "Language of alerts");
pub(in crate::pages) const TIME_ZONE: Message = say("Fuseau horaire", "Time zone");
pub(in crate::pages) const TIME_ZONE_HELP: Message = say(
    "Par exemple Europe/Paris. Les journées des statistiques y commencent.",
    "For example Europe/Paris. Days of the statistics begin in it.",
);
pub(in crate::pages) const REGION: Message = say("Pays des numéros de téléphone", "Country of telephone numbers");
pub(in crate::pages) const REGION_HELP: Message = say(
    "Son code à deux lettres, par exemple BE. Un numéro sans indicatif est lu comme un numéro de ce pays.",
    "Its code of two letters, for example BE. A number without a country code is read as one of this country.",
);
pub(in crate::pages) const FRANCE: Message = say("France", "France");
pub(in crate::pages) const BELGIUM: Message = say("Belgique", "Belgium");
pub(in crate::pages) const SWITZERLAND: Message = say("Suisse", "Switzerland");
pub(in crate::pages) const LUXEMBOURG: Message = say("Luxembourg", "Luxembourg");
pub(in crate::pages) const MONACO: Message = say("Monaco", "Monaco");
pub(in crate::pages) const CANADA: Message = say("Canada", "Canada");
pub(in crate::pages) const GUADELOUPE: Message = say("Guadeloupe", "Guadeloupe");
pub(in crate::pages) const MARTINIQUE: Message = say("Martinique", "Martinique");
pub(in crate::pages) const FRENCH_GUIANA: Message = say("Guyane", "French Guiana");
pub(in crate::pages) const REUNION: Message = say("La Réunion", "Réunion");
pub(in crate::pages) const MAYOTTE: Message = say("Mayotte", "Mayotte");
pub(in crate::pages) const NEW_CALEDONIA: Message = say("Nouvelle-Calédonie", "New Caledonia");
pub(in crate::pages) const EMAILS: Message = say("Adresses prévenues en cas de panne", "Addresses told of trouble");
pub(in crate::pages) const EMAILS_HELP: Message =
    say("Une adresse e-mail par ligne, dix au plus.", "One e-mail address a line, ten at most.");
pub(in crate::pages) const WEBHOOKS: Message = say("Webhooks prévenus", "Webhooks that are told");
pub(in crate::pages) const WEBHOOKS_HELP: Message = say(
    "Slack, ou un webhook à vous que Coccinelle signe. L'adresse et le secret sont chiffrés et ne sont plus montrés.",
    "Slack, or a webhook of yours that Coccinelle signs. Address and secret are encrypted and not shown again.",
);
pub(in crate::pages) const WEBHOOK: Message = say("Webhook {}", "Webhook {}");
pub(in crate::pages) const HOOK_NAME: Message = say("Nom", "Name");
pub(in crate::pages) const HOOK_FORM: Message = say("Forme", "Form");
pub(in crate::pages) const HOOK_SIGNED: Message = say("Signé", "Signed");
pub(in crate::pages) const HOOK_URL: Message = say("Adresse", "Address");
pub(in crate::pages) const HOOK_KEPT: Message = say("{}. Laissez vide pour la garder.", "{}. Leave empty to keep it.");
pub(in crate::pages) const HOOK_SECRET: Message = say("Secret, si signé", "Secret, if signed");
pub(in crate::pages) const HOOK_REMOVE: Message = say("Retirer", "Remove");
pub(in crate::pages) const POLICY: Message = say("Quand deux systèmes se contredisent", "Where two systems disagree");
pub(in crate::pages) const POLICY_HELP: Message = say(
    "Ce qui perd reste dans l'historique de la fiche et peut être restauré.",
    "What loses stays in the record's history and can be restored.",
);
pub(in crate::pages) const BELIEVED: Message = say("qui l'emporte", "who is believed");
pub(in crate::pages) const LATEST: Message = say("La modification la plus récente", "The latest change");
pub(in crate::pages) const FIRST: Message = say("{} d'abord", "{} first");
pub(in crate::pages) const FINER: Message = say("L'ordre actuel", "The present order");
pub(in crate::pages) const DELETIONS: Message = say("suppressions", "deletions");
pub(in crate::pages) const COCCINELLES: Message =
    say("Celles de Coccinelle sont transmises", "Coccinelle's are carried on");
pub(in crate::pages) const EVERYBODYS: Message = say("Toutes sont transmises", "All are carried on");
pub(in crate::pages) const NOBODYS: Message = say("Aucune n'est transmise", "None are carried on");
pub(in crate::pages) const VANISHED_THERE: Message = say("supprimé sur une plateforme", "deleted on a platform");
pub(in crate::pages) const FOLLOW: Message =
    say("Suivre : supprimé ici aussi, si ce type est lu", "Follow: deleted here, too, where this kind is read");
pub(in crate::pages) const RECREATE: Message = say("Recréer sur la plateforme", "Create it again there");
pub(in crate::pages) const UNLINK: Message = say("Garder ici, ne plus y écrire", "Keep it here, write no more there");
pub(in crate::pages) const RETENTION: Message =
    say("Conservation des journaux, en jours", "Logs are kept for, in days");
pub(in crate::pages) const RETENTION_HELP: Message = say(
    "Laissez vide pour les garder le plus longtemps possible : {} jours.",
    "Leave empty to keep them as long as possible: {} days.",
);
pub(in crate::pages) const REDACTION: Message = say("Masquage des journaux", "Redaction of logs");
pub(in crate::pages) const FIELDS: Message = say("Champs masqués", "Redacted fields");
pub(in crate::pages) const FIELDS_HELP: Message =
    say("Un nom de champ par ligne, par exemple iban.", "One name of a field a line, for example iban.");
pub(in crate::pages) const PATTERNS: Message = say("Motifs masqués", "Redacted patterns");
pub(in crate::pages) const PATTERNS_HELP: Message =
    say("Une expression régulière par ligne.", "One regular expression a line.");
pub(in crate::pages) const HIDE_EMAILS: Message = say("Masquer les adresses e-mail", "Redact e-mail addresses");
pub(in crate::pages) const HIDE_PHONES: Message = say("Masquer les numéros de téléphone", "Redact telephone numbers");
pub(in crate::pages) const SAVE: Message = say("Enregistrer", "Save");
pub(in crate::pages) const TRIAL: Message = say("Alerte d'essai", "Trial alert");
pub(in crate::pages) const TRIAL_HELP: Message = say(
    "Elle part comme une véritable alerte, vers les adresses et les webhooks enregistrés, et dit qu'elle est un essai. Elle ne compte pas comme un incident.",
    "It goes the way of a real alert, to the saved addresses and webhooks, and says that it is a trial. It does not count as an incident.",
);
pub(in crate::pages) const TRY: Message = say("Envoyer une alerte d'essai", "Send a trial alert");
pub(in crate::pages) const REFERENCE: Message = say("Référence de l'API", "Reference of the API");
pub(in crate::pages) const AUDIT: Message = say("Dernières modifications", "Latest changes");
pub(in crate::pages) const WHEN: Message = say("Quand", "When");
pub(in crate::pages) const WHO: Message = say("Qui", "Who");
pub(in crate::pages) const TO_WHAT: Message = say("Sur quoi", "To what");
pub(in crate::pages) const WHAT: Message = say("Quoi", "What");
pub(in crate::pages) const NOTHING: Message = say("Rien n'a encore été modifié.", "Nothing was changed yet.");
