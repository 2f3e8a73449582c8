//! What a document costs, counted before it is answered: an object is one point, a change ten, and a connection as many times what
//! is in it as it may show.

use super::document::{Document, Field};

/// No document may cost more.
pub(crate) const MOST: f64 = 1_000.0;

const CHANGE: f64 = 10.0;

pub(crate) fn of(document: &Document) -> f64 {
    let each = document.fields.iter().map(|field| {
        let base = if document.is_mutation { CHANGE } else { 0.0 };
        base + cost(field, 1.0)
    });
    each.sum()
}

fn cost(field: &Field, times: f64) -> f64 {
    if field.fields.is_empty() || field.name == "pageInfo" || field.name == "userErrors" {
        return 0.0;
    }
    let inside = |times: f64| field.fields.iter().map(|field| cost(field, times)).sum::<f64>();
    if field.on.is_some() {
        return inside(times);
    }
    let shown = field.argument("first").as_f64().or_else(|| {
        let ids = field.argument("ids").as_array()?.len();
        u32::try_from(ids).ok().map(f64::from)
    });
    times + inside(times * shown.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    #[test]
    fn a_connection_costs_as_many_objects_as_it_may_show() {
        let points = |text: &str| of(&super::super::document::read(text, &Map::new()).unwrap());
        assert!((points("{ shop { name } }") - 1.0).abs() < 0.1);
        assert!(
            (points("{ orders(first: 50) { nodes { id customer { id } } pageInfo { endCursor } } }") - 101.0).abs()
                < 0.1
        );
        assert!((points("mutation { customerCreate(input: {}) { customer { id } } }") - 12.0).abs() < 0.1);
    }
}
