//! What the API says of a form that cannot be used, in the reader's language. Its sentences are English and lack a subject;
//! `{}` stands for what it fills in.

use domain::settings::Language;

use super::finer_faults::FINER;
use super::{Message, causes, say};
use crate::pages::typeset;

/// The API's sentence, and ours in both languages.
const FAULTS: &[(&str, Message)] = &[
    (
        "must be 1 to {} characters, none of them a control character",
        say("Donnez un nom de 1 à {} caractères.", "Give a name of 1 to {} characters."),
    ),
    (
        "must be the key as the platform shows it, without spaces",
        say(
            "Copiez la clé telle que la plateforme l'affiche, sans espace.",
            "Copy the key as the platform shows it, without spaces.",
        ),
    ),
    (
        "is missing: the address of the account, as in https://shop.example.com",
        say(
            "Donnez l'adresse du compte, par exemple https://boutique.example.fr",
            "Give the address of the account, for example https://shop.example.com",
        ),
    ),
    (
        "is fixed once records are in step: connect the account anew with another choice",
        say(
            "Ce choix ne change plus une fois des fiches synchronisées. Pour un autre, connectez le compte de nouveau.",
            "This choice is fixed once records are in step. For another, connect the account anew.",
        ),
    ),
    (
        "is none of the choices that the catalogue offers",
        say("Choisissez l'une des réponses proposées.", "Choose one of the answers that are offered."),
    ),
    (
        "must be a country by its ISO 3166-1 code, as in BE",
        say(
            "Donnez le code à deux lettres d'un pays, par exemple BE.",
            "Give a country's code of two letters, as in BE.",
        ),
    ),
    ("is missing", say("Ce champ est nécessaire.", "This field is needed.")),
    ("is not used by this platform", say("Cette plateforme n'en a pas besoin.", "This platform does not need it.")),
    (
        "must be the address of the account",
        say(
            "Ce n'est pas une adresse utilisable. Elle commence par https:// et mène à un site public.",
            "This is no address that can be used. It begins with https:// and leads to a public site.",
        ),
    ),
    (
        "is not accepted by {} ({}): copy it there again, or make a new one",
        say(
            "{} n'accepte pas cette clé ({}). Copiez-la de nouveau, ou créez-en une autre.",
            "{} does not accept this key ({}). Copy it again, or make a new one.",
        ),
    ),
    (
        "may do too little at {} ({}): give it the scopes that are missing",
        say(
            "Chez {}, les droits de cette clé ne suffisent pas ({}). Ajoutez ceux qui manquent.",
            "At {}, this key may do too little ({}). Give it the permissions that are missing.",
        ),
    ),
    ("leads to no account of {}: {}", say("Aucun compte {} ne répond ici : {}", "No account of {} answers here: {}")),
    (
        "must be given again with another address: they would be sent there",
        say(
            "Avec une nouvelle adresse, donnez aussi la clé : elle y sera envoyée.",
            "With a new address, give the key as well: it is sent there.",
        ),
    ),
    ("is not held by this platform", say("Cette plateforme n'en contient pas.", "This platform holds none of it.")),
    (
        "cannot be `n8n` for this platform; use `direct`",
        say("Cette plateforme n'est pas joignable par n8n.", "This platform cannot be reached by n8n."),
    ),
    ("must be {}", say("Valeur inattendue. Attendu : {}", "Unexpected value. Expected: {}")),
];

/// Problems of a form as a whole, by their codes.
const TROUBLES: &[(&str, Message)] = &[
    (
        "account_taken",
        say(
            "Ce compte est déjà connecté. Ouvrez l'intégration qui existe, ou connectez un autre compte.",
            "This account is connected already. Open the integration that exists, or connect another account.",
        ),
    ),
    (
        "oauth_unavailable",
        say(
            "L'application de Coccinelle n'est pas encore réglée chez cette plateforme. Contactez le support, ou passez par une clé si la plateforme en accepte une.",
            "Coccinelle's app is not set up at this platform yet. Contact support, or use a key if the platform takes one.",
        ),
    ),
    (
        "other_account",
        say(
            "Ces identifiants ouvrent un autre compte que celui qui est connecté. Pour le connecter, ajoutez une intégration.",
            "These credentials open another account than the one connected. To connect it, add an integration.",
        ),
    ),
    (
        "platform_unavailable",
        say(
            "La plateforme ne répond pas pour l'instant. Rien n'a été enregistré ; réessayez dans un instant.",
            "The platform does not answer for now. Nothing was saved; try again in a moment.",
        ),
    ),
    (
        "secret_not_ours",
        say(
            "Cette plateforme signe avec le secret de l'application de Coccinelle : il n'y a pas de secret à remplacer ici.",
            "This platform signs with the secret of Coccinelle's app: there is no secret to replace here.",
        ),
    ),
    (
        "too_many_secrets",
        say(
            "Dix secrets remplacés sont encore acceptés. Attendez que le premier expire, puis réessayez.",
            "Ten replaced secrets are still accepted. Wait until the first one ends, then try again.",
        ),
    ),
    (
        "too_many_tokens",
        say(
            "200 jetons, révoqués compris, ne sont pas encore arrivés à leur terme. Attendez la fin du premier.",
            "200 tokens, revoked ones among them, have not come to their end. Wait for the first of them.",
        ),
    ),
    (
        "tokens_issued_elsewhere",
        say(
            "Les jetons sont émis par le service d'identité de Coccinelle. Demandez-y le vôtre.",
            "Tokens are issued by Coccinelle's identity service. Ask there for yours.",
        ),
    ),
    (
        "version_mismatch",
        say(
            "Quelqu'un a modifié ces réglages entre-temps. Vérifiez-les et enregistrez de nouveau.",
            "Somebody changed these settings meanwhile. Check them and save again.",
        ),
    ),
];

/// What is wrong, in that language. A sentence that is not known here is told as it is.
pub(in crate::pages) fn said(language: Language, message: &str) -> String {
    let all = FINER.iter().chain(FAULTS);
    let known = all.into_iter().find_map(|(pattern, ours)| Some((filled(pattern, message)?, ours)));
    match known {
        Some((parts, ours)) => {
            // A platform's refusal may be told in words of ours.
            let parts: Vec<_> = parts.into_iter().map(|part| causes::said(language, "", part)).collect();
            filled_in(language, *ours, &parts.iter().map(String::as_str).collect::<Vec<_>>())
        }
        None => message.to_owned(),
    }
}

/// What is wrong with a form as a whole.
pub(in crate::pages) fn trouble(code: &str) -> Option<Message> {
    TROUBLES.iter().find(|(known, _)| *known == code).map(|(_, message)| *message)
}

/// A message with these in place of its `{}`.
pub(super) fn filled_in(language: Language, message: Message, parts: &[&str]) -> String {
    let text = typeset::text(language, message.to(language));
    parts.iter().fold(text, |text, part| text.replacen("{}", part, 1))
}

/// What a message has in the places of a pattern's `{}`; `None` where it is of another pattern.
pub(super) fn filled<'a>(pattern: &str, message: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = message.strip_prefix(pieces.next()?)?;
    let mut parts = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let (part, behind) = match (piece, pieces.peek()) {
            ("", None) => (rest, ""),
            (piece, None) => (rest.strip_suffix(piece)?, ""),
            (piece, Some(_)) => rest.split_once(piece)?,
        };
        parts.push(part);
        rest = behind;
    }
    rest.is_empty().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_says_is_told_in_french_with_what_it_fills_in() {
        let told = said(
            Language::Fr,
            "is not accepted by HubSpot (the token is expired): copy it there again, or make a new one",
        );
        assert_eq!(
            told,
            "HubSpot n'accepte pas cette clé (the token is expired). Copiez-la de nouveau, ou créez-en une autre."
        );
        assert_eq!(said(Language::En, "is missing"), "This field is needed.");
        assert_eq!(said(Language::Fr, "something else"), "something else");
    }

    #[test]
    fn a_pattern_takes_only_its_own() {
        assert_eq!(filled("a {} b {}", "a 1 b 2"), Some(vec!["1", "2"]));
        assert_eq!(filled("a {} b", "a 1 c"), None);
        assert_eq!(filled("is missing", "is missing: more"), None);
    }
}
