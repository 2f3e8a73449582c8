//! Dead letters that are gone through: what is to go goes, the rest lies there as it lay.

use domain::message::{Message as _, RecordPush};
use domain::remnant::Remnant;
use messaging::{Context, PublishError};

use crate::world::{CONFIRM_TIMEOUT, World, connect, holds, push, raw, world};

const DEAD: &str = "dead.dispatcher.record.push";

#[tokio::test]
async fn a_dead_letter_goes_or_loses_a_part_and_every_other_one_stays_as_it_lay() {
    let World { vhost, broker } = world().await;
    broker.publish(&push(), &Context::new()).await.unwrap();
    for payload in ["zoe", "max", "zoe max", "max too"] {
        assert!(vhost.publish(DEAD, raw(payload, "of no type")).await);
    }
    let before = holds(&vhost, DEAD, 4).await;
    let judge = |payload: &[u8]| match payload {
        b"zoe" => Remnant::Nothing,
        b"zoe max" => Remnant::Part(b"max alone".to_vec()),
        _ => Remnant::Whole,
    };
    assert_eq!(broker.revise_dead_letters(judge).await.unwrap(), 2);
    let after = holds(&vhost, DEAD, 3).await;
    assert_eq!(after.iter().map(|letter| letter.payload.as_str()).collect::<Vec<_>>(), ["max", "max alone", "max too"]);
    for (letter, kept) in after.iter().zip(&before[1..]) {
        assert_eq!(letter.properties, kept.properties);
    }
    holds(&vhost, RecordPush::QUEUE, 1).await;
    assert_eq!(vhost.queues().await, [DEAD, RecordPush::QUEUE], "none is made for being looked through");
}

#[tokio::test]
async fn without_a_broker_nobody_says_that_the_dead_letters_were_gone_through() {
    let broker = connect("amqp://127.0.0.1:1/x", CONFIRM_TIMEOUT);
    let revised = broker.revise_dead_letters(|_| Remnant::Whole).await;
    assert!(matches!(revised, Err(PublishError::NotConnected)), "{revised:?}");
}
