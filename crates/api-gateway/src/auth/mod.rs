//! Who asks: what they show at the door, whom it makes them, and the permission that a handler names in its signature.
//! Issuing tokens is `admin`'s or the issuer's.

mod identity;
mod issuer;
mod keys;
mod permission;
mod session;
mod token;

pub(crate) use identity::{Credential, Identity};
pub(crate) use permission::{Admin, Administration, Everybody, Permission, Service, Verdict, Viewer};
pub(crate) use session::{Cookies, Session, check_origin, is_ours, recognise};
pub(crate) use token::{TokenFault, Verifier};
