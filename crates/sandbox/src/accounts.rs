//! The accounts of one platform, each made when it is first spoken of.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// Accounts by their name.
#[derive(Debug)]
pub(crate) struct Accounts<A> {
    made: RwLock<BTreeMap<String, Arc<A>>>,
}

impl<A> Default for Accounts<A> {
    fn default() -> Self {
        Self { made: RwLock::default() }
    }
}

impl<A> Accounts<A> {
    pub(crate) fn get_or_make(&self, id: &str, make: impl FnOnce() -> A) -> Arc<A> {
        if let Some(account) = self.made.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Arc::clone(account);
        }
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(made.entry(id.to_owned()).or_insert_with(|| Arc::new(make())))
    }

    pub(crate) fn all(&self) -> Vec<Arc<A>> {
        self.made.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.made.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
