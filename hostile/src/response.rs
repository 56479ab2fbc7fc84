//! Responses, as a client decodes them: the input names API and version, the rest is the frame.

use bytes::Bytes;
use weft_client::wire::{WireError, decode_response, decoding_bytes_max};

use crate::allowance::{Allowance, within};
use crate::choices::Choices;

/// See the module's text.
pub fn check(input: &[u8]) {
    let mut choices = Choices::new(input);
    let (api_key, version) = choices.api_and_version();
    let frame = Bytes::copy_from_slice(choices.rest());

    let allowance = Allowance::of(decoding_bytes_max(frame.len()));
    let decoded = within(allowance, || {
        decode_response(api_key, version, frame.clone())
    });

    match decoded {
        Ok((_, response)) => {
            assert_eq!(response.api_key(), api_key);
            // A copy takes no more than the original did, nor does taking it down.
            let copy = within(allowance, || response.clone());
            assert_eq!(copy, response);
        }
        Err(WireError::Malformed { .. }) => {}
        Err(error) => panic!("a response can only be malformed, not: {error}"),
    }
}
