//! Starts a real Apache Kafka of any release and keeps it until its input ends:
//! `cargo run -p weft-testcontainers --example kafka -- 3.7.2 3` for three nodes of 3.7.2.

use std::error::Error;
use std::io::{self, Read};
use std::time::Instant;

use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let version: KafkaVersion = match arguments.next() {
        Some(text) => text.parse()?,
        None => KafkaVersion::default(),
    };
    let nodes = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let began_at = now();
    let cluster = KafkaCluster::builder()
        .version(version)
        .nodes(nodes)
        .property("auto.create.topics.enable", "true")
        .start()?;
    cluster.create_topic("first", 3)?;
    let took = began_at.elapsed().as_secs_f64();
    println!("bootstrap.servers={}", cluster.bootstrap());
    eprintln!("Kafka {version} is ready after {took:.1} s, with a topic named first; it ends with");
    eprintln!("this program's input: press Ctrl-D.");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program tells how long it took"
)]
fn now() -> Instant {
    Instant::now()
}
