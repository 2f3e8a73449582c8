//! The words for moments.

use super::{Counted, Message, count, say};

pub(in crate::pages) const NOW: Message = say("à l'instant", "just now");
pub(in crate::pages) const MINUTES: Counted =
    count(("il y a {} minute", "{} minute ago"), ("il y a {} minutes", "{} minutes ago"));
pub(in crate::pages) const HOURS: Counted =
    count(("il y a {} heure", "{} hour ago"), ("il y a {} heures", "{} hours ago"));
pub(in crate::pages) const DAYS: Counted = count(("il y a {} jour", "{} day ago"), ("il y a {} jours", "{} days ago"));

pub(in crate::pages) const MONTHS: [Message; 12] = [
    say("janv.", "Jan"),
    say("févr.", "Feb"),
    say("mars", "Mar"),
    say("avr.", "Apr"),
    say("mai", "May"),
    say("juin", "Jun"),
    say("juil.", "Jul"),
    say("août", "Aug"),
    say("sept.", "Sep"),
    say("oct.", "Oct"),
    say("nov.", "Nov"),
    say("déc.", "Dec"),
];
