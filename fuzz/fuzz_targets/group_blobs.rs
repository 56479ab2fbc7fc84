//! Hands inputs to the check; see `hostile/src/group_blobs.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| weft_hostile::group_blobs::check(input));
