//! The vault as its users see it.

#[cfg(test)]
mod sealing;
