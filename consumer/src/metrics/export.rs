//! Hands the metrics over to the facade of the `metrics` crate, and so to whatever exporter the
//! program has installed there.

use metrics::{Key, Label, Level, Metadata};

use super::handle::MetricsHandle;
use super::snapshot::{Metric, Metrics};

impl MetricsHandle {
    /// Gives all metrics of this moment to the recorder that is installed for the `metrics` crate.
    /// Call it as often as the exporter is read, from any thread. Without a recorder it does
    /// nothing.
    ///
    /// `records-lag-max` of `consumer-fetch-manager-metrics` becomes
    /// `kafka_consumer_fetch_manager_records_lag_max`; tags become labels, with underscores. Totals
    /// are counters, everything else is a gauge. What is NaN or a text is left out.
    pub fn export(&self) {
        export(&self.snapshot());
    }
}

fn export(all: &Metrics) {
    metrics::with_recorder(|recorder| {
        for metric in all {
            let Some(number) = metric.number().filter(|number| !number.is_nan()) else {
                continue;
            };
            let key = key(metric);
            if metric.name().ends_with("-total") {
                // Fractions of a millisecond are of no interest in a total.
                recorder
                    .register_counter(&key, &METADATA)
                    .absolute(number as u64);
            } else {
                recorder.register_gauge(&key, &METADATA).set(number);
            }
        }
    });
}

fn key(metric: &Metric) -> Key {
    let group = metric.group().trim_end_matches("-metrics");
    let name = format!("kafka_{group}_{}", metric.name()).replace('-', "_");
    let labels = metric.tags().map(|(tag, value)| {
        let tag = tag.replace('-', "_");
        Label::new(tag, value.to_owned())
    });
    Key::from_parts(name, labels.collect::<Vec<Label>>())
}

const METADATA: Metadata<'static> =
    Metadata::new("weft_consumer", Level::INFO, Some(module_path!()));

#[cfg(test)]
#[expect(clippy::disallowed_types, reason = "recorders are shared")]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use metrics::{
        Counter, CounterFn, Gauge, GaugeFn, Histogram, KeyName, Recorder, SharedString, Unit,
    };

    use super::*;
    use crate::config::ConsumerConfig;

    type Values = Arc<Mutex<BTreeMap<String, String>>>;

    /// Keeps what it is given as text.
    struct Keeper(Values);

    struct Cell(Values, String);

    impl Cell {
        fn keep(&self, value: String) {
            self.0.lock().unwrap().insert(self.1.clone(), value);
        }
    }

    impl CounterFn for Cell {
        fn increment(&self, _: u64) {
            unreachable!("totals are absolute");
        }

        fn absolute(&self, value: u64) {
            self.keep(format!("counter {value}"));
        }
    }

    impl GaugeFn for Cell {
        fn increment(&self, _: f64) {
            unreachable!("gauges are set");
        }

        fn decrement(&self, _: f64) {
            unreachable!("gauges are set");
        }

        fn set(&self, value: f64) {
            self.keep(format!("gauge {value}"));
        }
    }

    impl Recorder for Keeper {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(Arc::new(Cell(Arc::clone(&self.0), key.to_string())))
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(Arc::new(Cell(Arc::clone(&self.0), key.to_string())))
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn numbers_go_to_the_recorder_under_names_it_can_take() {
        let config = ConsumerConfig::builder()
            .bootstrap_servers("a:1")
            .client_id("me")
            .build()
            .unwrap();
        let handle = MetricsHandle::new(&config);
        let values = Values::default();
        metrics::with_local_recorder(&Keeper(Arc::clone(&values)), || handle.export());
        let values = values.lock().unwrap();
        let value = |name: &str| {
            let mut all = values.iter();
            all.find(|(key, _)| key.contains(name))
                .map(|(_, value)| value.as_str())
        };
        let total = value("kafka_consumer_fetch_manager_records_consumed_total");
        assert_eq!(total, Some("counter 0"));
        assert_eq!(
            value("kafka_consumer_coordinator_assigned_partitions"),
            Some("gauge 0")
        );
        // There is nothing yet to take an average of, and no number in a version.
        assert_eq!(value("kafka_consumer_fetch_manager_fetch_size_avg"), None);
        assert_eq!(value("kafka_app_info_version"), None);
        assert!(
            values.keys().all(|key| key.contains("client_id = me")),
            "{values:?}"
        );
    }
}
