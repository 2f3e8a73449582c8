//! What is left of a message that lies somewhere, once a person is taken out of it. Who that is, and where it lies, is others'.

/// What is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remnant {
    /// All of it: it does not speak of the person.
    Whole,
    /// This: it speaks of others as well.
    Part(Vec<u8>),
    /// Nothing.
    Nothing,
}
