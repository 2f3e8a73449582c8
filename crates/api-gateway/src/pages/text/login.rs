//! The words of the login page.

use super::{Message, say};

pub(in crate::pages) const TITLE: Message = say("Connexion", "Log in");
pub(in crate::pages) const LEAD: Message = say(
    "Gardez vos outils et Coccinelle au même pas, dans les deux sens.",
    "Keep your tools and Coccinelle in step, both ways.",
);
pub(in crate::pages) const TOKEN: Message = say("Jeton d'accès", "Access token");
pub(in crate::pages) const TOKEN_HELP: Message = say(
    "Sur une seule machine : le jeton que « cargo xtask up » affiche, ou que « admin issue-token » émet. En production, \
     ouvrez les intégrations depuis Coccinelle.",
    "On a single machine: the token that “cargo xtask up” prints, or that “admin issue-token” issues. In production, open \
     the integrations from Coccinelle.",
);
pub(in crate::pages) const LOG_IN: Message = say("Se connecter", "Log in");
pub(in crate::pages) const REFUSED: Message = say(
    "Ce jeton n'est pas valide, ou ne l'est plus. Demandez-en un autre.",
    "This token is not valid, or no longer. Ask for another one.",
);
pub(in crate::pages) const ENDED: Message =
    say("Votre session est terminée. Connectez-vous de nouveau.", "Your session has ended. Please log in again.");
