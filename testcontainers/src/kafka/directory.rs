//! Shell: the directory of one cluster, removed with it unless something went wrong.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::thread;

use super::error::KafkaError;
use super::supervised::{KEEP_FILE, last_log_lines};

/// A directory under the system's temporary one, with one directory per JVM inside.
#[derive(Debug)]
pub(super) struct ClusterDirectory {
    path: PathBuf,
}

impl ClusterDirectory {
    pub(super) fn create() -> Result<Self, KafkaError> {
        let path = std::env::temp_dir().join(format!("weft-kafka-{:016x}", random()));
        fs::create_dir_all(&path)
            .map_err(|source| KafkaError::io(format!("creating {}", path.display()), source))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the directory of one JVM.
    pub(super) fn subdirectory(&self, name: &str) -> Result<PathBuf, KafkaError> {
        let path = self.path.join(name);
        fs::create_dir_all(&path)
            .map_err(|source| KafkaError::io(format!("creating {}", path.display()), source))?;
        Ok(path)
    }

    /// Leaves everything in place when the cluster ends.
    pub(super) fn keep(&self) {
        // Only evidence is lost if this fails.
        let _ = fs::write(self.path.join(KEEP_FILE), "");
    }

    fn is_kept(&self) -> bool {
        self.path.join(KEEP_FILE).exists()
    }

    fn print_logs(&self) {
        eprintln!("Kafka's files are kept in {}", self.path.display());
        let Ok(entries) = fs::read_dir(&self.path) else {
            return;
        };
        for directory in entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
        {
            eprintln!("the end of the log in {}:", directory.display());
            for line in last_log_lines(&directory, 0, PRINTED_LOG_LINES) {
                eprintln!("  | {line}");
            }
        }
    }
}

impl Drop for ClusterDirectory {
    fn drop(&mut self) {
        if thread::panicking() {
            self.keep();
            self.print_logs();
        }
        if !self.is_kept() {
            // What cannot be removed is left to whoever cleans the temporary directory.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// A number that no other process draws, for names and ids.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// How many lines of each log are shown when a test fails.
pub(super) const PRINTED_LOG_LINES: usize = 30;
