//! Streams of bytes, cut into frames.
//!
//! The input is the limit for frames, the sizes of the pieces in which the stream arrives, and the
//! stream. However it is cut, the frames are those that one piece gives, and the splitter itself
//! allocates nothing but the text of its complaint.

use weft_client::wire::{FrameError, FrameSplitter};

use crate::allowance::{Allowance, within};
use crate::choices::Choices;

/// See the module's text.
pub fn check(input: &[u8]) {
    let mut choices = Choices::new(input);
    let limit = usize::from(choices.int16());
    let pieces = choices.bytes();
    let stream = choices.rest();

    let whole = split(stream, limit, &[]);
    let in_pieces = split(stream, limit, pieces);

    assert_eq!(whole, in_pieces, "the pieces make no difference");
}

/// The frames of a stream, as far as they are complete, and what ended it.
fn split<'a>(stream: &'a [u8], limit: usize, pieces: &[u8]) -> (Vec<&'a [u8]>, End) {
    let mut splitter = FrameSplitter::new(limit);
    let mut frames = Vec::new();
    let mut pieces = pieces.iter().cycle();
    let (mut at, mut missing) = (0, None);
    let mut steps = 0;
    while at < stream.len() {
        steps += 1;
        assert!(steps <= 3 * stream.len(), "every step gets further");
        let piece = pieces
            .next()
            .map_or(stream.len(), |size| usize::from(*size) + 1);
        let end = stream.len().min(at + piece);
        if let Some(size) = missing {
            // The splitter never sees a body, as in the shells.
            if stream.len() - at < size {
                return (frames, End::InsideFrame);
            }
            frames.push(&stream[at..at + size]);
            at += size;
            missing = None;
            continue;
        }
        let mut rest = &stream[at..end];
        let before = rest.len();
        let size = within(Allowance::of(0), || splitter.feed(&mut rest));
        at += before - rest.len();
        match size {
            Ok(size) => missing = size,
            Err(error) => {
                assert!(!within(Allowance::of(TEXT_BYTES), || error.to_string()).is_empty());
                return (frames, End::Error(error));
            }
        }
        if let Some(size) = missing {
            assert!(size <= limit, "a frame above the limit was let through");
            if size == 0 {
                frames.push(&[]);
                missing = None;
            }
        }
    }
    let end = match missing {
        Some(_) => End::InsideFrame,
        None if splitter.is_inside_length() => End::InsideLength,
        None => End::Clean,
    };
    (frames, end)
}

#[derive(Debug, PartialEq)]
enum End {
    Clean,
    InsideLength,
    InsideFrame,
    Error(FrameError),
}

/// What a text for people may take, with its buffer growing.
const TEXT_BYTES: usize = 4 * 1024;
