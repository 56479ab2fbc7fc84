//! What a request names twice: Kafka puts much of what it is asked for into tables, so that the
//! answer has it once.

use std::collections::BTreeMap;

/// Joins what has the same key into the first of its kind. The order is that of the first ones.
pub(super) fn joined<T, K: Ord>(
    all: Vec<T>,
    key: impl Fn(&T) -> K,
    mut join: impl FnMut(&mut T, T),
) -> Vec<T> {
    let mut places = BTreeMap::<K, usize>::new();
    let mut joined = Vec::<T>::new();
    for next in all {
        let place = *places.entry(key(&next)).or_insert(joined.len());
        match joined.get_mut(place) {
            Some(first) => join(first, next),
            None => joined.push(next),
        }
    }
    joined
}

/// Leaves one of each key, at the place of the first and with the value of the last.
pub(super) fn last_of_each<T, K: Ord>(all: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    joined(all, key, |first, last| *first = last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_keeps_its_place_and_the_last_its_value() {
        let all = vec![(1, 'a'), (2, 'b'), (1, 'c'), (3, 'd'), (2, 'e')];
        let left = last_of_each(all, |(key, _)| *key);
        assert_eq!(left, [(1, 'c'), (2, 'e'), (3, 'd')]);
    }

    #[test]
    fn what_has_the_same_key_is_joined_in_its_order() {
        let all = vec![("a", vec![1]), ("b", vec![2]), ("a", vec![3, 1])];
        let left = joined(
            all,
            |(key, _)| *key,
            |(_, first), (_, next)| first.extend(next),
        );
        assert_eq!(left, [("a", vec![1, 3, 1]), ("b", vec![2])]);
    }
}
