//! Mutations of an input that follow from a seed: what a fuzzer does, without looking at coverage.

use weft_client::backoff::Random;

/// A mutation of `input`, of at most `bytes_max` bytes. `others` lends pieces.
pub fn mutate(input: &[u8], others: &[Vec<u8>], bytes_max: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(MUTATIONS_MAX) {
        mutate_once(&mut bytes, others, random);
    }
    bytes.truncate(bytes_max);
    bytes
}

fn mutate_once(bytes: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    match random.below(7) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.next_u64() as u8;
            }
        }
        2 => bytes.truncate(at),
        3 => {
            let end = (at + 1 + random.below(PIECE_MAX)).min(bytes.len());
            bytes.drain(at.min(end)..end);
        }
        4 => {
            let value = INTERESTING[random.below(INTERESTING.len())];
            let end = (at + value.len()).min(bytes.len());
            bytes.splice(at..end, value.iter().copied());
        }
        5 => {
            let end = (at + 1 + random.below(PIECE_MAX)).min(bytes.len());
            let piece = bytes[at.min(end)..end].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => {
            let other = others.get(random.below(others.len()));
            let other = other.map_or(&[][..], Vec::as_slice);
            let from = random.below(other.len() + 1);
            let to = (from + random.below(PIECE_MAX)).min(other.len());
            let end = (at + to - from).min(bytes.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
    }
}

/// Lengths and numbers at which something begins or ends.
const INTERESTING: [&[u8]; 14] = [
    &[0],
    &[1],
    &[0x7f],
    &[0xff],
    &[0xff, 0xff],
    &[0x7f, 0xff],
    &[0, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0xff],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0, 0, 0, 0, 0],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];

const MUTATIONS_MAX: usize = 4;

const PIECE_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_mutations() {
        let others = [vec![1, 2, 3], Vec::new()];
        let run = |seed| {
            let mut random = Random::new(seed);
            (0..100)
                .map(|_| mutate(b"some input", &others, 50, &mut random))
                .collect::<Vec<_>>()
        };

        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!(run(3).iter().all(|input| input.len() <= 50));
    }
}
