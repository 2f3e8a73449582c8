//! What every connector must keep, and how each behaves against a stand-in.

#[cfg(test)]
mod backend;
#[cfg(test)]
mod begun;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod consents;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod contract_calls;
#[cfg(test)]
mod contract_stands;
#[cfg(test)]
mod door;
#[cfg(test)]
mod endless;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod hubspot_app_webhooks;
#[cfg(test)]
mod hubspot_batches;
#[cfg(test)]
mod hubspot_changes;
#[cfg(test)]
mod hubspot_failures;
#[cfg(test)]
mod hubspot_objects;
#[cfg(test)]
mod hubspot_webhooks;
#[cfg(test)]
mod noted;
#[cfg(test)]
mod pipedrive;
#[cfg(test)]
mod pipedrive_webhooks;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod salesforce;
#[cfg(test)]
mod salesforce_subscriptions;
#[cfg(test)]
mod salesforce_webhooks;
#[cfg(test)]
mod shopify;
#[cfg(test)]
mod shopify_webhooks;
#[cfg(test)]
mod subscribing;
#[cfg(test)]
mod woocommerce;
#[cfg(test)]
mod woocommerce_webhooks;
#[cfg(test)]
mod zendesk;
#[cfg(test)]
mod zendesk_webhooks;
