//! What a failure is called and what to do about it: by its code where it is one of n8n's, else by its class. Tenants know
//! the titles.

use domain::workflow::faults;

use super::{Message, say};

pub(in crate::pages) const SYNC_FAILED: Message = say("Sync échouée", "Sync failed");
const DUPLICATE: Message = say("Contact dupliqué", "Duplicate contact");
pub(in crate::pages) const NOT_CONFIGURED: Message = say("Intégration non configurée", "Integration not configured");
const NO_ANSWER: Message = say("Webhook n8n ne répond pas", "The n8n webhook does not answer");

const INVALID: Message = say(
    "La plateforme refuse ces valeurs. Corrigez la fiche ou le mapping, puis rejouez.",
    "The platform refuses these values. Correct the record or the mapping, then try again.",
);
const UNAUTHORIZED: Message = say(
    "La plateforme n'accepte plus l'autorisation. Reconnectez l'intégration dans Réglages ; tout ce qui attend partira ensuite.",
    "The platform no longer accepts the authorisation. Reconnect the integration in Settings; what waits is sent then.",
);
const FORBIDDEN: Message = say(
    "L'autorisation ne donne pas ce droit. Ajoutez-le sur la plateforme, puis rejouez.",
    "The authorisation does not allow this. Add the permission on the platform, then try again.",
);
const NOT_FOUND: Message = say(
    "L'objet n'existe plus sur la plateforme. Rejouez pour le créer de nouveau, ou laissez-le.",
    "The object is no longer on the platform. Try again to create it anew, or leave it.",
);
const CONFLICT: Message = say(
    "Contact dupliqué : la plateforme a déjà une fiche avec cet identifiant. Vérifiez dans Champs que l'e-mail sert d'identifiant, puis rejouez.",
    "Duplicate contact: the platform has a record with this identifier already. Check in Fields that the e-mail is the \
     identifier, then try again.",
);
const RATE_LIMITED: Message = say(
    "La plateforme demande d'attendre. Rien à faire : Coccinelle réessaie d'elle-même.",
    "The platform asks to wait. Nothing to do: Coccinelle tries again by itself.",
);
const UNAVAILABLE: Message = say(
    "La plateforme ne répond pas. Coccinelle réessaie d'elle-même ; rejouez ce qui reste en échec une fois qu'elle est revenue.",
    "The platform does not answer. Coccinelle tries again by itself; try again what still fails once it is back.",
);
const INTERNAL: Message = say(
    "C'est une erreur de notre côté. Écrivez-nous avec la référence.",
    "This is a mistake of ours. Write to us with the reference.",
);

const UNUSABLE: Message = say(
    "Les identifiants de l'intégration ne s'ouvrent pas. Donnez-les de nouveau dans Réglages.",
    "The credentials of the integration do not open. Give them again in Settings.",
);

const N8N_NONE: Message = say(
    "Ce serveur n'a plus de n8n. Choisissez la livraison directe dans Réglages : ce qui attend part ensuite.",
    "This server has no n8n any more. Choose direct delivery in Settings: what waits is sent then.",
);
const N8N_AWAY: Message = say(
    "Le n8n de Coccinelle ne prend pas ces envois. Ils repartent d'eux-mêmes dès qu'il les prend. Si cela dure, contactez le \
     support ou choisissez la livraison directe dans Réglages.",
    "Coccinelle's n8n does not take what is to be sent. It goes out by itself once n8n takes it. If this lasts, contact \
     support or choose direct delivery in Settings.",
);
const N8N_REFUSES: Message = say(
    "Le workflow n8n de Coccinelle n'a pas fait cet envoi. Contactez le support avec la référence, ou choisissez la livraison \
     directe dans Réglages, puis rejouez.",
    "Coccinelle's n8n workflow did not do this. Contact support with the reference, or choose direct delivery in Settings, \
     then try again.",
);
const OWN_AWAY: Message = say(
    "Vérifiez que votre n8n est démarré, que votre workflow est activé et répond {\"accepted\": true}, et que son adresse dans \
     Réglages est la bonne. Ce qui attend repart ensuite de lui-même.",
    "Check that your n8n is running, that your workflow is active and answers {\"accepted\": true}, and that its address in \
     Settings is right. What waits goes out by itself then.",
);
const OWN_INACTIVE: Message = say(
    "Activez votre workflow dans n8n, ou corrigez son adresse dans Réglages. Ce qui attend repart ensuite de lui-même.",
    "Activate your workflow in n8n, or correct its address in Settings. What waits goes out by itself then.",
);
const OWN_UNSIGNED: Message = say(
    "Votre workflow ne reconnaît pas notre signature. Copiez le secret depuis Réglages dans n8n ; ce qui attend repart ensuite \
     de lui-même.",
    "Your workflow does not believe our signature. Copy the secret from Settings into n8n; what waits goes out by itself then.",
);
const OWN_ADDRESS: Message = say(
    "L'adresse de votre workflow ne mène pas à un site public en https. Corrigez-la dans Réglages ; ce qui attend repart ensuite \
     de lui-même.",
    "The address of your workflow leads to no public https site. Correct it in Settings; what waits goes out by itself then.",
);
const OWN_REFUSES: Message = say(
    "Votre workflow n8n n'a pas fait cet envoi. Ouvrez son exécution dans n8n, corrigez-la, puis rejouez.",
    "Your n8n workflow did not do this. Open its execution in n8n, correct it, then try again.",
);

/// What a failure of that class and code is called.
pub(in crate::pages) fn title(class: &str, code: &str) -> Message {
    match (class, code) {
        _ if is_no_answer_of_n8n(class, code) => NO_ANSWER,
        (_, "account_unusable" | "other_account") => NOT_CONFIGURED,
        ("conflict", _) => DUPLICATE,
        ("unauthorized" | "forbidden", _) => NOT_CONFIGURED,
        _ => SYNC_FAILED,
    }
}

/// What to do about a failure of that class and code. `is_own` says that the tenant looks after the workflow itself.
pub(in crate::pages) fn remedy(class: &str, code: &str, is_own: bool) -> Message {
    match (code, is_own) {
        ("n8n_not_configured", _) => N8N_NONE,
        ("workflow_refused" | "workflow_failed" | "write_not_confirmed", true) => OWN_REFUSES,
        ("workflow_refused" | "workflow_failed" | "write_not_confirmed", false) => N8N_REFUSES,
        ("workflow_inactive", true) => OWN_INACTIVE,
        ("signature_refused", true) => OWN_UNSIGNED,
        ("address_not_public", true) if class == "unavailable" => OWN_ADDRESS,
        (code, true) if is_no_answer_of_n8n(class, code) => OWN_AWAY,
        (code, false) if is_no_answer_of_n8n(class, code) => N8N_AWAY,
        ("account_unusable", _) => UNUSABLE,
        _ => of_class(class),
    }
}

/// Whether n8n, or a workflow in it, is not there or does not take what it is handed. One that has taken it and then failed
/// has answered.
fn is_no_answer_of_n8n(class: &str, code: &str) -> bool {
    match code {
        faults::FAILED | faults::UNCONFIRMED => false,
        // A platform's own address is wrong for good.
        faults::NOT_PUBLIC => class == "unavailable",
        code => faults::ALL.contains(&code),
    }
}

fn of_class(class: &str) -> Message {
    match class {
        "invalid" => INVALID,
        "unauthorized" => UNAUTHORIZED,
        "forbidden" => FORBIDDEN,
        "not_found" => NOT_FOUND,
        "conflict" => CONFLICT,
        "rate_limited" => RATE_LIMITED,
        "unavailable" => UNAVAILABLE,
        _ => INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_titles_that_tenants_know_are_chosen_by_code_before_class() {
        for (class, code, expected) in [
            ("unavailable", "n8n_down", NO_ANSWER),
            ("unavailable", "workflow_inactive", NO_ANSWER),
            ("unavailable", "signature_refused", NO_ANSWER),
            ("unavailable", "address_not_public", NO_ANSWER),
            ("invalid", "workflow_refused", NO_ANSWER),
            ("invalid", "address_not_public", SYNC_FAILED),
            ("invalid", "workflow_failed", SYNC_FAILED),
            ("unavailable", "http_503", SYNC_FAILED),
            ("invalid", "account_unusable", NOT_CONFIGURED),
            ("unauthorized", "EXPIRED_AUTHENTICATION", NOT_CONFIGURED),
            ("conflict", "other_account", NOT_CONFIGURED),
            ("conflict", "duplicate_remote", DUPLICATE),
        ] {
            assert_eq!(title(class, code), expected, "{class} {code}");
        }
    }

    #[test]
    fn who_looks_after_the_workflow_is_told_what_to_do_and_nobody_else() {
        for code in ["n8n_down", "workflow_inactive", "signature_refused", "address_not_public", "callback_missing"] {
            let (own, shared) = (remedy("unavailable", code, true), remedy("unavailable", code, false));
            assert_eq!(shared, N8N_AWAY, "{code}");
            assert_ne!(own, shared, "{code}");
        }
        assert_eq!(remedy("unavailable", "http_503", true), UNAVAILABLE);
        assert_eq!(remedy("invalid", "workflow_failed", true), OWN_REFUSES);
    }
}
