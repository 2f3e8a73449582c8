//! The gateway as production starts it, against real PostgreSQL and RabbitMQ and a stand-in for HubSpot.

#[cfg(test)]
mod access;
#[cfg(test)]
mod addresses;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod configuring;
#[cfg(test)]
mod connecting;
#[cfg(test)]
mod consenting;
#[cfg(test)]
mod consents;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod correcting;
#[cfg(test)]
mod disconnecting;
#[cfg(test)]
mod events;
#[cfg(test)]
mod failure_groups;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod incidents;
#[cfg(test)]
mod issuer;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod mapping;
#[cfg(test)]
mod older;
#[cfg(test)]
mod openings;
#[cfg(test)]
mod options;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod page_access;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod people;
#[cfg(test)]
mod previewing;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod repair;
#[cfg(test)]
mod roads;
#[cfg(test)]
mod running;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod tabs;
#[cfg(test)]
mod token_pages;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod troubles;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod workflows;
#[cfg(test)]
mod world;
#[cfg(test)]
mod wrong_addresses;
