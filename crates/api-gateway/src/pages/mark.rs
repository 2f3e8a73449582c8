//! The marks by which platforms are told apart: initials in a shape, of our own drawing. Nobody's logo is borrowed.

/// A platform's mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Two letters.
    pub(super) letters: String,
    /// Which of the tints it has: 0 to 5.
    pub(super) tint: u8,
}

impl Mark {
    /// The mark of a name: its capitals, where it has two, else its first letters.
    pub(super) fn of(name: &str) -> Self {
        let capitals: Vec<char> = name.chars().filter(|c| c.is_uppercase()).take(2).collect();
        let letters = match capitals.as_slice() {
            [first, second] => format!("{first}{second}"),
            _ => name.chars().filter(|c| c.is_alphanumeric()).take(2).collect(),
        };
        let sum = name.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        Self { letters, tint: sum % 6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_stand_for_every_name() {
        let letters = |name| Mark::of(name).letters;
        assert_eq!(
            (letters("HubSpot"), letters("Salesforce"), letters("Google Sheets")),
            ("HS".into(), "Sa".into(), "GS".into())
        );
        assert_eq!(letters("é"), "é");
        assert_eq!(letters(""), "");
    }
}
