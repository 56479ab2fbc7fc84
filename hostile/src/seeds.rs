//! Inputs to begin with, made by the project's own encoders: every message in every version, every
//! codec, batches of every kind. They are made anew whenever they are needed, so that new messages
//! are among them by themselves.

mod blobs;
mod messages;
mod records;
mod requests;

/// A request of every API and version, without its length.
pub fn requests() -> Vec<Vec<u8>> {
    messages::requests()
}

/// The seeds of a target; none for a target that does not exist.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "frame" => messages::frames(),
        "response" => messages::responses(),
        "connection" => messages::conversations(),
        "record_batch" => records::fields(),
        "decompression" => records::compressed(),
        "group_blobs" => blobs::all(),
        "request" => requests::all(),
        "round_trip" => {
            let mut all = messages::both_directions();
            all.extend(records::round_trips());
            all
        }
        _ => Vec::new(),
    }
}
