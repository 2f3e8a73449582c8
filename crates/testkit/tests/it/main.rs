//! The test kit against the real servers.

#[cfg(test)]
mod cut;
#[cfg(test)]
mod database;
#[cfg(test)]
mod vhost;
