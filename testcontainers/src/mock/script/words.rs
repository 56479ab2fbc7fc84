//! The words of a line, and what a single word may be: a number, a time, a name, a `key=value`.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use weft_client::NodeId;

use super::error::ScriptError;

/// The words of one line that are not read yet.
#[derive(Debug)]
pub(super) struct Words {
    line: usize,
    left: VecDeque<Word>,
    /// The column behind the line.
    end: usize,
}

/// One word, with its quotes taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) column: usize,
    pub(super) text: String,
    /// Where the first `=` outside of quotes is, in bytes.
    equals: Option<usize>,
}

/// Cuts a line into words, and leaves out what is for people.
pub(super) fn split(line: usize, text: &str) -> Result<Words, ScriptError> {
    let mut characters = text.chars().zip(1..).peekable();
    let mut left = VecDeque::new();
    while let Some((first, column)) = characters.peek().copied() {
        if first.is_whitespace() {
            characters.next();
            continue;
        }
        if first == '#' {
            break;
        }
        let mut word = Word {
            column,
            text: String::new(),
            equals: None,
        };
        let mut is_quoted = false;
        while let Some((next, at)) = characters.next_if(|(next, _)| is_quoted || is_inside(*next)) {
            match next {
                '"' => is_quoted = !is_quoted,
                '\\' if is_quoted => {
                    let escaped = characters.next().and_then(|(escaped, _)| unescape(escaped));
                    let escaped = escaped.ok_or_else(|| ScriptError {
                        line,
                        column: at,
                        found: "\\".to_owned(),
                        expected: r#"one of \" \\ \n \r \t"#.to_owned(),
                    })?;
                    word.text.push(escaped);
                }
                '=' if !is_quoted && word.equals.is_none() => {
                    word.equals = Some(word.text.len());
                    word.text.push('=');
                }
                other => word.text.push(other),
            }
        }
        if is_quoted {
            return Err(ScriptError {
                line,
                column: word.column,
                found: word.text,
                expected: "a closing quote".to_owned(),
            });
        }
        left.push_back(word);
    }
    let end = text.chars().count() + 1;
    Ok(Words { line, left, end })
}

/// Whether a word goes on with this outside of quotes.
fn is_inside(next: char) -> bool {
    !next.is_whitespace() && next != '#'
}

fn unescape(escaped: char) -> Option<char> {
    match escaped {
        '"' | '\\' => Some(escaped),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        _ => None,
    }
}

impl Words {
    pub(super) fn is_over(&self) -> bool {
        self.left.is_empty()
    }

    /// Takes the next word if it is this one.
    pub(super) fn take_if(&mut self, text: &str) -> bool {
        let is_it = self.left.front().is_some_and(|word| word.text == text);
        if is_it {
            self.left.pop_front();
        }
        is_it
    }

    /// The next word, which must be there.
    pub(super) fn next(&mut self, expected: &str) -> Result<Word, ScriptError> {
        self.left.pop_front().ok_or_else(|| self.missing(expected))
    }

    /// The next word, which must be there; it stays the next.
    pub(super) fn front(&self, expected: &str) -> Result<Word, ScriptError> {
        let front = self.left.front().cloned();
        front.ok_or_else(|| self.missing(expected))
    }

    /// Takes the next word if it is `key=value`, as the key and the word of the value.
    pub(super) fn take_pair(&mut self) -> Option<(Word, Word)> {
        let at = self.left.front()?.equals?;
        let word = self.left.pop_front()?;
        let key = Word {
            column: word.column,
            text: word.text[..at].to_owned(),
            equals: None,
        };
        let value = Word {
            column: word.column + key.text.chars().count() + 1,
            text: word.text[at + 1..].to_owned(),
            equals: None,
        };
        Some((key, value))
    }

    /// The value of the next word, which must be `key=value` with this key.
    pub(super) fn value(&mut self, key: &str) -> Result<String, ScriptError> {
        self.pair(key).map(|value| value.text)
    }

    /// As [`Self::value`], for a number.
    pub(super) fn pair_number<T: FromStr>(&mut self, key: &str) -> Result<T, ScriptError> {
        let value = self.pair(key)?;
        self.number_in(&value, "a number")
    }

    fn pair(&mut self, key: &str) -> Result<Word, ScriptError> {
        let expected = format!("{key}=...");
        let next = self.front(&expected)?;
        match self.take_pair() {
            Some((found, value)) if found.text == key => Ok(value),
            _ => Err(self.wrong(&next, &expected)),
        }
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Result<(), ScriptError> {
        match self.left.pop_front() {
            Some(word) => Err(self.wrong(&word, "the end of the line")),
            None => Ok(()),
        }
    }

    pub(super) fn number<T: FromStr>(&mut self, expected: &str) -> Result<T, ScriptError> {
        let word = self.next(expected)?;
        self.number_in(&word, expected)
    }

    pub(super) fn broker(&mut self) -> Result<NodeId, ScriptError> {
        self.number("the id of a broker").map(NodeId::new)
    }

    /// `topic/partition`
    pub(super) fn partition(&mut self) -> Result<(String, i32), ScriptError> {
        let expected = "a topic and a partition, such as orders/0";
        let word = self.next(expected)?;
        let parts = word.text.rsplit_once('/');
        let (topic, index) = parts.ok_or_else(|| self.wrong(&word, expected))?;
        let index = index.parse().map_err(|_| self.wrong(&word, expected))?;
        Ok((topic.to_owned(), index))
    }

    pub(super) fn time(&mut self, expected: &str, max: Duration) -> Result<Duration, ScriptError> {
        let word = self.next(expected)?;
        let time = time(&word.text).ok_or_else(|| self.wrong(&word, expected))?;
        if time > max {
            let max = super::print::Time(max);
            return Err(self.wrong(&word, &format!("at most {max}")));
        }
        Ok(time)
    }

    pub(super) fn number_in<T: FromStr>(
        &self,
        word: &Word,
        expected: &str,
    ) -> Result<T, ScriptError> {
        word.text.parse().map_err(|_| self.wrong(word, expected))
    }

    /// This word is not what could stand here.
    pub(super) fn wrong(&self, word: &Word, expected: &str) -> ScriptError {
        ScriptError {
            line: self.line,
            column: word.column,
            found: word.text.clone(),
            expected: expected.to_owned(),
        }
    }

    fn missing(&self, expected: &str) -> ScriptError {
        ScriptError {
            line: self.line,
            column: self.end,
            found: String::new(),
            expected: expected.to_owned(),
        }
    }
}

/// A whole number and its unit.
fn time(text: &str) -> Option<Duration> {
    let digits = text.find(|next: char| !next.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ns" => Some(Duration::from_nanos(number)),
        "us" => Some(Duration::from_micros(number)),
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(60 * 60).map(Duration::from_secs),
        _ => None,
    }
}
