//! How text and numbers are set in each language: spaces that do not break, groups of digits, signs.

use domain::settings::Language;

/// A space that does not break, as wide as a space.
const NO_BREAK: char = '\u{a0}';
/// A narrow one, which French puts before its high signs and between groups of digits.
const NARROW: char = '\u{202f}';

/// A text with the spaces that its language wants. What is typed with a plain space before `:`, `;`, `!`, `?`, `%` or
/// beside guillemets does not break there.
pub(super) fn text(language: Language, plain: &str) -> String {
    let mut set = String::with_capacity(plain.len() + 8);
    let mut signs = plain.chars().peekable();
    while let Some(sign) = signs.next() {
        let next = signs.peek().copied();
        let space = match (language, sign, next) {
            (Language::Fr, ' ', Some(';' | '!' | '?' | '%')) => Some(NARROW),
            (Language::Fr, ' ', Some(':' | '»')) => Some(NO_BREAK),
            _ => None,
        };
        set.push(space.unwrap_or(sign));
        if language == Language::Fr && sign == '«' && next == Some(' ') {
            signs.next();
            set.push(NO_BREAK);
        }
    }
    set
}

/// A whole number in groups of three.
pub(super) fn number(language: Language, number: i64) -> String {
    let separator = match language {
        Language::Fr => NARROW,
        Language::En => ',',
    };
    let digits = number.unsigned_abs().to_string();
    let mut set = String::with_capacity(digits.len() + 8);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            set.push(separator);
        }
        set.push(digit);
    }
    if number < 0 { format!("−{set}") } else { set }
}

/// A share as a percentage with one decimal, where it has one.
pub(super) fn percent(language: Language, share: f64) -> String {
    let mut percent = (share * 1_000.0).round() / 10.0;
    if share < 1.0 {
        percent = percent.min(99.9);
    }
    if share > 0.0 {
        percent = percent.max(0.1);
    }
    let digits = format!("{percent:.1}");
    let digits = digits.strip_suffix(".0").unwrap_or(&digits);
    match language {
        Language::Fr => format!("{}{NARROW}%", digits.replace('.', ",")),
        Language::En => format!("{digits}%"),
    }
}

/// A time in milliseconds, in the unit that suits it.
pub(super) fn millis(language: Language, millis: i64) -> String {
    if millis < 1_000 {
        return format!("{millis}{NO_BREAK}ms");
    }
    let tenths = (millis + 50) / 100;
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let point = match language {
        Language::Fr => ',',
        Language::En => '.',
    };
    format!("{whole}{point}{tenth}{NO_BREAK}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_puts_spaces_that_do_not_break_before_its_signs() {
        assert_eq!(text(Language::Fr, "« Sync échouée » : quoi ?"), "«\u{a0}Sync échouée\u{a0}»\u{a0}: quoi\u{202f}?");
        assert_eq!(text(Language::En, "What : is “this” ?"), "What : is “this” ?");
    }

    #[test]
    fn numbers_are_grouped_and_shares_are_never_rounded_up_to_all() {
        assert_eq!(number(Language::Fr, 1_204_007), "1\u{202f}204\u{202f}007");
        assert_eq!(number(Language::En, -12_040), "−12,040");
        assert_eq!(number(Language::En, 999), "999");
        assert_eq!(percent(Language::Fr, 0.987), "98,7\u{202f}%");
        assert_eq!(percent(Language::En, 1.0), "100%");
        assert_eq!(percent(Language::En, 0.999_99), "99.9%");
        assert_eq!(percent(Language::En, 0.000_01), "0.1%");
        assert_eq!(percent(Language::En, 0.0), "0%");
        assert_eq!(millis(Language::Fr, 1_249), "1,2\u{a0}s");
        assert_eq!(millis(Language::En, 87), "87\u{a0}ms");
    }
}
