//! The log writer as production starts it, against a real database and a real broker.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod hook_server;
#[cfg(test)]
mod mail_server;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod partitions;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod trials;
#[cfg(test)]
mod triggers;
#[cfg(test)]
mod world;
