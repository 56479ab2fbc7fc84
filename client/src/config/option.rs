//! What an option can hold: how its values are read from text, printed, and kept in range.
//!
//! Nothing here knows a single option; `declare.rs` turns declarations into configurations.

use std::fmt;
use std::time::Duration;

use crate::ids::{GroupId, GroupInstanceId};

/// A type that an option can have.
pub trait OptionValue: Clone + PartialOrd {
    /// What the reference page says the value is, such as "milliseconds".
    const NOUN: &'static str;

    /// Reads the text of a properties file, already trimmed. The error says what is wrong with it.
    fn parse(text: &str) -> Result<Self, String>;

    /// The text that [`OptionValue::parse`] would read back.
    fn print(&self) -> String;

    /// What is wrong with the value itself, whatever option it is for.
    fn problems(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a builder's setter takes for an option of type `T`: a `T`, or what plainly stands for one.
pub trait OptionInput<T> {
    /// The value meant.
    fn into_option(self) -> T;
}

impl<T> OptionInput<T> for T {
    fn into_option(self) -> T {
        self
    }
}

macro_rules! option_input {
    ($($from:ty => $to:ty: $convert:expr;)*) => { $(
        impl OptionInput<$to> for $from {
            fn into_option(self) -> $to {
                $convert(self)
            }
        }
    )* };
}

option_input! {
    &str => String: str::to_owned;
    &str => Option<String>: |text: &str| Some(text.to_owned());
    String => Option<String>: Some;
    &str => Option<GroupId>: |text: &str| Some(text.into());
    String => Option<GroupId>: |text: Self| Some(text.into());
    GroupId => Option<GroupId>: Some;
    &str => Option<GroupInstanceId>: |text: &str| Some(text.into());
    String => Option<GroupInstanceId>: |text: Self| Some(text.into());
    GroupInstanceId => Option<GroupInstanceId>: Some;
    Duration => Option<Duration>: Some;
    usize => Option<usize>: Some;
}

macro_rules! whole_number {
    ($($number:ty),*) => { $(
        impl OptionValue for $number {
            const NOUN: &'static str = "whole number";

            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| {
                    format!("must be a whole number in {}..={}", Self::MIN, Self::MAX)
                })
            }

            fn print(&self) -> String {
                self.to_string()
            }
        }
    )* };
}

whole_number!(i16, i32, i64, u16, u32, u64, usize);

impl OptionValue for bool {
    const NOUN: &'static str = "true or false";

    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl OptionValue for Duration {
    const NOUN: &'static str = "milliseconds";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self::from_millis)
            .map_err(|_| "must be a number of milliseconds, 0 or more".to_owned())
    }

    fn print(&self) -> String {
        self.as_millis().to_string()
    }
}

impl OptionValue for Option<Duration> {
    const NOUN: &'static str = "milliseconds, below 0 for none";

    fn parse(text: &str) -> Result<Self, String> {
        let millis: i64 = text
            .parse()
            .map_err(|_| "must be a number of milliseconds".to_owned())?;
        Ok(u64::try_from(millis).ok().map(Duration::from_millis))
    }

    fn print(&self) -> String {
        self.map_or_else(|| "-1".to_owned(), |span| span.print())
    }
}

impl OptionValue for Option<usize> {
    const NOUN: &'static str = "whole number, -1 for the system's default";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "-1" => Ok(None),
            _ => text
                .parse()
                .map(Some)
                .map_err(|_| "must be a whole number or -1".to_owned()),
        }
    }

    fn print(&self) -> String {
        self.map_or_else(|| "-1".to_owned(), |size| size.print())
    }
}

impl OptionValue for String {
    const NOUN: &'static str = "text";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn print(&self) -> String {
        self.clone()
    }
}

impl OptionValue for Vec<String> {
    const NOUN: &'static str = "texts, separated by commas";

    fn parse(text: &str) -> Result<Self, String> {
        let entries = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty());
        Ok(entries.map(str::to_owned).collect())
    }

    fn print(&self) -> String {
        self.join(",")
    }
}

macro_rules! optional_text {
    ($($name:ty),*) => { $(
        impl OptionValue for Option<$name> {
            const NOUN: &'static str = "text";

            fn parse(text: &str) -> Result<Self, String> {
                Ok(Some(text.into()))
            }

            fn print(&self) -> String {
                self.as_ref().map(ToString::to_string).unwrap_or_default()
            }
        }
    )* };
}

optional_text!(String, GroupId, GroupInstanceId);

/// The values that an option allows, beyond those that its type allows.
#[derive(Clone, Copy, Debug)]
pub enum Range<T: 'static> {
    /// Every value of the type.
    Any,
    /// This value or more.
    AtLeast(T),
    /// Between the two, both allowed.
    Between(T, T),
    /// What passes the check; the text completes "must be ...".
    Checked(&'static str, fn(&T) -> bool),
}

impl<T: OptionValue> Range<T> {
    /// Whether the range holds the value.
    pub fn holds(&self, value: &T) -> bool {
        match self {
            Self::Any => true,
            Self::AtLeast(least) => value >= least,
            Self::Between(least, most) => value >= least && value <= most,
            Self::Checked(_, passes) => passes(value),
        }
    }
}

impl<T: OptionValue> fmt::Display for Range<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::AtLeast(least) => write!(f, "at least {}", least.print()),
            Self::Between(least, most) => write!(f, "{} to {}", least.print(), most.print()),
            Self::Checked(text, _) => f.write_str(text),
        }
    }
}

/// The longest span that Kafka's options of type `int` can tell, in milliseconds.
pub const MILLIS_MAX: Duration = Duration::from_millis(i32::MAX as u64);

/// The sizes that a socket's buffer can have.
pub const SOCKET_BUFFER: Range<Option<usize>> = Range::Checked("-1 to 2147483647", |size| {
    size.is_none_or(|size| i32::try_from(size).is_ok())
});

/// One line of the reference page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionReference {
    /// Kafka's name of the option.
    pub key: &'static str,
    /// What its value is.
    pub noun: &'static str,
    /// Its default, as text.
    pub default: String,
    /// The values allowed.
    pub range: String,
    /// What it does.
    pub doc: String,
}

impl OptionReference {
    /// Describes the option `key` from its declaration; `doc` holds the lines of its comment.
    pub fn new<T: OptionValue>(
        key: &'static str,
        default: &T,
        range: &Range<T>,
        doc: &[&str],
    ) -> Self {
        let lines: Vec<&str> = doc.iter().map(|line| line.trim()).collect();
        Self {
            key,
            noun: T::NOUN,
            default: default.print(),
            range: range.to_string(),
            doc: lines.join(" "),
        }
    }
}

/// The options as a Markdown table.
pub fn reference_page(options: &[OptionReference]) -> String {
    let mut page = String::from("| option | value | default | range | meaning |\n");
    page.push_str("| --- | --- | --- | --- | --- |\n");
    for option in options {
        let OptionReference {
            key,
            noun,
            default,
            range,
            doc,
        } = option;
        page.push_str(&format!(
            "| {key} | {noun} | {default} | {range} | {doc} |\n"
        ));
    }
    page
}
