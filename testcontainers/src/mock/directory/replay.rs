//! Shell: reads a journal from its beginning to its end, lets a cluster hear it, and cuts off what
//! a death in the middle of writing left behind.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytes::Bytes;

use super::super::core::{
    Cluster, FRAME_HEAD_LENGTH, FrameHead, HEADER, check_payload, read_facts, read_head,
};
use super::super::error::MockError;
use super::{Recovery, failed_at};

/// How the next entry is.
enum Entry {
    Whole(Bytes),
    /// It is the last one, and was not written whole.
    Torn,
    Damaged,
}

struct Reader {
    file: BufReader<File>,
    position: u64,
    length: u64,
}

/// Reads all of it. A journal that does not exist says nothing.
pub(super) fn replay(
    path: &Path,
    now: Instant,
    cluster: &mut Cluster,
) -> Result<Recovery, MockError> {
    let mut recovery = Recovery {
        journal_bytes: 0,
        cut_bytes: 0,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(recovery),
        Err(source) => return Err(failed_at("opening", path, source)),
    };
    let reading = |source| failed_at("reading", path, source);
    let mut reader = Reader::new(file).map_err(reading)?;
    if !reader.has_header().map_err(reading)? {
        if reader.length < HEADER.len() as u64 {
            recovery.cut_bytes = reader.length;
            return cut(path, 0).map(|()| recovery);
        }
        return Err(MockError::Directory {
            path: path.to_owned(),
            what: "it is no journal of this version of weft-mock; take another directory"
                .to_owned(),
        });
    }
    while reader.position < reader.length {
        let position = reader.position;
        match reader.next().map_err(reading)? {
            Entry::Whole(payload) => hear(payload, now, cluster)
                .map_err(|what| damaged(path.to_owned(), position, &what))?,
            Entry::Torn => {
                recovery.cut_bytes = reader.length - position;
                cut(path, position)?;
                break;
            }
            Entry::Damaged => {
                let what = "its checksum is wrong";
                return Err(damaged(path.to_owned(), position, what));
            }
        }
    }
    recovery.journal_bytes = reader.length - recovery.cut_bytes;
    Ok(recovery)
}

fn hear(payload: Bytes, now: Instant, cluster: &mut Cluster) -> Result<(), String> {
    let facts = read_facts(payload).map_err(|error| error.to_string())?;
    facts.into_iter().try_for_each(|fact| {
        let heard = cluster.restore(now, fact);
        heard.map_err(|error| error.to_string())
    })
}

fn cut(path: &Path, length: u64) -> Result<(), MockError> {
    let file = OpenOptions::new().write(true).open(path);
    file.and_then(|file| file.set_len(length).and_then(|()| file.sync_all()))
        .map_err(|source| failed_at("cutting", path, source))
}

fn damaged(path: PathBuf, position: u64, what: &str) -> MockError {
    let shown = path.display();
    let what = format!(
        "the journal is damaged at byte {position}: {what}. Nothing was changed. To go on with \
         what stands before that, cut it there (truncate -s {position} {shown}); to begin anew, \
         remove the directory"
    );
    MockError::Directory { path, what }
}

impl Reader {
    fn new(file: File) -> io::Result<Self> {
        Ok(Self {
            length: file.metadata()?.len(),
            file: BufReader::with_capacity(READ_BYTES, file),
            position: 0,
        })
    }

    fn has_header(&mut self) -> io::Result<bool> {
        let mut header = [0; HEADER.len()];
        if self.length < header.len() as u64 {
            return Ok(false);
        }
        self.file.read_exact(&mut header)?;
        self.position = header.len() as u64;
        Ok(header == *HEADER)
    }

    fn next(&mut self) -> io::Result<Entry> {
        let left = self.length - self.position;
        let mut head = [0; FRAME_HEAD_LENGTH];
        if left < head.len() as u64 {
            return Ok(Entry::Torn);
        }
        self.file.read_exact(&mut head)?;
        let left = left - head.len() as u64;
        let size = match read_head(head) {
            FrameHead::Follows(size) if size as u64 > left => return Ok(Entry::Torn),
            FrameHead::Follows(size) => size,
            // A machine that lost its power may leave a file longer than what was written to it.
            FrameHead::Damaged if head == [0; FRAME_HEAD_LENGTH] && self.has_only_zeros()? => {
                return Ok(Entry::Torn);
            }
            FrameHead::Damaged => return Ok(Entry::Damaged),
        };
        let mut payload = vec![0; size];
        self.file.read_exact(&mut payload)?;
        self.position += (head.len() + size) as u64;
        Ok(match check_payload(payload.into()) {
            Some(payload) => Entry::Whole(payload),
            None if self.position == self.length => Entry::Torn,
            None => Entry::Damaged,
        })
    }

    /// Whether nothing but zeros follows. Whatever does is read.
    fn has_only_zeros(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 4096];
        loop {
            match self.file.read(&mut chunk)? {
                0 => return Ok(true),
                read if chunk[..read].iter().any(|byte| *byte != 0) => return Ok(false),
                _ => {}
            }
        }
    }
}

/// How much is read at once.
const READ_BYTES: usize = 1024 * 1024;
