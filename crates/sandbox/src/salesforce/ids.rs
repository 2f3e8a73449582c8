//! Ids of 18 characters: three say of which type an object is, twelve which it is, and three in which case the others are written.

/// Types and the beginnings of their ids.
const PREFIXES: [(&str, &str); 8] = [
    ("Contact", "003"),
    ("Lead", "00Q"),
    ("Opportunity", "006"),
    ("Task", "00T"),
    ("OpportunityContactRole", "00K"),
    ("WorkflowOutboundMessage", "04k"),
    ("FlowDefinition", "300"),
    ("Flow", "301"),
];

const CASES: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The 18 characters behind 15 of them.
fn whole(short: &str) -> String {
    let letter = |chunk: &[u8]| {
        let bits = chunk.iter().rev().fold(0_usize, |bits, byte| (bits << 1) | usize::from(byte.is_ascii_uppercase()));
        char::from(CASES.get(bits).copied().unwrap_or(b'A'))
    };
    let cases: String = short.as_bytes().chunks(5).map(letter).collect();
    format!("{short}{cases}")
}

/// The id of the so-manieth object.
pub(crate) fn of(kind: &str, number: u64) -> String {
    let prefix = PREFIXES.iter().find(|(known, _)| *known == kind).map_or("000", |(_, prefix)| prefix);
    whole(&format!("{prefix}5g{number:010}"))
}

/// Which object an id of 15 or 18 characters names.
pub(crate) fn read(id: &str) -> Option<(&'static str, u64)> {
    if !matches!(id.len(), 15 | 18) || !id.is_ascii() {
        return None;
    }
    let (short, _) = id.split_at_checked(15)?;
    if id.len() == 18 && whole(short) != id {
        return None;
    }
    let (prefix, rest) = short.split_at_checked(3)?;
    let (kind, _) = PREFIXES.iter().find(|(_, known)| *known == prefix)?;
    Some((kind, rest.strip_prefix("5g")?.parse().ok()?))
}

/// Whether an organisation can have this id.
pub(crate) fn is_organisation(id: &str) -> bool {
    id.len() == 18
        && id.starts_with("00D")
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && id.get(..15).map(whole).as_deref() == Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_it_is_and_in_which_case_it_is_written() {
        // As published: 001A0000006Vm9r is 001A0000006Vm9rIAC.
        assert_eq!(whole("001A0000006Vm9r"), "001A0000006Vm9rIAC");
        assert_eq!(read(&of("Lead", 101)), Some(("Lead", 101)));
        assert_eq!(read(of("Task", 7).get(..15).unwrap()), Some(("Task", 7)));
        assert_eq!(read("0035g0000000101AAB"), None, "another case than it says");
        assert!(is_organisation("00D000000000001EAA") && !is_organisation("00D000000000001AAA"));
    }
}
