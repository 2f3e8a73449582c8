//! A sandbox in this process, spoken to over HTTP as any client would.

#[cfg(test)]
mod associations;
#[cfg(test)]
mod batches;
#[cfg(test)]
mod control;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod receiver;
#[cfg(test)]
mod salesforce;
#[cfg(test)]
mod search;
#[cfg(test)]
mod shopify;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod woocommerce;
#[cfg(test)]
mod world;
