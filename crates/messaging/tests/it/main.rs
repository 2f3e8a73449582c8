//! The broker's client against a real broker, a vhost for each test.

#[cfg(test)]
mod connection;
#[cfg(test)]
mod consume;
#[cfg(test)]
mod dead_letters;
#[cfg(test)]
mod handle;
#[cfg(test)]
mod publish;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod stopping;
#[cfg(test)]
mod throughput;
#[cfg(test)]
mod world;
