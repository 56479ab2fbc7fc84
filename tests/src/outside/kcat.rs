//! The words of kcat: its arguments, its input, and what it prints. Pure.

use std::process::Command;

use weft_testcontainers::kafka::JavaRecord;

use super::Place;
use crate::failure::Failure;

/// What of `record` kcat can be told to write: no timestamp, no nameless header, no header that is
/// not text, and no record in which null and empty come together.
pub(super) fn writes(record: &JavaRecord) -> Option<JavaRecord> {
    let has_null = record.value.is_none();
    let has_empty = record.value.as_deref() == Some(&[]) || record.key.as_deref() == Some(&[]);
    let is_empty_line = record.key.is_none() && record.value.as_deref() == Some(&[]);
    if has_null && has_empty || is_empty_line {
        return None;
    }
    let mut record = record.clone();
    record.timestamp = None;
    record.headers.retain(|(name, value)| {
        let value = value.as_deref().unwrap_or_default();
        !name.is_empty() && !value.contains(&0) && std::str::from_utf8(value).is_ok()
    });
    Some(record)
}

/// How kcat shows `record`: it says nothing of the kind of timestamp, `NULL` for a header without a
/// value, and of another one what comes before the first zero.
pub(super) fn shows(record: &JavaRecord) -> JavaRecord {
    let mut record = record.clone();
    record.timestamp_type.clear();
    for (_, value) in &mut record.headers {
        let value = value.get_or_insert_with(|| b"NULL".to_vec());
        let end = value.iter().position(|byte| *byte == 0);
        value.truncate(end.unwrap_or(value.len()));
    }
    record
}

/// The parts of `records` that one run of kcat can write each: it takes the headers, and whether
/// nothing means null, as arguments.
pub(super) fn runs(records: &[JavaRecord]) -> impl Iterator<Item = &[JavaRecord]> {
    records.chunk_by(|one, other| {
        one.headers == other.headers && one.value.is_none() == other.value.is_none()
    })
}

/// Writes [`input`] to partition 0, with headers and nulls as `records`, a run, have them.
pub(super) fn produce(
    bootstrap: &str,
    topic: &str,
    properties: &[(&str, &str)],
    records: &[JavaRecord],
) -> Command {
    let mut command = kcat(bootstrap, properties);
    command.args(["-P", "-t", topic, "-p", "0"]);
    command.args(["-D", NEXT, "-K", KEY_ENDS]);
    if let Some(first) = records.first() {
        if first.value.is_none() {
            command.arg("-Z");
        }
        for (name, value) in &first.headers {
            let text = value.as_deref().map(String::from_utf8_lossy);
            let header = text.map_or_else(|| name.clone(), |text| format!("{name}={text}"));
            command.args(["-H", &header]);
        }
    }
    command
}

/// The records as kcat reads them from its standard input.
pub(super) fn input(records: &[JavaRecord]) -> Vec<u8> {
    let mut input = Vec::new();
    for record in records {
        if let Some(key) = &record.key {
            input.extend_from_slice(key);
        }
        // Without its end there is no key; with nothing before it, it is null if nothing means so.
        if record.key.is_some() || record.value.is_none() {
            input.extend_from_slice(KEY_ENDS.as_bytes());
        }
        input.extend_from_slice(record.value.as_deref().unwrap_or_default());
        input.extend_from_slice(NEXT.as_bytes());
    }
    input
}

/// Reads `count` records of partition 0 and prints them for [`parse`].
pub(super) fn read(
    bootstrap: &str,
    topic: &str,
    properties: &[(&str, &str)],
    count: usize,
) -> Command {
    let mut command = kcat(bootstrap, properties);
    command.args(["-C", "-t", topic, "-p", "0", "-o", "beginning", "-q"]);
    command.args(["-c", &count.to_string()]);
    command.args(["-f", "%p %o %T %K %S %k%s%h\\n"]);
    command
}

/// What [`read`] printed.
///
/// # Errors
///
/// If it is not in its format.
pub(super) fn parse(mut printed: &[u8]) -> Result<Vec<JavaRecord>, Failure> {
    let mut records = Vec::new();
    while !printed.is_empty() {
        let mut numbers = [0_i64; 5];
        for number in &mut numbers {
            let word = take_until(&mut printed, b' ')?;
            *number = std::str::from_utf8(word)?.parse()?;
        }
        let [partition, offset, timestamp, key, value] = numbers;
        let key = take(&mut printed, key)?;
        let value = take(&mut printed, value)?;
        let headers = take_until(&mut printed, b'\n')?;
        records.push(JavaRecord {
            partition: Some(i32::try_from(partition)?),
            offset: Some(offset),
            timestamp: Some(timestamp),
            key,
            value,
            headers: parse_headers(headers)?,
            ..JavaRecord::default()
        });
    }
    Ok(records)
}

/// A member of a group that prints a line for each record and commits by itself.
pub(super) fn member(bootstrap: &str, place: Place<'_>, properties: &[(&str, &str)]) -> Command {
    let mut command = kcat(bootstrap, properties);
    for (key, value) in [
        ("client.id", place.client_id),
        ("partition.assignment.strategy", place.assignor),
        ("auto.offset.reset", "earliest"),
        ("topic.metadata.refresh.interval.ms", "2000"),
    ] {
        command.args(["-X", &format!("{key}={value}")]);
    }
    // Unbuffered, and not ended by errors that pass.
    command.args(["-u", "-E", "-f", "RECORD %t %p %o %k\\n"]);
    command.args(["-G", place.group, place.topic]);
    command
}

fn kcat(bootstrap: &str, properties: &[(&str, &str)]) -> Command {
    let mut command = Command::new("kcat");
    command.args(["-b", bootstrap]);
    for (key, value) in properties {
        command.args(["-X", &format!("{key}={value}")]);
    }
    command
}

/// Takes what comes before the next `end`, which is dropped; the last one may be missing.
fn take_until<'a>(printed: &mut &'a [u8], end: u8) -> Result<&'a [u8], Failure> {
    let at = printed.iter().position(|byte| *byte == end);
    let at = at.unwrap_or(printed.len());
    let (word, rest) = printed.split_at(at);
    *printed = rest.get(1..).unwrap_or_default();
    Ok(word)
}

/// Takes so many bytes; a length of -1 is that of null.
fn take(printed: &mut &[u8], length: i64) -> Result<Option<Vec<u8>>, Failure> {
    let Ok(length) = usize::try_from(length) else {
        return Ok(None);
    };
    let (bytes, rest) = printed
        .split_at_checked(length)
        .ok_or_else(|| Failure::because(format!("{length} bytes are announced and not there")))?;
    *printed = rest;
    Ok(Some(bytes.to_vec()))
}

fn parse_headers(text: &[u8]) -> Result<Headers, Failure> {
    let headers = text.split(|byte| *byte == b',');
    let headers = headers.filter(|header| !header.is_empty());
    headers
        .map(|header| {
            let mut halves = header.splitn(2, |byte| *byte == b'=');
            let name = String::from_utf8(halves.next().unwrap_or_default().to_vec())?;
            Ok((name, halves.next().map(<[u8]>::to_vec)))
        })
        .collect()
}

type Headers = Vec<(String, Option<Vec<u8>>)>;

/// Ends a key.
const KEY_ENDS: &str = "=weft-key=";

/// Ends a record.
const NEXT: &str = "=weft-next=";

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: Option<&str>, value: Option<&str>) -> JavaRecord {
        JavaRecord {
            key: key.map(|key| key.as_bytes().to_vec()),
            value: value.map(|value| value.as_bytes().to_vec()),
            ..JavaRecord::default()
        }
    }

    #[test]
    fn null_and_empty_are_told_apart_or_not_written() {
        let cases = [
            (record(Some("k"), Some("v")), "k=weft-key=v=weft-next="),
            (record(None, Some("v")), "v=weft-next="),
            (record(Some("k"), None), "k=weft-key==weft-next="),
            (record(None, None), "=weft-key==weft-next="),
            (record(Some(""), Some("")), "=weft-key==weft-next="),
        ];
        for (record, expected) in cases {
            assert!(writes(&record).is_some(), "{record:?}");
            let input = input(std::slice::from_ref(&record));
            assert_eq!(String::from_utf8(input).unwrap(), expected);
        }
        for unwritable in [record(Some(""), None), record(None, Some(""))] {
            assert_eq!(writes(&unwritable), None);
        }
    }

    #[test]
    fn what_needs_other_arguments_is_another_run() {
        let mut with_header = record(Some("k"), Some("v"));
        with_header.headers = vec![("h".into(), None)];
        let plain = record(None, Some("v"));
        let null = record(Some("k"), None);
        let records = [with_header.clone(), with_header, plain.clone(), null, plain];
        let lengths: Vec<usize> = runs(&records).map(<[JavaRecord]>::len).collect();
        assert_eq!(lengths, [2, 1, 1, 1]);
    }

    #[test]
    fn records_are_read_by_their_lengths() {
        let printed = b"0 0 7 -1 3 a\nba=1,b=\n0 1 8 0 -1 \n0 2 9 1 1 kv";
        let read = parse(printed).unwrap();
        let expected = |offset, timestamp, key, value| JavaRecord {
            partition: Some(0),
            offset: Some(offset),
            timestamp: Some(timestamp),
            ..record(key, value)
        };
        let mut first = expected(0, 7, None, Some("a\nb"));
        first.headers = vec![
            ("a".into(), Some(b"1".to_vec())),
            ("b".into(), Some(vec![])),
        ];
        let second = expected(1, 8, Some(""), None);
        assert_eq!(read, [first, second, expected(2, 9, Some("k"), Some("v"))]);
        assert!(parse(b"0 0 7 -1 30 a\n").is_err());
    }
}
