//! The machine that brings batches to their leaders: it keeps belief about the cluster fresh, puts
//! requests together, and decides what becomes of a batch whose request was answered or failed.
//!
//! It never touches the queues: batches come from and go back to the accumulator through the shell.
//!
//! Inputs: drained batches, network events, time. Outputs: requests; batches that are done, with
//! their outcome; batches to be put back; partitions whose next batch may go. The one surprising
//! thing: a batch whose delivery timeout ends while it is under way is done at once, but its
//! partition stays muted until the request is settled, so that order is kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::accumulator::Destination;
use super::batch::Batch;
use super::exchange::{self, Exchange, Sent};
use crate::backoff::{ExponentialBackoff, Random};
use crate::cluster::{Cluster, ClusterSnapshot, NodeLoad, NodeLoads, UpdateReason};
use crate::connection::{Lane, NetworkEvent, OutboundRequest, RequestError, RequestToken};
use crate::error::{Error, ErrorKind};
use crate::ids::{Broker, NodeId, Offset, TopicName, TopicPartition};
use crate::record::{Compression, Compressor};
use crate::wire::messages::ProduceResponse;
use crate::wire::{Reaction, Request, Response};

/// The options that decide how batches are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) acks: i16,
    pub(super) codec: Compression,
    pub(super) request_timeout: Duration,
    pub(super) delivery_timeout: Duration,
    pub(super) backoff: ExponentialBackoff,
    pub(super) retries: u32,
    pub(super) max_in_flight: usize,
    pub(super) max_request_size: usize,
}

/// Where the records of a batch were stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) partition: TopicPartition,
    /// The offset of the first record; unknown with `acks=0`.
    pub(super) base_offset: Option<Offset>,
    /// The broker's time for all records, if it set one.
    pub(super) log_append_time: Option<i64>,
}

/// What the shell has to do.
#[derive(Debug)]
pub(super) enum Output<R> {
    /// Send this.
    Send(Box<OutboundRequest>),
    /// Close the connection to a broker.
    Disconnect(NodeId),
    /// Hand out the receipts of a batch.
    Done(Box<Batch<R>>, Result<Delivered, Error>),
    /// Put a batch back, to be sent again at this time.
    PutBack(Box<Batch<R>>, Instant),
    /// Let the next batch of this queue go.
    Unmute(usize),
}

/// Everything that is under way. See the module's text.
#[derive(Debug)]
pub(super) struct Sender<R> {
    cluster: Cluster,
    settings: Settings,
    exchanges: BTreeMap<RequestToken, Exchange<R>>,
    /// The next request to each node that may have one: its size so far.
    planned: BTreeMap<NodeId, usize>,
    metadata: Option<RequestToken>,
    last_token: u64,
    last_failure: Option<Error>,
    compressor: Compressor,
    random: Random,
}

impl<R> Sender<R> {
    pub(super) fn new(cluster: Cluster, settings: Settings, seed: u64) -> Self {
        Self {
            cluster,
            settings,
            exchanges: BTreeMap::new(),
            planned: BTreeMap::new(),
            metadata: None,
            last_token: 0,
            last_failure: None,
            compressor: Compressor::default(),
            random: Random::new(seed),
        }
    }

    /// A number that grows with every change of belief, and the belief.
    pub(super) fn belief(&self) -> (u64, &Arc<ClusterSnapshot>) {
        (self.cluster.version(), self.cluster.snapshot())
    }

    /// The last failure of a connection or a request, whatever it was about.
    pub(super) fn last_failure(&self) -> Option<&Error> {
        self.last_failure.as_ref()
    }

    /// Somebody waits for the description of a topic.
    pub(super) fn want(&mut self, topic: &TopicName) {
        self.cluster.add_topic(topic);
        self.cluster.request_update(UpdateReason::CallerWaits);
    }

    /// Where the next batch of a partition can go. Counts it as planned if it can.
    pub(super) fn destination(
        &mut self,
        now: Instant,
        partition: &TopicPartition,
        size: usize,
        loads: &dyn NodeLoads,
    ) -> Destination {
        let Some((broker, _)) = self.cluster.leader(partition) else {
            self.cluster.request_update(UpdateReason::LeaderUnknown);
            return Destination::NotBefore(None);
        };
        if let Some(planned) = self.planned.get_mut(&broker.id) {
            // What does not fit goes with the next request.
            if *planned + size > self.settings.max_request_size {
                return Destination::NotBefore(Some(now));
            }
            *planned += size;
            return Destination::Now(broker);
        }
        let exchanges = self.exchanges.values();
        let in_flight = exchanges.filter(|exchange| exchange.broker.id == broker.id);
        if in_flight.count() >= self.settings.max_in_flight {
            return Destination::NotBefore(None);
        }
        if let NodeLoad::Backoff { until } = loads.load(broker.id) {
            return Destination::NotBefore(Some(until));
        }
        self.planned.insert(broker.id, size);
        Destination::Now(broker)
    }

    /// Puts drained batches into one request for each broker.
    pub(super) fn send(
        &mut self,
        drained: &mut Vec<(Arc<Broker>, Batch<R>)>,
        out: &mut Vec<Output<R>>,
    ) {
        self.planned.clear();
        let mut by_node: BTreeMap<NodeId, (Arc<Broker>, Vec<Sent<R>>)> = BTreeMap::new();
        for (broker, mut batch) in drained.drain(..) {
            match batch.encode(self.settings.codec, &mut self.compressor) {
                Ok(bytes) => {
                    let topic = self
                        .cluster
                        .snapshot()
                        .topic(batch.partition.topic().as_str());
                    let sent = Sent {
                        topic_id: topic.map(|topic| topic.id).unwrap_or_default(),
                        bytes,
                        queue: batch.queue,
                        partition: batch.partition.clone(),
                        batch: Some(batch),
                    };
                    let node = by_node.entry(broker.id);
                    node.or_insert_with(|| (broker, Vec::new())).1.push(sent);
                }
                Err(error) => {
                    let text = format!("a batch cannot be encoded: {error}");
                    let error = Error::new(ErrorKind::RecordTooLarge, text);
                    out.push(Output::Unmute(batch.queue));
                    out.push(Output::Done(Box::new(batch), Err(error)));
                }
            }
        }
        for (_, (broker, sent)) in by_node {
            let request =
                exchange::request(&sent, self.settings.acks, self.settings.request_timeout);
            let token = self.send_request(&broker, request, out);
            self.exchanges.insert(token, Exchange { broker, sent });
        }
    }

    /// Asks for metadata if that is due.
    pub(super) fn ask_for_metadata(
        &mut self,
        now: Instant,
        loads: &dyn NodeLoads,
        out: &mut Vec<Output<R>>,
    ) {
        let question = self.cluster.poll(now, loads);
        for node in self.cluster.take_abandoned() {
            out.push(Output::Disconnect(node));
        }
        if let Some((broker, request)) = question {
            self.metadata = Some(self.send_request(&broker, request, out));
        }
    }

    /// Takes what happened on the network.
    pub(super) fn handle(&mut self, now: Instant, event: NetworkEvent, out: &mut Vec<Output<R>>) {
        self.cluster.note_connection(now, &event);
        match event {
            NetworkEvent::Response {
                token, response, ..
            } if self.metadata == Some(token) => {
                self.metadata = None;
                match response {
                    Response::Metadata(answer) => self.cluster.handle_response(now, &answer),
                    _ => self.cluster.handle_failure(now),
                }
            }
            NetworkEvent::Failed { token, error } if self.metadata == Some(token) => {
                self.metadata = None;
                self.cluster.handle_failure(now);
                self.last_failure = Some(error.into());
            }
            NetworkEvent::Response {
                token, response, ..
            } => {
                if let Some(exchange) = self.exchanges.remove(&token) {
                    self.answered(now, exchange, &response, out);
                }
            }
            NetworkEvent::Failed { token, error } => {
                if let Some(exchange) = self.exchanges.remove(&token) {
                    self.failed(now, exchange, &error, out);
                }
            }
            NetworkEvent::Sent { token } => {
                for sent in self
                    .exchanges
                    .remove(&token)
                    .into_iter()
                    .flat_map(|e| e.sent)
                {
                    let delivered = Delivered {
                        partition: sent.partition.clone(),
                        base_offset: None,
                        log_append_time: None,
                    };
                    done(sent, Ok(delivered), out);
                }
            }
            NetworkEvent::ConnectionClosed { broker, error, .. } => {
                let text = format!("the connection to {broker} was lost: {error}");
                self.last_failure = Some(Error::new(ErrorKind::Disconnected, text));
            }
            NetworkEvent::ConnectionOpened { .. } => {}
        }
    }

    /// Gives up on batches under way whose delivery timeout is over.
    pub(super) fn expire(&mut self, now: Instant, out: &mut Vec<Output<R>>) {
        let last_failure = self.last_failure.as_ref();
        let exchanges = self.exchanges.values_mut();
        for sent in exchanges.flat_map(|exchange| &mut exchange.sent) {
            let overdue = sent.batch.take_if(|batch| batch.expires_at <= now);
            if let Some(mut batch) = overdue {
                let why = expired_after(self.settings.delivery_timeout);
                let error = batch.undelivered(&why, last_failure);
                out.push(Output::Done(Box::new(batch), Err(error)));
            }
        }
    }

    /// The error of a batch that waited for too long.
    pub(super) fn expired(&self, batch: &mut Batch<R>) -> Error {
        let why = expired_after(self.settings.delivery_timeout);
        batch.undelivered(&why, self.last_failure.as_ref())
    }

    /// Takes out every batch that is under way.
    pub(super) fn take_all(&mut self, out: &mut Vec<Batch<R>>) {
        let exchanges = std::mem::take(&mut self.exchanges);
        let sent = exchanges.into_values().flat_map(|exchange| exchange.sent);
        out.extend(sent.filter_map(|sent| sent.batch));
    }

    /// When there is something to do, if nothing happens before.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let sent = self.exchanges.values().flat_map(|exchange| &exchange.sent);
        let batches = sent.filter_map(|sent| sent.batch.as_ref());
        let expiry = batches.map(|batch| batch.expires_at).min();
        expiry.into_iter().chain(self.cluster.next_deadline()).min()
    }

    fn answered(
        &mut self,
        now: Instant,
        exchange: Exchange<R>,
        response: &Response,
        out: &mut Vec<Output<R>>,
    ) {
        let nothing = ProduceResponse::default();
        let response = match response {
            Response::Produce(response) => response,
            _ => &nothing,
        };
        let broker = exchange.broker;
        let paired = exchange::pair(exchange.sent, response);
        for (sent, answer) in paired.answered {
            if let Some((node, epoch, described)) = exchange::leader(answer, response) {
                let partition = &sent.partition;
                self.cluster
                    .update_leader(partition, node, epoch, described);
            }
            match exchange::outcome(&broker, &sent, answer) {
                Ok(delivered) => done(sent, Ok(delivered), out),
                Err((reaction, error)) => self.refused(now, sent, reaction, error, out),
            }
        }
        for sent in paired.unanswered {
            let text = format!("Produce was answered by {broker} without a result");
            let error = Error::new(ErrorKind::MalformedResponse, text);
            let error = error.with_topic_partition(sent.partition.clone());
            done(sent, Err(error), out);
        }
    }

    fn failed(
        &mut self,
        now: Instant,
        exchange: Exchange<R>,
        error: &RequestError,
        out: &mut Vec<Output<R>>,
    ) {
        let reaction = if error.is_retriable() {
            Reaction::RefreshMetadata
        } else {
            Reaction::Fail
        };
        let error = Error::from(error.clone());
        self.last_failure = Some(error.clone());
        for sent in exchange.sent {
            self.refused(now, sent, reaction, error.clone(), out);
        }
    }

    fn refused(
        &mut self,
        now: Instant,
        sent: Sent<R>,
        reaction: Reaction,
        error: Error,
        out: &mut Vec<Output<R>>,
    ) {
        let may_retry = match reaction {
            Reaction::RefreshMetadata => {
                self.cluster.request_update(UpdateReason::BeliefRefused);
                true
            }
            Reaction::Retry => true,
            _ => false,
        };
        match sent.batch {
            Some(mut batch) if may_retry && batch.failures < self.settings.retries => {
                let fraction = self.random.fraction();
                let delay = self.settings.backoff.delay(batch.failures, fraction);
                batch.failures += 1;
                batch.last_error = Some(error);
                out.push(Output::PutBack(Box::new(batch), now + delay));
            }
            batch => done(Sent { batch, ..sent }, Err(error), out),
        }
    }

    fn send_request(
        &mut self,
        broker: &Arc<Broker>,
        request: Request,
        out: &mut Vec<Output<R>>,
    ) -> RequestToken {
        self.last_token += 1;
        let token = RequestToken::new(self.last_token);
        out.push(Output::Send(Box::new(OutboundRequest {
            token,
            broker: Arc::clone(broker),
            lane: Lane::General,
            request,
            timeout: self.settings.request_timeout,
        })));
        token
    }
}

/// Lets the next batch of the partition go, and settles this one unless it was given up before.
fn done<R>(sent: Sent<R>, outcome: Result<Delivered, Error>, out: &mut Vec<Output<R>>) {
    out.push(Output::Unmute(sent.queue));
    if let Some(batch) = sent.batch {
        out.push(Output::Done(Box::new(batch), outcome));
    }
}

fn expired_after(timeout: Duration) -> String {
    format!("within {timeout:?}")
}

#[cfg(test)]
mod tests;
