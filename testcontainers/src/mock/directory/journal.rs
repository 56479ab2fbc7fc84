//! Shell: the end of the journal, where facts are appended, and the shorter journal that takes its
//! place from time to time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::super::core::{Cluster, Fact, Frames, HEADER};

/// A journal that is whole up to its end.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    /// How long it was when nothing in it was in vain.
    length_when_dense: u64,
    frames: Frames,
}

impl Journal {
    /// Opens the journal, which has been read to its end, or begins it.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        remove_if_there(&new_path(&path))?;
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        let mut length = file.metadata()?.len();
        if length == 0 {
            file.write_all(HEADER)?;
            length = HEADER.len() as u64;
        }
        Ok(Self {
            path,
            file,
            length,
            length_when_dense: 0,
            frames: Frames::default(),
        })
    }

    /// Hands the facts to the operating system, as one entry.
    pub(super) fn append(&mut self, facts: &[Fact]) -> io::Result<()> {
        self.frames.push(facts);
        self.file.write_all(self.frames.bytes())?;
        self.length += self.frames.bytes().len() as u64;
        self.frames.clear();
        Ok(())
    }

    /// Whether a rewrite is worth its time, if the records of all topics have so many bytes: at
    /// most half of the journal would remain, and it has doubled since the last one.
    pub(super) fn is_wasteful(&self, record_bytes: u64) -> bool {
        let needed = record_bytes.max(self.length_when_dense);
        self.length > needed.saturating_mul(2).saturating_add(WASTE_BYTES)
    }

    /// Puts a journal in the place of this one that says the same with fewer words. Whatever goes
    /// wrong, one of the two is there.
    pub(super) fn rewrite(&mut self, cluster: &Cluster) -> io::Result<()> {
        let new_path = new_path(&self.path);
        let mut new = Self {
            path: self.path.clone(),
            file: File::create(&new_path)?,
            length: HEADER.len() as u64,
            length_when_dense: 0,
            frames: Frames::default(),
        };
        new.file.write_all(HEADER)?;
        cluster.snapshot(|facts| new.append(facts))?;
        new.length_when_dense = new.length;
        new.sync()?;
        fs::rename(&new_path, &self.path)?;
        sync_directory(&self.path)?;
        *self = new;
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

fn new_path(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The new name is as lasting as the file.
fn sync_directory(of: &Path) -> io::Result<()> {
    match of.parent() {
        Some(directory) if cfg!(unix) => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

/// A journal may be in vain by so many bytes before anybody counts.
const WASTE_BYTES: u64 = 64 * 1024 * 1024;
