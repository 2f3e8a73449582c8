//! What becomes of values on their way out and back. What a mapping may be is tested beside `check`.

use proptest::prelude::*;

use super::*;
use crate::field::FieldName;
use crate::id::IntegrationId;
use crate::record::Stamp;
use crate::time::Timestamp;

fn ours(values: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::default();
    let stamp = Stamp { rank: 0, at: Timestamp::from_millis(0).unwrap(), origin: IntegrationId::new() };
    for (name, value) in values {
        fields.set(FieldName::new(name), FieldValue::text(*value), stamp);
    }
    fields
}

fn text(value: &str) -> Option<FieldValue> {
    Some(FieldValue::text(value))
}

fn transform() -> impl Strategy<Value = Transform> {
    prop_oneof![
        Just(Transform::None),
        Just(Transform::NumberText),
        Just(Transform::SecondsToMillis),
        Just(Transform::EpochMillis),
        Just(Transform::E164),
        Just(Transform::Text { trim: true, case: Case::Upper }),
        Just(Transform::Text { trim: false, case: Case::Title }),
        Just(Transform::Date { format: "%d/%m/%Y %H:%M:%S".to_owned(), zone: "Europe/Paris".parse().unwrap() }),
        Just(Transform::ValueMap {
            values: [("a", "1"), ("b", "2"), ("c", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
        }),
    ]
}

proptest! {
    #[test]
    fn what_comes_back_goes_out_as_the_same_value(transform in transform(), shown in "[0-9a-c+ .]{0,14}") {
        let field = FieldMapping::both("x", "y").with(transform.clone());
        let shown = FieldValue::text(shown);
        if let Some(ours) = field.inverse(&shown, identity::HOME) {
            prop_assert_eq!(transform.translate(&ours, identity::HOME), shown);
        }
    }
}

#[test]
fn a_word_that_two_of_ours_map_to_does_not_come_back() {
    let values = [("a", "1"), ("b", "2"), ("c", "2")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let field = FieldMapping::both("x", "y").with(Transform::ValueMap { values });
    assert_eq!(field.inverse(&FieldValue::text("1"), identity::HOME), Some(FieldValue::text("a")));
    assert_eq!(field.inverse(&FieldValue::text("2"), identity::HOME), None);
}

#[test]
fn an_object_is_looked_for_by_what_is_noted_of_it_and_then_by_what_its_record_is_known_by_now() {
    let fields = ["email", "phone"].map(|name| FieldMapping::both(name, name).as_identifier());
    let mapping = Mapping::proposed(fields.to_vec());
    let named = |name: &str, value: &str| (name.to_owned(), FieldValue::text(value));
    let (number, address) = (named("phone", "1"), named("email", "zoe@exemple.fr"));
    let now = ours(&[("email", "zoe@exemple.fr"), ("phone", "2")]);
    let (before, since) = (RemoteFields::from([number.clone()]), RemoteFields::from([number.clone(), address.clone()]));
    assert_eq!(mapping.looked_for_by(Some(&before), &now), [number, address.clone()]);
    assert_eq!(
        mapping.looked_for_by(Some(&since), &now),
        std::slice::from_ref(&address),
        "once, and never by what is weaker"
    );
    assert_eq!(mapping.looked_for_by(None, &now), [address]);
    assert!(mapping.looked_for_by(None, &Fields::default()).is_empty());
}

#[test]
fn a_field_is_read_anew_where_it_was_not_taken_so_before() {
    let (both, taken) = (FieldMapping::both("city", "town"), FieldMapping::from_platform("city", "town"));
    let sent = FieldMapping::to_platform("city", "town");
    let upper = Transform::Text { trim: true, case: Case::Upper };
    for (field, before, is_anew) in [
        (&both, vec![], true),
        (&both, vec![FieldMapping::both("country", "town")], true),
        (&both, vec![sent.clone()], false),
        (&both, vec![both.clone().with(upper.clone())], false),
        (&taken, vec![sent.clone()], true),
        (&taken, vec![both.clone()], false),
        (&taken, vec![taken.clone().with(upper)], true),
        (&sent, vec![], false),
    ] {
        assert_eq!(field.is_read_anew(&before), is_anew, "{field:?} after {before:?}");
    }
}

#[test]
fn a_default_is_given_to_new_objects_where_we_have_nothing_and_never_taken() {
    let field = FieldMapping::both("title", "dealname").or("Rendez-vous");
    assert_eq!(field.forward_new(&Fields::default(), identity::HOME), Some(FieldValue::text("Rendez-vous")));
    assert_eq!(field.forward(&Fields::default(), identity::HOME), None);
    assert_eq!(field.inverse(&FieldValue::Null, identity::HOME), Some(FieldValue::Null));
}

#[test]
fn a_name_is_joined_on_its_way_out_and_split_on_its_way_in_where_nothing_is_lost() {
    let join = Transform::Join { with: vec![FieldName::new("last_name")], separator: " ".to_owned() };
    let joined = FieldMapping::to_platform("first_name", "name").with(join);
    assert_eq!(
        joined.forward(&ours(&[("first_name", "Zoé"), ("last_name", "Le Goff")]), identity::HOME),
        text("Zoé Le Goff")
    );
    assert_eq!(joined.forward(&ours(&[("last_name", "Le Goff")]), identity::HOME), text("Le Goff"));
    assert_eq!(joined.forward(&ours(&[("city", "Brest")]), identity::HOME), None);

    let part = |local: &str, part: Part| {
        let split = Transform::Split { part, separator: " ".to_owned() };
        FieldMapping { direction: Direction::FromPlatform, ..FieldMapping::both(local, "name").with(split) }
    };
    let (first, rest) = (part("first_name", Part::First), part("last_name", Part::Rest));
    assert_eq!(first.inverse(&FieldValue::text("Zoé Le Goff"), identity::HOME), text("Zoé"));
    assert_eq!(rest.inverse(&FieldValue::text("Zoé Le Goff"), identity::HOME), text("Le Goff"));
    // Joined again, these would be other names.
    for other in ["Zoé", " Zoé Le Goff", "Zoé ", "Zoé  Le Goff"] {
        assert_eq!(first.inverse(&FieldValue::text(other), identity::HOME), None, "{other:?}");
        assert_eq!(rest.inverse(&FieldValue::text(other), identity::HOME), None, "{other:?}");
    }
    assert_eq!(first.forward(&ours(&[("first_name", "Zoé")]), identity::HOME), None, "a part is never sent");
}

#[test]
fn a_constant_stands_wherever_our_field_holds_something() {
    let source =
        FieldMapping::to_platform("email", "lead_source").with(Transform::Constant { value: FieldValue::text("Sara") });
    assert_eq!(source.forward(&ours(&[("email", "zoe@exemple.fr")]), identity::HOME), text("Sara"));
    assert_eq!(source.forward(&ours(&[("email", "")]), identity::HOME), Some(FieldValue::Null));
    assert_eq!(source.forward(&ours(&[("city", "Brest")]), identity::HOME), None);
    assert_eq!(source.inverse(&FieldValue::text("Sara"), identity::HOME), None);
}

#[test]
fn a_template_that_fails_on_a_record_is_named_and_one_that_has_nothing_to_say_is_not() {
    let template =
        "{% if city == 'Brest' %}{% for n in range(90000) %}{{ n }}{% endfor %}{% endif %}{{ city }}".to_owned();
    let mapping = Mapping::proposed(vec![
        FieldMapping::both("city", "city"),
        FieldMapping::to_platform("city", "place").with(Transform::Template { template }),
    ]);
    let failing = |values: &[(&str, &str)]| mapping.failing(&ours(values)).map(|field| field.remote.clone());
    assert_eq!(failing(&[("city", "Brest")]).as_deref(), Some("place"));
    assert_eq!(failing(&[("city", "Lyon")]), None);
    assert_eq!(failing(&[("phone", "1")]), None, "nothing was said of it");
    assert_eq!(mapping.within(Direction::FromPlatform).failing(&ours(&[("city", "Brest")])), None);
}

#[test]
fn text_leaves_in_its_shape_and_comes_back_only_where_it_has_that_shape() {
    let city = FieldMapping::both("city", "city").with(Transform::Text { trim: true, case: Case::Upper });
    assert_eq!(city.forward(&ours(&[("city", " Nîmes ")]), identity::HOME), text("NÎMES"));
    assert_eq!(city.inverse(&FieldValue::text("BREST"), identity::HOME), text("BREST"));
    assert_eq!(city.inverse(&FieldValue::text("Brest"), identity::HOME), None);
    let title = Transform::Text { trim: false, case: Case::Title };
    assert_eq!(
        title.translate(&FieldValue::text("jean-pierre LE goff"), identity::HOME),
        FieldValue::text("Jean-Pierre Le Goff")
    );
}

#[test]
fn a_number_leaves_in_e164_and_is_taken_where_it_stands_so() {
    let phone = FieldMapping::both("phone", "phone").with(Transform::E164);
    assert_eq!(phone.forward(&ours(&[("phone", "06 12 34 56 78")]), identity::HOME), text("+33612345678"));
    assert_eq!(phone.inverse(&FieldValue::text("+33612345678"), identity::HOME), text("+33612345678"));
    assert_eq!(phone.inverse(&FieldValue::text("06 12 34 56 78"), identity::HOME), None);
}

#[test]
fn a_national_number_is_of_the_region_of_the_mapping_whichever_way_it_is_mapped() {
    let template = "{{ phone|e164 }}".to_owned();
    let fields = vec![
        FieldMapping::both("phone", "phone").with(Transform::E164).as_identifier(),
        FieldMapping::to_platform("phone", "sms").with(Transform::Template { template }),
    ];
    // The same digits are a number in both countries.
    let ours = ours(&[("phone", "0470 12 34 56")]);
    for (region, number) in [(Region::BE, "+32470123456"), (Region::FR, "+33470123456")] {
        let mapping = Mapping { region, ..Mapping::proposed(fields.clone()) }.within(Direction::ToPlatform);
        let held = RemoteFields::from(["phone", "sms"].map(|name| (name.to_owned(), FieldValue::text(number))));
        assert_eq!(mapping.forward(&ours), held);
        assert_eq!(mapping.forward_new(&ours), held);
        assert_eq!(mapping.identifiers(&ours), [("phone".to_owned(), FieldValue::text(number))]);
    }
}

#[test]
fn a_moment_is_written_in_the_format_and_zone_that_are_wished_for() {
    let zone = "Europe/Paris".parse().unwrap();
    let starts =
        FieldMapping::both("starts_at", "rdv").with(Transform::Date { format: "%d/%m/%Y %H:%M:%S".to_owned(), zone });
    assert_eq!(
        starts.forward(&ours(&[("starts_at", "2026-07-14T08:30:00Z")]), identity::HOME),
        text("14/07/2026 10:30:00")
    );
    let back = starts.inverse(&FieldValue::text("14/07/2026 10:30:00"), identity::HOME);
    assert_eq!(back, text("2026-07-14T08:30:00.000000Z"));
    // The hour that the clocks leave out.
    assert_eq!(starts.inverse(&FieldValue::text("29/03/2026 02:30:00"), identity::HOME), None);
}
