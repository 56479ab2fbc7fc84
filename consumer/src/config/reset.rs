//! `auto.offset.reset`: where to begin in a partition without a position.

use std::time::Duration;

use weft_client::config::OptionValue;

/// Where to begin in a partition without a position, `auto.offset.reset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AutoOffsetReset {
    /// At its first record.
    Earliest,
    /// Behind its last record.
    Latest,
    /// At the first record that is younger than this, counted from now (KIP-1106).
    ByDuration(Duration),
    /// Nowhere: the call fails instead.
    None,
}

impl OptionValue for AutoOffsetReset {
    const NOUN: &'static str = "earliest, latest, none or by_duration:<ISO 8601>";

    fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            "none" => Ok(Self::None),
            _ => lower
                .strip_prefix("by_duration:")
                .and_then(parse_iso_duration)
                .map(Self::ByDuration)
                .ok_or_else(|| {
                    "must be earliest, latest, none or by_duration:PnDTnHnMnS".to_owned()
                }),
        }
    }

    fn print(&self) -> String {
        match self {
            Self::Earliest => "earliest".to_owned(),
            Self::Latest => "latest".to_owned(),
            Self::None => "none".to_owned(),
            Self::ByDuration(span) => format!("by_duration:PT{}S", span.as_secs_f64()),
        }
    }
}

/// Reads `pndtnhnmn.ns`, already in lower case, as Java's `Duration.parse` does, but for numbers
/// with a sign: a span cannot be negative. Something must be named, and only seconds have
/// fractions.
fn parse_iso_duration(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('p')?;
    let (days, time) = match text.split_once('t') {
        Some((days, time)) if !time.is_empty() => (days, time),
        Some(_) => return None,
        None => (text, ""),
    };
    let (days, rest) = whole(days, 'd')?;
    if !rest.is_empty() || (days.is_none() && time.is_empty()) {
        return None;
    }
    let (hours, rest) = whole(time, 'h')?;
    let (minutes, rest) = whole(rest, 'm')?;
    let mut nanoseconds = 0;
    let mut seconds = 0;
    if let Some(number) = rest.strip_suffix('s') {
        let (before, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
        seconds = number_of(before)?;
        if fraction.len() > 9 {
            return None;
        }
        if !fraction.is_empty() {
            nanoseconds = u32::try_from(number_of(&format!("{fraction:0<9}"))?).ok()?;
        }
    } else if !rest.is_empty() {
        return None;
    }
    let whole_seconds = [(days, 86_400), (hours, 3_600), (minutes, 60)]
        .iter()
        .try_fold(seconds, |sum: u64, (number, length)| {
            sum.checked_add(number.unwrap_or(0).checked_mul(*length)?)
        })?;
    Some(Duration::new(whole_seconds, nanoseconds))
}

/// The whole number before `unit`, if the text begins with one, and the rest.
fn whole(text: &str, unit: char) -> Option<(Option<u64>, &str)> {
    match text.split_once(unit) {
        Some((number, rest)) => Some((Some(number_of(number)?), rest)),
        None => Some((None, text)),
    }
}

fn number_of(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_by_duration_is_written_in_iso_8601() {
        for (text, seconds) in [
            ("by_duration:P1D", Some(86_400.0)),
            ("BY_DURATION:PT1H30M", Some(5_400.0)),
            ("by_duration:P2DT3.5S", Some(172_803.5)),
            ("by_duration:PT0S", Some(0.0)),
            ("by_duration:P", None),
            ("by_duration:P1DT", None),
            ("by_duration:PT-1S", None),
            ("by_duration:PT1X", None),
            ("by_duration:PT1.5H", None),
            ("by_duration:P1H", None),
            ("by_duration:PT1M1H", None),
            ("by_duration:P-1D", None),
            ("by_duration:PT.5S", None),
            ("by_duration:PT1.0000000001S", None),
            ("by_duration:P99999999999999999999D", None),
            ("by_duration:P213503982334602D", None),
            ("by_duration:PT0,25S", Some(0.25)),
            ("sometimes", None),
        ] {
            let expected = seconds.map(|s| AutoOffsetReset::ByDuration(Duration::from_secs_f64(s)));
            assert_eq!(AutoOffsetReset::parse(text).ok(), expected, "{text}");
        }
        let printed = AutoOffsetReset::ByDuration(Duration::from_millis(1_500)).print();
        assert_eq!(printed, "by_duration:PT1.5S");
    }
}
