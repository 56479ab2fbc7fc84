//! Which offsets of one partition were seen, a bit each.

use weft_client::Offset;

/// A set of offsets, which grows to the largest one: for partitions that begin near 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OffsetSet {
    words: Vec<u64>,
    count: u64,
}

impl OffsetSet {
    /// Adds an offset; false if it was there already.
    ///
    /// # Panics
    ///
    /// If the offset is negative.
    pub fn insert(&mut self, offset: Offset) -> bool {
        let (word, bit) = place(offset);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u64::from(is_new);
        is_new
    }

    /// Whether the offset was added.
    pub fn contains(&self, offset: Offset) -> bool {
        let (word, bit) = place(offset);
        self.words.get(word).is_some_and(|found| found & bit != 0)
    }

    /// How many offsets were added.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first offset from 0 up to and without `end` that is not there.
    pub fn first_missing(&self, end: Offset) -> Option<Offset> {
        let full = self.words.iter().take_while(|word| **word == u64::MAX);
        let full = full.count();
        let ones = self.words.get(full).map_or(0, |word| word.trailing_ones());
        let first = i64::try_from(full).expect("a bit for each offset fits in memory") * 64;
        let first = Offset::new(first + i64::from(ones));
        (first < end).then_some(first)
    }
}

fn place(offset: Offset) -> (usize, u64) {
    let offset = usize::try_from(offset.value()).expect("records have offsets from 0 on");
    (offset / 64, 1 << (offset % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_missing_offset_is_found_across_words() {
        let mut set = OffsetSet::default();
        assert_eq!(set.first_missing(Offset::ZERO), None);
        assert_eq!(set.first_missing(Offset::new(1)), Some(Offset::ZERO));
        for offset in (0..130).filter(|offset| *offset != 100) {
            assert!(set.insert(Offset::new(offset)));
        }
        assert!(!set.insert(Offset::new(64)));
        assert_eq!(set.len(), 129);
        assert_eq!(set.first_missing(Offset::new(100)), None);
        assert_eq!(set.first_missing(Offset::new(101)), Some(Offset::new(100)));
        assert!(set.contains(Offset::new(129)) && !set.contains(Offset::new(100)));
        assert!(!set.contains(Offset::new(100_000)));
    }
}
