//! A request of any API as bytes, and how its answer is read. The schemas are used as they are:
//! nothing is adapted between versions, so that a case says what each version carries.

use std::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable, Request};
use weft_client::wire::ApiKey;

use super::tree::Tree;

/// A request that can be sent in any version that can carry it.
pub struct Question {
    /// What is asked for.
    pub api: ApiKey,
    /// Whether an answer comes; a produce request without acknowledgement gets none.
    pub is_answered: bool,
    /// The oldest version that serves the purpose; 0 unless set.
    pub at_least: i16,
    body: Body,
    read: fn(Bytes, i16) -> Result<Tree, String>,
}

type Body = Box<dyn Fn(i16) -> Result<Bytes, String>>;

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("api", &self.api).finish()
    }
}

impl<R> From<R> for Question
where
    R: Request + 'static,
    R::Response: fmt::Debug,
{
    fn from(request: R) -> Self {
        let body = move |version| {
            let mut body = BytesMut::new();
            let encoded = request.encode(&mut body, version);
            encoded
                .map(|()| body.freeze())
                .map_err(|error| error.to_string())
        };
        Self {
            api: ApiKey::try_from(R::KEY).expect("the schemas know their own numbers"),
            is_answered: true,
            at_least: 0,
            body: Box::new(body),
            read: read::<R::Response>,
        }
    }
}

impl Question {
    /// As it is, but that no answer is expected.
    #[must_use]
    pub fn unanswered(mut self) -> Self {
        self.is_answered = false;
        self
    }

    /// In this version if an older one is the case's turn.
    #[must_use]
    pub fn at_least(mut self, version: i16) -> Self {
        self.at_least = version;
        self
    }

    /// The whole frame but for its length.
    ///
    /// # Errors
    ///
    /// If this version cannot carry what the request says.
    pub fn frame(&self, version: i16, correlation_id: i32) -> Result<Bytes, String> {
        let body = (self.body)(version)?;
        let mut frame = head(self.api, version, correlation_id);
        frame.put_slice(&body);
        Ok(frame.freeze())
    }

    /// How answers in this version are read.
    pub fn reading(&self, version: i16) -> Reading {
        Reading {
            api: self.api,
            version,
            read: self.read,
        }
    }
}

/// How the answer to a request is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// What was asked for.
    pub api: ApiKey,
    /// In which version.
    pub version: i16,
    read: fn(Bytes, i16) -> Result<Tree, String>,
}

impl Reading {
    /// The correlation id and the body of an answer.
    ///
    /// # Errors
    ///
    /// If it is not exactly one such answer.
    pub fn answer(&self, mut frame: Bytes) -> Result<(i32, Tree), String> {
        let short = || format!("an answer of {} bytes", frame.remaining());
        if frame.remaining() < 4 {
            return Err(short());
        }
        let correlation_id = frame.get_i32();
        if self.api.response_header_version(self.version) >= 1 {
            if !frame.has_remaining() {
                return Err("no tagged fields in the header".to_owned());
            }
            let tagged = frame.get_u8();
            if tagged != 0 {
                return Err(format!("{tagged} tagged fields in the header"));
            }
        }
        let version = self.body_version(&frame);
        let tree = (self.read)(frame, version)?;
        Ok((correlation_id, tree))
    }

    /// A refusal of an unknown version of ApiVersions comes in version 0 (KIP-511).
    fn body_version(&self, body: &Bytes) -> i16 {
        let is_refused = self.api == ApiKey::ApiVersions && body.starts_with(&UNSUPPORTED_VERSION);
        if is_refused { 0 } else { self.version }
    }
}

/// The header of a request.
pub fn head(api: ApiKey, version: i16, correlation_id: i32) -> BytesMut {
    let mut head = BytesMut::new();
    head.put_i16(api as i16);
    head.put_i16(version);
    head.put_i32(correlation_id);
    head.put_i16(CLIENT_ID.len() as i16);
    head.put_slice(CLIENT_ID.as_bytes());
    if api.request_header_version(version) >= 2 {
        head.put_u8(0);
    }
    head
}

fn read<M: Decodable + Encodable + fmt::Debug>(
    mut body: Bytes,
    version: i16,
) -> Result<Tree, String> {
    let sent = body.clone();
    let answer = M::decode(&mut body, version).map_err(|error| error.to_string())?;
    if body.has_remaining() {
        return Err(format!("{} bytes behind the answer", body.remaining()));
    }
    // What the schemas overlook would show itself here.
    let mut again = BytesMut::new();
    let encoded = answer.encode(&mut again, version);
    match encoded {
        Ok(()) if again == sent => Tree::of(&answer),
        Ok(()) => Err(format!("the bytes are unusual: {sent:?}, not {again:?}")),
        Err(error) => Err(format!("{error}: {answer:?}")),
    }
}

/// How every connection names itself.
pub const CLIENT_ID: &str = "differential";

/// The error with which a broker refuses a version, as bytes.
const UNSUPPORTED_VERSION: [u8; 2] = [0, 35];
