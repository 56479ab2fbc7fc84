//! Who shares a group with Weft, by which assignor, led by whom, and on what: what is run, and the
//! table of it in `docs/clients.md`. Pure but for a look at the environment.

use std::collections::BTreeSet;
use std::env;
use std::fmt;
use std::fmt::Write as _;

use weft_testcontainers::kafka::KafkaVersion;
use weft_testcontainers::mock::KafkaRelease;

use crate::cluster::Target;
use crate::outside::{MemberKind, OutsideClient};

/// One group to share: Weft with a client of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The other client.
    pub client: OutsideClient,
    /// Kafka's name of the assignor.
    pub assignor: &'static str,
    /// Whether Weft joins first, and so leads.
    pub is_led_by_weft: bool,
}

impl Cell {
    /// Who joins first, and who second.
    pub fn kinds(&self) -> [MemberKind; 2] {
        let mut kinds = [MemberKind::Weft, MemberKind::Outside(self.client)];
        if !self.is_led_by_weft {
            kinds.reverse();
        }
        kinds
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [leader, other] = self.kinds();
        write!(f, "{} of {leader} and {other}", self.assignor)
    }
}

/// The groups that a client shares with Weft on a target: all that there are if `WEFT_MATRIX` is
/// in the environment, and otherwise those that are worth their time in every run.
pub fn cells(target: Target, client: OutsideClient) -> Vec<Cell> {
    let mut cells = all(client);
    if env::var_os("WEFT_MATRIX").is_none() {
        cells.retain(|cell| is_always_run(target, cell));
    }
    cells
}

fn all(client: OutsideClient) -> Vec<Cell> {
    let assignors = assignors(client).iter();
    let cells = assignors.flat_map(|assignor| {
        [true, false].map(|is_led_by_weft| Cell {
            client,
            assignor,
            is_led_by_weft,
        })
    });
    cells.collect()
}

/// The assignors that a client has.
fn assignors(client: OutsideClient) -> &'static [&'static str] {
    match client {
        OutsideClient::Kcat => &["range", "roundrobin", "cooperative-sticky"],
        OutsideClient::Java | OutsideClient::KafkaPython | OutsideClient::FranzGo => {
            &["range", "roundrobin", "sticky", "cooperative-sticky"]
        }
    }
}

/// One broker of the newest version sees everything; older ones what differs most between
/// versions; and what loses brokers, where a group takes long, an assignor of each kind.
fn is_always_run(target: Target, cell: &Cell) -> bool {
    match target {
        Target::Mock { brokers: 1 } | Target::OneKafka(KafkaVersion::V4_4_0) => true,
        Target::OneKafka(_) | Target::Pretended(_) => matches!(
            (cell.assignor, cell.is_led_by_weft),
            ("cooperative-sticky", false) | ("sticky", true)
        ),
        Target::Mock { .. } | Target::ProxiedKafka | Target::ThreeKafkas => matches!(
            (cell.assignor, cell.is_led_by_weft),
            ("range", false) | ("cooperative-sticky", true)
        ),
    }
}

/// What [`cells`] are run without `WEFT_MATRIX`, as a table of Markdown.
pub fn table() -> String {
    let mut text = String::from("| client | assignor |");
    for (name, _) in COLUMNS {
        let _ = write!(text, " {name} |");
    }
    text.push_str("\n| --- | --- |");
    text.push_str(&" --- |".repeat(COLUMNS.len()));
    text.push('\n');
    for client in CLIENTS {
        for assignor in assignors(client) {
            let _ = write!(text, "| {client} | {assignor} |");
            for (_, target) in COLUMNS {
                let cells = all(client).into_iter();
                let leaders = cells
                    .filter(|cell| cell.assignor == *assignor && is_always_run(target, cell))
                    .map(|cell| cell.kinds()[0]);
                let _ = write!(text, " {} |", said(&leaders.collect()));
            }
            text.push('\n');
        }
    }
    text
}

fn said(leaders: &BTreeSet<MemberKind>) -> String {
    let leaders: Vec<String> = leaders.iter().map(MemberKind::to_string).collect();
    match leaders.as_slice() {
        [] => "by hand".to_owned(),
        [one] => one.clone(),
        _ => "either".to_owned(),
    }
}

/// Whom Weft shares groups with.
pub const CLIENTS: [OutsideClient; 4] = [
    OutsideClient::Kcat,
    OutsideClient::Java,
    OutsideClient::KafkaPython,
    OutsideClient::FranzGo,
];

/// On what they do.
const COLUMNS: [(&str, Target); 7] = [
    ("mock", Target::Mock { brokers: 1 }),
    ("mock of 2.8", Target::Pretended(KafkaRelease::V2_8)),
    ("4.4.0", Target::OneKafka(KafkaVersion::V4_4_0)),
    ("3.9.1", Target::OneKafka(KafkaVersion::V3_9_1)),
    ("2.8.2", Target::OneKafka(KafkaVersion::V2_8_2)),
    ("three mocks", Target::Mock { brokers: 3 }),
    ("three nodes", Target::ThreeKafkas),
];
