//! What xtask promises about real servers and, in suites of their own, about the whole system.

#[cfg(test)]
mod servers;
