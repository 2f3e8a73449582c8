//! The words of alerts, in French and in English: what is the matter, what happened, what to do.

use domain::incident::{SILENT, Trigger};
use domain::settings::Language;
use serde_json::Value;

/// What every message says.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) since: &'static str,
    pub(super) from: &'static str,
    pub(super) until: &'static str,
    /// Before the title of what is over.
    pub(super) over: &'static str,
    pub(super) back: &'static str,
    /// Before what is to be done.
    pub(super) todo: &'static str,
    /// On the link.
    pub(super) open: &'static str,
    /// The subject of a message about many; `{}` is how many.
    pub(super) many: &'static str,
    pub(super) why: &'static str,
    /// The subject of a trial, and what it says.
    pub(super) trial: &'static str,
    pub(super) trial_what: &'static str,
    /// Before when a trial was asked for.
    pub(super) asked: &'static str,
    pub(super) months: [&'static str; 12],
}

const FR: Words = Words {
    since: "Depuis le",
    from: "Du",
    until: "au",
    over: "Rétabli : ",
    back: "Le problème est terminé. Ce qui était en attente est synchronisé sans que vous ayez rien à faire.",
    todo: "À faire : ",
    open: "Ouvrir dans le tableau de bord",
    many: "{} alertes sur vos intégrations",
    why: "Vous recevez ce message parce que votre adresse figure dans les réglages d'alerte de Coccinelle.",
    trial: "[Essai] Alerte d'essai de Coccinelle",
    trial_what: "Ceci est un essai, demandé dans les réglages : il ne correspond à aucun incident et il n'y a rien à faire. Une véritable alerte arriverait par le même chemin.",
    asked: "Demandé le",
    months: ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
};

const EN: Words = Words {
    since: "Since",
    from: "From",
    until: "to",
    over: "Resolved: ",
    back: "The trouble is over. What was waiting is synchronised without anything for you to do.",
    todo: "What to do: ",
    open: "Open in the dashboard",
    many: "{} alerts about your integrations",
    why: "You get this message because your address is in Coccinelle's alert settings.",
    trial: "[Trial] Trial alert from Coccinelle",
    trial_what: "This is a trial, asked for in the settings: it stands for no incident, and there is nothing to do. A real alert would arrive the same way.",
    asked: "Asked for on",
    months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
};

/// The words of a language.
pub(super) fn of(language: Language) -> &'static Words {
    match language {
        Language::Fr => &FR,
        Language::En => &EN,
    }
}

/// Title, what happened and what to do, of a trouble with what has that name.
pub(super) fn say(language: Language, trigger: Trigger, (name, detail): (&str, &Value)) -> (String, String, String) {
    let count = detail.get("count").and_then(Value::as_i64).unwrap_or_default();
    let cause = detail.get("cause").and_then(Value::as_str);
    let is_silent = trigger == Trigger::WebhookRemoved && cause == Some(SILENT);
    let (title, what, todo) = match (language, is_silent) {
        (Language::Fr, true) => SILENT_FR,
        (Language::En, true) => SILENT_EN,
        (Language::Fr, false) => french(trigger),
        (Language::En, false) => english(trigger),
    };
    // It is one of ours, and no words of anybody.
    let cause = cause.filter(|_| !is_silent);
    let mut what = what.replace("{count}", &count.to_string());
    if let Some(cause) = cause {
        what = match language {
            Language::Fr => format!("{what} Dernière erreur : {cause}"),
            Language::En => format!("{what} Last error: {cause}"),
        };
    }
    let colon = if language == Language::Fr { " : " } else { ": " };
    (format!("{name}{colon}{title}"), what, todo.to_owned())
}

const SILENT_FR: (&str, &str, &str) = (
    "le webhook se tait",
    "Des modifications faites sur la plateforme n'ont été annoncées par aucune notification : elles n'arrivent plus que par relève régulière.",
    "ouvrez l'intégration : ses webhooks disent quelle adresse la plateforme doit appeler ; rétablissez-la là-bas.",
);

const SILENT_EN: (&str, &str, &str) = (
    "the webhook is silent",
    "No notification told of changes that were made on the platform: they now arrive by polling only.",
    "open the integration: its webhooks say which address the platform is to call; set it up there again.",
);

fn french(trigger: Trigger) -> (&'static str, &'static str, &'static str) {
    match trigger {
        Trigger::Failing => (
            "les synchronisations échouent",
            "Les dernières tentatives ont échoué.",
            "ouvrez l'intégration, corrigez ou ignorez les erreurs affichées, puis relancez-les.",
        ),
        Trigger::ReauthRequired => (
            "reconnexion requise",
            "La plateforme n'accepte plus l'autorisation. Rien n'est perdu : les changements attendent.",
            "ouvrez l'intégration et reconnectez le compte.",
        ),
        Trigger::WebhookUnverified => (
            "des notifications sont refusées",
            "{count} notifications de la plateforme portaient une signature incorrecte et aucune n'était valide.",
            "vérifiez que le secret de webhook saisi sur la plateforme est celui de l'intégration.",
        ),
        Trigger::WebhookRemoved => (
            "le webhook a été supprimé",
            "La plateforme n'envoie plus ses notifications : les changements n'arrivent plus que par relève régulière.",
            "rien si l'alerte est suivie de « Rétabli » ; sinon, ouvrez l'intégration : ses webhooks disent ce qui empêche de les rétablir.",
        ),
        Trigger::Drift => (
            "des fiches ne sont plus synchronisées",
            "{count} fiches diffèrent entre Coccinelle et la plateforme, et leur nombre ne baisse pas.",
            "ouvrez l'intégration et regardez les erreurs et la file d'attente.",
        ),
        Trigger::NeedsConfirmation => (
            "des suppressions attendent votre accord",
            "{count} fiches ont disparu de la plateforme : c'est trop pour les supprimer ici sans vous le demander. Tout le reste continue d'être synchronisé.",
            "ouvrez l'intégration et acceptez ces suppressions, ou annulez-les.",
        ),
        Trigger::PlatformDown => (
            "plateforme en panne",
            "La plateforme ne répond plus pour plusieurs clients. Le travail attend ; aucun client n'est prévenu.",
            "consultez la page d'état de la plateforme et docs/runbook.md.",
        ),
        Trigger::DeadLetters => (
            "des messages n'ont pas pu être traités",
            "{count} messages attendent dans cette file.",
            "lisez leur raison (admin status), corrigez, puis rejouez-les (admin replay) ou purgez-les.",
        ),
    }
}

fn english(trigger: Trigger) -> (&'static str, &'static str, &'static str) {
    match trigger {
        Trigger::Failing => (
            "syncs are failing",
            "The last attempts failed.",
            "open the integration, mend or ignore the errors that it shows, and replay them.",
        ),
        Trigger::ReauthRequired => (
            "please reconnect",
            "The platform no longer accepts the authorisation. Nothing is lost: changes are waiting.",
            "open the integration and reconnect the account.",
        ),
        Trigger::WebhookUnverified => (
            "notifications are refused",
            "{count} notifications from the platform had a wrong signature, and none was good.",
            "check that the webhook secret on the platform is the integration's.",
        ),
        Trigger::WebhookRemoved => (
            "the webhook was removed",
            "The platform no longer sends its notifications: changes now arrive by polling only.",
            "nothing where “Resolved” follows; otherwise open the integration: its webhooks say what keeps them from being set up again.",
        ),
        Trigger::Drift => (
            "records are out of step",
            "{count} records differ between Coccinelle and the platform, and they do not become fewer.",
            "open the integration and look at its errors and at what is waiting.",
        ),
        Trigger::NeedsConfirmation => (
            "deletions wait for your consent",
            "{count} records have gone from the platform: too many to delete them here without asking you. All else goes on being synchronised.",
            "open the integration and agree to these deletions, or cancel them.",
        ),
        Trigger::PlatformDown => (
            "platform is down",
            "The platform does not answer several customers. Work is waiting; no customer is told.",
            "look at the platform's status page and at docs/runbook.md.",
        ),
        Trigger::DeadLetters => (
            "messages could not be handled",
            "{count} messages are in this queue.",
            "read their reason (admin status), mend it, then replay them (admin replay) or purge them.",
        ),
    }
}
