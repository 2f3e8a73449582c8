//! The words of the page on which an account is connected.

use super::{Message, say};

pub(in crate::pages) const TITLE: Message = say("Connecter {}", "Connect {}");
pub(in crate::pages) const LEAD: Message = say(
    "La connexion est vérifiée auprès de {} au moment de l'envoi. Rien n'est enregistré si elle échoue.",
    "The connection is checked with {} as you send the form. Nothing is saved if that fails.",
);
pub(in crate::pages) const WHERE: Message = say("Où trouver la clé", "Where to find the key");
pub(in crate::pages) const DOCS: Message = say("Documentation de {}", "Documentation of {}");
pub(in crate::pages) const START: Message =
    say("Activer et lancer la première synchronisation", "Switch on and begin the first sync");
pub(in crate::pages) const START_HELP: Message = say(
    "Sans cela, l'intégration est créée éteinte : rien ne circule avant que vous l'activiez.",
    "Without it, the integration is created switched off: nothing flows before you switch it on.",
);
pub(in crate::pages) const CREATE: Message = say("Créer l'intégration", "Create the integration");
pub(in crate::pages) const CANCEL: Message = say("Annuler", "Cancel");
