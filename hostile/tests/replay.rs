//! Replays what fuzzing found, without a fuzzer: the seeds, the corpus, and mutations of both that
//! follow from a fixed seed.

use std::cell::RefCell;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use weft_client::backoff::Random;
use weft_hostile::mutation::mutate;
use weft_hostile::{TARGETS, Target, seeds};

/// How many mutations are tried for each target.
const MUTATIONS: usize = 100_000;

/// Where the mutations begin. An input that fails is printed, so there is no need to find it again.
const SEED: u64 = 0x5eed;

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.expect("the target exists");
    let corpus = corpus(name);
    let seeds = seeds::of(name);
    assert!(!seeds.is_empty(), "{name} has seeds");
    let inputs: Vec<Vec<u8>> = seeds.into_iter().chain(corpus).collect();
    for input in &inputs {
        run(target, input);
    }
    let mut random = Random::new(SEED);
    let mutations = match name {
        // A conversation takes a hundred times as long as a message.
        "request" => MUTATIONS / 4,
        _ => MUTATIONS,
    };
    for _ in 0..mutations {
        let input = &inputs[random.below(inputs.len())];
        let input = mutate(input, &inputs, target.input_bytes_max, &mut random);
        run(target, &input);
    }
}

/// Runs one input, and prints it if it fails.
fn run(target: &Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.check)(input))) {
        eprintln!("{} fails with the input {input:02x?}", target.name);
        resume_unwind(panic);
    }
}

/// What is kept in `corpus/`: inputs that once failed, named after what they show, and inputs that
/// reach far.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = files
        .map(|file| file.expect("the corpus is readable").path())
        .collect();
    files.sort();
    let read = |file: &std::path::PathBuf| fs::read(file).expect("the corpus is readable");
    files.iter().map(read).collect()
}

macro_rules! replays {
    ($($target:ident: $name:ident,)*) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($target));
            }
        )*

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($target),)*];
            let all: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(replayed[..], all[..]);
        }
    };
}

replays! {
    frame: any_stream_is_cut_into_the_same_frames_whatever_its_pieces,
    response: any_response_is_read_or_refused_within_the_stated_memory,
    record_batch: any_records_field_is_read_or_refused_within_the_stated_memory,
    decompression: any_compressed_bytes_are_read_or_refused_within_the_stated_memory,
    group_blobs: any_words_of_other_members_are_read_or_refused_within_the_stated_memory,
    connection: any_events_leave_a_connection_with_one_outcome_for_each_request,
    request: any_requests_leave_the_broker_within_its_memory_and_serving,
    round_trip: whatever_is_read_can_be_written_and_read_again,
}

#[test]
fn an_input_that_fails_is_noticed() {
    thread_local! {
        static LAST: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    let target = Target {
        name: "failing",
        input_bytes_max: 10,
        check: |input| {
            LAST.set(input.to_vec());
            assert_ne!(input, b"bad");
        },
    };

    run(&target, b"good");
    assert!(catch_unwind(|| run(&target, b"bad")).is_err());

    assert_eq!(LAST.take(), b"bad");
}
