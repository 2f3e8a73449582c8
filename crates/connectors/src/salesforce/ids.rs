//! Ids, which come in two lengths: 15 characters whose case counts, and 18, of which the last three say that case once more.
//! Everything that is kept or compared is of the longer one.

/// What five characters' cases are told by.
const CASES: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The 18 characters of an id; `None` of what is none.
pub(crate) fn whole(id: &str) -> Option<String> {
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    match id.len() {
        18 => Some(id.to_owned()),
        15 => {
            let told: Option<String> = id.as_bytes().chunks(5).map(told).collect();
            Some(format!("{id}{}", told?))
        }
        _ => None,
    }
}

fn told(five: &[u8]) -> Option<char> {
    let capitals = five.iter().rev().fold(0_usize, |bits, byte| bits * 2 + usize::from(byte.is_ascii_uppercase()));
    CASES.get(capitals).copied().map(char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_is_made_whole_and_what_is_none_stays_none() {
        assert_eq!(whole("001A0000006Vm9r").as_deref(), Some("001A0000006Vm9rIAC"));
        assert_eq!(whole("001A0000006Vm9rIAC").as_deref(), Some("001A0000006Vm9rIAC"));
        for none in ["", "001", "001A0000006Vm9rIA", "001A0000006Vm9'", "001A0000006Vmé"] {
            assert_eq!(whole(none), None, "{none}");
        }
    }
}
