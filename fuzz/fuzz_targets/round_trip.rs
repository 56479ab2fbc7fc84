//! Hands inputs to the check; see `hostile/src/round_trip.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| weft_hostile::round_trip::check(input));
