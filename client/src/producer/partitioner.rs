//! Which partition a record goes to: the key's hash as Kafka's own client computes it, or for
//! records without key one partition at a time (KIP-480, KIP-794).

use crate::backoff::Random;

/// The hash that Kafka's clients place keys by: 32-bit murmur2 with a seed of its own.
pub(super) fn murmur2(key: &[u8]) -> u32 {
    let mut hash = SEED ^ u32::try_from(key.len()).unwrap_or(u32::MAX);
    let (words, rest) = key.as_chunks::<4>();
    for word in words {
        let mut mixed = u32::from_le_bytes(*word).wrapping_mul(FACTOR);
        mixed ^= mixed >> ROTATION;
        hash = hash.wrapping_mul(FACTOR) ^ mixed.wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(FACTOR);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(FACTOR);
    hash ^ (hash >> 15)
}

/// The place of a key among `count` partitions; `count` is not zero.
pub(super) fn place_of(key: &[u8], count: usize) -> usize {
    // Java drops the sign instead of taking the absolute value.
    let positive = murmur2(key) & 0x7fff_ffff;
    positive as usize % count
}

/// The partition that records without key of one topic go to for now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sticky {
    place: Option<usize>,
    /// Bytes that went there since it was chosen.
    bytes: usize,
}

impl Sticky {
    /// The present place, chosen at random among those that have a leader, or where none has
    /// among all. Neither list is longer than `count`, and `count` is not zero.
    pub(super) fn place(&mut self, count: usize, led: &[usize], random: &mut Random) -> usize {
        if let Some(place) = self.place.filter(|place| *place < count) {
            return place;
        }
        let place = match led.len() {
            0 => random.below(count),
            _ => led[random.below(led.len())],
        };
        self.place = Some(place);
        self.bytes = 0;
        place
    }

    /// Takes note of a record that went there; after a batch it is time for another place.
    pub(super) fn appended(&mut self, bytes: usize, batch_size: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= batch_size {
            self.leave();
        }
    }

    /// The batch there is full, so the next record chooses again.
    pub(super) fn leave(&mut self) {
        self.place = None;
    }
}

const SEED: u32 = 0x9747_b28c;
const FACTOR: u32 = 0x5bd1_e995;
const ROTATION: u32 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    const VECTORS: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/vectors/murmur2.jsonl"
    ));

    #[test]
    fn keys_are_placed_as_by_java() {
        let mut checked = 0;
        for line in VECTORS.lines() {
            let vector: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = vector["key"].as_str().unwrap();
            let key: Vec<u8> = (0..text.len() / 2)
                .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
                .collect();
            let hash = murmur2(&key).cast_signed();
            assert_eq!(
                i64::from(hash),
                vector["murmur2"].as_i64().unwrap(),
                "{text}"
            );
            let place = place_of(&key, 12) as u64;
            assert_eq!(Some(place), vector["partition_of_12"].as_u64(), "{text}");
            checked += 1;
        }
        assert!(checked >= 100, "only {checked} keys were compared");
    }

    #[test]
    fn records_without_key_stay_for_a_batch_and_then_spread() {
        let mut random = Random::new(1);
        let mut sticky = Sticky::default();
        let mut seen = [0; 4];
        for _ in 0..4000 {
            let place = sticky.place(4, &[0, 1, 3], &mut random);
            sticky.appended(10, 100);
            seen[place] += 1;
        }
        assert_eq!(
            seen[2], 0,
            "a partition without leader is avoided: {seen:?}"
        );
        assert!(seen.iter().all(|count| count % 10 == 0), "{seen:?}");
        assert!([0, 1, 3].iter().all(|place| seen[*place] > 800), "{seen:?}");
    }

    #[test]
    fn without_any_leader_all_partitions_serve() {
        let mut random = Random::new(1);
        let mut seen = [false; 3];
        for _ in 0..100 {
            let mut sticky = Sticky::default();
            seen[sticky.place(3, &[], &mut random)] = true;
        }
        assert_eq!(seen, [true; 3]);
    }
}
