//! What xtask promises about real servers and, in suites of their own, about the whole system.

#[cfg(test)]
mod canaries;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod echoes;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod languages;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod passes;
#[cfg(test)]
mod proxied;
#[cfg(test)]
mod real_n8n;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod rolling;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tracing;
#[cfg(test)]
mod up;
#[cfg(test)]
mod walk;
#[cfg(test)]
mod way_back;
#[cfg(test)]
mod world;
