//! Why a real Kafka could not be started or used, told so that the reader knows what to do next.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::KafkaVersion;

/// Why a cluster or a Java program could not do what was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum KafkaError {
    /// A program that must be installed on this machine is missing or too old.
    Prerequisite {
        /// What was looked for and what was found.
        missing: String,
    },
    /// Maven did not fetch the jars.
    Download {
        /// The version whose jars were asked for.
        version: KafkaVersion,
        /// The last lines Maven printed.
        last_lines: Vec<String>,
    },
    /// The operating system refused something.
    Io {
        /// What was being done, as the rest of "while ...".
        doing: String,
        /// The refusal.
        source: io::Error,
    },
    /// A process ended although nobody asked it to.
    Exited {
        /// Which process, such as `node 0`.
        process: String,
        /// Where its files were left.
        directory: PathBuf,
        /// The last lines of its log.
        last_lines: Vec<String>,
    },
    /// The cluster did not become usable in time.
    NotReady {
        /// How long was waited.
        waited: Duration,
        /// What was still missing at the end.
        missing: String,
        /// Where the cluster's files were left.
        directory: PathBuf,
        /// The last lines of the log of the node that was not ready.
        last_lines: Vec<String>,
    },
    /// A node answered a request with an error code, or with something that is no answer.
    Refused {
        /// What was asked and how it was refused.
        what: String,
    },
    /// The Java program did not do what was expected of it.
    JavaProgram {
        /// What was expected.
        expected: String,
        /// The last lines it wrote to standard output and standard error.
        last_lines: Vec<String>,
    },
    /// Docker did not do what was asked, or what it started did not (feature `docker`).
    Docker {
        /// What was being done, as the rest of "while ...".
        doing: String,
        /// What came of it.
        told: String,
    },
    /// The builder was given something it cannot do.
    Configuration {
        /// What is wrong with it.
        what: String,
    },
}

impl KafkaError {
    pub(super) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            doing: doing.into(),
            source,
        }
    }

    /// Whether another process took a port between its reservation and its use.
    pub(super) fn is_port_conflict(&self) -> bool {
        matches!(self, Self::Exited { last_lines, .. } if tells_of_a_port_conflict(last_lines))
    }
}

impl fmt::Display for KafkaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prerequisite { missing } => write!(
                f,
                "{missing}; Kafka needs Java 17 or newer, and Maven to fetch its jars. On Debian: \
                 apt-get install {DEBIAN_PACKAGES}"
            ),
            Self::Download {
                version,
                last_lines,
            } => {
                write!(f, "Maven did not fetch Kafka {version}")?;
                write_lines(f, last_lines)
            }
            Self::Io { doing, source } => write!(f, "while {doing}: {source}"),
            Self::Docker { doing, told } => write!(f, "while {doing}: {told}"),
            Self::Exited {
                process,
                directory,
                last_lines,
            } => {
                write!(
                    f,
                    "{process} ended by itself; its files are in {}",
                    directory.display()
                )?;
                write_lines(f, last_lines)
            }
            Self::NotReady {
                waited,
                missing,
                directory,
                last_lines,
            } => {
                let seconds = waited.as_secs_f64();
                let files = directory.display();
                write!(
                    f,
                    "not ready after {seconds:.1} s: {missing}; files are in {files}"
                )?;
                write_lines(f, last_lines)
            }
            Self::Refused { what } => f.write_str(what),
            Self::JavaProgram {
                expected,
                last_lines,
            } => {
                write!(f, "the Java program did not do this: {expected}")?;
                write_lines(f, last_lines)
            }
            Self::Configuration { what } => write!(f, "cannot start such a cluster: {what}"),
        }
    }
}

impl std::error::Error for KafkaError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

fn write_lines(f: &mut fmt::Formatter<'_>, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return f.write_str("; it printed nothing");
    }
    f.write_str("; its last lines:")?;
    lines.iter().try_for_each(|line| write!(f, "\n  | {line}"))
}

fn tells_of_a_port_conflict(lines: &[String]) -> bool {
    lines
        .iter()
        .any(|line| line.contains("Address already in use"))
}

const DEBIAN_PACKAGES: &str = "openjdk-17-jre-headless maven";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_answered_with_what_to_install() {
        let error = KafkaError::Prerequisite {
            missing: "there is no `mvn` on the PATH".into(),
        };
        let text = error.to_string();
        assert!(text.starts_with("there is no `mvn`"), "{text}");
        assert!(
            text.ends_with("apt-get install openjdk-17-jre-headless maven"),
            "{text}"
        );
    }

    #[test]
    fn a_port_conflict_is_told_from_other_early_exits() {
        let exited = |line: &str| KafkaError::Exited {
            process: "node 0".into(),
            directory: PathBuf::new(),
            last_lines: vec!["INFO starting".into(), line.into()],
        };
        assert!(exited("java.net.BindException: Address already in use").is_port_conflict());
        assert!(!exited("java.lang.OutOfMemoryError").is_port_conflict());
    }
}
