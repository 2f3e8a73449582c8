//! The vault as its users see it.

#[cfg(test)]
mod rotating;
#[cfg(test)]
mod sealing;
