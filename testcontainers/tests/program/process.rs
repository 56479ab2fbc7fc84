//! A running `weft-mock`, and what it says.

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

/// Killed when it is dropped, so that no failed test leaves one behind.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    errors: Option<JoinHandle<String>>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) errors: String,
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft-mock"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Program {
    /// Standard input is a pipe, as under most programs that start others.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(command(arguments).stdin(Stdio::piped()))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let errors = std::thread::Builder::new().spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            input: child.stdin.take(),
            child,
            lines,
            errors: Some(errors.unwrap()),
        }
    }

    /// The next line on standard output; nothing if it ended before.
    pub(crate) fn try_line(&mut self) -> Option<String> {
        self.lines.next().map(Result::unwrap)
    }

    /// The next line on standard output.
    pub(crate) fn line(&mut self) -> String {
        match self.try_line() {
            Some(line) => line,
            None => panic!("no more lines: {:?}", self.end()),
        }
    }

    /// The addresses that the first line names.
    pub(crate) fn bootstrap(&mut self) -> Vec<String> {
        let line = self.line();
        let servers = line.strip_prefix("bootstrap.servers=");
        let servers = servers.unwrap_or_else(|| panic!("{line}"));
        servers.split(',').map(str::to_owned).collect()
    }

    pub(crate) fn type_line(&mut self, typed: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{typed}\n").as_bytes()).unwrap();
    }

    /// Types a command, and returns all lines of its answer.
    pub(crate) fn ask(&mut self, typed: &str) -> Vec<String> {
        self.type_line(typed);
        let mut answer = Vec::new();
        loop {
            let line = self.line();
            if line == "ok" {
                return answer;
            }
            let has_failed = line.starts_with("error:");
            answer.push(line);
            if has_failed {
                return answer;
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it if it did not end by itself.
    pub(crate) fn end_soon(&mut self) -> Ended {
        self.close_input();
        self.end()
    }

    /// Waits for its end, which somebody has asked for.
    pub(crate) fn end(&mut self) -> Ended {
        Ended {
            code: self.child.wait().unwrap().code(),
            errors: self.errors.take().unwrap().join().unwrap(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by its name, as a shell does.
pub(crate) fn signal(program: &Program, name: &str) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {}", program.id())])
        .status();
    assert!(sent.unwrap().success());
}

/// Sends what no Kafka client sends, and waits until the broker hangs up over it.
pub(crate) fn break_the_protocol(address: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    // A reset is a way of hanging up.
    let _ = stream.read(&mut [0]);
}
