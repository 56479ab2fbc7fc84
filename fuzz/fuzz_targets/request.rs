//! Hands inputs to the check; see `hostile/src/request.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| weft_hostile::request::check(input));
