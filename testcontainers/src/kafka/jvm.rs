//! Which jars a JVM of ours loads, and the archive that spares it parsing their classes again.

use std::path::{Path, PathBuf};

use super::error::KafkaError;
use super::jars;
use super::properties::{JvmRole, jvm_options};
use super::version::KafkaVersion;

/// What JVMs of one Kafka version are started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Jvm {
    class_path: String,
    class_archive: PathBuf,
    archive_use: ArchiveUse,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ArchiveUse {
    /// There is none yet.
    None,
    Load,
    /// Write one to this path at a clean exit.
    Record(PathBuf),
}

impl Jvm {
    /// Fetches the jars if they are not there.
    pub(super) fn of(version: KafkaVersion) -> Result<Self, KafkaError> {
        let class_path = jars::class_path(version)?.to_string_lossy().into_owned();
        let class_archive = jars::directory(version).join("classes.jsa");
        let archive_use = if class_archive.exists() {
            ArchiveUse::Load
        } else {
            ArchiveUse::None
        };
        Ok(Self {
            class_path,
            class_archive,
            archive_use,
        })
    }

    pub(super) fn class_path(&self) -> &str {
        &self.class_path
    }

    pub(super) fn class_archive(&self) -> &Path {
        &self.class_archive
    }

    pub(super) fn has_class_archive(&self) -> bool {
        self.archive_use == ArchiveUse::Load
    }

    /// The same, but leaving an archive of its classes at `path` when it ends cleanly.
    pub(super) fn recording(&self, path: &Path) -> Self {
        Self {
            archive_use: ArchiveUse::Record(path.to_owned()),
            ..self.clone()
        }
    }

    /// The same, but never writing an archive.
    pub(super) fn without_recording(&self) -> Self {
        match self.archive_use {
            ArchiveUse::Record(_) => Self {
                archive_use: ArchiveUse::None,
                ..self.clone()
            },
            ArchiveUse::None | ArchiveUse::Load => self.clone(),
        }
    }

    /// The same with further classes. They come last: an archive holds for a class path that begins
    /// with its own.
    pub(super) fn with_classes(&self, directory: &Path) -> Self {
        let class_path = format!("{}:{}", self.class_path, directory.display());
        Self {
            class_path,
            ..self.clone()
        }
    }

    /// Everything after `java`.
    pub(super) fn arguments(&self, role: JvmRole, program: &[&str]) -> Vec<String> {
        let mut arguments = jvm_options(role);
        // An archive of another Java or of other jars is ignored without a word.
        match &self.archive_use {
            ArchiveUse::None => {}
            ArchiveUse::Load => {
                arguments.push(format!(
                    "-XX:SharedArchiveFile={}",
                    self.class_archive.display()
                ));
            }
            ArchiveUse::Record(path) => {
                arguments.push(format!("-XX:ArchiveClassesAtExit={}", path.display()));
            }
        }
        arguments.extend(["-cp".to_owned(), self.class_path.clone()]);
        arguments.extend(program.iter().map(|&word| word.to_owned()));
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jvm(archive_use: ArchiveUse) -> Jvm {
        Jvm {
            class_path: "/jars/*".into(),
            class_archive: "/classes.jsa".into(),
            archive_use,
        }
    }

    fn check(jvm: &Jvm, expected: &[&str]) {
        let arguments = jvm.arguments(JvmRole::Program, &["Main", "word"]);
        let options = jvm_options(JvmRole::Program).len();
        assert_eq!(arguments[options..], *expected);
    }

    #[test]
    fn the_class_archive_is_loaded_once_it_is_there() {
        check(&jvm(ArchiveUse::None), &["-cp", "/jars/*", "Main", "word"]);
        let load = "-XX:SharedArchiveFile=/classes.jsa";
        check(
            &jvm(ArchiveUse::Load),
            &[load, "-cp", "/jars/*", "Main", "word"],
        );
    }

    #[test]
    fn only_a_recording_jvm_writes_an_archive() {
        let recording = jvm(ArchiveUse::None).recording(Path::new("/new"));
        let record = "-XX:ArchiveClassesAtExit=/new";
        check(&recording, &[record, "-cp", "/jars/*", "Main", "word"]);
        check(
            &recording.without_recording(),
            &["-cp", "/jars/*", "Main", "word"],
        );
    }

    #[test]
    fn further_classes_come_after_those_of_the_archive() {
        let jvm = jvm(ArchiveUse::None).with_classes(Path::new("/mine"));
        check(&jvm, &["-cp", "/jars/*:/mine", "Main", "word"]);
    }
}
