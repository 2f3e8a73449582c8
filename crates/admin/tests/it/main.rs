//! The commands as an operator runs them: the real binary against a real database.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod erasing;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod queues;
#[cfg(test)]
mod rotating;
