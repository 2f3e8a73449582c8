//! The commands as an operator runs them: the real binary against a real database; and what operators deploy, held against the code.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod deployment;
#[cfg(test)]
mod erasing;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod queues;
#[cfg(test)]
mod rotating;
