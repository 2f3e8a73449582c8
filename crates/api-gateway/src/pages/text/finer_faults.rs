//! What the API says of single values of mappings and settings, in the reader's language. As in `faults`, its sentences lack a
//! subject, and `{}` stands for what it fills in.

use super::{Message, say};

/// The API's sentence, and ours in both languages; what begins alike stands with the finer one first.
pub(super) const FINER: &[(&str, Message)] = &[
    (
        "the platform's object is not tied to a record: it is read again, and nothing is sent",
        say(
            "La fiche de la plateforme n'est pas encore rattachée : elle est relue, et rien ne part.",
            "The platform's object is not tied to a record yet: it is read again, and nothing is sent.",
        ),
    ),
    (
        "the record is deleted: at most its deletion is carried on",
        say(
            "La fiche est supprimée : au plus, sa suppression est transmise.",
            "The record is deleted: at most its deletion is carried on.",
        ),
    ),
    (
        "the direction of this kind does not allow it: nothing is sent",
        say(
            "La direction choisie pour ces fiches ne le permet pas : rien ne part.",
            "The direction of these records does not allow it: nothing is sent.",
        ),
    ),
    (
        "a template of the mapping fails on this record: nothing is sent",
        say(
            "Un modèle du mapping échoue sur cette fiche : rien ne part.",
            "A template of the mapping fails on this record: nothing is sent.",
        ),
    ),
    (
        "the same is sent as what failed",
        say("C'est la même chose que ce qui a échoué.", "It is the same as what failed."),
    ),
    (
        "is not a field of the kind {}, which is among the failures",
        say("Ce champ n'existe pas pour ces fiches.", "These records have no such field."),
    ),
    (
        "is not a field that the account has; see GET …/fields",
        say(
            "Le compte n'a pas de champ de ce nom. Lisez ses champs, puis choisissez-en un.",
            "The account has no field of this name. Read its fields, then choose one.",
        ),
    ),
    (
        "must be `from_platform`: only the platform writes this field",
        say(
            "Seule la plateforme écrit ce champ : choisissez « Depuis la plateforme ».",
            "Only the platform writes this field: choose “From the platform”.",
        ),
    ),
    (
        "must be `from_platform`: a part is not the whole that is written",
        say(
            "Une partie ne peut qu'être lue : choisissez « Depuis la plateforme ».",
            "A part can only be taken: choose “From the platform”.",
        ),
    ),
    (
        "must be `to_platform`: by this transform values do not come back",
        say(
            "Cette transformation ne revient pas : choisissez « Vers la plateforme ».",
            "This transform does not come back: choose “To the platform”.",
        ),
    ),
    (
        "must be `to_platform`: this field is taken from another one already",
        say(
            "Ce champ est déjà repris d'un autre : choisissez « Vers la plateforme ».",
            "This field is taken from another one already: choose “To the platform”.",
        ),
    ),
    (
        "must make {} of the platform's field, which is what ours holds",
        say(
            "Choisissez une transformation : le champ de la plateforme ne contient rien que le nôtre puisse tenir.",
            "Choose a transform: the platform's field holds nothing that ours may hold.",
        ),
    ),
    (
        "must make {} of our field, which is what the platform's holds",
        say(
            "Le champ de la plateforme attend {}. Choisissez une transformation qui le donne.",
            "The platform's field holds {}. Choose a transform that makes it.",
        ),
    ),
    (
        "must translate to words of the field, of which `{}` is none",
        say(
            "« {} » n'est pas un choix de ce champ sur la plateforme.",
            "“{}” is no choice of this field on the platform.",
        ),
    ),
    (
        "must translate only {}",
        say("Seuls ces mots peuvent être traduits : {}", "Only these words can be translated: {}"),
    ),
    (
        "is not a field of this kind of record",
        say("Choisissez un champ de Coccinelle.", "Choose a field of Coccinelle."),
    ),
    (
        "is mapped already",
        say("Ce champ de la plateforme est déjà relié plus haut.", "This field of the platform is tied above already."),
    ),
    (
        "must be the platform's name of a field: 1 to 200 characters",
        say(
            "Donnez le nom du champ sur la plateforme, 200 caractères au plus.",
            "Give the field's name on the platform, 200 characters at most.",
        ),
    ),
    (
        "must hold an identifier, by which people are recognised",
        say(
            "Cochez au moins un identifiant : c'est à lui que les personnes sont reconnues.",
            "Tick at least one identifier: people are recognised by it.",
        ),
    ),
    (
        "must be false: by this field nothing is recognised",
        say("Ce champ ne peut pas servir d'identifiant.", "This field cannot be an identifier."),
    ),
    (
        "does not suit what our field holds",
        say("Cette transformation ne convient pas à ce champ.", "This transform does not suit this field."),
    ),
    (
        "is never sent: the field comes from the platform",
        say(
            "Ce champ vient de la plateforme : la valeur par défaut ne partirait jamais.",
            "This field comes from the platform: the default would never be sent.",
        ),
    ),
    ("must trim, or say a case", say("Indiquez trim, lower, upper ou title.", "Say trim, lower, upper or title.")),
    (
        "must be a format as `strftime` knows it, such as %d/%m/%Y",
        say("Donnez un format de date, par exemple %d/%m/%Y.", "Give a format of dates, for example %d/%m/%Y."),
    ),
    ("must be what is sent", say("Donnez la valeur à envoyer.", "Give the value to send.")),
    (
        "must be 1 to 5 fields of this kind of record that hold text",
        say(
            "Donnez de un à cinq champs de texte de Coccinelle, séparés par des virgules.",
            "Give one to five text fields of Coccinelle, with commas between them.",
        ),
    ),
    (
        "must be 1 to 500 words",
        say("Donnez de 1 à 500 correspondances, une par ligne.", "Give 1 to 500 words, one a line."),
    ),
    ("is no template: {}", say("Ce modèle ne se lit pas : {}", "This is no template: {}")),
    ("must be a number or null", say("Donnez un nombre.", "Give a number.")),
    (
        "must be a date and time as in 2026-11-22T18:04:00Z",
        say(
            "Donnez une date et une heure, par exemple 2026-11-22T18:04:00Z.",
            "Give a date and time, for example 2026-11-22T18:04:00Z.",
        ),
    ),
    (
        "must be a record of the kind {}",
        say("Aucune fiche de cette sorte n'a cet identifiant.", "No record of this kind has this id."),
    ),
    (
        "names nothing on the platform",
        say("Aucun objet de la plateforme n'a cet identifiant.", "No object of the platform has this id."),
    ),
    (
        "must lie {} days before `until` at most, to find `q`",
        say(
            "Des mots ne se cherchent que sur {} jours : donnez un début plus proche de la fin.",
            "Words are looked for over {} days only: begin nearer to the end.",
        ),
    ),
    ("is no date and time", say("Donnez une date et une heure.", "Give a date and time.")),
    (
        "must be one address at least, or `to` be another",
        say(
            "Donnez au moins une adresse, ou choisissez qui d'autre est prévenu.",
            "Give one address at least, or choose who else is told.",
        ),
    ),
    (
        "must be one at least, or `to` be `nobody`",
        say("Cochez au moins un cas, ou choisissez « Personne ».", "Tick one case at least, or choose “Nobody”."),
    ),
    ("must be an e-mail address", say("Ce n'est pas une adresse e-mail.", "This is no e-mail address.")),
    ("must be {} at most", say("{} au plus.", "{} at most.")),
    ("must be {} characters", say("{} caractères.", "{} characters.")),
    (
        "must lie between 1 and {}, or be null",
        say(
            "Donnez un nombre de jours de 1 à {}, ou laissez vide.",
            "Give a number of days from 1 to {}, or leave it empty.",
        ),
    ),
    ("must lie between 1 and {}", say("Donnez un nombre de jours de 1 à {}.", "Give a number of days from 1 to {}.")),
    (
        "must be a regular expression of moderate size that does not match nothing",
        say("Ce n'est pas une expression régulière utilisable.", "This is no regular expression that can be used."),
    ),
    (
        "must be a public https address without a user",
        say(
            "Donnez une adresse qui commence par https:// et mène à un site public.",
            "Give an address that begins with https:// and leads to a public site.",
        ),
    ),
    (
        "is missing: nothing is kept under this name",
        say(
            "Donnez l'adresse, et le secret si le webhook est signé.",
            "Give the address, and the secret if the webhook is signed.",
        ),
    ),
    (
        "is the name of another one",
        say("Un autre webhook porte déjà ce nom.", "Another webhook has this name already."),
    ),
    ("is not used by this form", say("Slack n'utilise pas de secret.", "Slack uses no secret.")),
    (
        "is needed: what stands before “.zendesk.com” in the address of your Zendesk",
        say(
            "Donnez ce qui précède « .zendesk.com » dans l'adresse de votre Zendesk.",
            "Give what stands before “.zendesk.com” in the address of your Zendesk.",
        ),
    ),
    (
        "must be a name such as “acme”",
        say("Donnez un nom simple, par exemple « acme ».", "Give a plain name, for example “acme”."),
    ),
    (
        "does not travel: the direction of this kind does not allow it",
        say(
            "Ne circule pas : la direction de cette sorte de fiche ne le permet pas.",
            "Does not travel: the direction of this kind does not allow it.",
        ),
    ),
    (
        "is only sent: what the platform holds is not taken back",
        say("Envoyé seulement : rien n'est repris.", "Only sent: nothing is taken back."),
    ),
    (
        "is not taken: what the platform holds is nothing that our field may hold",
        say(
            "N'est pas repris : notre champ ne peut pas contenir cette valeur.",
            "Is not taken: our field may not hold this value.",
        ),
    ),
    ("is only taken: nothing is sent", say("Repris seulement : rien n'est envoyé.", "Only taken: nothing is sent.")),
    ("is not taken back: {}", say("Ne serait pas repris tel quel ({}).", "Would not be taken back ({}).")),
    ("is not taken: {}", say("Ne serait pas repris ({}).", "Would not be taken ({}).")),
];
