//! Hands inputs to the check; see `hostile/src/record_batch.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| weft_hostile::record_batch::check(input));
