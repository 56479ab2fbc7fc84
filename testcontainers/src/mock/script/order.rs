//! Reads the orders of a script.

use weft_client::Offset;

use super::super::core::{FaultId, Order, WAIT_MAX};
use super::error::ScriptError;
use super::fault;
use super::words::Words;

/// Reads one order.
pub(super) fn read(words: &mut Words) -> Result<Order, ScriptError> {
    let expected = format!("one of {}", ORDERS.join(", "));
    let word = words.next(&expected)?;
    match word.text.as_str() {
        "kill" => words.broker().map(Order::Kill),
        "restart" => words.broker().map(Order::Restart),
        "freeze" => words.broker().map(Order::Freeze),
        "thaw" => words.broker().map(Order::Thaw),
        "isolate" => Ok(Order::Isolate {
            broker: words.broker()?,
            client_id: words.value("client")?,
        }),
        "heal" => Ok(Order::Heal {
            broker: words.broker()?,
            client_id: words.value("client")?,
        }),
        "move-leader" => {
            let (topic, partition) = words.partition()?;
            Ok(Order::MoveLeader {
                topic: topic.into(),
                partition,
                to: words.broker()?,
            })
        }
        "truncate" => {
            let (topic, partition) = words.partition()?;
            Ok(Order::Truncate {
                topic: topic.into(),
                partition,
                offset: Offset::new(words.number("an offset")?),
            })
        }
        "move-coordinator" => move_coordinator(words),
        "load-coordinator" => Ok(Order::LoadCoordinator {
            group: words.value("group")?.into(),
            time: words.time("for how long, such as 2s", WAIT_MAX)?,
        }),
        "expire" => Ok(Order::ExpireMember {
            group: words.value("group")?.into(),
            member: words.value("member")?.into(),
        }),
        "evict" => Ok(Order::EvictStatic {
            group: words.value("group")?.into(),
            instance: words.value("instance")?.into(),
        }),
        "rebalance" => Ok(Order::Rebalance {
            group: words.value("group")?.into(),
        }),
        "on" => fault::read(words).map(Order::SetFault),
        "lift" => {
            let id = words.number("the number of a fault")?;
            Ok(Order::LiftFault(FaultId(id)))
        }
        _ => Err(words.wrong(&word, &expected)),
    }
}

/// Of a group or of a transactional id.
fn move_coordinator(words: &mut Words) -> Result<Order, ScriptError> {
    let expected = "group=... or transaction=...";
    let word = words.front(expected)?;
    match words.take_pair() {
        Some((key, group)) if key.text == "group" => Ok(Order::MoveCoordinator {
            group: group.text.into(),
            to: words.broker()?,
        }),
        Some((key, id)) if key.text == "transaction" => Ok(Order::MoveTransactionCoordinator {
            transactional_id: id.text,
            to: words.broker()?,
        }),
        _ => Err(words.wrong(&word, expected)),
    }
}

const ORDERS: [&str; 15] = [
    "kill",
    "restart",
    "freeze",
    "thaw",
    "isolate",
    "heal",
    "move-leader",
    "truncate",
    "move-coordinator",
    "load-coordinator",
    "expire",
    "evict",
    "rebalance",
    "on",
    "lift",
];
