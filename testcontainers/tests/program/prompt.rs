//! The prompt, typed by a program.

use std::net::TcpStream;

use crate::process::{Program, break_the_protocol};

#[test]
fn a_broker_is_killed_and_comes_back_on_command() {
    let mut program = Program::start(&["--prompt", "--nodes", "2"]);
    let addresses = program.bootstrap();

    assert_eq!(program.ask("kill 1"), [""; 0]);
    assert!(TcpStream::connect(&addresses[1]).is_err());
    let brokers = program.ask("brokers");
    assert!(brokers[0].ends_with(" alive"), "{brokers:?}");
    assert!(brokers[1].ends_with(" dead"), "{brokers:?}");

    assert_eq!(program.ask("restart 1"), [""; 0]);
    TcpStream::connect(&addresses[1]).unwrap();
}

#[test]
fn faults_are_set_shown_and_lifted() {
    let mut program = Program::start(&["--prompt"]);
    program.bootstrap();

    let set = program.ask("on fetch nth=3 answer NOT_LEADER_OR_FOLLOWER");
    assert_eq!(set, ["fault 1"]);
    let faults = program.ask("faults");
    assert!(
        faults[0].starts_with("1 matched=0 hit=0 on fetch"),
        "{faults:?}"
    );
    assert_eq!(program.ask("lift 1"), ["matched=0 hit=0"]);
    assert_eq!(program.ask("faults"), ["none"]);
}

#[test]
fn topics_are_created_and_shown() {
    let mut program = Program::start(&["--prompt", "--topic", "orders:2"]);
    program.bootstrap();

    assert_eq!(program.ask("create events:3"), ["events has 3 partitions"]);
    assert_eq!(
        program.ask("topics"),
        [
            "events partitions=3 offsets=0",
            "orders partitions=2 offsets=0"
        ]
    );
    assert_eq!(program.ask("groups"), ["none"]);
}

#[test]
fn what_cannot_be_done_is_an_error_and_the_prompt_goes_on() {
    let mut program = Program::start(&["--prompt"]);
    let address = program.bootstrap().remove(0);

    for wrong in ["kill 7", "kill me", "create a/b", "jump"] {
        let answer = program.ask(wrong);
        assert!(answer[0].starts_with("error: "), "{wrong}: {answer:?}");
    }
    break_the_protocol(&address);
    assert_eq!(program.ask("violations").len(), 1);
    assert!(program.ask("help").len() > 5);
}

#[test]
fn quit_ends_it() {
    let mut program = Program::start(&["--prompt"]);
    program.bootstrap();

    program.type_line("quit");

    let ended = program.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.errors.contains("ended by quit"), "{ended:?}");
}
