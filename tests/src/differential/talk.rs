//! Shell: one TCP connection to a broker, on which frames are written and answers awaited. It knows
//! nothing of what they mean.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: it owns the socket of a connection"
)]

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;

/// A connection, from the first byte to its end.
#[derive(Debug)]
pub(super) struct Talk {
    stream: TcpStream,
}

/// What came instead of nothing.
#[derive(Debug)]
pub(super) enum Heard {
    /// A frame without its length.
    Frame(Bytes),
    /// The peer ended the connection.
    Closed,
    /// Nothing came for [`PATIENCE`].
    Silence,
}

impl Talk {
    pub(super) fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream })
    }

    /// Writes exactly these bytes. A peer that has ended the connection shows itself in
    /// [`Self::hear`].
    pub(super) fn write(&mut self, bytes: &[u8]) {
        // What cannot be written is not answered either, which is what counts.
        let _ = self.stream.write_all(bytes);
    }

    pub(super) fn write_frame(&mut self, frame: &[u8]) {
        let length = i32::try_from(frame.len()).expect("frames of tests are small");
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend_from_slice(frame);
        self.write(&bytes);
    }

    pub(super) fn hear(&mut self) -> Heard {
        let mut length = [0; 4];
        let heard = self.stream.read_exact(&mut length).and_then(|()| {
            let length = u32::from_be_bytes(length) as usize;
            if length > FRAME_BYTES_MAX {
                let text = format!("a frame of {length} bytes");
                return Err(io::Error::new(ErrorKind::InvalidData, text));
            }
            let mut frame = vec![0; length];
            self.stream.read_exact(&mut frame).map(|()| frame)
        });
        match heard {
            Ok(frame) => Heard::Frame(frame.into()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Heard::Silence
            }
            Err(_) => Heard::Closed,
        }
    }
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// No answer of a test is larger.
const FRAME_BYTES_MAX: usize = 64 << 20;
