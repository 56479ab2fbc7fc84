//! The part of the handle that configures topics.

use super::cluster::MockCluster;
use super::error::MockError;

/// Configurations of topics.
impl MockCluster {
    /// Sets a configuration of a topic, or takes it back with `None`. Brokers follow
    /// `max.message.bytes`, `message.timestamp.type` and the limits of timestamps,
    /// `compression.type`, `min.insync.replicas`, and of `cleanup.policy` that a compacted topic
    /// takes no record without a key; others are kept and described only.
    ///
    /// ```
    /// use weft_testcontainers::mock::MockCluster;
    ///
    /// let cluster = MockCluster::builder().topic("orders", 1).start()?;
    /// cluster.set_topic_config("orders", "max.message.bytes", Some("1000"))?;
    /// assert!(cluster.set_topic_config("orders", "colour", Some("red")).is_err());
    /// # Ok::<(), weft_testcontainers::mock::MockError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MockError::Refused`] if there is no such topic or configuration, or if it does not take
    /// the value.
    pub fn set_topic_config(
        &self,
        topic: &str,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), MockError> {
        let (topic, name) = (topic.to_owned(), name.to_owned());
        let value = value.map(ToOwned::to_owned);
        let what = format!("setting {name} of topic {topic} to {value:?}");
        let set = self.ask(move |server| {
            let cluster = &mut server.cluster;
            let set = cluster.set_topic_config(&topic, &name, value.as_deref());
            set.map_err(|refusal| refusal.code)
        });
        set.map_err(|code| MockError::Refused { what, code })
    }
}
