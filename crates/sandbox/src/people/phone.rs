//! Phone numbers, as far as comparing and showing French ones needs.

/// `+` and digits where the country is known or French, else the bare digits. Empty without digits.
pub(crate) fn key(written: &str) -> String {
    let digits: String = written.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    if written.trim_start().starts_with('+') {
        return if digits.is_empty() { digits } else { format!("+{digits}") };
    }
    if let Some(international) = digits.strip_prefix("00") {
        return format!("+{international}");
    }
    match digits.strip_prefix('0') {
        Some(national) if national.len() == 9 => format!("+33{national}"),
        Some(_) | None => digits,
    }
}

/// As HubSpot's page shows a French number; others stay as they were written.
pub(crate) fn display(written: &str) -> String {
    let key = key(written);
    let Some(national) = key.strip_prefix("+33").filter(|rest| rest.len() == 9) else {
        return written.to_owned();
    };
    let mut shown = String::from("+33");
    for (position, digit) in national.chars().enumerate() {
        if position % 2 == 1 || position == 0 {
            shown.push(' ');
        }
        shown.push(digit);
    }
    shown
}

/// A French number as it is dialled in France; others stay as they were written.
pub(crate) fn national(written: &str) -> String {
    let shown = display(written);
    shown.strip_prefix("+33 ").map_or_else(|| written.to_owned(), |rest| format!("0{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_to_write_a_french_number_are_one() {
        for written in [
            "0612345678",
            "06 12 34 56 78",
            "06.12.34.56.78",
            "+33612345678",
            "0033 6 12 34 56 78",
            "+33 (0)6 12 34 56 78",
        ] {
            assert_eq!(key(written), "+33612345678", "{written}");
            assert_eq!(display(written), "+33 6 12 34 56 78", "{written}");
            assert_eq!(national(written), "06 12 34 56 78", "{written}");
        }
        assert_eq!(key("+1 415 555 0100"), "+14155550100");
        assert_eq!(key("-"), "");
        assert_eq!(display("+1 415 555 0100"), "+1 415 555 0100");
    }
}
