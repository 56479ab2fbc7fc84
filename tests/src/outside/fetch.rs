//! Shell: the programs around kafka-python and franz-go, made once with the packages that their
//! files name, in the cache that holds Kafka's jars too.
//!
//! A directory there is named after all that goes into it and appears in one step, complete; a lock
//! file lets one process at a time work.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use weft_testcontainers::kafka::cache;

use crate::cluster::NoCluster;

/// The program around kafka-python.
///
/// # Errors
///
/// What is missing.
pub(super) fn python() -> Result<Command, NoCluster> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let directory = MADE.get_or_init(|| {
        let texts = [PYTHON_REQUIREMENTS];
        made("kafka-python", &texts, |directory| {
            let requirements = directory.join("requirements.txt");
            fs::write(&requirements, PYTHON_REQUIREMENTS).map_err(|error| error.to_string())?;
            let environment = directory.join("environment");
            run(Command::new("python3")
                .args(["-m", "venv"])
                .arg(&environment))?;
            run(Command::new(environment.join("bin/python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                ])
                .args(["--no-deps", "--require-hashes", "--requirement"])
                .arg(&requirements))
        })
    });
    let directory = directory.as_ref().map_err(|why| missing(why))?;
    let mut command = Command::new(directory.join("environment/bin/python"));
    command.arg(source("python").join("client.py"));
    Ok(command)
}

/// The program around franz-go.
///
/// # Errors
///
/// What is missing.
pub(super) fn go() -> Result<Command, NoCluster> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let directory = MADE.get_or_init(|| {
        let texts = [GO_PROGRAM, GO_TRANSACTIONS, GO_MODULE, GO_SUMS];
        made("franz-go", &texts, |directory| {
            run(Command::new("go")
                .args([
                    "build",
                    "-mod=readonly",
                    "-trimpath",
                    "-buildvcs=false",
                    "-o",
                ])
                .arg(directory.join("client"))
                .arg(".")
                .current_dir(source("go")))
        })
    });
    let directory = directory.as_ref().map_err(|why| missing(why))?;
    Ok(Command::new(directory.join("client")))
}

/// Whether there is a program of this name, which answers to `argument`.
///
/// # Errors
///
/// That there is none.
pub(super) fn check(program: &str, argument: &str) -> Result<(), NoCluster> {
    run(Command::new(program).arg(argument)).map_err(NoCluster::NotHere)
}

fn missing(why: &str) -> NoCluster {
    NoCluster::NotHere(why.to_owned())
}

/// Where the sources of a program lie.
pub(super) fn source(language: &str) -> PathBuf {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients");
    clients.join(language)
}

/// The directory that `make` has filled from these texts, now or at an earlier time.
fn made(
    name: &str,
    texts: &[&str],
    make: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let directory = cache().join(format!("{name}-{:016x}", hash(texts)));
    let locked = || -> io::Result<File> {
        fs::create_dir_all(cache())?;
        let path = cache().join(format!("{name}.lock"));
        let file = File::options().create(true).append(true).open(path)?;
        file.lock()?;
        Ok(file)
    };
    let lock = locked().map_err(|error| format!("locking the cache: {error}"))?;
    if !directory.exists() {
        let partial = directory.with_extension("partial");
        // Left over from a process that was interrupted.
        let _ = fs::remove_dir_all(&partial);
        fs::create_dir_all(&partial).map_err(|error| error.to_string())?;
        make(&partial).map_err(|why| format!("{name} cannot be had: {why}"))?;
        fs::rename(&partial, &directory).map_err(|error| error.to_string())?;
    }
    drop(lock);
    Ok(directory)
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!("there is no `{name}` on the PATH"));
        }
        Err(error) => return Err(format!("`{name}`: {error}")),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().rev().take(ERROR_LINES).collect::<Vec<_>>();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Err(format!(
        "{command:?} ended with {}: {}",
        output.status,
        last.join("; ")
    ))
}

/// A number that names texts: the Fowler-Noll-Vo hash, the same on every machine.
fn hash(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

const PYTHON_REQUIREMENTS: &str = include_str!("../../clients/python/requirements.txt");
const GO_PROGRAM: &str = include_str!("../../clients/go/main.go");
const GO_TRANSACTIONS: &str = include_str!("../../clients/go/transactions.go");
const GO_MODULE: &str = include_str!("../../clients/go/go.mod");
const GO_SUMS: &str = include_str!("../../clients/go/go.sum");

/// How many of the last lines of a program that failed are told.
const ERROR_LINES: usize = 10;
