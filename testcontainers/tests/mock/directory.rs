//! A cluster that is kept in a directory: what is there when it is started again, and what is made
//! of a journal that is not whole.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use bytes::Bytes;
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_testcontainers::mock::{MockCluster, MockClusterBuilder, MockError};

use crate::temporary::Temporary;

fn kept_in(directory: &Temporary) -> MockClusterBuilder {
    MockCluster::builder().directory(directory.path())
}

fn journal(directory: &Temporary) -> PathBuf {
    directory.path().join("journal")
}

/// One batch of one record of so many bytes.
fn batch(bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new();
    let value = vec![7; bytes];
    builder.append(1, None, Some(&value), &[]).unwrap();
    builder
        .build(Compression::None, &mut Compressor::default())
        .unwrap()
}

/// Two topics, one of them with three records.
fn fill(directory: &Temporary) {
    let cluster = kept_in(directory).topic("orders", 2).start().unwrap();
    cluster.create_topic("events", 1).unwrap();
    for _ in 0..3 {
        cluster.append("orders", 1, batch(100)).unwrap();
    }
}

fn refusal(directory: &Temporary) -> String {
    match kept_in(directory).start() {
        Err(error @ MockError::Directory { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cluster_goes_on_where_the_last_one_in_its_directory_ended() {
    let directory = Temporary::new();
    fill(&directory);

    let cluster = kept_in(&directory).topic("orders", 2).start().unwrap();

    assert_eq!(cluster.end_offset("orders", 1), Some(3));
    assert_eq!(cluster.end_offset("events", 0), Some(0));
    assert_eq!(cluster.append("orders", 1, batch(1)).unwrap(), 3);
    let recovery = cluster.recovery().unwrap();
    assert_eq!(recovery.cut_bytes, 0);
    assert!(recovery.journal_bytes > 300, "{recovery:?}");
}

#[test]
fn a_topic_of_another_size_than_the_one_that_was_kept_is_refused() {
    let directory = Temporary::new();
    fill(&directory);

    let started = kept_in(&directory).topic("orders", 3).start();

    assert!(
        matches!(started, Err(MockError::Refused { .. })),
        "{started:?}"
    );
}

#[test]
fn a_directory_in_use_is_refused_until_its_cluster_ends() {
    let directory = Temporary::new();
    let first = kept_in(&directory).start().unwrap();

    let error = refusal(&directory);
    let owner = format!("process {} uses it", std::process::id());
    assert!(error.contains(&owner), "{error}");

    drop(first);
    kept_in(&directory).start().unwrap();
}

#[test]
fn an_entry_that_was_not_written_whole_is_cut_off_wherever_it_was_cut() {
    let directory = Temporary::new();
    fill(&directory);
    let whole = fs::read(journal(&directory)).unwrap();
    let before_last = {
        let cluster = kept_in(&directory).start().unwrap();
        cluster.append("orders", 0, batch(10)).unwrap();
        drop(cluster);
        whole.len()
    };
    let longer = fs::read(journal(&directory)).unwrap();
    for length in (before_last..longer.len()).rev() {
        fs::write(journal(&directory), &longer[..length]).unwrap();

        let cluster = kept_in(&directory).start().unwrap();

        let recovery = cluster.recovery().unwrap();
        let read = usize::try_from(recovery.journal_bytes + recovery.cut_bytes).unwrap();
        assert_eq!(read, length);
        assert_eq!(cluster.end_offset("orders", 1), Some(3), "{length}");
        assert_eq!(cluster.end_offset("orders", 0), Some(0), "{length}");
    }
}

#[test]
fn zeros_and_beginnings_of_a_journal_are_what_a_lost_machine_leaves() {
    let directory = Temporary::new();
    fill(&directory);
    let mut file = OpenOptions::new()
        .append(true)
        .open(journal(&directory))
        .unwrap();
    file.write_all(&[0; 5_000]).unwrap();
    let cluster = kept_in(&directory).start().unwrap();
    assert_eq!(cluster.recovery().unwrap().cut_bytes, 5_000);
    assert_eq!(cluster.end_offset("orders", 1), Some(3));
    drop(cluster);

    fs::write(journal(&directory), b"weft").unwrap();
    let cluster = kept_in(&directory).start().unwrap();
    assert_eq!(cluster.recovery().unwrap().cut_bytes, 4);
    assert_eq!(cluster.topics(), []);
}

#[test]
fn damage_in_the_middle_is_refused_with_its_place_and_advice_that_helps() {
    let directory = Temporary::new();
    fill(&directory);
    let mut bytes = fs::read(journal(&directory)).unwrap();
    // The last but one of three records.
    let place = bytes.len() - 250;
    bytes[place] ^= 1;
    fs::write(journal(&directory), &bytes).unwrap();

    let error = refusal(&directory);

    let (_, rest) = error.split_once("truncate -s ").unwrap();
    let length: u64 = rest.split_once(' ').unwrap().0.parse().unwrap();
    assert!(length < place as u64, "{error}");
    assert!(error.contains(&format!("at byte {length}:")), "{error}");
    assert_eq!(fs::read(journal(&directory)).unwrap(), bytes, "untouched");
    let file = OpenOptions::new().write(true).open(journal(&directory));
    file.unwrap().set_len(length).unwrap();
    let cluster = kept_in(&directory).start().unwrap();
    assert_eq!(cluster.end_offset("orders", 1), Some(1));
}

#[test]
fn what_is_no_journal_is_refused() {
    let directory = Temporary::new();
    fs::create_dir_all(directory.path()).unwrap();
    fs::write(journal(&directory), b"something else altogether").unwrap();

    let error = refusal(&directory);

    assert!(error.contains("no journal"), "{error}");
}

#[test]
fn a_journal_that_is_mostly_in_vain_is_written_anew() {
    let directory = Temporary::new();
    let cluster = kept_in(&directory).topic("orders", 1).start().unwrap();
    let megabyte = batch(1_000_000);
    for offset in 0..70 {
        cluster.append("orders", 0, megabyte.clone()).unwrap();
        cluster.delete_records_before("orders", 0, offset).unwrap();
    }
    let length = fs::metadata(journal(&directory)).unwrap().len();
    assert!(length < 10_000_000, "{length}");
    cluster.append("orders", 0, batch(5)).unwrap();
    drop(cluster);

    let cluster = kept_in(&directory).topic("orders", 1).start().unwrap();

    assert_eq!(cluster.end_offset("orders", 0), Some(71));
    assert!(!directory.path().join("journal.new").exists());
}
