//! Whether a tenant has the process to itself, or others came lately. What follows from that is not known here.

use std::time::Duration;

use domain::id::TenantId;
use tokio::time::Instant;

/// For how long whoever came counts as being here: one who comes every now and then finds room at once.
const LATELY: Duration = Duration::from_secs(60);

/// Who came last, and when anybody else did.
#[derive(Debug, Default)]
pub(super) struct Company {
    last: Option<(TenantId, Instant)>,
    others: Option<Instant>,
}

impl Company {
    /// Notes that a tenant has come.
    pub(super) fn note(&mut self, tenant: TenantId, now: Instant) {
        if let Some((_, at)) = self.last.filter(|(last, _)| *last != tenant) {
            self.others = Some(at);
        }
        self.last = Some((tenant, now));
    }

    /// Whether nobody but this tenant came lately.
    pub(super) fn is_alone(&self, tenant: TenantId, now: Instant) -> bool {
        let another = self.last.filter(|(last, _)| *last != tenant).map(|(_, at)| at).or(self.others);
        another.is_none_or(|at| now.duration_since(at) >= LATELY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_alone_once_nobody_else_came_for_a_minute() {
        let (one, other, start) = (TenantId::new(), TenantId::new(), Instant::now());
        let (mut company, second) = (Company::default(), Duration::from_secs(1));
        assert!(company.is_alone(one, start));
        company.note(one, start);
        assert!(company.is_alone(one, start) && !company.is_alone(other, start));
        company.note(other, start + second);
        for n in 2..60 {
            company.note(one, start + second * n);
            assert!(!company.is_alone(one, start + second * n), "{n}");
        }
        assert!(company.is_alone(one, start + second + LATELY));
        assert!(!company.is_alone(other, start + second + LATELY));
    }
}
