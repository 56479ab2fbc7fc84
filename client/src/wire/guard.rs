//! Walks a message before it is decoded, and refuses it if an announced length cannot be true.
//!
//! The decoders of `kafka-protocol` reserve memory for as many list elements as a message
//! announces; one lying count of 2^31-1 aborts the process. So nothing reaches them that has not
//! been walked here from its first to its last byte, which takes no memory and time linear in the
//! frame.
//!
//! It decides three things: every length fits what is left of the frame; the message ends exactly
//! where the frame ends; and what the decoded message takes, counted with the true sizes of its
//! structs, stays below [`DECODED_BYTES_PER_FRAME_BYTE`] times the frame. It never looks at values,
//! and leaves to the schemas what they check without danger, such as nulls and UTF-8.

use super::error::Malformation;
use super::shapes::{Element, Field, Kind, Shape};

/// How many bytes of memory a decoded message may take for each byte of its frame. Honest messages
/// seldom pass 10, and come to 25 for a list of groups with names of three letters. Lists of
/// structs whose texts are all empty, or that each carry an unknown tagged field, pass 50.
pub(super) const DECODED_BYTES_PER_FRAME_BYTE: usize = 32;

/// What a decoded message may take whatever the size of its frame: short messages may be dense.
pub(super) const DECODED_BYTES_FREE: usize = 64 * 1024;

/// How many bytes [`decode_response`](super::decode_response) may allocate for a frame of
/// `frame_bytes`, all in all and whatever is in it.
///
/// The message is counted twice, since one of an old version is made over into the canonical shape.
/// A complaint about it comes on top, in place of the second message.
///
/// ```
/// assert!(weft_client::wire::decoding_bytes_max(1_000_000) < 65_000_000);
/// ```
pub const fn decoding_bytes_max(frame_bytes: usize) -> usize {
    let message = frame_bytes.saturating_mul(DECODED_BYTES_PER_FRAME_BYTE);
    message.saturating_add(DECODED_BYTES_FREE).saturating_mul(2)
}

/// What the first unknown tagged field of a struct takes: a node of a B-tree of `i32` to `Bytes`.
const UNKNOWN_TAG_NODE: usize = 512;

/// What each further one takes, at most: an entry in a node that is half full.
const UNKNOWN_TAG: usize = 96;

/// How lengths are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// With two or four bytes.
    Classic,
    /// Compact, and structs end in tagged fields (KIP-482).
    Flexible,
}

/// Walks `body`, which should be one message of this shape and nothing else.
pub(super) fn check(
    shape: &Shape,
    version: i16,
    encoding: Encoding,
    body: &[u8],
) -> Result<(), Malformation> {
    let limit = DECODED_BYTES_FREE + body.len().saturating_mul(DECODED_BYTES_PER_FRAME_BYTE);
    let mut walk = Walk {
        rest: body,
        version,
        encoding,
        memory: 0,
        limit,
    };
    walk.structure(shape)?;
    match walk.rest.len() {
        0 => Ok(()),
        trailing => Err(Malformation::TrailingBytes(trailing)),
    }
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    encoding: Encoding,
    /// What the decoded message takes so far.
    memory: usize,
    limit: usize,
}

impl Walk<'_> {
    fn structure(&mut self, shape: &Shape) -> Result<(), Malformation> {
        for field in shape.fields {
            if field.tag.is_none() && field.is_in(self.version) {
                self.value(field.name, field.kind)?;
            }
        }
        match self.encoding {
            Encoding::Classic => Ok(()),
            Encoding::Flexible => self.tagged_fields(shape),
        }
    }

    fn value(&mut self, name: &'static str, kind: Kind) -> Result<(), Malformation> {
        match kind {
            Kind::Fixed(size) => self.skip(size),
            Kind::Text => self.text(name),
            Kind::Bytes => {
                let length = self.length(name, Self::int32)?;
                self.skip_announced(name, length)
            }
            Kind::List(element) => self.list(name, element),
            Kind::Struct(shape) => self.structure(shape),
            #[cfg(any(test, feature = "broker"))]
            Kind::NullableStruct(shape) => self.nullable_structure(shape),
        }
    }

    /// Like the schemas, it takes anything but a 1 for a null.
    #[cfg(any(test, feature = "broker"))]
    fn nullable_structure(&mut self, shape: &Shape) -> Result<(), Malformation> {
        let (&presence, rest) = self.rest.split_first().ok_or(Malformation::Truncated)?;
        self.rest = rest;
        if presence == 1 {
            self.structure(shape)
        } else {
            Ok(())
        }
    }

    fn text(&mut self, name: &'static str) -> Result<(), Malformation> {
        let length = self.length(name, Self::int16)?;
        self.skip_announced(name, length)
    }

    fn list(&mut self, name: &'static str, element: Element) -> Result<(), Malformation> {
        let count = self.length(name, Self::int32)?;
        // No element is smaller than a byte.
        if count > self.rest.len() {
            return Err(self.lying(name, count));
        }
        self.charge(name, count.saturating_mul(element.memory()))?;
        for _ in 0..count {
            match element {
                Element::Fixed(size) => self.skip(size)?,
                Element::Text => self.text(name)?,
                Element::Struct(shape) => self.structure(shape)?,
            }
        }
        Ok(())
    }

    fn tagged_fields(&mut self, shape: &Shape) -> Result<(), Malformation> {
        let count = self.unsigned_varint()?;
        let mut unknown = 0;
        for _ in 0..count {
            let tag = self.unsigned_varint()?;
            let size = self.unsigned_varint()? as usize;
            let known = shape.fields.iter().find(|field| field.tag == Some(tag));
            if i32::try_from(tag).is_err() {
                return Err(Malformation::TagOutOfRange(tag));
            }
            if let Some(field) = known {
                self.tagged_field(field, size)?;
            } else {
                let charge = if unknown == 0 {
                    UNKNOWN_TAG_NODE
                } else {
                    UNKNOWN_TAG
                };
                unknown += 1;
                self.charge("unknown tagged field", charge)?;
                self.skip_announced("unknown tagged field", size)?;
            }
        }
        Ok(())
    }

    /// The schemas read a known tagged field without regard to its announced size, so the two
    /// have to agree.
    fn tagged_field(&mut self, field: &Field, size: usize) -> Result<(), Malformation> {
        if size > self.rest.len() {
            return Err(self.lying(field.name, size));
        }
        let before = self.rest.len();
        self.value(field.name, field.kind)?;
        match before - self.rest.len() {
            walked if walked == size => Ok(()),
            walked => Err(Malformation::TaggedFieldSize {
                field: field.name,
                announced: size,
                walked,
            }),
        }
    }

    /// A length or a count; a null counts as nothing.
    fn length(
        &mut self,
        name: &'static str,
        classic: fn(&mut Self) -> Result<i32, Malformation>,
    ) -> Result<usize, Malformation> {
        match self.encoding {
            Encoding::Flexible => Ok((self.unsigned_varint()? as usize).saturating_sub(1)),
            Encoding::Classic => match classic(self)? {
                -1 => Ok(0),
                length => usize::try_from(length).map_err(|_| Malformation::NegativeLength {
                    field: name,
                    announced: length.into(),
                }),
            },
        }
    }

    fn charge(&mut self, name: &'static str, memory: usize) -> Result<(), Malformation> {
        self.memory = self.memory.saturating_add(memory);
        if self.memory > self.limit {
            return Err(Malformation::TooDense {
                field: name,
                limit: self.limit,
            });
        }
        Ok(())
    }

    fn lying(&self, name: &'static str, announced: usize) -> Malformation {
        Malformation::LyingLength {
            field: name,
            announced,
            remaining: self.rest.len(),
        }
    }

    fn skip_announced(&mut self, name: &'static str, length: usize) -> Result<(), Malformation> {
        if length > self.rest.len() {
            return Err(self.lying(name, length));
        }
        self.skip(length)
    }

    fn skip(&mut self, bytes: usize) -> Result<(), Malformation> {
        self.rest = self.rest.get(bytes..).ok_or(Malformation::Truncated)?;
        Ok(())
    }

    fn int16(&mut self) -> Result<i32, Malformation> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(Malformation::Truncated)?;
        self.rest = rest;
        Ok(i16::from_be_bytes(*bytes).into())
    }

    fn int32(&mut self) -> Result<i32, Malformation> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(Malformation::Truncated)?;
        self.rest = rest;
        Ok(i32::from_be_bytes(*bytes))
    }

    /// Like the schemas, it reads at most five bytes and drops the bits above 32.
    fn unsigned_varint(&mut self) -> Result<u32, Malformation> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let (&byte, rest) = self.rest.split_first().ok_or(Malformation::Truncated)?;
            self.rest = rest;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
