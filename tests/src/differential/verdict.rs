//! Compares what two brokers told, field by field, and counts. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use weft_client::wire::ApiKey;
use weft_testcontainers::kafka::KafkaVersion;

use super::allowed::Allowance;
use super::case::Versions;
use super::normal::Normaliser;
use super::play::{Came, Told};
use super::tree::general;

/// What came of all comparisons so far.
#[derive(Debug)]
pub struct Verdict {
    allowed: Vec<&'static Allowance>,
    used: BTreeSet<usize>,
    compared: usize,
    unsaid: usize,
    asked: BTreeMap<i16, BTreeSet<i16>>,
    /// Each with the requests that show it.
    differences: Vec<(String, BTreeSet<String>)>,
}

impl Verdict {
    /// Nothing yet.
    pub fn new(allowed: &'static [Allowance], release: KafkaVersion) -> Self {
        let allowed = allowed.iter().filter(|it| it.releases.contains(&release));
        Self {
            allowed: allowed.collect(),
            used: BTreeSet::new(),
            compared: 0,
            unsaid: 0,
            asked: BTreeMap::new(),
            differences: Vec::new(),
        }
    }

    /// Compares one round of a case, whose names all begin with `run`.
    pub fn compare(&mut self, case: &str, run: &str, mock: &[Told], real: &[Told]) {
        let mut of_mock = Normaliser::default();
        let mut of_real = Normaliser::default();
        for (mock, real) in mock.iter().zip(real) {
            let place = format!("{case} / {}", mock.what);
            if matches!((&mock.came, &real.came), (Came::Unsaid, Came::Unsaid)) {
                self.unsaid += 1;
                continue;
            }
            self.compared += 1;
            if let Some((api, version)) = mock.asked {
                self.asked.entry(api as i16).or_default().insert(version);
            }
            let without_run =
                |(name, value): (String, String)| (name, value.replace(&format!("{run}-"), ""));
            let fields = |came, normaliser: &mut Normaliser| -> Fields {
                fields(came, normaliser)
                    .into_iter()
                    .map(without_run)
                    .collect()
            };
            let fields_of_mock = fields(&mock.came, &mut of_mock);
            let fields_of_real = fields(&real.came, &mut of_real);
            self.compare_fields(&place, mock, &fields_of_mock, &fields_of_real);
        }
        if mock.len() != real.len() {
            self.note(format!("{case}: not the same steps"), String::new());
        }
    }

    fn compare_fields(&mut self, place: &str, told: &Told, mock: &Fields, real: &Fields) {
        let names: BTreeSet<&String> = mock.keys().chain(real.keys()).collect();
        let mut text = String::new();
        for name in names {
            let (of_mock, of_real) = (mock.get(name), real.get(name));
            if of_mock == of_real || self.is_allowed(place, &general(name)) {
                continue;
            }
            let value = |value: Option<&String>| {
                value.map_or_else(|| "nothing".to_owned(), |text| short(text))
            };
            let (of_mock, of_real) = (value(of_mock), value(of_real));
            let _ = write!(text, "\n    {name}: mock {of_mock}, Kafka {of_real}");
        }
        if !text.is_empty() {
            let asked = told.asked.map_or_else(
                || "bytes".to_owned(),
                |(api, version)| format!("{api:?} v{version}"),
            );
            self.note(format!("{place}:{text}"), asked);
        }
    }

    fn note(&mut self, difference: String, asked: String) {
        let mut known = self.differences.iter_mut();
        match known.find(|(known, _)| *known == difference) {
            Some((_, all)) => drop(all.insert(asked)),
            None => self.differences.push((difference, BTreeSet::from([asked]))),
        }
    }

    fn is_allowed(&mut self, place: &str, field: &str) -> bool {
        let mut allowed = self.allowed.iter();
        let is_inside = |it: &Allowance| {
            let rest = field.strip_prefix(it.field);
            let ends_there = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
            it.field.is_empty() || rest.is_some_and(ends_there)
        };
        let found = allowed.position(|it| place.starts_with(it.at) && is_inside(it));
        self.used.extend(found);
        found.is_some()
    }

    /// How many answers were compared.
    pub fn compared(&self) -> usize {
        self.compared
    }

    /// Complains of every version of every API that was not asked for.
    pub fn demand(&mut self, versions: &Versions) {
        for (api, range) in versions {
            let asked = self.asked.get(api);
            let is_asked = |version: &i16| asked.is_some_and(|asked| asked.contains(version));
            let missing: Vec<i16> = range.clone().filter(|version| !is_asked(version)).collect();
            if !missing.is_empty() {
                let name = ApiKey::try_from(*api)
                    .map_or_else(|()| format!("API {api}"), |api| format!("{api:?}"));
                let text = format!("no case asks for {name} in the versions {missing:?}");
                self.note(text, String::new());
            }
        }
    }

    /// Everything that speaks against the mock.
    pub fn complaints(&self) -> Vec<String> {
        let unused = self.allowed.iter().enumerate();
        let unused = unused.filter(|(index, _)| !self.used.contains(index));
        let unused = unused.map(|(_, it)| format!("an allowance that nothing needs: {it:?}"));
        let differences = self.differences.iter().map(|(text, asked)| {
            let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
            format!("{text}\n    seen with: {}", asked.join(", "))
        });
        differences.chain(unused).collect()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: usize = self.asked.values().map(BTreeSet::len).sum();
        write!(
            f,
            "{} answers compared, {versions} versions of {} APIs, {} differences, {} allowed; {} \
             requests could not be said in their version",
            self.compared,
            self.asked.len(),
            self.differences.len(),
            self.used.len(),
            self.unsaid,
        )
    }
}

type Fields = BTreeMap<String, String>;

fn fields(came: &Came, normaliser: &mut Normaliser) -> Fields {
    let only = |what: &str| Fields::from([("outcome".to_owned(), what.to_owned())]);
    match came {
        Came::Answer(answer) => normaliser.normal(answer).leaves().into_iter().collect(),
        Came::Unreadable(reason) => only(reason),
        Came::Closed => only("closed"),
        Came::Nothing => only("no answer, and goes on"),
        Came::Silence => only("no answer to anything"),
        Came::Unsaid => only("could not be said"),
    }
}

/// Enough of a value to see what it is.
fn short(text: &str) -> String {
    match text.char_indices().nth(VALUE_LENGTH_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

const VALUE_LENGTH_MAX: usize = 300;
