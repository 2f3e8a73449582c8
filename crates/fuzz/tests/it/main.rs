//! The corpus, given to every target: what once was worth keeping holds for good.

#[cfg(test)]
mod corpus;
