//! What the program starts, and what it says if it cannot.

use std::net::{TcpListener, TcpStream};

use weft_client::ClientConfig;
use weft_client::admin::Admin;

use crate::process::Program;

fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let ended = Program::start(arguments).end_soon();
    (ended.code, ended.errors)
}

#[test]
fn clients_can_connect_once_the_first_line_is_there() {
    let mut program =
        Program::start(&["--nodes", "3", "--topic", "orders:12", "--topic", "events"]);
    let addresses = program.bootstrap();

    assert_eq!(addresses.len(), 3);
    for address in &addresses {
        TcpStream::connect(address).unwrap();
    }
    let config = ClientConfig::builder()
        .bootstrap_servers(addresses[0].as_str())
        .build()
        .unwrap();
    let topics = Admin::new(config).unwrap().list_topics().unwrap();
    let sizes: Vec<_> = topics
        .iter()
        .map(|(name, topic)| (name.as_str(), topic.partitions.len()))
        .collect();
    assert_eq!(sizes, [("events", 1), ("orders", 12)]);
}

#[test]
fn a_taken_port_is_refused_with_advice() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    let (code, errors) = refusal(&["--port", &port]);

    assert_eq!(code, Some(3), "{errors}");
    assert!(errors.contains(&format!("127.0.0.1:{port}")), "{errors}");
    assert!(errors.contains("Leave --port out"), "{errors}");
}

#[test]
fn a_command_line_that_cannot_be_read_is_refused_with_advice() {
    for (wrong, advice) in [
        (&["--topic", "orders:many"][..], "orders:12"),
        (&["--nodes", "three"], "--nodes"),
        (&["--listen", "here"], "--listen"),
        (&["--nonsense"], "--nonsense"),
    ] {
        let (code, errors) = refusal(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {errors}");
        assert!(errors.contains(advice), "{wrong:?}: {errors}");
    }
}

#[test]
fn a_cluster_that_cannot_be_is_refused_with_the_reason() {
    for (wrong, reason) in [
        (&["--nodes", "0"][..], "one broker at least"),
        (&["--topic", "no/such:1"], "no/such"),
        (&["--topic", "t", "--topic", "t"], "TOPIC_ALREADY_EXISTS"),
        (&["--listen", "0.0.0.0"], "advertised host"),
    ] {
        let (code, errors) = refusal(wrong);
        assert_eq!(code, Some(3), "{wrong:?}: {errors}");
        assert!(errors.contains(reason), "{wrong:?}: {errors}");
    }
}
