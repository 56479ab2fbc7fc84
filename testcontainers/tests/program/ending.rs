//! How the program ends, and with which exit code.

use std::net::TcpStream;
use std::process::Stdio;

use crate::process::{Program, break_the_protocol, command, signal};

#[test]
fn signals_and_the_end_of_input_end_it_in_order() {
    type AskForEnd = fn(&mut Program);
    let endings: [(&str, AskForEnd); 3] = [
        ("SIGTERM", |program| signal(program, "TERM")),
        ("SIGINT", |program| signal(program, "INT")),
        ("the end of standard input", Program::close_input),
    ];
    for (name, ask_for_end) in endings {
        let mut program = Program::start(&[]);
        let address = program.bootstrap().remove(0);

        ask_for_end(&mut program);

        let ended = program.end();
        assert_eq!(ended.code, Some(0), "{name}: {ended:?}");
        assert!(ended.errors.contains(name), "{name}: {ended:?}");
        assert!(TcpStream::connect(address).is_err(), "{name}");
    }
}

#[test]
fn in_the_background_of_a_script_it_stays() {
    let mut program = Program::spawn(command(&[]).stdin(Stdio::null()));
    let address = program.bootstrap().remove(0);

    // The end of its input would have been seen before this connection.
    break_the_protocol(&address);
    break_the_protocol(&address);

    assert!(program.is_running());
    signal(&program, "TERM");
    assert_eq!(program.end().code, Some(0));
}

#[test]
fn violations_are_told_and_decide_the_exit_code_if_asked() {
    for (arguments, code) in [(&["--fail-on-violation"][..], 1), (&[], 0)] {
        let mut program = Program::start(arguments);
        let address = program.bootstrap().remove(0);

        break_the_protocol(&address);
        program.close_input();

        let ended = program.end();
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(
            ended.errors.contains("weft-mock: violation: "),
            "{}",
            ended.errors
        );
        assert!(ended.errors.contains("violations: 1"), "{}", ended.errors);
    }
}

#[test]
fn without_violations_the_exit_code_is_zero() {
    let mut program = Program::start(&["--fail-on-violation"]);
    program.bootstrap();

    program.close_input();

    assert_eq!(program.end().code, Some(0));
}
