//! Messages made from the shape tables, for tests: every field filled, every list with as many
//! elements as asked for. The schemas judge whether they are right.
//!
//! Outside of this crate's own tests it takes the feature `specimens`, with which come the reader
//! and the writer of exactly what is on the wire, so that whatever is read can be written again.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;

use super::guard::Encoding;
use super::header::has_tagged_response_header;
use super::shapes::{self, Element, Kind, Shape};
use super::versions::schema_versions;
use super::{Request, RequestHead, Response, WireError, codec};
use crate::ids::CorrelationId;

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A client.
    Request,
    /// A broker.
    Response,
}

/// A message with its header, without its length.
#[derive(Clone, Debug)]
pub struct Specimen {
    /// The API that it belongs to.
    pub api_key: ApiKey,
    /// Its version.
    pub version: i16,
    /// Who sends it.
    pub direction: Direction,
    /// Its bytes.
    pub frame: Bytes,
    /// Where the body begins.
    pub body: usize,
    /// Every length inside, in the order of the bytes.
    pub lengths: Vec<Length>,
}

/// Where the frame announces a length.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Whose length it is, as the schema names it.
    pub field: &'static str,
    /// Its place in the frame, in bytes.
    pub at: usize,
    /// How it is written.
    pub form: Form,
}

/// How a length is written.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Two bytes.
    Int16,
    /// Four bytes.
    Int32,
    /// One byte, as every specimen is short.
    Compact,
}

/// What the specimens contain.
#[derive(Clone, Copy, Debug)]
pub struct Filling {
    /// Elements of each list.
    pub elements: usize,
    /// Unknown tagged fields of each struct.
    pub unknown_tags: usize,
}

impl Specimen {
    /// The frame with the announced length replaced by 2^31-1, or 2^15-1 where there are only two
    /// bytes for it.
    pub fn with_lie(&self, length: Length) -> Bytes {
        let (lie, honest): (&[u8], usize) = match length.form {
            Form::Int16 => (&[0x7f, 0xff], 2),
            Form::Int32 => (&[0x7f, 0xff, 0xff, 0xff], 4),
            Form::Compact => (&[0xff, 0xff, 0xff, 0xff, 0x07], 1),
        };
        let (before, after) = self.frame.split_at(length.at);
        [before, lie, &after[honest..]].concat().into()
    }
}

/// A specimen of every message in every version.
pub fn all(filling: Filling) -> impl Iterator<Item = Specimen> {
    let directions = [Direction::Request, Direction::Response];
    apis().flat_map(move |api_key| {
        schema_versions(api_key).flat_map(move |version| {
            directions.map(move |direction| specimen(api_key, version, direction, filling))
        })
    })
}

/// Reads a response in the shape that it has on the wire, without its length. What
/// [`encode_response`](super::encode_response) writes reads the same again.
///
/// # Errors
///
/// As [`decode_response`](super::decode_response).
pub fn decode_exact_response(
    api_key: ApiKey,
    version: i16,
    frame: Bytes,
) -> Result<(CorrelationId, Response), WireError> {
    codec::decode_exact_response(api_key, version, frame)
}

/// Appends a request in the shape that it has on the wire, with its length:
/// [`decode_request`](super::decode_request) reads the same again.
///
/// # Errors
///
/// [`WireError::Unencodable`] if a field does not fit the version or the format.
pub fn encode_exact_request(
    head: &RequestHead,
    request: &Request,
    out: &mut BytesMut,
) -> Result<(), WireError> {
    codec::frame_into(head, out, |out| {
        head.encode(out)?;
        codec::encode_request_body(request, head.api_version, out)
    })
}

/// Every API that is known here.
pub fn apis() -> impl Iterator<Item = ApiKey> {
    (0..=100)
        .filter_map(|number| ApiKey::try_from(number).ok())
        .filter(|api_key| shapes::response(*api_key).is_some())
}

fn specimen(api_key: ApiKey, version: i16, direction: Direction, filling: Filling) -> Specimen {
    let mut frame = BytesMut::new();
    let shape = match direction {
        Direction::Request => {
            let head = RequestHead {
                api_key,
                api_version: version,
                correlation_id: CorrelationId::new(7),
                client_id: None,
            };
            head.encode(&mut frame)
                .expect("a head without a client id can be written");
            shapes::request(api_key).expect(SPOKEN)
        }
        Direction::Response => {
            frame.put_i32(7);
            if has_tagged_response_header(api_key, version) {
                frame.put_u8(0);
            }
            shapes::response(api_key).expect(SPOKEN)
        }
    };
    let body = frame.len();
    let mut writer = Writer {
        version,
        encoding: codec::encoding(api_key, version),
        filling,
        number: 0,
        out: frame,
        lengths: Vec::new(),
    };
    writer.structure(shape);
    Specimen {
        api_key,
        version,
        direction,
        frame: writer.out.freeze(),
        body,
        lengths: writer.lengths,
    }
}

struct Writer {
    version: i16,
    encoding: Encoding,
    filling: Filling,
    /// Makes every value another one.
    number: u8,
    out: BytesMut,
    lengths: Vec<Length>,
}

impl Writer {
    fn structure(&mut self, shape: &Shape) {
        let present = shape.fields.iter().filter(|f| f.is_in(self.version));
        let (tagged, plain): (Vec<_>, Vec<_>) = present.partition(|field| field.tag.is_some());
        for field in plain {
            self.value(field.name, field.kind);
        }
        if self.encoding == Encoding::Classic {
            return;
        }
        let count = tagged.len() + self.filling.unknown_tags;
        self.out.put_u8(count.try_into().expect(SHORT));
        for (field, tag) in tagged.iter().filter_map(|field| Some((field, field.tag?))) {
            self.tagged_value(tag, |writer| writer.value(field.name, field.kind));
        }
        for unknown in 0..self.filling.unknown_tags {
            let tag = 100 + u32::try_from(unknown).expect(SHORT);
            self.tagged_value(tag, |writer| writer.out.put_slice(b"new"));
        }
    }

    fn tagged_value(&mut self, tag: u32, write: impl FnOnce(&mut Self)) {
        self.out.put_u8(tag.try_into().expect(SHORT));
        // The schemas write the shortest varint, so the size has to be known before the value is
        // put in its place.
        let outer = std::mem::take(&mut self.out);
        let outer_lengths = std::mem::take(&mut self.lengths);
        write(self);
        let value = std::mem::replace(&mut self.out, outer);
        let inner_lengths = std::mem::replace(&mut self.lengths, outer_lengths);
        self.varint(value.len());
        let start = self.out.len();
        self.lengths
            .extend(inner_lengths.iter().map(|length| Length {
                at: length.at + start,
                ..*length
            }));
        self.out.put_slice(&value);
    }

    fn value(&mut self, name: &'static str, kind: Kind) {
        match kind {
            Kind::Fixed(size) => self.fixed(size),
            Kind::Text => self.text(name),
            Kind::Bytes => {
                self.length(name, Form::Int32, 2);
                self.out.put_slice(b"\xff\x00");
            }
            Kind::List(element) => {
                self.length(name, Form::Int32, self.filling.elements);
                for _ in 0..self.filling.elements {
                    match element {
                        Element::Fixed(size) => self.fixed(size),
                        Element::Text => self.text(name),
                        Element::Struct(shape) => self.structure(shape),
                    }
                }
            }
            Kind::Struct(shape) => self.structure(shape),
            Kind::NullableStruct(shape) => {
                self.out.put_u8(1);
                self.structure(shape);
            }
        }
    }

    /// Never a default, which the schemas would not write into a tagged field. A single byte may
    /// be a boolean.
    fn fixed(&mut self, size: usize) {
        if size == 1 {
            self.out.put_u8(1);
            return;
        }
        self.number = self.number % 100 + 1;
        self.out.put_bytes(0, size - 2);
        self.out.put_slice(&[self.number, 9]);
    }

    fn text(&mut self, name: &'static str) {
        let text = &name[..name.len().min(5)];
        self.length(name, Form::Int16, text.len());
        self.out.put_slice(text.as_bytes());
    }

    fn length(&mut self, field: &'static str, classic: Form, length: usize) {
        let form = match self.encoding {
            Encoding::Classic => classic,
            Encoding::Flexible => Form::Compact,
        };
        self.lengths.push(Length {
            field,
            at: self.out.len(),
            form,
        });
        match form {
            Form::Int16 => self.out.put_i16(length.try_into().expect(SHORT)),
            Form::Int32 => self.out.put_i32(length.try_into().expect(SHORT)),
            Form::Compact => self.out.put_u8((length + 1).try_into().expect(SHORT)),
        }
    }

    fn varint(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.out.put_u8(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.put_u8(value as u8);
    }
}

/// Why a number fits the field that it is written to.
const SHORT: &str = "specimens are short";

/// Why a shape is found.
const SPOKEN: &str = "specimens are made of APIs that are spoken";
