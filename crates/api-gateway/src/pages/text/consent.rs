//! The words of the way to a platform's page and back.

use super::{Message, say};

pub(in crate::pages) const CONNECT_WITH: Message = say("Connecter avec {}", "Connect with {}");
pub(in crate::pages) const RECONNECT_WITH: Message = say("Reconnecter avec {}", "Reconnect with {}");
pub(in crate::pages) const LEAD: Message = say(
    "{} vous demandera votre accord sur son propre site, puis vous ramènera ici. Coccinelle ne voit pas votre mot de passe.",
    "{} asks for your consent on its own site, then brings you back here. Coccinelle never sees your password.",
);
pub(in crate::pages) const BY_KEY: Message = say("Utiliser une clé API", "Use an API key instead");
pub(in crate::pages) const BY_CONSENT: Message = say("Se connecter sans clé", "Connect without a key");
pub(in crate::pages) const SCOPES: Message = say("Ce que Coccinelle demandera", "What Coccinelle asks for");
pub(in crate::pages) const NOT_SET_UP: Message = say(
    "L'application Coccinelle n'est pas encore déclarée chez {}. Votre administrateur doit le faire avant que vous puissiez \
     connecter un compte.",
    "Coccinelle's app is not set up at {} yet. Your operator has to do that before you can connect an account.",
);
pub(in crate::pages) const MORE: Message = say("Direction et fréquence", "Direction and frequency");
pub(in crate::pages) const TITLE: Message = say("Vous allez chez {}", "On your way to {}");
pub(in crate::pages) const GOING: Message = say(
    "{} s'ouvre pour vous demander votre accord. Vous avez dix minutes.",
    "{} opens and asks for your consent. You have ten minutes.",
);
pub(in crate::pages) const GO_ON: Message = say("Continuer vers {}", "Go on to {}");
pub(in crate::pages) const BACK: Message = say("Revenir sans connecter", "Back without connecting");

pub(in crate::pages) const CONNECTED: Message = say("Le compte est connecté.", "The account is connected.");
pub(in crate::pages) const CONNECTED_HELP: Message =
    say("Tous les droits demandés sont accordés.", "Everything that was asked for is granted.");
pub(in crate::pages) const UNKEYED_HELP: Message = say(
    "Il n'a pas de champ pour l'identifiant de Coccinelle pour ce qui suit : il est noté à la fin de leur texte, et une personne est reconnue à son adresse ou à son numéro. Si la plateforme le permet, ajoutez ce champ ou accordez le droit de le créer, puis testez la connexion.",
    "It has no field for Coccinelle's id for what follows: it is noted at the end of their text, and a person is recognised by address or number. Where the platform allows it, add the field or grant the right to make it, then test the connection.",
);
pub(in crate::pages) const DENIED: Message = say("Vous n'avez pas donné votre accord.", "You did not consent.");
pub(in crate::pages) const DENIED_HELP: Message = say(
    "Rien n'est connecté et rien n'a changé. Recommencez quand vous voulez, ou retirez l'intégration.",
    "Nothing is connected and nothing has changed. Start again whenever you like, or remove the integration.",
);
pub(in crate::pages) const LACKING: Message = say("Il manque des droits.", "Some permissions are missing.");
pub(in crate::pages) const LACKING_HELP: Message = say(
    "Coccinelle ne peut pas travailler sans eux ; l'accord a été rendu. Recommencez et laissez-les cochés, ou demandez-les à \
     l'administrateur de la plateforme. Droits manquants :",
    "Coccinelle cannot work without them; the consent was given back. Start again and leave them ticked, or ask the \
     platform's administrator for them. Missing:",
);
pub(in crate::pages) const EXPIRED: Message =
    say("La demande d'accord a expiré.", "The request for consent has expired.");
pub(in crate::pages) const EXPIRED_HELP: Message = say(
    "Elle vaut dix minutes. Rien n'est connecté ; recommencez.",
    "It is good for ten minutes. Nothing is connected; start again.",
);
pub(in crate::pages) const SPENT: Message = say("Cette réponse a déjà été utilisée.", "This answer was used already.");
pub(in crate::pages) const SPENT_HELP: Message = say(
    "Elle ne vaut qu'une fois. Si le compte n'est pas connecté ci-dessous, recommencez.",
    "It is good for one time. If the account is not connected below, start again.",
);
pub(in crate::pages) const UNKNOWN: Message =
    say("Cette demande d'accord n'est pas connue.", "This request for consent is not known.");
pub(in crate::pages) const OTHER_BROWSER: Message =
    say("Vous êtes revenu par un autre navigateur.", "You came back in another browser.");
pub(in crate::pages) const OTHER_BROWSER_HELP: Message = say(
    "Par sécurité, l'accord se termine dans le navigateur où il a commencé. Recommencez dans celui-ci.",
    "For safety, a consent ends in the browser in which it began. Start again in this one.",
);
pub(in crate::pages) const OTHER_USER: Message =
    say("Une autre personne est connectée entre-temps.", "Somebody else has logged in meanwhile.");
pub(in crate::pages) const OTHER_USER_HELP: Message = say(
    "L'accord n'est valable que pour la personne qui l'a demandé. Recommencez sous votre nom.",
    "A consent is good only for whoever asked for it. Start again as yourself.",
);
pub(in crate::pages) const FORGED: Message =
    say("La réponse ne vient pas de la plateforme.", "The answer is not the platform's.");
pub(in crate::pages) const FORGED_HELP: Message = say(
    "Elle a été rejetée et rien n'est connecté. Recommencez d'ici ; si cela se répète, écrivez-nous.",
    "It was rejected and nothing is connected. Start again from here; if it happens again, write to us.",
);
pub(in crate::pages) const TAKEN: Message = say("Ce compte est déjà connecté.", "This account is connected already.");
pub(in crate::pages) const TAKEN_HELP: Message = say(
    "Un compte se connecte une seule fois. Ouvrez l'intégration qui existe, ou choisissez un autre compte.",
    "An account is connected once. Open the integration that exists, or choose another account.",
);
pub(in crate::pages) const TAKEN_LINK: Message = say("Ouvrir cette intégration", "Open that integration");
pub(in crate::pages) const OTHER_ACCOUNT: Message =
    say("Vous avez choisi un autre compte.", "You chose another account.");
pub(in crate::pages) const OTHER_ACCOUNT_HELP: Message = say(
    "Cette intégration garde le sien. Recommencez avec le bon compte, ou ajoutez une intégration pour celui-ci.",
    "This integration keeps its own. Start again with that account, or add an integration for this one.",
);
pub(in crate::pages) const REFUSED: Message = say("La plateforme a refusé.", "The platform refused.");
pub(in crate::pages) const REFUSED_HELP: Message = say(
    "Rien n'est connecté. Recommencez ; si cela se répète, donnez-nous sa réponse.",
    "Nothing is connected. Start again; if it happens again, tell us its answer.",
);
pub(in crate::pages) const AWAY: Message = say("La plateforme ne répond pas.", "The platform does not answer.");
pub(in crate::pages) const AWAY_HELP: Message =
    say("Rien n'est connecté. Recommencez dans un instant.", "Nothing is connected. Start again in a moment.");
pub(in crate::pages) const OURS: Message =
    say("Le compte n'a pas pu être enregistré.", "The account could not be saved.");
