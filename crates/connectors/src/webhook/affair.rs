//! What a platform tells us of an account itself rather than of an object in it.

/// That something is the matter with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affair {
    /// The platform's id of the account, from what was signed.
    pub account_id: String,
    /// What.
    pub matter: Matter,
}

/// What is the matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matter {
    /// Our app was taken off the account. A suspicion, until the account refuses us.
    AppRemoved,
    /// A person whom the account knows asks what is kept of them.
    PersonAsks(PersonRef),
    /// A person whom the account knows is to be erased.
    ErasePerson(PersonRef),
    /// Everything that came from the account is to be erased.
    EraseAccount,
}

/// By what a platform says whom it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonRef {
    /// Its id of them.
    Id(String),
    /// Their e-mail address, where it has no id of them, or has it no more.
    Email(String),
}
