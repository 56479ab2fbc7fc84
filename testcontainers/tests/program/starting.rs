//! What the program starts, and what it says if it cannot.

use std::net::{TcpListener, TcpStream};

use weft_client::ClientConfig;
use weft_client::admin::Admin;

use crate::process::Program;
use crate::temporary::Temporary;

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
fn a_script_runs_from_the_start_and_each_step_is_told() {
    let directory = Temporary::new();
    std::fs::create_dir_all(directory.path()).unwrap();
    let path = directory.path().join("script");
    std::fs::write(&path, "kill 1\non fetch delay 1s\n").unwrap();
    let path = path.to_str().unwrap();

    let mut program = Program::start(&["--nodes", "2", "--script", path, "--release", "3.9"]);
    let addresses = program.bootstrap();

    TcpStream::connect(&addresses[0]).unwrap();
    assert!(TcpStream::connect(&addresses[1]).is_err());
    let ended = program.end_soon();
    assert!(ended.errors.contains("script: kill 1"), "{ended:?}");
    assert!(ended.errors.contains("fault 1"), "{ended:?}");

    std::fs::write(path, "kill 1\nkick 2\n").unwrap();
    let (code, errors) = refusal(&["--script", path]);
    assert_eq!(code, Some(3), "{errors}");
    assert!(errors.contains("line 2"), "{errors}");
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
        (&["--release", "1.0"], "2.1 to 4.4"),
        (&["--connections-max", "many"], "--connections-max"),
        (&["--buffered-bytes-max", "few"], "--buffered-bytes-max"),
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
        (&["--connections-max", "0"], "connection"),
        (&["--buffered-bytes-max", "0"], "byte"),
    ] {
        let (code, errors) = refusal(wrong);
        assert_eq!(code, Some(3), "{wrong:?}: {errors}");
        assert!(errors.contains(reason), "{wrong:?}: {errors}");
    }
}
