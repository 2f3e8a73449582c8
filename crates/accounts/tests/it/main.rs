//! Accounts against a real database: what is sealed opens again, for its own integration only, within one shared budget.

#[cfg(test)]
mod grants;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod single_use;
#[cfg(test)]
mod tokens;
