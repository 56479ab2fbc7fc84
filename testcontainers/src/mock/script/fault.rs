//! Reads the faults of a script: what stands behind `on`.

use weft_client::wire::{ApiKey, ErrorCode};
use weft_client::{GroupId, NodeId, TopicName};

use super::super::core::{Fault, FaultAction, Hits, RequestFilter, WAIT_MAX};
use super::error::ScriptError;
use super::print::api_name;
use super::words::{Word, Words};

/// Reads one fault.
pub(super) fn read(words: &mut Words) -> Result<Fault, ScriptError> {
    let word = words.next(API)?;
    let mut filter = match word.text.as_str() {
        "any" => RequestFilter::any(),
        name => RequestFilter::api(api(name).ok_or_else(|| words.wrong(&word, API))?),
    };
    let mut hits = Hits::All;
    while let Some((key, value)) = words.take_pair() {
        match key.text.as_str() {
            "version" => {
                let (first, last) = versions(&value).ok_or_else(|| {
                    words.wrong(&value, "a version such as 3, or versions such as 0-3")
                })?;
                filter.versions = Some(first..=last);
            }
            "broker" => {
                let id = words.number_in(&value, "the id of a broker")?;
                filter.broker = Some(NodeId::new(id));
            }
            "topic" => {
                let (topic, partition) = topic(&value).ok_or_else(|| {
                    words.wrong(&value, "a topic, or a partition such as orders/0")
                })?;
                filter.topic = Some(topic);
                filter.partition = partition;
            }
            "group" => filter.group = Some(GroupId::from(value.text)),
            "transaction" => filter = filter.transactional_id(&value.text),
            "client" => filter.client_id = Some(value.text),
            "nth" => hits = Hits::Nth(counted(words, &value)?),
            "first" => hits = Hits::First(counted(words, &value)?),
            "every" => hits = Hits::Every(counted(words, &value)?),
            "chance" => {
                let percent = percent(&value);
                let percent = percent.ok_or_else(|| words.wrong(&value, "from 1% to 100%"))?;
                let seed = words.pair_number("seed")?;
                hits = Hits::Chance { percent, seed };
            }
            _ => return Err(words.wrong(&key, RESTRICTIONS)),
        }
    }
    let action = action(words)?;
    Ok(Fault {
        filter,
        hits,
        action,
    })
}

fn action(words: &mut Words) -> Result<FaultAction, ScriptError> {
    let time = "a time such as 200ms";
    let word = words.next(ACTIONS)?;
    Ok(match word.text.as_str() {
        "answer" => {
            let word = words.next(CODE)?;
            let code = code(&word.text).ok_or_else(|| words.wrong(&word, CODE))?;
            FaultAction::Answer(code)
        }
        "delay" => FaultAction::DelayBefore(words.time(time, WAIT_MAX)?),
        "delay-after" => FaultAction::DelayAfter(words.time(time, WAIT_MAX)?),
        "throttle" => FaultAction::Throttle(words.time(time, WAIT_MAX)?),
        "silence" => FaultAction::Silence,
        "lose-answer" => FaultAction::LoseAnswer,
        "cut" => FaultAction::CutBefore,
        "cut-after" => FaultAction::CutAfter,
        "half-frame" => FaultAction::HalfFrame,
        "corrupt" => {
            let bytes = words.number("how many bytes")?;
            let seed = words.pair_number("seed")?;
            FaultAction::Corrupt { bytes, seed }
        }
        _ => return Err(words.wrong(&word, ACTIONS)),
    })
}

/// By its name in any spelling: `offset-commit`, `OffsetCommit`.
fn api(name: &str) -> Option<ApiKey> {
    let name = api_name(name);
    ApiKey::iter().find(|api_key| api_name(&format!("{api_key:?}")) == name)
}

/// By its name, or by its number.
fn code(text: &str) -> Option<ErrorCode> {
    if let Ok(number) = text.parse() {
        return Some(ErrorCode(number));
    }
    let known = (-1..i16::MAX).map(ErrorCode);
    let mut known = known.map_while(|code| Some((code, code.name()?)));
    known.find(|(_, name)| *name == text).map(|(code, _)| code)
}

fn versions(word: &Word) -> Option<(i16, i16)> {
    let (first, last) = word
        .text
        .split_once('-')
        .unwrap_or((&word.text, &word.text));
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// No topic has a slash in its name.
fn topic(word: &Word) -> Option<(TopicName, Option<i32>)> {
    match word.text.rsplit_once('/') {
        Some((topic, partition)) => Some((topic.into(), Some(partition.parse().ok()?))),
        None => Some((word.text.as_str().into(), None)),
    }
}

fn percent(word: &Word) -> Option<u8> {
    let percent = word.text.strip_suffix('%')?.parse().ok()?;
    (1..=100).contains(&percent).then_some(percent)
}

fn counted(words: &Words, word: &Word) -> Result<u64, ScriptError> {
    let expected = "a number from 1 on";
    match words.number_in(word, expected)? {
        0 => Err(words.wrong(word, expected)),
        number => Ok(number),
    }
}

const API: &str = "`any` or an API such as fetch, produce or offset-commit";
const CODE: &str = "an error code such as NOT_LEADER_OR_FOLLOWER";
const RESTRICTIONS: &str =
    "version=, broker=, topic=, group=, transaction=, client=, nth=, first=, every= or chance=";
const ACTIONS: &str = "a restriction such as topic=orders, or one of answer, delay, delay-after, \
                       silence, lose-answer, cut, cut-after, half-frame, corrupt, throttle";
