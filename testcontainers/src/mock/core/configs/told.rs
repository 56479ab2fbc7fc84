//! Configurations as they are described: the value that counts, where it comes from, and what would
//! count without it.

use weft_client::NodeId;

use super::super::cluster::Cluster;
use super::Settings;
use super::definition::{Definition, Kind};
use super::read_only;
use super::table::DEFINITIONS;

/// One configuration of a topic or a broker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) value: Option<String>,
    pub(crate) source: Source,
    pub(crate) is_read_only: bool,
    /// Names and values that would count, the first of which does.
    pub(crate) synonyms: Vec<(&'static str, String, Source)>,
}

/// Where a value comes from; the numbers are those on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Topic = 1,
    Broker = 2,
    AllBrokers = 3,
    /// The broker was started with it.
    Start = 4,
    Default = 5,
}

impl Cluster {
    /// Everything about a topic with these settings, as one of the brokers sees it, in the order of
    /// the names.
    pub(crate) fn topic_configs(&self, settings: &Settings, broker: NodeId) -> Vec<Told> {
        let release = self.options.release;
        let known = DEFINITIONS.iter().filter(|known| known.is_in(release));
        known
            .map(|known| {
                let own = settings.get(known.name);
                let own = own.map(|value| (known.name, value.clone(), Source::Topic));
                let synonyms = own.into_iter().chain(self.synonyms(known, broker));
                told(known, known.name, synonyms.collect())
            })
            .collect()
    }

    /// Everything about a broker.
    pub(crate) fn broker_configs(&self, broker: NodeId) -> Vec<Told> {
        let release = self.options.release;
        let known = DEFINITIONS.iter().filter(|known| known.is_in(release));
        let dynamic = known.filter_map(|known| {
            let name = known.broker_name?;
            let synonyms = self.synonyms(known, broker).collect();
            Some(told(known, name, synonyms))
        });
        let mut all: Vec<Told> = dynamic.collect();
        all.extend(read_only::of(self, broker));
        all.sort_by_key(|told| told.name);
        all
    }

    /// What holds for all brokers by order.
    pub(crate) fn configs_of_all_brokers(&self) -> Vec<Told> {
        let release = self.options.release;
        let settings = self.broker_settings.of(None);
        let set = settings.into_iter().filter_map(|(name, value)| {
            let known = Definition::of_broker(release, &name)?;
            let name = known.broker_name?;
            Some(told(known, name, vec![(name, value, Source::AllBrokers)]))
        });
        set.collect()
    }

    fn synonyms<'a>(
        &'a self,
        known: &'static Definition,
        broker: NodeId,
    ) -> impl Iterator<Item = (&'static str, String, Source)> + 'a {
        known.broker_name.into_iter().flat_map(move |name| {
            let set = self.broker_settings.find(broker, name);
            let set = set.map(move |(source, value)| (name, value.to_owned(), source));
            // The default of this one goes by another name, that of the hours.
            let default = (name != "log.retention.ms")
                .then(|| (name, known.default.to_owned(), Source::Default));
            set.chain(default)
        })
    }
}

fn told(
    known: &'static Definition,
    name: &'static str,
    synonyms: Vec<(&'static str, String, Source)>,
) -> Told {
    let first = synonyms.first();
    let (value, source) = first.map_or_else(
        || (known.default.to_owned(), Source::Default),
        |(_, value, source)| (value.clone(), *source),
    );
    Told {
        name,
        kind: known.kind,
        value: Some(value),
        source,
        is_read_only: false,
        synonyms,
    }
}
