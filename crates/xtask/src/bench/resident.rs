//! What the whole system has resident, part by part and together: our services, and the broker and the database that they stand on.

use super::loads::OURS;
use super::parts::Figures;
use super::usage::{Memory, share_of_tree};
use crate::session::{Service, Session};

/// Adds what each part has just then, and the sums without the servers and with them.
pub(super) fn add(session: &Session, when: &str, figures: &mut Figures) {
    let of = |service: Service| Memory::of(session.stack.pid(service.name())?).map(|memory| memory.resident_mib);
    let services = OURS.into_iter().filter_map(|service| Some((service.name(), of(service)?)));
    let ours = add_each(services, when, figures);
    figures.add(format!("our services together, memory {when}"), ours, "MiB");
    let shares = servers(session).map(|servers| servers.map(|(name, pid)| Some((name, share_of_tree(pid)?))));
    if let Some([Some(broker), Some(database)]) = shares {
        let theirs = add_each([broker, database].into_iter(), when, figures);
        figures.add(format!("with broker and database, memory {when}"), ours + theirs, "MiB");
    }
}

/// The processes of broker and database; none where they are not programs that may be looked into.
pub(super) fn servers(session: &Session) -> Option<[(&'static str, u32); 2]> {
    let services = session.services.as_ref()?;
    Some([("RabbitMQ", services.rabbitmq.pid()?), ("PostgreSQL", services.postgres.pid()?)])
}

/// Gives the sum.
fn add_each(parts: impl Iterator<Item = (&'static str, f64)>, when: &str, figures: &mut Figures) -> f64 {
    let mut sum = 0.0;
    for (name, mib) in parts {
        figures.add(format!("{name}, memory {when}"), mib, "MiB");
        sum += mib;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_a_figure_and_counts_in_the_sum() {
        let mut figures = Figures::default();
        let sum = add_each([("RabbitMQ", 120.5), ("PostgreSQL", 80.0)].into_iter(), "idle", &mut figures);
        assert_eq!(sum.to_bits(), 200.5_f64.to_bits());
        let shown = figures.to_string();
        assert!(shown.contains("RabbitMQ, memory idle") && shown.contains("80.0 MiB"), "{shown}");
    }
}
