//! What is taken out of every log, whoever's it is: secrets of any system, and numbers of payment cards.

use std::sync::LazyLock;

use regex::Regex;

use super::{INSTEAD, compiled};

/// Names of fields that hold a secret wherever they stand, in lower case and without hyphens and underscores.
const SECRET_FIELDS: [&str; 24] = [
    "accesstoken",
    "apikey",
    "apisecret",
    "authorization",
    "cardnumber",
    "clientsecret",
    "consumerkey",
    "consumersecret",
    "cookie",
    "cvc",
    "cvv",
    "developerkey",
    "hapikey",
    "idtoken",
    "passwd",
    "password",
    "privatekey",
    "proxyauthorization",
    "refreshtoken",
    "secret",
    "setcookie",
    "token",
    "xapikey",
    "xshopifyaccesstoken",
];

/// Secrets whose form gives them away: bearer headers, JSON web tokens, keys of HubSpot, Stripe, Shopify and WooCommerce.
static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(concat!(
        r"(?i:\bbearer\s+[a-z0-9._~+/=-]{8,})",
        r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        r"|\bpat-[a-z]{2}\d-[0-9a-fA-F-]{16,}",
        r"|\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{8,}|\bwhsec_[A-Za-z0-9+/=]{8,}",
        r"|\bshp[a-z]{2}_[0-9a-fA-F]{16,}|\bc[ks]_[0-9a-f]{40}\b",
    ))
});

/// What may be a card's number: 14 to 19 digits, in groups or not. Whether it is one, its check digit says.
static CARD: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(r"\b\d(?:[ -]?\d){13,18}\b"));

/// Whether a field of this name is a secret by its name.
pub(super) fn is_secret_field(name: &str) -> bool {
    let plain: String = name.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect();
    SECRET_FIELDS.binary_search(&plain.as_str()).is_ok()
}

/// The text without secrets and card numbers; `None` where it holds none.
pub(super) fn without(text: &str) -> Option<String> {
    let secret = SECRET.as_ref().filter(|secret| secret.is_match(text));
    let clean = secret.map(|secret| secret.replace_all(text, INSTEAD).into_owned());
    let rest = clean.as_deref().unwrap_or(text);
    without_cards(rest).or(clean)
}

fn without_cards(text: &str) -> Option<String> {
    let card = CARD.as_ref()?;
    let (mut kept, mut from) = (String::new(), 0);
    for found in card.find_iter(text).filter(|found| is_card(found.as_str())) {
        kept.push_str(text.get(from..found.start())?);
        kept.push_str(INSTEAD);
        from = found.end();
    }
    if from == 0 {
        return None;
    }
    kept.push_str(text.get(from..)?);
    Some(kept)
}

/// Whether these are the digits of a card: of a length that its issuers give out, and with the right check digit.
///
/// An id of a platform has the right check digit one time in ten; few have an issuer's beginning and length as well.
pub(super) fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let beginning = |length| digits.iter().take(length).fold(0, |number, digit| number * 10 + digit);
    let (two, four) = (beginning(2), beginning(4));
    let is_issued = match digits.len() {
        // Diners Club.
        14 => matches!(two, 36 | 38) || (3000..=3059).contains(&four),
        // American Express.
        15 => matches!(two, 34 | 37),
        // Visa, Mastercard, JCB, Discover, UnionPay.
        16 => matches!(two, 35 | 40..=49 | 51..=55 | 62 | 65) || four == 6011 || (2221..=2720).contains(&four),
        19 => matches!(two, 40..=49 | 62),
        _ => false,
    };
    is_issued && has_check_digit(&digits)
}

/// Luhn's: every second digit from the right counts double, and all together make a multiple of ten.
fn has_check_digit(digits: &[u32]) -> bool {
    let weighed = digits.iter().rev().enumerate().map(|(place, digit)| match (place % 2, digit * 2) {
        (0, _) => *digit,
        (_, double) if double > 9 => double - 9,
        (_, double) => double,
    });
    weighed.sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_cards_by_issuer_length_and_check_digit() {
        // The numbers that payment processors give out for tests.
        for card in ["4242 4242 4242 4242", "5555-5555-5555-4444", "378282246310005", "6011111111111117"] {
            assert!(is_card(card), "{card}");
            assert_eq!(without(&format!("card {card}.")).as_deref(), Some("card [redacted]."));
        }
        for other in ["4242424242424241", "5678901234567", "06 12 34 56 78", "33612345678", "2026-11-27 12:00:00"] {
            assert!(!is_card(other), "{other}");
            assert_eq!(without(other), None);
        }
    }

    #[test]
    fn knows_secrets_by_their_form_and_fields_by_their_name() {
        for secret in [
            "Bearer abcdefgh12345678",
            "pat-eu1-4242aaaa-bbbb-cccc-dddd-eeeeffff0000",
            "sk_live_abcdefgh1234",
            "shpat_0123456789abcdef0123456789abcdef",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl",
        ] {
            let told = without(&format!("it said {secret}, twice: {secret}")).unwrap();
            assert_eq!(told, "it said [redacted], twice: [redacted]");
        }
        assert_eq!(without("bearer of good news, tokens and passwords"), None);
        for name in ["Authorization", "client_secret", "X-Api-Key", "refreshToken"] {
            assert!(is_secret_field(name), "{name}");
        }
        for name in ["email", "tokens_left", "card", "secretary"] {
            assert!(!is_secret_field(name), "{name}");
        }
        assert!(SECRET_FIELDS.is_sorted());
    }
}
