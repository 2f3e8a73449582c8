//! Who asks: what they show at the door, whom it makes them, and the permission that a handler names in its signature.
//! Issuing tokens for people is `admin`'s or the issuer's.

mod identity;
mod issuer;
mod keys;
mod listed;
mod permission;
mod session;
mod signer;
mod token;

pub(crate) use identity::{Credential, Identity};
#[cfg(fuzzing)]
pub(crate) use keys::are_keys;
pub(crate) use listed::Listed;
pub(crate) use permission::{Admin, Administration, Everybody, Permission, Service, Verdict, Viewer};
pub(crate) use session::{Cookies, Session, check_origin, is_ours, recognise};
pub(crate) use signer::Signer;
pub(crate) use token::{TokenFault, Verifier};
