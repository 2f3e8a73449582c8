//! The words of failures and of trying them again.

use super::{Counted, Message, count, say};

pub(in crate::pages) const EMPTY: Message = say("Aucun échec", "No failures");
pub(in crate::pages) const EMPTY_WHY: Message = say(
    "Ce qu'une plateforme refuse pour de bon attend ici, avec sa cause et son remède. Le reste est réessayé tout seul.",
    "What a platform refuses for good waits here, with its cause and its remedy. Everything else is tried again by itself.",
);
pub(in crate::pages) const STANDING: Counted =
    count(("{} fiche en échec", "{} record failed"), ("{} fiches en échec", "{} records failed"));
pub(in crate::pages) const STANDING_MORE: Message = say("plus de {} fiches en échec", "more than {} records failed");
pub(in crate::pages) const TOTAL: Counted = count(
    (
        "{} fiche est en échec. Rien n'est perdu : elle repartira une fois rejouée.",
        "{} record failed. Nothing is lost: it goes out once it is tried again.",
    ),
    (
        "{} fiches sont en échec. Rien n'est perdu : elles repartiront une fois rejouées.",
        "{} records failed. Nothing is lost: they go out once they are tried again.",
    ),
);
pub(in crate::pages) const GROUPS: Message = say("Échecs par cause", "Failures by cause");
pub(in crate::pages) const CAUSE: Message = say("Cause", "Cause");
pub(in crate::pages) const RECORDS: Message = say("Fiches", "Records");
pub(in crate::pages) const FIRST: Message = say("Premier", "First");
pub(in crate::pages) const LAST: Message = say("Dernier", "Latest");
pub(in crate::pages) const ALL: Message = say("Tous les échecs", "All failures");
pub(in crate::pages) const REMEDY: Message = say("Que faire", "What to do");
pub(in crate::pages) const EXAMPLE: Message = say("Un exemple", "An example");
pub(in crate::pages) const NO_EXAMPLE: Message =
    say("Les journaux n'en gardent plus d'exemple.", "The logs hold no example of it any more.");
pub(in crate::pages) const SEE_ATTEMPT: Message = say("Voir cette tentative", "See this attempt");
pub(in crate::pages) const AFFECTED: Message = say("Fiches concernées", "Records concerned");
pub(in crate::pages) const SAID: Message = say("Réponse", "Answer");
pub(in crate::pages) const NOT_TIED: Message = say("pas encore rattachée", "not tied yet");
pub(in crate::pages) const MORE: Message = say("Suite", "More");
pub(in crate::pages) const BEGINNING: Message = say("Revenir au début", "Back to the beginning");
pub(in crate::pages) const REPLAY_GROUP: Message = say("Rejouer ce groupe", "Try this group again");
pub(in crate::pages) const SMALLER: Message = say("Groupes suivants", "Next groups");
pub(in crate::pages) const LARGEST: Message = say("Revenir aux plus grands", "Back to the largest");
pub(in crate::pages) const REPLAY_ONE: Message = say("Rejouer", "Try again");
pub(in crate::pages) const RANGE: Message = say("Rejouer une période", "Try a period again");
pub(in crate::pages) const RANGE_HELP: Message = say(
    "Laissez vide pour tout rejouer. Le nombre de fiches est annoncé avant que rien ne parte.",
    "Leave empty to try everything again. The number of records is told before anything is sent.",
);
pub(in crate::pages) const SINCE: Message = say("Échoué depuis", "Failed since");
pub(in crate::pages) const UNTIL: Message = say("Échoué avant", "Failed before");
pub(in crate::pages) const COUNT: Message = say("Compter", "Count");
pub(in crate::pages) const WOULD: Counted = count(
    ("{} fiche serait rejouée. Rien n'est encore parti.", "{} record would be tried again. Nothing was sent yet."),
    ("{} fiches seraient rejouées. Rien n'est encore parti.", "{} records would be tried again. Nothing was sent yet."),
);
pub(in crate::pages) const SURE: Counted =
    count(("Rejouer {} fiche", "Try {} record again"), ("Rejouer {} fiches", "Try {} records again"));
pub(in crate::pages) const APPLY: Counted = count(
    ("Appliquer et rejouer {} fiche", "Apply and replay {} record"),
    ("Appliquer et rejouer {} fiches", "Apply and replay {} records"),
);
pub(in crate::pages) const NONE: Message = say("Il n'y a rien à rejouer ici.", "There is nothing to try again here.");
pub(in crate::pages) const TRIAL: Message = say("Essayer une correction", "Try a correction");
pub(in crate::pages) const TRIAL_HELP: Message = say(
    "Voyez ce qui partirait avec une autre valeur, ou avec un autre champ à la source. À l'essai, rien n'est modifié et rien ne \
     part. Une valeur peut ensuite être appliquée à toutes ces fiches ; un mapping se modifie, puis on rejoue.",
    "See what would be sent with another value, or from another field. A trial changes nothing and sends nothing. A value can \
     then be applied to all these records; change a mapping, then try again.",
);
pub(in crate::pages) const VALUE: Message = say("Valeur à essayer", "Value to try");
pub(in crate::pages) const INSTEAD: Message =
    say("Champ Coccinelle à sa source", "Field of Coccinelle that it comes from");
pub(in crate::pages) const AS_IT_IS: Message = say("Comme maintenant", "As it is now");
pub(in crate::pages) const REHEARSE: Message = say("Essayer à blanc", "Try without sending");
pub(in crate::pages) const REHEARSED: Message = say("Ce qui partirait", "What would be sent");
pub(in crate::pages) const LOOKED_AT: Counted =
    count(("Sur {} fiche en échec :", "Of {} failed record:"), ("Sur {} fiches en échec :", "Of {} failed records:"));
pub(in crate::pages) const OUTCOME: Message = say("Résultat", "Outcome");
pub(in crate::pages) const CHANGES: Message = say("Ce qui change", "What changes");
pub(in crate::pages) const OTHERWISE: Message = say("Envoi différent", "Sent otherwise");
pub(in crate::pages) const SAME: Message = say("Même envoi", "Sent as before");
pub(in crate::pages) const NOTHING_LEFT: Message = say("Plus rien à envoyer", "Nothing left to send");
pub(in crate::pages) const STOPPED: Message = say("Pas d'envoi", "Not sent");
pub(in crate::pages) const TO_MAPPING: Message = say("Modifier le mapping", "Change the mapping");
