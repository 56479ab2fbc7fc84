//! Where one message ends and the next begins: every message follows its length as an `i32`.
//!
//! It decides how many bytes the owner of the socket should read next, and whether an announced
//! length can be believed. It holds at most the four bytes of a length: the body goes from the
//! socket straight into one buffer of its size, which the owner of the socket allocates.
//!
//! ```text
//!              4 bytes of length                     body complete
//!   Length  --------------------->  Body { size }  ----------------> Length
//!      |
//!      | negative, or above the limit
//!      v
//!    error: the stream is of no use any more
//! ```

use std::fmt;

use super::codec::LENGTH_PREFIX;

/// The largest frame that is accepted unless set otherwise: 100 MiB, like a broker's
/// `socket.request.max.bytes`. It bounds what one announced length can make us allocate. A fetch
/// asks for 50 MiB by default, and a broker exceeds that by one batch at most.
pub const FRAME_BYTES_MAX_DEFAULT: usize = 100 * 1024 * 1024;

/// Splits a stream into frames. See the module's text for its states.
#[derive(Clone, Debug)]
pub struct FrameSplitter {
    frame_bytes_max: usize,
    prefix: [u8; LENGTH_PREFIX],
    prefix_filled: usize,
}

/// What an announced length turned out to be. The text is meant for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The peer answered like an HTTP server.
    Http,
    /// The peer answered with a TLS record.
    Tls,
    /// The length is negative.
    Negative([u8; LENGTH_PREFIX]),
    /// The length is above the limit.
    TooLarge {
        /// The four bytes of the length.
        prefix: [u8; LENGTH_PREFIX],
        /// The limit, in bytes.
        limit: usize,
    },
}

impl FrameSplitter {
    /// Accepts frames of up to `frame_bytes_max` bytes, the length not counted.
    ///
    /// # Panics
    ///
    /// If the limit does not fit an `i32`: no frame can be that large, so set a smaller limit.
    pub fn new(frame_bytes_max: usize) -> Self {
        assert!(
            i32::try_from(frame_bytes_max).is_ok(),
            "the limit for frames must fit an i32, so set one below 2 GiB"
        );
        Self {
            frame_bytes_max,
            prefix: [0; LENGTH_PREFIX],
            prefix_filled: 0,
        }
    }

    /// The part of the length that is still missing, to read into. Never empty. Tell
    /// [`filled`](Self::filled) how much of it was read.
    pub fn wanted(&mut self) -> &mut [u8] {
        &mut self.prefix[self.prefix_filled..]
    }

    /// Takes note that `bytes` bytes of what was [`wanted`](Self::wanted) are there. With the last
    /// one the size of the frame's body is known: `Ok(Some(size))`. The next bytes of the stream
    /// are that body, and what follows it is a length again.
    ///
    /// # Errors
    ///
    /// If the length cannot be believed. The connection is of no use any more then.
    ///
    /// # Panics
    ///
    /// If `bytes` is more than was wanted.
    pub fn filled(&mut self, bytes: usize) -> Result<Option<usize>, FrameError> {
        assert!(
            bytes <= LENGTH_PREFIX - self.prefix_filled,
            "only what `wanted` returned can have been filled"
        );
        self.prefix_filled += bytes;
        if self.prefix_filled < LENGTH_PREFIX {
            return Ok(None);
        }
        self.prefix_filled = 0;
        self.size().map(Some)
    }

    /// Takes the bytes of the length off the front of `input`; for streams that are in memory
    /// already. `Ok(None)` if the length is not complete.
    ///
    /// # Errors
    ///
    /// As [`filled`](Self::filled).
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Option<usize>, FrameError> {
        let wanted = self.wanted();
        let bytes = wanted.len().min(input.len());
        wanted[..bytes].copy_from_slice(&input[..bytes]);
        *input = &input[bytes..];
        self.filled(bytes)
    }

    /// Whether a length is there in part: the end of the stream would cut a frame.
    pub fn is_inside_length(&self) -> bool {
        self.prefix_filled > 0
    }

    fn size(&self) -> Result<usize, FrameError> {
        let prefix = self.prefix;
        match usize::try_from(i32::from_be_bytes(prefix)) {
            Ok(size) if size <= self.frame_bytes_max => Ok(size),
            _ if &prefix == b"HTTP" => Err(FrameError::Http),
            // A record of type alert (21) or handshake (22), of SSL 3.0 or any TLS.
            _ if matches!(prefix, [0x15 | 0x16, 0x03, 0x00..=0x04, _]) => Err(FrameError::Tls),
            Ok(_) => Err(FrameError::TooLarge {
                prefix,
                limit: self.frame_bytes_max,
            }),
            Err(_) => Err(FrameError::Negative(prefix)),
        }
    }
}

impl Default for FrameSplitter {
    fn default() -> Self {
        Self::new(FRAME_BYTES_MAX_DEFAULT)
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http => {
                f.write_str("the peer answered like an HTTP server; is this the Kafka port?")
            }
            Self::Tls => f.write_str(
                "the peer answered with TLS to a request without; \
                 does this port need security.protocol=SSL or SASL_SSL?",
            ),
            Self::Negative(prefix) => write!(
                f,
                "the peer announced a frame of {} bytes (bytes {}); is it a Kafka broker?",
                i32::from_be_bytes(*prefix),
                prefix.escape_ascii()
            ),
            Self::TooLarge { prefix, limit } => write!(
                f,
                "the peer announced a frame of {} bytes (bytes {}) and {limit} are allowed; \
                 is it a Kafka broker?",
                i32::from_be_bytes(*prefix),
                prefix.escape_ascii()
            ),
        }
    }
}

impl std::error::Error for FrameError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_text(bytes: &[u8]) -> String {
        let mut splitter = FrameSplitter::default();
        splitter.feed(&mut &bytes[..]).unwrap_err().to_string()
    }

    #[test]
    fn a_stream_in_any_pieces_gives_the_same_frames() {
        let stream = [0, 0, 0, 2, b'a', b'b', 0, 0, 0, 0, 0, 0, 0, 1, b'c'];
        for piece in 1..=stream.len() {
            let mut splitter = FrameSplitter::default();
            let mut frames: Vec<Vec<u8>> = Vec::new();
            let mut missing = 0;
            for mut input in stream.chunks(piece) {
                while !input.is_empty() {
                    if missing > 0 {
                        let taken = input.len().min(missing);
                        frames.last_mut().unwrap().extend(&input[..taken]);
                        missing -= taken;
                        input = &input[taken..];
                    } else if let Some(size) = splitter.feed(&mut input).unwrap() {
                        frames.push(Vec::new());
                        missing = size;
                    }
                }
            }
            assert_eq!(
                frames,
                [b"ab".to_vec(), vec![], b"c".to_vec()],
                "in pieces of {piece}"
            );
        }
    }

    #[test]
    fn the_end_of_the_stream_inside_a_length_is_noticed() {
        let mut splitter = FrameSplitter::default();
        assert!(!splitter.is_inside_length());

        splitter.feed(&mut &[0, 0][..]).unwrap();

        assert!(splitter.is_inside_length());
    }

    #[test]
    fn a_frame_as_large_as_the_limit_is_accepted_and_a_larger_one_refused() {
        let mut splitter = FrameSplitter::new(300);

        assert_eq!(splitter.feed(&mut &[0, 0, 1, 44][..]), Ok(Some(300)));
        assert_eq!(
            splitter.feed(&mut &[0, 0, 1, 45][..]),
            Err(FrameError::TooLarge {
                prefix: [0, 0, 1, 45],
                limit: 300
            })
        );
    }

    #[test]
    fn the_error_says_what_the_peer_seems_to_be() {
        assert_eq!(
            error_text(b"HTTP/1.1 400 Bad Request"),
            "the peer answered like an HTTP server; is this the Kafka port?"
        );
        assert_eq!(
            error_text(&[0x15, 3, 3, 0, 2]),
            "the peer answered with TLS to a request without; \
             does this port need security.protocol=SSL or SASL_SSL?"
        );
        assert_eq!(
            error_text(&[0xff, 0xff, 0xff, 0xfe]),
            "the peer announced a frame of -2 bytes (bytes \\xff\\xff\\xff\\xfe); \
             is it a Kafka broker?"
        );
        assert_eq!(
            error_text(b"SSH-2.0"),
            "the peer announced a frame of 1397966893 bytes (bytes SSH-) \
             and 104857600 are allowed; is it a Kafka broker?"
        );
    }

    #[test]
    fn bytes_that_look_like_tls_are_a_length_if_the_limit_allows_it() {
        let mut splitter = FrameSplitter::new(i32::MAX as usize);

        assert_eq!(
            splitter.feed(&mut &[0x15, 3, 3, 0][..]),
            Ok(Some(0x1503_0300))
        );
    }
}
