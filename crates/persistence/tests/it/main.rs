//! The persistence against a real PostgreSQL, a database for each test.

#[cfg(test)]
mod aggregates;
#[cfg(test)]
mod app_subscriptions;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod creates;
#[cfg(test)]
mod dependents;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod encryption;
#[cfg(test)]
mod event_acceptances;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod growing;
#[cfg(test)]
mod inbox;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod linking;
#[cfg(test)]
mod locking;
#[cfg(test)]
mod log_listing;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod naming;
#[cfg(test)]
mod newer;
#[cfg(test)]
mod proclaiming;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod telling;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod turns;
#[cfg(test)]
mod unpublished;
#[cfg(test)]
mod world;
