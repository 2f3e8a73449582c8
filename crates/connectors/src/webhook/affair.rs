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
    /// The person whom the account knows by this id asks what is kept of them.
    PersonAsks(String),
    /// The person whom the account knows by this id is to be erased.
    ErasePerson(String),
    /// Everything that came from the account is to be erased.
    EraseAccount,
}
