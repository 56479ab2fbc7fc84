//! How the benches look at records: enough that nothing can be left out as unused, and little
//! enough that it is not the looking that is measured. Lengths, first and last bytes.

use weft_client::record::Record;

/// Looks at the value.
#[inline]
pub fn value(record: &Record<'_>) -> u64 {
    bytes(record.value())
}

/// Looks at the key.
#[inline]
pub fn key(record: &Record<'_>) -> u64 {
    bytes(record.key())
}

/// Looks at the key and the value of every header.
#[inline]
pub fn headers(record: &Record<'_>) -> u64 {
    record.headers().iter().fold(0, |sum: u64, header| {
        sum.wrapping_add(bytes(Some(header.key())) ^ bytes(header.value()))
    })
}

#[inline]
fn bytes(bytes: Option<&[u8]>) -> u64 {
    match bytes {
        Some([]) => 1,
        Some(bytes @ [first, .., last]) => {
            bytes.len() as u64 ^ u64::from(*first) << 32 ^ u64::from(*last) << 40
        }
        Some([only]) => u64::from(*only) << 32,
        None => 2,
    }
}
