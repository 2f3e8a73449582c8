//! By what a person is recognised: normalised identifiers. The lookup itself is `persistence`'s.

use std::sync::Once;

use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, PhoneNumber};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::field::FieldValue;
use crate::kind::RecordKind;
use crate::record::Fields;

/// The country in whose notation a number without a country code is read.
pub type Region = phonenumber::country::Id;

/// Where the numbers of a tenant are from that has said nothing of it.
pub const HOME: Region = Region::FR;

/// A region by its ISO 3166-1 alpha-2 code, refused in fewer words than a list of all.
///
/// # Errors
/// Where it is no text, or the code of no country.
pub fn read_region<'de, D: Deserializer<'de>>(reader: D) -> Result<Region, D::Error> {
    let code = String::deserialize(reader)?;
    code.parse::<Region>()
        .map_err(|_unknown| D::Error::custom("not a country, expected a country by its ISO 3166-1 code, as in BE"))
}

/// The ISO 3166-1 alpha-2 code of a region.
#[must_use]
pub fn region_code(region: &Region) -> &str {
    region.as_ref()
}

/// The kind of identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Coccinelle's own id of the subject.
    Coccinelle,
    /// A lower-case e-mail address.
    Email,
    /// A telephone number in E.164.
    Phone,
}

impl Scheme {
    /// The name used in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Coccinelle => "coccinelle",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

/// A normalised identifier; unique per tenant and kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// What kind of identifier.
    pub scheme: Scheme,
    /// Its normal form.
    pub value: String,
}

impl Identity {
    /// Coccinelle's id of a subject.
    #[must_use]
    pub fn coccinelle(subject_id: &str) -> Self {
        Self { scheme: Scheme::Coccinelle, value: subject_id.to_owned() }
    }

    /// An e-mail address in lower case; `None` where there is none.
    #[must_use]
    pub fn email(value: Option<&FieldValue>) -> Option<Self> {
        let text = value?.as_text()?.trim().to_lowercase();
        text.contains('@').then_some(Self { scheme: Scheme::Email, value: text })
    }

    /// A telephone number in E.164; `None` where it cannot be read as one.
    #[must_use]
    pub fn phone(value: Option<&FieldValue>, region: Region) -> Option<Self> {
        Some(Self { scheme: Scheme::Phone, value: e164(value?.as_text()?, region)? })
    }
}

/// The identifiers that a record's content gives it, the stronger first. Only contacts have any.
#[must_use]
pub fn of_content(kind: RecordKind, fields: &Fields, region: Region) -> Vec<Identity> {
    match kind {
        RecordKind::Contact => {
            let email = Identity::email(fields.value("email"));
            email.into_iter().chain(Identity::phone(fields.value("phone"), region)).collect()
        }
        RecordKind::Deal | RecordKind::Product | RecordKind::Order | RecordKind::Activity => Vec::new(),
    }
}

/// A plus sign and at most 15 digits. Source: ITU-T E.164, section 6.1.
const E164_LENGTH: usize = 16;

/// Expressions of the library that stay compiled. A country's numbers take up to thirty of them. Of its own hundred, those of eight
/// countries throw out each other's, and every number has a dozen compiled anew, under a lock that all threads share. With those of fifty
/// countries compiled, a process had 32 MiB more.
const COMPILED: usize = 512;

/// A telephone number as it is; `None` where it is not valid in that country.
fn number(text: &str, region: Region) -> Option<PhoneNumber> {
    static ENLARGED: Once = Once::new();
    ENLARGED.call_once(|| {
        if let Ok(mut compiled) = DATABASE.cache().lock() {
            compiled.set_capacity(COMPILED);
        }
    });
    // `00` is how most of Europe dials what is written `+`.
    let trimmed = text.trim();
    let international = trimmed.strip_prefix("00").map(|rest| format!("+{rest}"));
    let number = phonenumber::parse(Some(region), international.as_deref().unwrap_or(trimmed)).ok()?;
    number.is_valid().then_some(number)
}

/// A telephone number in E.164, as in `+33612345678`; `None` where the number is not valid in that country.
#[must_use]
pub fn e164(text: &str, region: Region) -> Option<String> {
    let normal = number(text, region)?.format().mode(Mode::E164).to_string();
    // The library lets some countries' numbers be longer than any number may be.
    (normal.len() <= E164_LENGTH).then_some(normal)
}

/// A telephone number as its own country writes it, as in `06 12 34 56 78`; `None` where the number is not valid in `region`.
#[must_use]
pub fn national(text: &str, region: Region) -> Option<String> {
    Some(number(text, region)?.format().mode(Mode::National).to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_region_is_the_code_of_a_country() {
        let read = |code: &str| read_region(serde_json::Value::from(code));
        assert_eq!(read("BE").unwrap(), Region::BE);
        assert_eq!(region_code(&Region::BE), "BE");
        for code in ["XX", "be", "BEL", "", "32"] {
            assert!(read(code).unwrap_err().to_string().starts_with("not a country"), "{code}");
        }
    }

    #[test]
    fn reads_every_common_french_notation_as_one_number() {
        for text in
            ["06 12 34 56 78", "0612345678", "+33 6 12 34 56 78", "0033612345678", "06.12.34.56.78", "+33612345678"]
        {
            assert_eq!(e164(text, Region::FR).as_deref(), Some("+33612345678"), "{text}");
        }
    }

    #[test]
    fn numbers_of_many_countries_stay_compiled_beside_each_other() {
        for text in [
            "+33612345678",
            "+32470123456",
            "+41781234567",
            "+352628123456",
            "+4915123456789",
            "+34612345678",
            "+393123456789",
            "+447400123456",
            "+31612345678",
            "+351912345678",
            "+43664123456",
            "+353850123456",
        ] {
            assert_eq!(e164(text, Region::FR).as_deref(), Some(text));
        }
        // Of the library's own hundred, the first would be gone by now.
        assert!(DATABASE.cache().lock().unwrap().len() > 100);
    }

    #[test]
    fn takes_nothing_that_is_no_number() {
        for text in ["", "0612", "bonjour", "+", "00", "12345678901234567890", "٠٦"] {
            assert_eq!(e164(text, Region::FR), None, "{text}");
        }
    }

    #[test]
    fn an_address_is_the_same_in_any_case() {
        let upper = FieldValue::text("Élodie.Martin@Example.FR ");
        assert_eq!(Identity::email(Some(&upper)).unwrap().value, "élodie.martin@example.fr");
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_none_and_a_number_in_normal_form_stays_as_it_is(
            text in ".{0,60}", near in "[+0-9 ().,;/x#*٠-٩-]{0,40}(;ext=|tel:|x)?[0-9]{0,20}",
            region in prop::sample::select(vec![Region::FR, Region::GB, Region::US, Region::DE]),
        ) {
            for text in [text, near] {
                if let Some(number) = e164(&text, region) {
                    prop_assert!(number.len() <= 16 && number.starts_with('+'), "{text:?}: {number}");
                    prop_assert!(number.bytes().skip(1).all(|digit| digit.is_ascii_digit()), "{text:?}: {number}");
                    prop_assert_eq!(e164(&number, region), Some(number), "{:?}", text);
                }
            }
        }

        #[test]
        fn an_address_in_normal_form_stays_as_it_is(text in "\\PC{0,30}@?\\PC{0,30}") {
            if let Some(address) = Identity::email(Some(&FieldValue::text(text))) {
                let again = Identity::email(Some(&FieldValue::text(address.value.clone())));
                prop_assert_eq!(again, Some(address));
            }
        }
    }
}
