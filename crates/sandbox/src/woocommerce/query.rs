//! The parameters of a listing: which objects, in which order, which page of them, which of their fields.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    errors::WooError,
    resource::{Resource, read_date},
};
use crate::{clock::Millis, store::Object};

/// What a listing asks for.
#[derive(Debug)]
pub(crate) struct Query {
    given: HashMap<String, String>,
    pub(crate) page: usize,
    pub(crate) per_page: usize,
    offset: Option<usize>,
    modified: (Option<Millis>, Option<Millis>),
    created: (Option<Millis>, Option<Millis>),
}

/// What it finds.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) total: usize,
    pub(crate) objects: Vec<&'a Object>,
}

impl Query {
    /// Customers know no times of change: what is asked of those is ignored.
    pub(crate) fn read(resource: Resource, given: HashMap<String, String>) -> Result<Self, WooError> {
        let number = |name: &str, default: usize, most: usize| match given.get(name).map(|text| text.parse::<usize>()) {
            None => Ok(default),
            Some(Ok(number)) if (1..=most).contains(&number) => Ok(number),
            Some(_) => {
                let message = format!("{name} must be between 1 (inclusive) and {most} (inclusive)");
                Err(WooError::invalid(name, "rest_out_of_bounds", &message))
            }
        };
        let is_gmt = given.get("dates_are_gmt").is_some_and(|value| ["true", "1"].contains(&value.as_str()));
        let date = |name: &str| match given.get(name) {
            Some(text) if resource != Resource::Customers => match read_date(text, is_gmt) {
                Some(at) => Ok(Some(at)),
                None => Err(WooError::invalid(name, "rest_invalid_date", "Invalid date.")),
            },
            Some(_) | None => Ok(None),
        };
        Ok(Self {
            page: number("page", 1, usize::MAX)?,
            per_page: number("per_page", 10, 100)?,
            offset: given.get("offset").and_then(|text| text.parse().ok()),
            modified: (date("modified_after")?, date("modified_before")?),
            created: (date("after")?, date("before")?),
            given,
        })
    }

    fn text(&self, name: &str) -> &str {
        self.given.get(name).map(String::as_str).unwrap_or_default()
    }

    fn list(&self, name: &str) -> Vec<&str> {
        self.text(name).split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    /// The page that is asked for, out of these objects.
    pub(crate) fn find<'a>(&self, resource: Resource, objects: impl Iterator<Item = &'a Object>) -> Found<'a> {
        let mut found: Vec<&Object> = objects.filter(|object| self.takes(resource, object)).collect();
        let key = |object: &&Object| match (resource, self.text("orderby")) {
            (_, "id") => (0, object.id),
            (Resource::Orders | Resource::Products, "modified") => (object.updated_at() / 1_000, object.id),
            (Resource::Customers, "" | "name" | "include") => (0, object.id),
            _ => (object.created_at / 1_000, object.id),
        };
        found.sort_by_key(key);
        let is_ascending = match self.text("order") {
            "" => resource == Resource::Customers,
            order => order == "asc",
        };
        if !is_ascending {
            found.reverse();
        }
        let total = found.len();
        let skip = self.offset.unwrap_or_else(|| self.page.saturating_sub(1).saturating_mul(self.per_page));
        Found { total, objects: found.into_iter().skip(skip).take(self.per_page).collect() }
    }

    fn takes(&self, resource: Resource, object: &Object) -> bool {
        let id = object.id.to_string();
        let (include, exclude) = (self.list("include"), self.list("exclude"));
        if (!include.is_empty() && !include.contains(&id.as_str())) || exclude.contains(&id.as_str()) {
            return false;
        }
        let own = match resource {
            Resource::Customers => self.takes_customer(object),
            Resource::Products => {
                let skus = self.list("sku");
                self.takes_status(object, &["publish", "draft", "pending", "private"])
                    && (skus.is_empty() || skus.contains(&object.text("/sku")))
            }
            Resource::Orders => {
                self.takes_status(object, &super::resource::ORDER_STATUSES)
                    && (self.text("customer").is_empty()
                        || object.value("/customer_id").map(ToString::to_string).as_deref()
                            == Some(self.text("customer")))
            }
        };
        let is_searched =
            self.text("search").is_empty() || contains(object.fields(), &self.text("search").to_lowercase());
        own && is_searched && self.takes_times(object)
    }

    fn takes_customer(&self, object: &Object) -> bool {
        let role = match self.text("role") {
            "" => "customer",
            role => role,
        };
        let email = self.text("email");
        (role == "all" || object.text("/role") == role)
            && (email.is_empty() || object.text("/email").eq_ignore_ascii_case(email))
    }

    fn takes_status(&self, object: &Object, any: &[&str]) -> bool {
        let status = object.text("/status");
        match self.list("status").as_slice() {
            [] => any.contains(&status),
            asked => asked.iter().any(|asked| *asked == status || (*asked == "any" && any.contains(&status))),
        }
    }

    /// Strictly after, by whole seconds.
    fn takes_times(&self, object: &Object) -> bool {
        let second = |at: Millis| at.div_euclid(1_000);
        let within = |at: Millis, (after, before): (Option<Millis>, Option<Millis>)| {
            after.is_none_or(|after| second(at) > second(after))
                && before.is_none_or(|before| second(at) < second(before))
        };
        within(object.updated_at(), self.modified) && within(object.created_at, self.created)
    }

    /// An object with the fields that are asked for.
    pub(crate) fn trim(&self, mut shown: Map<String, Value>) -> Value {
        let wanted = self.list("_fields");
        if !wanted.is_empty() {
            shown.retain(|name, _| wanted.iter().any(|wanted| wanted.split('.').next() == Some(name)));
        }
        Value::Object(shown)
    }

    /// The same listing at another page, for `Link`.
    pub(crate) fn at_page(&self, page: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let mut given: Vec<_> = self.given.iter().filter(|(name, _)| *name != "page").collect();
        given.sort();
        query.extend_pairs(given);
        query.append_pair("page", &page.to_string());
        query.finish()
    }
}

fn contains(fields: &Map<String, Value>, text: &str) -> bool {
    fields.values().any(|value| match value {
        Value::String(found) => found.to_lowercase().contains(text),
        Value::Object(fields) => contains(fields, text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
    })
}
