//! How many failures stand, on a tab and on a card: counted to a hundred, beyond which the number helps nobody.

use std::collections::BTreeMap;

use domain::id::{IntegrationId, TenantId};
use persistence::records::links;
use persistence::{PersistenceError, Transaction};

use super::reader::Reader;
use super::text::failures as m;

/// The highest number that is told.
const MOST: i64 = 99;

/// How many records of an integration a failure keeps out of step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Failing(i64);

impl Failing {
    /// Those of each of these integrations; where there are none, it is left out.
    pub(super) async fn of(
        tx: &mut Transaction,
        tenant: TenantId,
        integrations: &[IntegrationId],
    ) -> Result<BTreeMap<IntegrationId, Self>, PersistenceError> {
        let counted = links::standing_failures(tx, tenant, integrations, MOST.saturating_add(1)).await?;
        Ok(counted.into_iter().map(|(id, count)| (id, Self(count))).collect())
    }

    pub(super) fn is_any(self) -> bool {
        self.0 > 0
    }

    /// The figure that is seen.
    pub(super) fn figure(self) -> String {
        if self.0 > MOST { format!("{MOST}+") } else { self.0.to_string() }
    }

    /// The same in words, as it is read aloud.
    pub(super) fn words(self, reader: &Reader) -> String {
        if self.0 > MOST { reader.fill(m::STANDING_MORE, MOST) } else { reader.count(m::STANDING, self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_a_number_beyond_ninety_nine() {
        assert!(!Failing(0).is_any() && Failing(1).is_any());
        assert_eq!([Failing(1), Failing(99), Failing(100)].map(Failing::figure), ["1", "99", "99+"]);
    }
}
