//! What we ourselves say of a failure, in both languages. Whoever finds it says it once, in a log row that everybody reads; what
//! a platform says of it stays in the platform's own words.

use domain::settings::Language;

use super::causes_by_sentence::BY_SENTENCE;
use super::faults::{filled, filled_in};
use super::{Message, say};

/// What a failure of ours always means: its code, the sentence that is said with it, ours.
const BY_CODE: &[(&str, &str, Message)] = &[
    (
        "n8n_down",
        "n8n ne répond pas : vérifiez que n8n est démarré et que le workflow est activé",
        say("n8n ne répond pas, ou pas à temps", "n8n does not answer, or not in time"),
    ),
    (
        "n8n_not_configured",
        "n8n n'est pas configuré sur ce serveur : passez l'intégration en livraison directe",
        say("n8n n'est pas configuré sur ce serveur", "n8n is not set up on this server"),
    ),
    (
        "workflow_inactive",
        "Le workflow n8n de cette plateforme n'est pas activé : activez-le dans n8n",
        say("Le workflow n8n n'est pas activé", "The n8n workflow is not active"),
    ),
    (
        "signature_refused",
        "Le workflow n8n refuse notre signature : vérifiez le secret de signature dans n8n",
        say("Le workflow n8n refuse notre signature", "The n8n workflow refuses our signature"),
    ),
    (
        "workflow_busy",
        "n8n reçoit trop de demandes pour le moment",
        say("n8n reçoit trop de demandes pour le moment", "n8n receives too many requests for now"),
    ),
    (
        "callback_missing",
        "Le workflow n8n n'a pas rendu compte à temps, et la plateforme ne montre rien de cette écriture",
        say(
            "Le workflow n8n n'a pas rendu compte à temps, et la plateforme ne montre rien de cette écriture",
            "The n8n workflow did not report in time, and the platform shows nothing of this write",
        ),
    ),
    (
        "write_not_confirmed",
        "Le workflow n8n annonce un succès que la plateforme ne confirme pas",
        say(
            "Le workflow n8n annonce un succès que la plateforme ne confirme pas",
            "The n8n workflow reports a success that the platform does not confirm",
        ),
    ),
    (
        "already_linked",
        "Contact dupliqué : la fiche de la plateforme est déjà liée à une autre personne",
        say(
            "Contact dupliqué : la fiche de la plateforme est déjà liée à une autre personne",
            "Duplicate contact: the platform's record is tied to another person already",
        ),
    ),
    (
        "duplicate_remote",
        "Contact dupliqué : cette personne a déjà une autre fiche sur la plateforme",
        say(
            "Contact dupliqué : cette personne a déjà une autre fiche sur la plateforme",
            "Duplicate contact: this person has another record on the platform already",
        ),
    ),
    (
        "vanished_again",
        "Fiche recréée puis supprimée de nouveau sur la plateforme : elle n'est plus recréée d'office",
        say(
            "Fiche recréée puis supprimée de nouveau sur la plateforme : elle n'est plus recréée d'office",
            "Made again and deleted on the platform once more: it is no longer made again by itself",
        ),
    ),
    (
        "account_unusable",
        "Intégration non configurée : ses identifiants ne s'ouvrent pas",
        say(
            "Intégration non configurée : ses identifiants ne s'ouvrent pas",
            "Integration not configured: its credentials do not open",
        ),
    ),
    (
        "integration_inactive",
        "Synchronisation arrêtée : l'intégration est désactivée",
        say("Synchronisation arrêtée : l'intégration est désactivée", "Sync stopped: the integration is switched off"),
    ),
    ("unknown_platform", "Plateforme inconnue", say("Plateforme inconnue", "Unknown platform")),
    (
        "out_of_time",
        "the platform took longer than the work may be held",
        say(
            "La plateforme a mis plus de temps que le travail ne peut attendre",
            "The platform took longer than the work may be held",
        ),
    ),
    (
        "budget_spent",
        "the request budget of this account is spent for the moment",
        say(
            "Les requêtes permises à ce compte sont épuisées pour le moment",
            "The request budget of this account is spent for the moment",
        ),
    ),
    (
        "unanswered",
        "the platform answered the batch, but said nothing of this object",
        say(
            "La plateforme a répondu sans rien dire de cette fiche",
            "The platform answered, but said nothing of this record",
        ),
    ),
    (
        "not_tried",
        "too much else in the same batch was refused; this comes next",
        say(
            "Trop d'autres fiches ont été refusées avec celle-ci ; elle vient ensuite",
            "Too much else was refused along with this record; it comes next",
        ),
    ),
    (
        "not_sent",
        "this object was left out of its batch",
        say("Cette fiche n'a pas été jointe à l'envoi", "This record was left out of what was sent"),
    ),
    (
        "answer_too_long",
        "the platform's answer is too long",
        say("La réponse de la plateforme est trop longue", "The platform's answer is too long"),
    ),
    (
        "endless_list",
        "the platform's list does not end: a page leads to itself",
        say("La liste de la plateforme ne finit pas", "The platform's list does not end"),
    ),
    (
        "unfinished_search",
        "too much was made in this account at the same time to see whether this object is there already",
        say(
            "Trop de fiches ont été créées au même moment pour voir si celle-ci y est déjà",
            "Too many records were created at the same time to see whether this one is there already",
        ),
    ),
    (
        "not_json",
        "the answer is not JSON",
        say("La réponse de la plateforme n'est pas lisible", "The platform's answer cannot be read"),
    ),
    (
        "no_email",
        "a customer of a shop needs an e-mail address",
        say("Un client de boutique doit avoir une adresse e-mail", "A customer of a shop needs an e-mail address"),
    ),
    (
        "https_required",
        "the address must begin with https://: by http a shop accepts no key",
        say(
            "L'adresse doit commencer par https:// : en http, une boutique n'accepte aucune clé",
            "The address must begin with https://: by http a shop accepts no key",
        ),
    ),
    (
        "no_woocommerce",
        "the site is a WordPress without WooCommerce: activate the plugin there",
        say(
            "Le site est un WordPress sans WooCommerce : activez-y l'extension",
            "The site is a WordPress without WooCommerce: activate the plugin there",
        ),
    ),
    (
        "rest_closed",
        "the site's REST API is closed, even to this key: open it in the plugin that closes it",
        say(
            "L'API REST du site est fermée, même à cette clé : ouvrez-la dans l'extension qui la ferme",
            "The site's REST API is closed, even to this key: open it in the plugin that closes it",
        ),
    ),
    (
        "not_an_agent",
        "this Zendesk user is no agent: connect as an administrator",
        say(
            "Cet utilisateur de Zendesk n'est pas un agent : connectez-vous en administrateur",
            "This Zendesk user is no agent: connect as an administrator",
        ),
    ),
];

/// The cause of a failure in that language. `code` is empty where there is none.
pub(in crate::pages) fn said(language: Language, code: &str, message: &str) -> String {
    let fixed = BY_CODE.iter().find(|(known, sentence, _)| *known == code || *sentence == message);
    if let Some((.., ours)) = fixed {
        return filled_in(language, *ours, &[]);
    }
    let told = BY_SENTENCE.iter().find_map(|(pattern, ours)| Some((filled(pattern, message)?, *ours)));
    told.map_or_else(|| message.to_owned(), |(parts, ours)| filled_in(language, ours, &parts))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_we_say_is_told_in_the_readers_language_and_what_a_platform_says_as_it_is() {
        let status = "the platform answered with status 503";
        assert_eq!(said(Language::Fr, "http_503", status), "La plateforme a répondu par le statut 503");
        assert_eq!(said(Language::En, "http_503", status), "The platform answered with status 503");
        assert_eq!(said(Language::En, "workflow_inactive", "in older words"), "The n8n workflow is not active");
        let refused = "Le workflow n8n refuse la demande (statut 418)";
        assert_eq!(
            said(Language::En, "workflow_refused", refused),
            "The n8n workflow refuses the request (status 418)"
        );
        // A workflow's own words are under a code of ours.
        for theirs in ["Property values were not valid", "status 503", ""] {
            assert_eq!(said(Language::Fr, "workflow_failed", theirs), theirs);
        }
    }

    /// A sentence that is put otherwise where it is said would be told in one language again.
    #[test]
    fn every_sentence_is_one_that_somebody_says() {
        let mut code = String::new();
        let folders = [
            "domain/src/workflow",
            "connectors/src",
            "accounts/src",
            "sync-dispatcher/src",
            "api-gateway/src/integrations",
        ];
        for folder in folders {
            gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), &mut code);
        }
        // Long ones are broken into lines there.
        let code: String = code.split("\\\n").map(str::trim_start).collect();
        let sentences = BY_CODE.iter().map(|(_, sentence, _)| *sentence);
        for sentence in sentences.chain(BY_SENTENCE.iter().map(|(pattern, _)| *pattern)) {
            let missing = sentence.split("{}").find(|piece| !code.contains(piece));
            assert_eq!(missing, None, "{sentence}");
        }
        for (code_of_ours, ..) in BY_CODE {
            assert!(code.contains(&format!("\"{code_of_ours}\"")), "{code_of_ours}");
        }
    }

    fn gather(folder: &Path, code: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, code);
            } else {
                code.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
}
