//! The Kafka releases that the brokers can pretend to be. It decides which versions of an API such
//! a broker announces and serves; what those versions mean is the business of the APIs.

mod table;

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use weft_client::wire::{ApiKey, schema_versions};

/// A release of Apache Kafka, for [`MockClusterBuilder::release`]: each stands for its last patch.
///
/// They are ordered by age, and [`KafkaRelease::Newest`] is newer than all others.
///
/// ```
/// use weft_testcontainers::mock::KafkaRelease;
///
/// assert_eq!("3.9".parse(), Ok(KafkaRelease::V3_9));
/// assert!(KafkaRelease::V2_8 < KafkaRelease::V4_0);
/// ```
///
/// [`MockClusterBuilder::release`]: crate::mock::MockClusterBuilder::release
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names of the releases say it")]
pub enum KafkaRelease {
    V2_1,
    V2_2,
    V2_3,
    V2_4,
    V2_5,
    V2_6,
    V2_7,
    V2_8,
    V3_0,
    V3_1,
    V3_2,
    V3_3,
    V3_4,
    V3_5,
    V3_6,
    V3_7,
    V3_8,
    V3_9,
    V4_0,
    V4_1,
    V4_2,
    V4_3,
    V4_4,
    /// No release in particular: everything that the mock knows.
    #[default]
    Newest,
}

/// The text names no release that the mock can pretend to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRelease(String);

impl KafkaRelease {
    /// Every release, oldest first.
    pub const ALL: [Self; 24] = [
        Self::V2_1,
        Self::V2_2,
        Self::V2_3,
        Self::V2_4,
        Self::V2_5,
        Self::V2_6,
        Self::V2_7,
        Self::V2_8,
        Self::V3_0,
        Self::V3_1,
        Self::V3_2,
        Self::V3_3,
        Self::V3_4,
        Self::V3_5,
        Self::V3_6,
        Self::V3_7,
        Self::V3_8,
        Self::V3_9,
        Self::V4_0,
        Self::V4_1,
        Self::V4_2,
        Self::V4_3,
        Self::V4_4,
        Self::Newest,
    ];

    /// The release as people write it, such as `3.9`, or `newest`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
            Self::V2_3 => "2.3",
            Self::V2_4 => "2.4",
            Self::V2_5 => "2.5",
            Self::V2_6 => "2.6",
            Self::V2_7 => "2.7",
            Self::V2_8 => "2.8",
            Self::V3_0 => "3.0",
            Self::V3_1 => "3.1",
            Self::V3_2 => "3.2",
            Self::V3_3 => "3.3",
            Self::V3_4 => "3.4",
            Self::V3_5 => "3.5",
            Self::V3_6 => "3.6",
            Self::V3_7 => "3.7",
            Self::V3_8 => "3.8",
            Self::V3_9 => "3.9",
            Self::V4_0 => "4.0",
            Self::V4_1 => "4.1",
            Self::V4_2 => "4.2",
            Self::V4_3 => "4.3",
            Self::V4_4 => "4.4",
            Self::Newest => "newest",
        }
    }

    /// Whether the controller keeps the cluster in ZooKeeper, which the mock takes for granted of
    /// all releases before KRaft was ready for production (KIP-833).
    pub(crate) fn is_on_zookeeper(self) -> bool {
        self < Self::V3_3
    }

    /// The versions of an API that a broker of this release serves, as far as the mock can read and
    /// write them. `None` if that is none.
    pub(crate) fn versions(self, api_key: ApiKey) -> Option<RangeInclusive<i16>> {
        let known = schema_versions(api_key);
        let (first, last) = match self {
            Self::Newest => (*known.start(), *known.end()),
            release => table::versions(release, api_key)?,
        };
        let both = first.max(*known.start())..=last.min(*known.end());
        (!both.is_empty()).then_some(both)
    }
}

impl fmt::Display for KafkaRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KafkaRelease {
    type Err = UnknownRelease;

    fn from_str(text: &str) -> Result<Self, UnknownRelease> {
        let known = Self::ALL.iter().find(|release| release.as_str() == text);
        known
            .copied()
            .ok_or_else(|| UnknownRelease(text.to_owned()))
    }
}

impl fmt::Display for UnknownRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        write!(f, "{text:?} is none of the releases 2.1 to 4.4 and newest")
    }
}

impl std::error::Error for UnknownRelease {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_as_they_are_written_and_ordered_by_age() {
        for release in KafkaRelease::ALL {
            assert_eq!(release.to_string().parse(), Ok(release));
        }
        assert!(KafkaRelease::ALL.is_sorted());
        assert_eq!(
            "2.0".parse::<KafkaRelease>().unwrap_err().to_string(),
            "\"2.0\" is none of the releases 2.1 to 4.4 and newest"
        );
    }

    #[test]
    fn a_later_release_never_knows_an_older_newest_version() {
        for api_key in ApiKey::iter() {
            let last = KafkaRelease::ALL.map(|release| {
                let versions = release.versions(api_key);
                versions.map_or(-1, |versions| *versions.end())
            });
            assert!(last.is_sorted(), "{api_key:?}: {last:?}");
        }
    }

    #[test]
    fn the_table_knows_every_api_that_the_wire_layer_does() {
        for api_key in ApiKey::iter() {
            let newest = KafkaRelease::Newest.versions(api_key);
            let latest = KafkaRelease::V4_4.versions(api_key);
            assert_eq!(newest.is_some(), latest.is_some(), "{api_key:?}");
        }
    }
}
