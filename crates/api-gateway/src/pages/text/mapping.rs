//! The words of the mapping editor.

use super::{Counted, Message, count, say};

pub(in crate::pages) const LEAD: Message = say(
    "Chaque ligne relie un champ de Coccinelle à un champ de {}. Rien n'est enregistré avant l'aperçu.",
    "Each line ties a field of Coccinelle to a field of {}. Nothing is saved before the preview.",
);
pub(in crate::pages) const KINDS: Message = say("Sortes de fiches", "Kinds of record");
pub(in crate::pages) const OURS: Message = say("Champ Coccinelle", "Field of Coccinelle");
pub(in crate::pages) const THEIRS: Message = say("Champ de la plateforme", "Field of the platform");
pub(in crate::pages) const WAY: Message = say("Direction", "Direction");
pub(in crate::pages) const TRANSFORM: Message = say("Transformation", "Transform");
pub(in crate::pages) const DETAIL: Message = say("Réglage", "Setting");
pub(in crate::pages) const DETAIL_HELP: Message = say(
    "Correspondances : « scheduled = open », une par ligne. Texte : trim, lower, upper ou title. Date : %d/%m/%Y, puis le \
     fuseau à la ligne. Joindre : les champs, puis le séparateur à la ligne. Partie : first ou rest. Modèle : {{ first_name }}.",
    "Words: “scheduled = open”, one a line. Text: trim, lower, upper or title. Date: %d/%m/%Y, then the time zone on the \
     next line. Join: the fields, then the separator on the next line. Part: first or rest. Template: {{ first_name }}.",
);
pub(in crate::pages) const DEFAULT: Message = say("Valeur par défaut", "Default");
pub(in crate::pages) const IDENTIFIER: Message = say("Identifiant", "Identifier");
pub(in crate::pages) const REMOVE: Message = say("Retirer", "Remove");
pub(in crate::pages) const LINE: Message = say("Ligne {}", "Line {}");
pub(in crate::pages) const CHOOSE: Message = say("Choisir…", "Choose…");
pub(in crate::pages) const MORE: Message = say("Plus", "More");
pub(in crate::pages) const SAMPLE: Message = say("Essayer sur la fiche", "Try on the record");
pub(in crate::pages) const SAMPLE_HELP: Message = say(
    "L'identifiant d'une fiche de Coccinelle ou de la plateforme.",
    "The id of a record of Coccinelle's or of the platform's.",
);
pub(in crate::pages) const PREVIEW: Message = say("Voir l'aperçu", "Preview");
pub(in crate::pages) const PREVIEWED: Message = say("Aperçu", "Preview");
pub(in crate::pages) const SAVE: Message = say("Enregistrer ce mapping", "Save this mapping");
pub(in crate::pages) const RESET: Message = say("Revenir au mapping par défaut", "Back to the default mapping");
pub(in crate::pages) const UNKNOWN: Message = say(
    "Les champs de {} n'ont pas encore été lus. Vous pouvez taper leur nom, ou les lire maintenant.",
    "The fields of {} were not read yet. You can type their names, or read them now.",
);
pub(in crate::pages) const READ: Message = say("Lire les champs de {}", "Read the fields of {}");
pub(in crate::pages) const READ_AT: Message = say("Champs de {} lus le {}.", "Fields of {} read on {}.");
pub(in crate::pages) const WOULD: Counted = count(
    (
        "{} fiche déjà présente serait modifiée sur la plateforme.",
        "{} record that is there would be changed on the platform.",
    ),
    (
        "{} fiches déjà présentes seraient modifiées sur la plateforme.",
        "{} records that are there would be changed on the platform.",
    ),
);
pub(in crate::pages) const AT_LEAST: Message = say("Il y en a peut-être davantage.", "There may be more.");
pub(in crate::pages) const LOOKED_AT: Counted =
    count(("{} fiche examinée.", "{} record looked at."), ("{} fiches examinées.", "{} records looked at."));
pub(in crate::pages) const HELD: Message = say("Coccinelle contient", "Coccinelle holds");
pub(in crate::pages) const WOULD_HOLD: Message = say("La plateforme recevrait", "The platform would get");
pub(in crate::pages) const HOLDS: Message = say("La plateforme contient", "The platform holds");
pub(in crate::pages) const COMES_BACK: Message = say("Coccinelle reprendrait", "Coccinelle would take");
pub(in crate::pages) const LIVE: Message = say("Lu à l'instant sur la plateforme.", "Read on the platform just now.");
pub(in crate::pages) const LAST_SEEN: Message =
    say("Tel que la plateforme l'a montré la dernière fois.", "As the platform showed it last.");

pub(in crate::pages) const AS_IT_IS: Message = say("Tel quel", "As it is");
pub(in crate::pages) const TEXT: Message = say("Texte : espaces et casse", "Text: blanks and case");
pub(in crate::pages) const E164: Message = say("Téléphone international", "International telephone");
pub(in crate::pages) const VALUE_MAP: Message = say("Correspondance de mots", "Words for words");
pub(in crate::pages) const DATE: Message = say("Date au format…", "Date in the format…");
pub(in crate::pages) const JOIN: Message = say("Joindre plusieurs champs", "Join several fields");
pub(in crate::pages) const SPLIT: Message = say("Prendre une partie", "Take a part");
pub(in crate::pages) const TEMPLATE: Message = say("Modèle", "Template");
pub(in crate::pages) const CONSTANT: Message = say("Valeur fixe", "Fixed value");
pub(in crate::pages) const NUMBER_TEXT: Message = say("Nombre en texte", "Number as text");
pub(in crate::pages) const SECONDS_TO_MILLIS: Message = say("Secondes en millisecondes", "Seconds to milliseconds");
pub(in crate::pages) const EPOCH_MILLIS: Message = say("Date en millisecondes", "Date in milliseconds");
