//! The real service, in this process, against a real broker and a real database.

#[cfg(test)]
mod bursts;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod floods;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod world;
