//! French phone numbers, and the ways in which people write them.

use std::collections::HashSet;

use rand::Rng as _;
use rand::rngs::StdRng;

/// A French number: nine digits after the zero or the country code.
#[derive(Clone, Debug)]
pub(super) struct Phone {
    national: String,
}

impl Phone {
    /// A number that nobody has yet; most are mobiles.
    pub(super) fn invent(dice: &mut StdRng, taken: &mut HashSet<String>) -> Self {
        // Blocks that the numbering plan gives out, so that a strict parser takes them.
        const BLOCKS: [&str; 9] = ["61", "62", "66", "67", "68", "76", "78", "14", "47"];
        loop {
            let block = BLOCKS.get(dice.random_range(0..BLOCKS.len())).copied().unwrap_or("61");
            let national = format!("{block}{:07}", dice.random_range(0..10_000_000));
            if taken.insert(national.clone()) {
                return Self { national };
            }
        }
    }

    /// The number in one of six habits.
    pub(super) fn written(&self, dice: &mut StdRng) -> String {
        let national = &self.national;
        match dice.random_range(0..6) {
            0 => format!("0{national}"),
            1 => format!("+33{national}"),
            2 => format!("0033{national}"),
            3 => self.grouped("0", ' '),
            4 => self.grouped("0", '.'),
            _ => self.grouped("+33 ", ' '),
        }
    }

    /// One digit behind the prefix, then pairs: `06 12 34 56 78`.
    fn grouped(&self, prefix: &str, between: char) -> String {
        let mut text = prefix.to_owned();
        for (place, digit) in self.national.chars().enumerate() {
            if place % 2 == 1 {
                text.push(between);
            }
            text.push(digit);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_as_in_france() {
        let phone = Phone { national: "612345678".to_owned() };
        assert_eq!(phone.grouped("0", ' '), "06 12 34 56 78");
        assert_eq!(phone.grouped("0", '.'), "06.12.34.56.78");
        assert_eq!(phone.grouped("+33 ", ' '), "+33 6 12 34 56 78");
    }
}
