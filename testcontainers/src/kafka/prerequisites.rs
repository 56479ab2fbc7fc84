//! Shell: whether this machine has what a real Kafka needs, and where it is.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::error::KafkaError;
use super::jars;
use super::version::KafkaVersion;

/// What must be installed before a cluster can be started.
#[derive(Debug)]
pub struct Prerequisites(());

impl Prerequisites {
    /// Looks for Java and, unless the jars of every version are in the cache already, for Maven.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Prerequisite`], whose text says what to install.
    pub fn check() -> Result<(), KafkaError> {
        check_java()?;
        if KafkaVersion::ALL.into_iter().all(jars::are_cached) {
            Ok(())
        } else {
            check_maven()
        }
    }
}

/// The Java to run: that of `JAVA_HOME`, or the one on the `PATH`.
pub(super) fn java() -> PathBuf {
    program("java")
}

/// The Java compiler beside [`java`]; a runtime without development tools has none.
pub(super) fn java_compiler() -> PathBuf {
    program("javac")
}

fn program(name: &str) -> PathBuf {
    env::var_os("JAVA_HOME")
        .map(|home| PathBuf::from(home).join("bin").join(name))
        .filter(|path| path.exists())
        .unwrap_or_else(|| PathBuf::from(name))
}

pub(super) fn check_java() -> Result<(), KafkaError> {
    java_on_this_machine().map(|_| ())
}

/// Whether the Java of this machine can run this version.
pub(super) fn check_java_for(version: KafkaVersion) -> Result<(), KafkaError> {
    let java = java_on_this_machine()?;
    match version.newest_java() {
        Some(newest) if java > newest => Err(KafkaError::Prerequisite {
            missing: format!(
                "Kafka {version} runs on Java up to {newest}, and `java` is version {java}: point \
                 JAVA_HOME to an older one"
            ),
        }),
        _ => Ok(()),
    }
}

/// The feature number of its version, which is new enough for every Kafka.
fn java_on_this_machine() -> Result<u32, KafkaError> {
    let missing = |missing: String| Err(KafkaError::Prerequisite { missing });
    let output = match Command::new(java())
        .arg("-version")
        .stdin(Stdio::null())
        .output()
    {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return missing("there is no `java` in JAVA_HOME or on the PATH".into());
        }
        Err(source) => return Err(KafkaError::io("asking java for its version", source)),
    };
    let text = String::from_utf8_lossy(&output.stderr);
    match java_feature_version(&text) {
        Some(version) if version >= OLDEST_JAVA => Ok(version),
        Some(version) => missing(format!("`java` is version {version}")),
        None => missing(format!("`java -version` tells no version: {}", text.trim())),
    }
}

pub(super) fn check_maven() -> Result<(), KafkaError> {
    let status = Command::new("mvn")
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            let missing = format!("`mvn --version` fails with {status}");
            Err(KafkaError::Prerequisite { missing })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(KafkaError::Prerequisite {
            missing: "there is no `mvn` on the PATH".into(),
        }),
        Err(source) => Err(KafkaError::io("asking mvn for its version", source)),
    }
}

/// The feature number of the version that `java -version` prints: 17 for `17.0.15`, 8 for `1.8.0`.
fn java_feature_version(text: &str) -> Option<u32> {
    let quoted = text.split('"').nth(1)?;
    let mut numbers = quoted.split(|character: char| !character.is_ascii_digit());
    match numbers.next()?.parse().ok()? {
        1 => numbers.next()?.parse().ok(),
        version => Some(version),
    }
}

/// The oldest Java that runs the newest broker.
const OLDEST_JAVA: u32 = 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feature_version_is_read_from_old_and_new_ways_of_writing_it() {
        let cases = [
            (
                "openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime",
                Some(17),
            ),
            ("java version \"1.8.0_392\"", Some(8)),
            ("openjdk version \"21-ea\" 2023-09-19", Some(21)),
            ("openjdk version \"24\"", Some(24)),
            ("The operation couldn't be completed.", None),
            ("version \"unknown\"", None),
        ];
        for (text, expected) in cases {
            assert_eq!(java_feature_version(text), expected, "{text}");
        }
    }
}
