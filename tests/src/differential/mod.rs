//! The mock against a real broker: the same requests byte for byte, in every version that both
//! announce, and the answers compared field by field.
//!
//! A [`case`] is data: requests on named connections, with placeholders for what only an answer can
//! tell. [`play`] sends it to one broker, [`normal`] takes out what legitimately differs, and
//! [`verdict`] compares. Where they differ, the mock is wrong; what cannot be mended is listed in
//! [`allowed`] with its reason.

pub mod allowed;
pub mod case;
pub mod cases;
pub mod normal;
pub mod play;
pub mod question;
pub mod run;
mod talk;
pub mod tree;
pub mod verdict;
