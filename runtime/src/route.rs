//! Which lane a record belongs to: the records of one lane are handled one after the other, in
//! order, and those of different lanes at once.
//!
//! It decides lanes from partitions and keys alone. What a lane does, and on which thread, it does
//! not know; nor does it look at values.
//!
//! ```text
//!  order none        any lane that is free
//!  order partition   one lane per partition
//!  order key         hash of partition and key -> one of the hashed lanes
//!                    no key -> the partition's own lane, or any (NullKeys)
//! ```
//!
//! Two keys that share a hashed lane wait for each other. That costs time and never order, and with
//! many more lanes than workers it is rare.

/// Which records are handled one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ordering {
    /// None are: any record may overtake any other.
    None,
    /// Those of one partition: as many records are handled at once as there are partitions.
    Partition,
    /// Those of one partition that have the same key.
    #[default]
    Key,
}

/// What order by key means for records without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NullKeys {
    /// The keyless records of one partition keep their order among themselves.
    #[default]
    KeepOrder,
    /// They have none to keep.
    Spread,
}

/// The number of a partition among all that this process has ever been assigned. It stays the same
/// when the partition goes and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionIndex(pub u32);

/// Where a record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// To this lane, behind all that it holds.
    Hashed(u32),
    /// To the partition's own lane, behind all that it holds.
    OfPartition(PartitionIndex),
    /// To any lane that holds nothing.
    Any,
}

/// Finds the lane of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Router {
    ordering: Ordering,
    null_keys: NullKeys,
    /// One less than the number of hashed lanes, a power of two.
    mask: u32,
    seed: u64,
}

impl Router {
    /// A router over at least `lanes` hashed lanes. `seed` decides which keys share a lane; a
    /// random one keeps peers from choosing keys that all do.
    pub fn new(ordering: Ordering, null_keys: NullKeys, lanes: u32, seed: u64) -> Self {
        let lanes = lanes.clamp(1, LANES_MAX).next_power_of_two();
        Self {
            ordering,
            null_keys,
            mask: lanes - 1,
            seed,
        }
    }

    /// The number of hashed lanes.
    pub fn hashed_lanes(&self) -> u32 {
        self.mask + 1
    }

    /// Whether [`lane`](Self::lane) looks at the key.
    pub fn ordering(&self) -> Ordering {
        self.ordering
    }

    /// The lane of a record of a partition. The same partition and key give the same lane as long
    /// as the router lives.
    #[inline]
    pub fn lane(&self, partition: PartitionIndex, key: Option<&[u8]>) -> Lane {
        match (self.ordering, key) {
            (Ordering::None, _) => Lane::Any,
            (Ordering::Partition, _) => Lane::OfPartition(partition),
            (Ordering::Key, Some(key)) => {
                let seed = self.seed ^ u64::from(partition.0).wrapping_mul(PRIMES[0]);
                Lane::Hashed(hash(seed, key) as u32 & self.mask)
            }
            (Ordering::Key, None) => match self.null_keys {
                NullKeys::KeepOrder => Lane::OfPartition(partition),
                NullKeys::Spread => Lane::Any,
            },
        }
    }
}

/// So many hashed lanes are possible: beyond, their own memory would matter.
pub const LANES_MAX: u32 = 1 << 20;

/// Odd numbers with their bits well mixed, for folding.
const PRIMES: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];

/// A hash that is quick for short keys. It spreads load and nothing depends on more.
#[inline]
fn hash(seed: u64, key: &[u8]) -> u64 {
    let mut state = seed ^ (key.len() as u64).wrapping_mul(PRIMES[1]);
    let mut chunks = key.chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk.try_into().map_or(0, u64::from_le_bytes);
        state = fold(state ^ word, PRIMES[0]);
    }
    let mut word = 0;
    for byte in chunks.remainder() {
        word = word << 8 | u64::from(*byte);
    }
    fold(fold(state ^ word, PRIMES[1]), PRIMES[0])
}

/// Multiplies to 128 bits and lays both halves over each other, so that each bit moves them all.
#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: PartitionIndex = PartitionIndex(3);

    fn router(ordering: Ordering, null_keys: NullKeys) -> Router {
        Router::new(ordering, null_keys, 4_096, 7)
    }

    #[test]
    fn each_order_has_its_lanes() {
        use NullKeys::{KeepOrder, Spread};
        let hashed = router(Ordering::Key, KeepOrder).lane(P, Some(b"k"));
        assert!(matches!(hashed, Lane::Hashed(lane) if lane < 4_096));
        let of_partition = Lane::OfPartition(P);
        for (ordering, null_keys, key, expected) in [
            (Ordering::None, KeepOrder, Some(&b"k"[..]), Lane::Any),
            (Ordering::None, KeepOrder, None, Lane::Any),
            (Ordering::Partition, Spread, Some(b"k"), of_partition),
            (Ordering::Partition, Spread, None, of_partition),
            (Ordering::Key, KeepOrder, Some(b"k"), hashed),
            (Ordering::Key, Spread, Some(b"k"), hashed),
            (Ordering::Key, KeepOrder, None, of_partition),
            (Ordering::Key, Spread, None, Lane::Any),
        ] {
            let found = router(ordering, null_keys).lane(P, key);
            assert_eq!(found, expected, "{ordering:?} {null_keys:?} {key:?}");
        }
    }

    #[test]
    fn an_empty_key_is_a_key() {
        let lane = router(Ordering::Key, NullKeys::Spread).lane(P, Some(b""));
        assert!(matches!(lane, Lane::Hashed(_)));
    }

    #[test]
    fn keys_spread_evenly_over_the_lanes_whatever_they_look_like() {
        let router = Router::new(Ordering::Key, NullKeys::KeepOrder, 64, 1);
        for style in 0..4 {
            let mut seen = [0_u32; 64];
            for number in 0..6_400_u64 {
                let key = match style {
                    0 => number.to_string().into_bytes(),
                    1 => number.to_le_bytes().to_vec(),
                    2 => format!("customer-{number:016}").into_bytes(),
                    _ => vec![b'a'; number as usize],
                };
                if let Lane::Hashed(lane) = router.lane(P, Some(&key)) {
                    seen[lane as usize] += 1;
                }
            }
            assert!(
                seen.iter().all(|count| (50..160).contains(count)),
                "style {style}: {seen:?}"
            );
        }
    }

    #[test]
    fn partition_and_seed_change_which_keys_share_a_lane() {
        let lanes = |seed, partition| {
            let router = Router::new(Ordering::Key, NullKeys::KeepOrder, 4_096, seed);
            (0..50_u8)
                .map(|key| router.lane(PartitionIndex(partition), Some(&[key])))
                .collect::<Vec<_>>()
        };
        assert_eq!(lanes(1, 1), lanes(1, 1));
        assert_ne!(lanes(1, 1), lanes(1, 2));
        assert_ne!(lanes(1, 1), lanes(2, 1));
    }

    #[test]
    fn the_number_of_lanes_is_a_power_of_two_within_its_limit() {
        for (asked, found) in [(0, 1), (1, 1), (5, 8), (4_096, 4_096), (u32::MAX, 1 << 20)] {
            let router = Router::new(Ordering::Key, NullKeys::KeepOrder, asked, 0);
            assert_eq!(router.hashed_lanes(), found);
        }
    }
}
