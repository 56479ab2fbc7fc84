//! Fills a topic with batches that were made here, because a producer would cut them elsewhere.

#![expect(
    clippy::disallowed_methods,
    reason = "a loop around sockets reads the clock"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_client::cluster::{Cluster, Topics};
use weft_client::net::{Lane, NetworkClient, NetworkEvent, OutboundRequest, RequestToken};
use weft_client::record::Compression;
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::messages::{self, ProduceRequest};
use weft_client::wire::{ErrorCode, Request, Response};
use weft_client::{Broker, ClientConfig, Error, ErrorKind, TopicName, TopicPartition};

use crate::shape::{BatchSource, Shape};

/// Appends `records` records to a topic whose partitions one broker leads, batch by batch in turn.
///
/// # Errors
///
/// If the topic or the codec is not known, the broker refuses, or nothing moves for `timeout`.
pub fn fill(
    bootstrap: &str,
    topic: &str,
    shape: Shape,
    codec: &str,
    records: u64,
    timeout: Duration,
) -> Result<(), Error> {
    let codec = Compression::ALL.into_iter().find(|c| c.name() == codec);
    let codec = codec.ok_or_else(|| Error::new(ErrorKind::Configuration, "no such codec"))?;
    let config = ClientConfig::builder()
        .bootstrap_servers(bootstrap)
        .build()?;
    let mut filler = Filler {
        network: NetworkClient::new(&config)?,
        cluster: Cluster::new(&config, Instant::now(), 1),
        topic: TopicName::new(topic),
        timeout,
    };
    let (broker, partitions) = filler.learn()?;
    let mut source = BatchSource::new(shape, codec, 1);
    let mut left = records;
    while left > 0 {
        let mut batches = filler.batches(&mut source, partitions, &mut left)?;
        let began_at = Instant::now();
        // A new partition may have a leader that does not know it yet.
        while let Some(code) = filler.produce(&broker, &mut batches)? {
            if !code.is_retriable() || began_at.elapsed() > timeout {
                return Err(Error::broker(
                    code,
                    format!("{broker} refused a batch: {code}"),
                ));
            }
        }
    }
    Ok(())
}

struct Filler {
    network: NetworkClient,
    cluster: Cluster,
    topic: TopicName,
    timeout: Duration,
}

impl Filler {
    /// The leader of all partitions, and how many there are.
    fn learn(&mut self) -> Result<(Arc<Broker>, i32), Error> {
        self.cluster
            .set_topics(Topics::Named([self.topic.clone()].into()));
        let began_at = Instant::now();
        while began_at.elapsed() < self.timeout {
            let first = TopicPartition::new(self.topic.clone(), 0);
            if let Some((broker, _)) = self.cluster.leader(&first) {
                let snapshot = self.cluster.snapshot();
                let count = snapshot
                    .topic(self.topic.as_str())
                    .map_or(0, |topic| topic.partitions.len());
                return Ok((broker, i32::try_from(count).unwrap_or(i32::MAX)));
            }
            if let Some((broker, request)) = self.cluster.poll(Instant::now(), &self.network) {
                match self.call(&broker, request) {
                    Ok(Response::Metadata(answer)) => {
                        self.cluster.handle_response(Instant::now(), &answer);
                    }
                    _ => self.cluster.handle_failure(Instant::now()),
                }
            }
        }
        let text = format!("no leader of topic {} became known", self.topic);
        Err(Error::new(ErrorKind::Timeout, text))
    }

    /// A batch for each partition, as long as there are records left.
    fn batches(
        &self,
        source: &mut BatchSource,
        partitions: i32,
        left: &mut u64,
    ) -> Result<BTreeMap<i32, Bytes>, Error> {
        let mut batches = BTreeMap::new();
        for number in 0..partitions {
            if *left == 0 {
                break;
            }
            let (batch, count) = source.next_batch(*left).map_err(|error| {
                Error::new(ErrorKind::Serialization, "a batch was not made").with_source(error)
            })?;
            *left = left.saturating_sub(count);
            batches.insert(number, batch);
        }
        Ok(batches)
    }

    /// Sends the batches and leaves those that were refused; returns a code if there are any.
    fn produce(
        &mut self,
        broker: &Arc<Broker>,
        batches: &mut BTreeMap<i32, Bytes>,
    ) -> Result<Option<ErrorCode>, Error> {
        let data = batches.iter().map(|(number, batch)| {
            PartitionProduceData::default()
                .with_index(*number)
                .with_records(Some(batch.clone()))
        });
        let snapshot = self.cluster.snapshot();
        let id = snapshot
            .topic(self.topic.as_str())
            .map(|topic| topic.id)
            .unwrap_or_default();
        let topic = TopicProduceData::default()
            .with_name(messages::TopicName::from(&self.topic))
            .with_topic_id(id.into())
            .with_partition_data(data.collect());
        let request = ProduceRequest::default()
            .with_acks(1)
            .with_timeout_ms(30_000)
            .with_topic_data(vec![topic]);
        let Response::Produce(answer) = self.call(broker, request.into())? else {
            return Err(Error::from(ErrorKind::MalformedResponse));
        };
        let mut refused = None;
        for partition in answer.responses.iter().flat_map(|t| &t.partition_responses) {
            let code = ErrorCode(partition.error_code);
            if code.is_none() {
                batches.remove(&partition.index);
            } else {
                refused = Some(code);
            }
        }
        Ok(refused)
    }

    fn call(&mut self, broker: &Arc<Broker>, request: Request) -> Result<Response, Error> {
        let request = OutboundRequest {
            token: RequestToken::new(1),
            broker: Arc::clone(broker),
            lane: Lane::General,
            request,
            timeout: self.timeout,
        };
        self.network.send(Instant::now(), request);
        let mut events = Vec::new();
        loop {
            self.network.poll(self.timeout, &mut events);
            for event in events.drain(..) {
                match event {
                    NetworkEvent::Response { response, .. } => return Ok(response),
                    NetworkEvent::Failed { error, .. } => return Err(error.into()),
                    _ => {}
                }
            }
        }
    }
}
