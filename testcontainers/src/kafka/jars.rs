//! Shell: the jars of each Kafka version, fetched once by Maven into a cache of their own.
//!
//! The cache is `$WEFT_CACHE`, or `weft` under `$XDG_CACHE_HOME` or `~/.cache`. One directory per
//! version appears there in one step, complete; a lock file lets one process at a time fetch.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::KafkaError;
use super::prerequisites;
use super::version::KafkaVersion;

/// The class path of all jars of `version`, fetched if the cache does not have them.
pub(super) fn class_path(version: KafkaVersion) -> Result<OsString, KafkaError> {
    if !are_cached(version) {
        with_lock(&format!("kafka-{version}"), || {
            // Another process may have fetched them while this one waited for the lock.
            if are_cached(version) {
                Ok(())
            } else {
                fetch(version)
            }
        })?;
    }
    Ok(directory(version).join("jars").join("*").into_os_string())
}

/// Whether the jars are there, and were fetched with today's list of dependencies.
pub(super) fn are_cached(version: KafkaVersion) -> bool {
    fs::read_to_string(directory(version).join(POM)).is_ok_and(|pom| pom == version.pom())
}

/// Where everything is kept that is worth keeping between test runs: `$WEFT_CACHE`, or `weft` under
/// `$XDG_CACHE_HOME` or `~/.cache`. It need not be there yet.
pub fn cache() -> PathBuf {
    cache_directory(|name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    })
}

fn cache_directory(variable: impl Fn(&str) -> Option<PathBuf>) -> PathBuf {
    variable("WEFT_CACHE")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("weft")))
        .or_else(|| Some(variable("HOME")?.join(".cache").join("weft")))
        .unwrap_or_else(|| env::temp_dir().join("weft-cache"))
}

/// Does `work` while no other process does work under this `name`.
pub(super) fn with_lock<T>(
    name: &str,
    work: impl FnOnce() -> Result<T, KafkaError>,
) -> Result<T, KafkaError> {
    let path = cache().join(format!("{name}.lock"));
    let lock = fs::create_dir_all(cache())
        .and_then(|()| File::options().create(true).append(true).open(&path))
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|source| KafkaError::io(format!("locking {}", path.display()), source))?;
    let result = work();
    drop(lock);
    result
}

/// Fills `target` in one step: `fill` works in a directory beside it that then takes its name.
/// Only to be called under a lock.
pub(super) fn replace_directory(
    target: &Path,
    fill: impl FnOnce(&Path) -> Result<(), KafkaError>,
) -> Result<(), KafkaError> {
    let mut partial = target.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let prepare = || -> io::Result<()> {
        // Left over from a process that was interrupted, or fetched with an older list.
        remove_if_there(&partial)?;
        fs::create_dir_all(&partial)
    };
    let doing = || format!("filling {}", target.display());
    prepare().map_err(|source| KafkaError::io(doing(), source))?;
    fill(&partial)?;
    remove_if_there(target)
        .and_then(|()| fs::rename(&partial, target))
        .map_err(|source| KafkaError::io(doing(), source))
}

fn remove_if_there(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn fetch(version: KafkaVersion) -> Result<(), KafkaError> {
    prerequisites::check_maven()?;
    replace_directory(&directory(version), |partial| {
        let pom = partial.join(POM);
        fs::write(&pom, version.pom())
            .map_err(|source| KafkaError::io(format!("writing {}", pom.display()), source))?;
        let mut output_directory = OsString::from("-DoutputDirectory=");
        output_directory.push(partial.join("jars"));
        let output = Command::new("mvn")
            .args(["--batch-mode", "--no-transfer-progress", "--file"])
            .arg(&pom)
            .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
            .arg(output_directory)
            .stdin(Stdio::null())
            .output()
            .map_err(|source| KafkaError::io("running mvn", source))?;
        if output.status.success() {
            return Ok(());
        }
        let last_lines = last_lines(&String::from_utf8_lossy(&output.stdout));
        Err(KafkaError::Download {
            version,
            last_lines,
        })
    })
}

fn last_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(ERROR_LINES)..]
        .iter()
        .map(|&line| line.to_owned())
        .collect()
}

pub(super) fn directory(version: KafkaVersion) -> PathBuf {
    cache().join(format!("kafka-{version}"))
}

const POM: &str = "pom.xml";

/// How many of Maven's last lines go into an error.
const ERROR_LINES: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: &str) {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| PathBuf::from(value))
        };
        assert_eq!(cache_directory(variable), PathBuf::from(expected));
    }

    #[test]
    fn the_cache_is_ours_to_name_and_otherwise_where_caches_belong() {
        check(
            &[
                ("WEFT_CACHE", "/w"),
                ("XDG_CACHE_HOME", "/x"),
                ("HOME", "/h"),
            ],
            "/w",
        );
        check(&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], "/x/weft");
        check(&[("HOME", "/h")], "/h/.cache/weft");
    }

    #[test]
    fn of_a_failed_run_the_last_lines_that_say_something_are_told() {
        let text = (0..40)
            .map(|line| format!("line {line}\n\n"))
            .collect::<String>();
        let told = last_lines(&text);
        assert_eq!(told.len(), ERROR_LINES);
        assert_eq!(told.last().map(String::as_str), Some("line 39"));
    }

    #[test]
    fn a_directory_appears_complete_or_not_at_all() {
        let id = super::super::directory::random();
        let root = env::temp_dir().join(format!("weft-jars-{id:016x}"));
        let target = root.join("kafka");
        let failed = replace_directory(&target, |partial| {
            fs::write(partial.join("half"), "").unwrap();
            Err(KafkaError::Refused {
                what: "broken off".into(),
            })
        });
        assert!(failed.is_err());
        assert!(!target.exists());
        for text in ["old", "new"] {
            replace_directory(&target, |partial| {
                assert!(!partial.join("half").exists());
                fs::write(partial.join("whole"), text).unwrap();
                Ok(())
            })
            .unwrap();
            assert_eq!(fs::read_to_string(target.join("whole")).unwrap(), text);
        }
        fs::remove_dir_all(root).unwrap();
    }
}
