//! The causes that no code of their own tells apart: they are known by their sentence. Those that have a code are `causes`'.

use super::{Message, say};

/// What is said under codes that others use as well, or tells something more, or goes without a code.
pub(super) const BY_SENTENCE: &[(&str, Message)] = &[
    (
        "the platform answered with status {}",
        say("La plateforme a répondu par le statut {}", "The platform answered with status {}"),
    ),
    (
        "the platform did not answer in time",
        say("La plateforme n'a pas répondu à temps", "The platform did not answer in time"),
    ),
    ("the platform cannot be reached", say("La plateforme n'est pas joignable", "The platform cannot be reached")),
    (
        "the connection to the platform broke off",
        say("La connexion à la plateforme s'est interrompue", "The connection to the platform broke off"),
    ),
    (
        "the platform takes no more requests now",
        say("La plateforme ne prend plus de demandes pour l'instant", "The platform takes no more requests for now"),
    ),
    (
        "the credentials open another account: {} ({})",
        say("Les identifiants ouvrent un autre compte : {} ({})", "The credentials open another account: {} ({})"),
    ),
    (
        "the address does not lead to a public host",
        say("L'adresse ne mène pas à un site public", "The address does not lead to a public host"),
    ),
    (
        "L'adresse de votre workflow n8n ne mène pas à un site public en https : corrigez-la dans les réglages",
        say(
            "L'adresse de votre workflow n8n ne mène pas à un site public en https",
            "The address of your n8n workflow leads to no public https site",
        ),
    ),
    (
        "Le modèle du champ « {} » ne peut rien faire de cette fiche",
        say(
            "Le modèle du champ « {} » ne peut rien faire de cette fiche",
            "The template of the field “{}” makes nothing of this record",
        ),
    ),
    (
        "Le workflow n8n refuse la demande (statut {})",
        say("Le workflow n8n refuse la demande (statut {})", "The n8n workflow refuses the request (status {})"),
    ),
    (
        "Le workflow n8n a échoué sans dire pourquoi",
        say("Le workflow n8n a échoué sans dire pourquoi", "The n8n workflow failed without saying why"),
    ),
    (
        "Synchronisation arrêtée : la plateforme refuse les identifiants",
        say(
            "Synchronisation arrêtée : la plateforme refuse les identifiants",
            "Sync stopped: the platform refuses the credentials",
        ),
    ),
    (
        "L'autorisation a été retirée ou a expiré sur la plateforme : reconnectez le compte.",
        say(
            "L'autorisation a été retirée ou a expiré sur la plateforme : reconnectez le compte.",
            "The authorisation was withdrawn or has expired on the platform: reconnect the account.",
        ),
    ),
    (
        "Un renouvellement d'autorisation a été interrompu entre la plateforme et nous, et son jeton à usage unique ne peut \
         pas être présenté une seconde fois : reconnectez le compte.",
        say(
            "Un renouvellement d'autorisation a été interrompu entre la plateforme et nous, et son jeton à usage unique ne \
             peut pas être présenté une seconde fois : reconnectez le compte.",
            "A renewal of the authorisation broke off between the platform and us, and its token can be used only once: \
             reconnect the account.",
        ),
    ),
    (
        "L'autorisation a expiré et la plateforme n'en permet pas le renouvellement : reconnectez le compte.",
        say(
            "L'autorisation a expiré et la plateforme n'en permet pas le renouvellement : reconnectez le compte.",
            "The authorisation has expired, and the platform allows no renewal of it: reconnect the account.",
        ),
    ),
    (
        "the platform does not know our app: {}",
        say("La plateforme ne connaît pas notre application : {}", "The platform does not know our app: {}"),
    ),
    (
        "what answers at this address is not {}",
        say("Ce qui répond à cette adresse n'est pas {}", "What answers at this address is not {}"),
    ),
    (
        "what answers at this address is no WooCommerce: give the address of the shop's home page",
        say(
            "Ce qui répond à cette adresse n'est pas une boutique WooCommerce : donnez l'adresse de sa page d'accueil",
            "What answers at this address is no WooCommerce: give the address of the shop's home page",
        ),
    ),
    (
        "what answers at this address is no shop of Shopify's",
        say(
            "Ce qui répond à cette adresse n'est pas une boutique Shopify",
            "What answers at this address is no shop of Shopify's",
        ),
    ),
    (
        "nothing answers at this address: check how it is written",
        say(
            "Rien ne répond à cette adresse : vérifiez comment elle est écrite",
            "Nothing answers at this address: check how it is written",
        ),
    ),
    (
        "the address leads on to {}: give that one, if it is yours",
        say(
            "L'adresse mène à {} : donnez celle-là, si elle est à vous",
            "The address leads on to {}: give that one, if it is yours",
        ),
    ),
    (
        "the shop answers with status {}: look at it in a browser, then try again",
        say(
            "La boutique répond par le statut {} : regardez-la dans un navigateur, puis réessayez",
            "The shop answers with status {}: look at it in a browser, then try again",
        ),
    ),
    (
        "the shop does not know this key, or does not see that it is called by HTTPS",
        say(
            "La boutique ne connaît pas cette clé, ou ne voit pas qu'elle est appelée en HTTPS",
            "The shop does not know this key, or does not see that it is called by HTTPS",
        ),
    ),
    ("the shop no longer has this object", say("La boutique n'a plus cet objet", "The shop no longer has this object")),
    (
        "this object is not in Pipedrive any more",
        say("Cet objet n'est plus dans Pipedrive", "This object is not in Pipedrive any more"),
    ),
    (
        "the requests that this Pipedrive company may make in a day are used up",
        say(
            "Les demandes que cette entreprise Pipedrive peut faire en un jour sont épuisées",
            "The requests that this Pipedrive company may make in a day are used up",
        ),
    ),
    (
        "Pipedrive takes no requests of ours for a while, since there were too many",
        say(
            "Pipedrive ne prend plus nos demandes pour un temps : il y en a eu trop",
            "Pipedrive takes no requests of ours for a while, since there were too many",
        ),
    ),
    (
        "Zendesk does not know who we are: the token is not valid, or no longer",
        say(
            "Zendesk ne nous reconnaît pas : le jeton n'est pas valable, ou ne l'est plus",
            "Zendesk does not know who we are: the token is not valid, or no longer",
        ),
    ),
    (
        "{} is not connected for records of the kind {}",
        say("{} n'est pas relié pour les fiches de cette sorte ({})", "{} is not connected for records of the kind {}"),
    ),
];
