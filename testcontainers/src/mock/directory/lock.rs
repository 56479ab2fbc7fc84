//! Shell: one process at a time uses a directory. The operating system lets the lock go when the
//! process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use super::super::error::MockError;
use super::failed_at;

/// Held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    pub(super) fn take(directory: &Path) -> Result<Self, MockError> {
        let path = directory.join("lock");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = file.map_err(|source| failed_at("opening", &path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Who it is would be good to know, no more.
                let _ = file.take(OWNER_BYTES_MAX).read_to_string(&mut owner);
                return Err(MockError::Directory {
                    path: directory.to_owned(),
                    what: format!(
                        "process {} uses it; stop that, or take another directory",
                        owner.trim()
                    ),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed_at("locking", &path, source)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|source| failed_at("writing", &path, source))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// A process that was started meanwhile holds the file as well, until it runs its own program:
    /// closing the file here would not let the lock go.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::debug!("the lock of a directory is let go with its file: {error}");
        }
    }
}

/// A number of a process is shorter than this.
const OWNER_BYTES_MAX: u64 = 20;
