//! Mode raw: the floor. It sends the fetches that the consumer would send, one to each node at a
//! time, walks the headers of the batches, compares their checksums, and decodes nothing.

#![expect(
    clippy::disallowed_methods,
    reason = "a loop around sockets reads the clock"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_client::cluster::{Cluster, Topics};
use weft_client::net::{Lane, NetworkClient, NetworkEvent, OutboundRequest, RequestToken};
use weft_client::record::{Batch, Batches};
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::{self, FetchRequest, FetchResponse};
use weft_client::wire::{ErrorCode, Request, Response};
use weft_client::{Broker, Error, ErrorKind, NodeId, Offset, TopicPartition};
use weft_consumer::ConsumerConfig;

use super::{Drained, Meter, Topic, nothing_came};

pub(super) fn drain(config: &ConsumerConfig, topic: &Topic) -> Result<Drained, Error> {
    let mut raw = Raw::connect(config, topic)?;
    let meter = Meter::start()?;
    raw.run()?;
    let (wall, cpu) = meter.stop()?;
    let counters = raw.network.counters();
    Ok(Drained {
        records: raw.records,
        bytes: counters.bytes_read,
        fetches: counters.fetch_responses,
        wall,
        cpu,
    })
}

struct Raw<'a> {
    config: &'a ConsumerConfig,
    topic: &'a Topic,
    network: NetworkClient,
    cluster: Cluster,
    /// Where each partition goes on; those at their end are taken out.
    next: BTreeMap<i32, Offset>,
    /// Who leads which partitions.
    nodes: BTreeMap<NodeId, (Arc<Broker>, Vec<i32>)>,
    is_asked: BTreeMap<NodeId, bool>,
    records: u64,
}

impl<'a> Raw<'a> {
    fn connect(config: &'a ConsumerConfig, topic: &'a Topic) -> Result<Self, Error> {
        let network = NetworkClient::new(&config.client)?;
        let mut cluster = Cluster::new(&config.client, Instant::now(), 1);
        cluster.set_topics(Topics::Named([topic.name.clone()].into()));
        let next = topic
            .ranges
            .iter()
            .map(|(partition, (begin, _))| (partition.partition(), *begin))
            .collect();
        let mut raw = Self {
            config,
            topic,
            network,
            cluster,
            next,
            nodes: BTreeMap::new(),
            is_asked: BTreeMap::new(),
            records: 0,
        };
        raw.learn()?;
        Ok(raw)
    }

    /// Asks for metadata until every partition has a leader.
    fn learn(&mut self) -> Result<(), Error> {
        let timeout = self.config.client.default_api_timeout;
        let began_at = Instant::now();
        let mut events = Vec::new();
        let mut last = None;
        while !self.knows_leaders() {
            if began_at.elapsed() > timeout {
                return Err(nothing_came(timeout, "a leader", last));
            }
            let now = Instant::now();
            if let Some((broker, request)) = self.cluster.poll(now, &self.network) {
                self.send(now, &broker, Lane::General, request, METADATA);
            }
            self.network.poll(LOOK_INTERVAL, &mut events);
            for event in events.drain(..) {
                match event {
                    NetworkEvent::Response {
                        response: Response::Metadata(response),
                        ..
                    } => self.cluster.handle_response(Instant::now(), &response),
                    NetworkEvent::Failed { error, .. } => {
                        last = Some(error.to_string());
                        self.cluster.handle_failure(Instant::now());
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn knows_leaders(&mut self) -> bool {
        self.nodes.clear();
        for number in self.next.keys() {
            let partition = TopicPartition::new(self.topic.name.clone(), *number);
            let Some((broker, _)) = self.cluster.leader(&partition) else {
                return false;
            };
            let node = self.nodes.entry(broker.id);
            let (_, partitions) = node.or_insert_with(|| (broker, Vec::new()));
            partitions.push(*number);
        }
        true
    }

    fn run(&mut self) -> Result<(), Error> {
        let timeout = self.config.client.default_api_timeout;
        let mut moved_at = Instant::now();
        let mut events = Vec::new();
        self.ask();
        while let Some(missing) = self.next.keys().next() {
            if moved_at.elapsed() > timeout {
                let missing = format!("{}-{missing}", self.topic.name);
                return Err(nothing_came(timeout, &missing, None));
            }
            self.network.poll(LOOK_INTERVAL, &mut events);
            for event in events.drain(..) {
                match event {
                    NetworkEvent::Response {
                        token,
                        response: Response::Fetch(response),
                        ..
                    } => {
                        self.is_asked.insert(node_of(token), false);
                        let batches = self.take(response)?;
                        // As in the consumer, the next fetch is on the wire before this is read.
                        self.ask();
                        self.check(&batches)?;
                        moved_at = Instant::now();
                    }
                    NetworkEvent::Failed { error, .. } => return Err(error.into()),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, response: FetchResponse) -> Result<Vec<Batch>, Error> {
        let mut taken = Vec::new();
        for partition in response.responses.into_iter().flat_map(|t| t.partitions) {
            let number = partition.partition_index;
            let code = ErrorCode(partition.error_code);
            if !code.is_none() {
                let text = format!("the broker refused to hand out records: {code}");
                return Err(Error::broker(code, text));
            }
            let mut next = self.next.get(&number).copied();
            for batch in Batches::new(partition.records.unwrap_or_default()) {
                let batch = batch.map_err(corrupt)?;
                next = next.max(Some(batch.header().next_offset()));
                taken.push(batch);
            }
            let name = TopicPartition::new(self.topic.name.clone(), number);
            let end = self.topic.ranges.get(&name).map(|(_, end)| *end);
            match next {
                Some(next) if Some(next) < end => {
                    self.next.insert(number, next);
                }
                _ => {
                    self.next.remove(&number);
                }
            }
        }
        Ok(taken)
    }

    fn check(&mut self, batches: &[Batch]) -> Result<(), Error> {
        for batch in batches {
            batch.check_crc().map_err(corrupt)?;
            self.records += u64::from(batch.header().record_count());
        }
        Ok(())
    }

    fn ask(&mut self) {
        let now = Instant::now();
        let nodes: Vec<(Arc<Broker>, Vec<i32>)> = self.nodes.values().cloned().collect();
        for (broker, partitions) in nodes {
            let asked = self.is_asked.entry(broker.id).or_insert(false);
            let missing: Vec<i32> = partitions
                .into_iter()
                .filter(|number| self.next.contains_key(number))
                .collect();
            if *asked || missing.is_empty() {
                continue;
            }
            *asked = true;
            let request = self.request(&missing);
            let token = u64::try_from(broker.id.value()).unwrap_or(0);
            self.send(now, &broker, Lane::Fetch, request, token);
        }
        self.network.flush(now);
    }

    fn request(&self, partitions: &[i32]) -> Request {
        let wire = |bytes: u32| i32::try_from(bytes).unwrap_or(i32::MAX);
        let snapshot = self.cluster.snapshot();
        let topic_id = snapshot
            .topic(self.topic.name.as_str())
            .map(|topic| topic.id)
            .unwrap_or_default();
        let partitions = partitions
            .iter()
            .map(|number| {
                let offset = self.next.get(number).map_or(0, |next| next.value());
                FetchPartition::default()
                    .with_partition(*number)
                    .with_fetch_offset(offset)
                    .with_partition_max_bytes(wire(self.config.max_partition_fetch_bytes))
            })
            .collect();
        let topic = FetchTopic::default()
            .with_topic(messages::TopicName::from(&self.topic.name))
            .with_topic_id(topic_id.into())
            .with_partitions(partitions);
        let wait = i32::try_from(self.config.fetch_max_wait.as_millis()).unwrap_or(i32::MAX);
        FetchRequest::default()
            .with_max_wait_ms(wait)
            .with_min_bytes(wire(self.config.fetch_min_bytes))
            .with_max_bytes(wire(self.config.fetch_max_bytes))
            .with_session_epoch(-1)
            .with_topics(vec![topic])
            .into()
    }

    fn send(
        &mut self,
        now: Instant,
        broker: &Arc<Broker>,
        lane: Lane,
        request: Request,
        token: u64,
    ) {
        self.network.send(
            now,
            OutboundRequest {
                token: RequestToken::new(token),
                broker: Arc::clone(broker),
                lane,
                request,
                timeout: self.config.client.request_timeout,
            },
        );
    }
}

fn node_of(token: RequestToken) -> NodeId {
    NodeId::new(i32::try_from(token.value()).unwrap_or(-1))
}

fn corrupt(error: weft_client::record::RecordError) -> Error {
    Error::new(ErrorKind::CorruptRecord, "a batch is damaged").with_source(error)
}

const METADATA: u64 = u64::MAX;
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
