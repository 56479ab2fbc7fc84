//! The zigzag varints inside records: read from untrusted bytes, and written.
//!
//! Reading never looks past the slice it was given and never accepts more than five groups for
//! an `i32` or ten for an `i64`. Nearly all varints in real batches are one byte long, and the
//! others two, so those cases are kept apart, small and inlined. The rest is out of line and takes
//! and returns values: a reader whose address is never taken lives in registers.

/// A reader over one batch body. After a failed read its place is unspecified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteReader<'a> {
    bytes: &'a [u8],
    /// What was read so far. One index is cheaper to move on than the two ends of a slice.
    position: usize,
}

impl<'a> ByteReader<'a> {
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// How many bytes have been read.
    #[inline]
    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// What has not been read yet.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    #[inline(always)]
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.position)?;
        self.position += 1;
        Some(byte)
    }

    /// The next `length` bytes.
    #[inline(always)]
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.position.checked_add(length)?;
        let taken = self.bytes.get(self.position..end)?;
        self.position = end;
        Some(taken)
    }

    /// A zigzag varint of at most five bytes.
    #[inline(always)]
    pub(crate) fn varint(&mut self) -> Option<i32> {
        let value = match self.short_varint()? {
            Some(value) => value,
            None => {
                let (value, position) = long_varint(self.bytes, self.position)?;
                self.position = position;
                value
            }
        };
        Some((value >> 1) as i32 ^ -((value & 1) as i32))
    }

    /// A zigzag varint of at most ten bytes.
    #[inline(always)]
    pub(crate) fn varlong(&mut self) -> Option<i64> {
        let value = match self.short_varint()? {
            Some(value) => u64::from(value),
            None => {
                let (value, position) = long_varlong(self.bytes, self.position)?;
                self.position = position;
                value
            }
        };
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Bytes behind a varint length; any negative length means null, as in Kafka's `Utils`.
    #[inline(always)]
    pub(crate) fn nullable_bytes(&mut self) -> Option<Option<&'a [u8]>> {
        match usize::try_from(self.varint()?) {
            Ok(length) => self.take(length).map(Some),
            Err(_) => Some(None),
        }
    }

    /// The groups of a varint of one or two bytes; `Some(None)` if it is longer.
    #[inline(always)]
    fn short_varint(&mut self) -> Option<Option<u32>> {
        let first = u32::from(*self.bytes.get(self.position)?);
        if first < 0x80 {
            self.position += 1;
            return Some(Some(first));
        }
        let second = u32::from(*self.bytes.get(self.position + 1)?);
        if second < 0x80 {
            self.position += 2;
            return Some(Some(first & 0x7f | second << 7));
        }
        Some(None)
    }
}

/// The groups of the varint at `position`, and where it ends.
#[cold]
fn long_varint(bytes: &[u8], mut position: usize) -> Option<(u32, usize)> {
    let mut value = 0_u32;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(position)?;
        position += 1;
        // Groups beyond bit 31 are dropped, as Kafka's `ByteUtils` does.
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value, position));
        }
    }
    None
}

/// The groups of the varlong at `position`, and where it ends.
#[cold]
fn long_varlong(bytes: &[u8], mut position: usize) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = *bytes.get(position)?;
        position += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value, position));
        }
    }
    None
}

/// Appends `value` as a zigzag varint.
pub(crate) fn write_varint(value: i32, out: &mut impl Extend<u8>) {
    write_varlong(i64::from(value), out);
}

/// Appends `value` as a zigzag varlong; for values of 32 bits the bytes are those of a varint.
pub(crate) fn write_varlong(value: i64, out: &mut impl Extend<u8>) {
    let mut left = zigzag_64(value);
    while left >= 0x80 {
        out.extend([(left as u8 & 0x7f) | 0x80]);
        left >>= 7;
    }
    out.extend([left as u8]);
}

/// How many bytes [`write_varlong`] appends, 1 to 10.
pub(crate) const fn varlong_len(value: i64) -> usize {
    let bits = 64 - (zigzag_64(value) | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

const fn zigzag_64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: [(i32, &[u8]); 8] = [
        (0, &[0x00]),
        (-1, &[0x01]),
        (1, &[0x02]),
        (63, &[0x7e]),
        (-64, &[0x7f]),
        (64, &[0x80, 0x01]),
        (i32::MAX, &[0xfe, 0xff, 0xff, 0xff, 0x0f]),
        (i32::MIN, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
    ];

    #[test]
    fn the_vectors_of_the_protocol_are_read_and_written() {
        for (value, bytes) in VECTORS {
            let mut reader = ByteReader::new(bytes);
            assert_eq!(reader.varint(), Some(value));
            assert!(reader.rest().is_empty());
            assert_eq!(ByteReader::new(bytes).varlong(), Some(i64::from(value)));
            let mut out = Vec::new();
            write_varint(value, &mut out);
            assert_eq!(out, bytes);
            assert_eq!(varlong_len(i64::from(value)), bytes.len());
        }
    }

    #[test]
    fn every_power_of_two_survives_the_round_trip() {
        let shifts = 0..64;
        let values = shifts.flat_map(|shift| {
            let power = 1_i64 << shift;
            [power, power.wrapping_sub(1), power.wrapping_neg(), !power]
        });
        for value in values {
            let mut out = Vec::new();
            write_varlong(value, &mut out);
            assert_eq!(out.len(), varlong_len(value));
            assert_eq!(ByteReader::new(&out).varlong(), Some(value));
            if let Ok(small) = i32::try_from(value) {
                assert_eq!(ByteReader::new(&out).varint(), Some(small));
            }
        }
    }

    #[test]
    fn a_truncated_varint_is_refused_at_every_length() {
        let mut longest = Vec::new();
        write_varlong(i64::MIN, &mut longest);
        assert_eq!(longest.len(), 10);
        for length in 0..10 {
            assert_eq!(ByteReader::new(&longest[..length]).varlong(), None);
        }
        for length in 0..5 {
            assert_eq!(ByteReader::new(&longest[..length]).varint(), None);
        }
    }

    #[test]
    fn an_overlong_varint_is_refused() {
        assert_eq!(
            ByteReader::new(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00]).varint(),
            None
        );
        let mut eleven = [0x80; 11];
        eleven[10] = 0;
        assert_eq!(ByteReader::new(&eleven).varlong(), None);
    }

    #[test]
    fn negative_lengths_are_null_and_long_ones_are_refused() {
        assert_eq!(ByteReader::new(&[0x01]).nullable_bytes(), Some(None));
        assert_eq!(ByteReader::new(&[0x03]).nullable_bytes(), Some(None));
        assert_eq!(
            ByteReader::new(&[0x00]).nullable_bytes(),
            Some(Some(&[][..]))
        );
        assert_eq!(ByteReader::new(&[0x04, 7]).nullable_bytes(), None);
    }
}
