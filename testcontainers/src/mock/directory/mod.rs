//! Shell: the directory in which a cluster outlives its process.
//!
//! ```text
//!   lock          held by the process that uses the directory
//!   journal       a header, then frames of facts; written before anybody is answered
//!   journal.new   a shorter journal on its way; of no account until it takes the other's place
//! ```
//!
//! What was acknowledged is handed to the operating system before, so it is there after `kill -9`.
//! Like a broker with Kafka's defaults the mock does not wait for the disk: if the machine itself
//! loses power, what it had not written yet is lost. It waits for the disk at an orderly end, and
//! when it writes a shorter journal.

mod journal;
mod lock;
mod replay;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::core::{Cluster, Fact};
use super::error::MockError;
use journal::Journal;
use lock::Lock;

/// What a cluster found in its directory when it started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// How many bytes of the journal were read.
    pub journal_bytes: u64,
    /// How many bytes at the end of the journal were no whole entry, and were cut off. There are
    /// some if the process was killed while it wrote; nothing of them was ever acknowledged, unless
    /// the machine itself went down.
    pub cut_bytes: u64,
}

/// A directory that this process has locked.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: Lock,
}

/// A directory whose cluster runs.
#[derive(Debug)]
pub(super) struct Store {
    /// Held for as long as the journal is written.
    _directory: Directory,
    journal: Journal,
}

impl Directory {
    /// Makes the directory if there is none, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, MockError> {
        fs::create_dir_all(path)
            .map_err(|source| MockError::io(format!("making {}", path.display()), source))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: Lock::take(path)?,
        })
    }

    /// Lets the cluster hear all that is written down here.
    pub(super) fn recover(
        self,
        now: Instant,
        cluster: &mut Cluster,
    ) -> Result<(Store, Recovery), MockError> {
        let path = self.path.join(JOURNAL);
        let recovery = replay::replay(&path, now, cluster)?;
        cluster.begin().map_err(|error| MockError::Directory {
            path: self.path.clone(),
            what: error.to_string(),
        })?;
        let journal = Journal::open(path.clone());
        let journal = journal.map_err(|source| failed_at("opening", &path, source))?;
        let store = Store {
            _directory: self,
            journal,
        };
        Ok((store, recovery))
    }
}

impl Store {
    /// Writes these facts, and a shorter journal if most of it is of no account any more.
    pub(super) fn save(&mut self, facts: &[Fact], cluster: &Cluster) -> io::Result<()> {
        if facts.is_empty() {
            return Ok(());
        }
        self.journal.append(facts)?;
        if self.journal.is_wasteful(cluster.record_bytes() as u64) {
            self.journal.rewrite(cluster)?;
        }
        Ok(())
    }

    /// Waits until all of it is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.journal.sync()
    }
}

fn failed_at(doing: &str, path: &Path, source: io::Error) -> MockError {
    MockError::io(format!("{doing} {}", path.display()), source)
}

const JOURNAL: &str = "journal";
