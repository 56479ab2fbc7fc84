//! Membership of a consumer group: pure machines and the bytes they exchange with other members.

pub mod protocol;
