//! From the bytes of keys and values to what they stand for (Kafka's `Deserializer`).

use bytes::Bytes;
use uuid::Uuid;
use weft_client::record::Headers;

use crate::listener::CallbackError;

/// Makes a `T` of the bytes of a key or a value. Null is never given to it: it stays null.
///
/// A closure from bytes is one, too. Deviation from Java's: headers cannot be changed, and there is
/// no `configure`: a deserializer is made by whoever knows its options.
///
/// # Examples
///
/// ```
/// use weft_consumer::{CallbackError, Deserializer};
///
/// /// A point as `x,y`.
/// let point = |bytes: &[u8]| -> Result<(i32, i32), CallbackError> {
///     let text = std::str::from_utf8(bytes)?;
///     let (x, y) = text.split_once(',').ok_or("a comma is missing")?;
///     Ok((x.parse()?, y.parse()?))
/// };
/// fn check(points: impl Deserializer<(i32, i32)>) {}
/// check(point);
/// ```
pub trait Deserializer<T> {
    /// Reads the bytes of a key or a value of this topic.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with them; `poll` tells it together with the record.
    fn deserialize(
        &self,
        topic: &str,
        headers: Headers<'_>,
        bytes: &[u8],
    ) -> Result<T, CallbackError>;
}

impl<T, F: Fn(&[u8]) -> Result<T, CallbackError>> Deserializer<T> for F {
    fn deserialize(&self, _: &str, _: Headers<'_>, bytes: &[u8]) -> Result<T, CallbackError> {
        self(bytes)
    }
}

macro_rules! deserializers {
    ($(
        $(#[$doc:meta])*
        $name:ident { $($to:ty: $read:expr;)+ }
    )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        $( impl Deserializer<$to> for $name {
            fn deserialize(
                &self,
                _: &str,
                _: Headers<'_>,
                bytes: &[u8],
            ) -> Result<$to, CallbackError> {
                let read: fn(&[u8]) -> Result<$to, CallbackError> = $read;
                read(bytes)
            }
        } )+
    )* };
}

deserializers! {
    /// The bytes themselves, copied (Kafka's `ByteArrayDeserializer` and `BytesDeserializer`). For
    /// bytes without a copy read [`ConsumerRecord::value`](crate::ConsumerRecord::value).
    BytesDeserializer {
        Vec<u8>: |bytes| Ok(bytes.to_vec());
        Bytes: |bytes| Ok(Bytes::copy_from_slice(bytes));
    }

    /// Text in UTF-8. What is not UTF-8 is an error, where Java puts replacement characters; see
    /// [`LossyStringDeserializer`].
    StringDeserializer {
        String: |bytes| Ok(std::str::from_utf8(bytes)?.to_owned());
    }

    /// Text in UTF-8, with U+FFFD for what is not, as Java's `StringDeserializer` reads it.
    LossyStringDeserializer {
        String: |bytes| Ok(String::from_utf8_lossy(bytes).into_owned());
    }

    /// Numbers of a fixed size, the highest byte first: Kafka's `ShortDeserializer`,
    /// `IntegerDeserializer`, `LongDeserializer`, `FloatDeserializer` and `DoubleDeserializer`.
    NumberDeserializer {
        i16: |bytes| Ok(i16::from_be_bytes(sized(bytes)?));
        i32: |bytes| Ok(i32::from_be_bytes(sized(bytes)?));
        i64: |bytes| Ok(i64::from_be_bytes(sized(bytes)?));
        f32: |bytes| Ok(f32::from_be_bytes(sized(bytes)?));
        f64: |bytes| Ok(f64::from_be_bytes(sized(bytes)?));
    }

    /// One byte, 1 for true and 0 for false.
    BooleanDeserializer {
        bool: |bytes| match bytes {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(format!("a boolean is one byte, 0 or 1, not {bytes:02x?}").into()),
        };
    }

    /// A UUID written as text.
    UuidDeserializer {
        Uuid: |bytes| Ok(Uuid::try_parse_ascii(bytes)?);
    }

    /// Nothing: whatever is not null is an error.
    VoidDeserializer {
        (): |bytes| Err(format!("nothing was expected, not {} bytes", bytes.len()).into());
    }
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N], CallbackError> {
    let wrong = |_| format!("{N} bytes are needed, not {}", bytes.len());
    Ok(bytes.try_into().map_err(wrong)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(deserializer: &impl Deserializer<T>, bytes: &[u8]) -> Result<T, String> {
        let found = deserializer.deserialize("t", Headers::default(), bytes);
        found.map_err(|error| error.to_string())
    }

    #[test]
    fn every_type_is_read_as_java_writes_it() {
        let number = NumberDeserializer;
        assert_eq!(read(&number, &[0xff, 0xfe]), Ok(-2_i16));
        assert_eq!(read(&number, &[0, 0, 1, 0]), Ok(256_i32));
        assert_eq!(read(&number, &[0, 0, 0, 0, 0, 0, 0, 7]), Ok(7_i64));
        assert_eq!(read(&number, &[0x3f, 0xc0, 0, 0]), Ok(1.5_f32));
        let double = [0xc0, 4, 0, 0, 0, 0, 0, 0];
        assert_eq!(read(&number, &double), Ok(-2.5_f64));
        assert_eq!(read(&BytesDeserializer, b"ab"), Ok(b"ab".to_vec()));
        assert_eq!(
            read(&BytesDeserializer, b"ab"),
            Ok(Bytes::from_static(b"ab"))
        );
        assert_eq!(
            read(&StringDeserializer, "ä".as_bytes()),
            Ok("ä".to_owned())
        );
        assert_eq!(
            read(&LossyStringDeserializer, b"\xff"),
            Ok("\u{fffd}".to_owned())
        );
        assert_eq!(read(&BooleanDeserializer, &[1]), Ok(true));
        let uuid = "0191e3a0-0000-7000-8000-00000000002a";
        let found = read(&UuidDeserializer, uuid.as_bytes()).unwrap();
        assert_eq!(found.to_string(), uuid);
    }

    #[test]
    fn bytes_that_are_none_of_the_type_are_refused_with_the_reason() {
        let refused = [
            read::<i16>(&NumberDeserializer, &[1]).map(drop),
            read::<i32>(&NumberDeserializer, &[1; 5]).map(drop),
            read::<i64>(&NumberDeserializer, &[]).map(drop),
            read::<f64>(&NumberDeserializer, &[1; 4]).map(drop),
            read(&StringDeserializer, b"\xff").map(drop),
            read(&BooleanDeserializer, &[2]).map(drop),
            read(&BooleanDeserializer, &[]).map(drop),
            read(&UuidDeserializer, b"no uuid").map(drop),
            read(&VoidDeserializer, b"").map(drop),
        ];
        for (index, result) in refused.iter().enumerate() {
            let text = result.as_ref().unwrap_err();
            assert!(!text.is_empty(), "case {index}");
        }
        assert_eq!(refused[0], Err("2 bytes are needed, not 1".to_owned()));
    }
}
