//! Writes of unknown outcome: what an object tells of them once it is read.

use super::*;

#[test]
fn our_own_write_that_was_cut_off_from_its_answer_is_not_news() {
    let before = record(10, &[("phone", "0612345678")]);
    let mut link = LinkState::default();
    // Written, reformatted there, and nobody heard of it; meanwhile a newer number came in.
    let intended = mapping().forward(&before);
    let mut ours = record(20, &[("phone", "0700000000")]);
    let there = shown(11, &[("tel", "+33 6 12 34 56 78")]);
    link.take_up(&intended, &there);
    let merged = link.take_remote(&mut ours, &mapping(), &there, arrival(CRM, 30));
    assert_eq!(merged, Merged::default());
    assert_eq!(owed(&link, &ours), RemoteFields::from([("tel".to_owned(), FieldValue::text("0700000000"))]));
}

#[test]
fn what_a_create_that_broke_off_had_still_to_write_is_owed_and_what_is_there_instead_is_no_news() {
    let fields = [("phone", "tel"), ("city", "town"), ("amount", "price"), ("notes", "comment")];
    let mapping = Mapping::proposed(fields.map(|(local, remote)| FieldMapping::both(local, remote)).to_vec());
    let mut ours = record(10, &[("phone", "1"), ("city", "Lyon"), ("amount", "10.5"), ("notes", "Rappeler")]);
    let (mut link, mut there) = (LinkState::default(), shown(11, &[("tel", "+33 1"), ("town", "")]));
    there.fields.insert("price".to_owned(), FieldValue::Number(0.into()));
    link.take_up(&mapping.forward(&ours), &there);
    assert_eq!(link.take_remote(&mut ours, &mapping, &there, arrival(CRM, 30)), Merged::default());
    // A comment is never shown, and written once.
    let left = [("town", "Lyon"), ("price", "10.5")].map(|(name, value)| (name.to_owned(), FieldValue::text(value)));
    assert_eq!(outbound_difference(&mapping.forward(&ours), &link.sent), RemoteFields::from(left));
}

#[test]
fn a_change_that_was_never_written_is_still_owed() {
    let before = record(10, &[("phone", "1")]);
    let mut link = in_step(&before);
    let ours = record(20, &[("phone", "2")]);
    link.take_up(&mapping().forward(&ours), &shown(10, &[("tel", "1")]));
    assert_eq!(owed(&link, &ours).len(), 1);
}

#[test]
fn a_value_that_was_never_written_where_none_was_before_is_still_owed() {
    let mut link = in_step(&record(10, &[("phone", "1")]));
    let ours = record(20, &[("phone", "1"), ("city", "Lyon")]);
    let empty = RemoteFields::from([("tel".to_owned(), FieldValue::text("1")), ("town".to_owned(), FieldValue::Null)]);
    let there = RemoteObject { fields: empty, ..shown(10, &[]) };
    link.take_up(&RemoteFields::from([("town".to_owned(), FieldValue::text("Lyon"))]), &there);
    assert_eq!(owed(&link, &ours), RemoteFields::from([("town".to_owned(), FieldValue::text("Lyon"))]));
    // Nor does it count as written where the platform was not asked for it, or did not answer.
    link.take_up(&RemoteFields::from([("town".to_owned(), FieldValue::text("Lyon"))]), &shown(10, &[("tel", "1")]));
    assert_eq!(owed(&link, &ours).len(), 1);
}

#[test]
fn what_was_there_at_the_first_contact_is_not_taken_for_the_outcome_of_a_write_that_never_came() {
    let ours = record(20, &[("phone", "2")]);
    let intended = mapping().forward(&ours);
    let noted = || LinkState { seen: shown(10, &[("tel", "1")]).fields, ..LinkState::default() };
    let (mut died_before, mut died_after) = (noted(), noted());
    died_before.take_up(&intended, &shown(10, &[("tel", "1")]));
    assert_eq!(owed(&died_before, &ours).len(), 1);
    died_after.take_up(&intended, &shown(21, &[("tel", "+33 2")]));
    assert_eq!(owed(&died_after, &ours), RemoteFields::new());
}

#[test]
fn what_a_found_object_shows_as_it_was_meant_does_not_stand_against_what_came_since() {
    let intended = mapping().forward(&record(10, &[("phone", "1"), ("city", "Lyon")]));
    // The town is not what was meant: it stands, as at any first contact.
    let found = shown(11, &[("tel", "1"), ("town", "Brest")]);
    let mut ours = record(20, &[("phone", "2"), ("city", "Paris")]);
    let mut link = LinkState::default();
    link.recognize(&intended, &found);
    link.take_remote(&mut ours, &mapping(), &found, arrival(CRM, 30));
    assert_eq!(["phone", "city"].map(|name| ours.value(name).unwrap().clone()), ["2", "Brest"].map(FieldValue::text));
    assert_eq!(owed(&link, &ours), RemoteFields::from([("tel".to_owned(), FieldValue::text("2"))]));
}

#[test]
fn what_somebody_changed_after_a_write_that_is_known_is_news_though_a_note_names_it() {
    let made = record(10, &[("phone", "1"), ("city", "Lyon")]);
    let (mut link, mut ours) = (in_step(&made), made.clone());
    // Only the object's tie is of unknown outcome.
    let there = shown(20, &[("tel", "1"), ("town", "Brest")]);
    link.take_up(&mapping().forward(&made), &there);
    link.take_remote(&mut ours, &mapping(), &there, arrival(CRM, 30));
    assert_eq!(ours.value("city"), Some(&FieldValue::text("Brest")));
    assert_eq!(owed(&link, &ours), RemoteFields::new());
}
