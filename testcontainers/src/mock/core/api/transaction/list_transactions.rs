//! ListTransactions: the transactional ids for which this broker answers, filtered by state,
//! producer, age (KIP-994) and name (KIP-1152).
//!
//! All versions.

use std::time::Duration;

use regex::{Regex, RegexBuilder};
use weft_client::wire::messages::list_transactions_response::TransactionState as Listed;
use weft_client::wire::messages::{ListTransactionsRequest, ListTransactionsResponse};
use weft_client::wire::{ErrorCode, StrBytes};

use super::super::super::cluster::Cluster;
use super::super::super::reply::{Ask, Reply, text};
use super::super::super::transaction::{Transaction, TransactionState, TransactionalId};

pub(in super::super) fn list_transactions(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &ListTransactionsRequest,
) -> Reply {
    let unknown = request.state_filters.iter().filter(|name| !is_state(name));
    let response =
        ListTransactionsResponse::default().with_unknown_state_filters(unknown.cloned().collect());
    let Ok(pattern) = pattern(request) else {
        return response
            .with_error_code(ErrorCode::INVALID_REGULAR_EXPRESSION.0)
            .into();
    };
    let Cluster {
        transactions,
        brokers,
        ..
    } = cluster;
    let listed = transactions
        .iter()
        .filter(|(id, found)| {
            is_wanted(ask, request, found)
                && pattern
                    .as_ref()
                    .is_none_or(|pattern| pattern.is_match(id.as_str()))
                && brokers.transaction_coordinator(id) == Some(ask.broker)
        })
        .map(listed);
    response.with_transaction_states(listed.collect()).into()
}

fn is_state(name: &StrBytes) -> bool {
    let mut states = TransactionState::ALL.iter();
    states.any(|state| state.name() == name.as_str())
}

fn is_wanted(ask: &Ask, request: &ListTransactionsRequest, found: &Transaction) -> bool {
    let states = &request.state_filters;
    let producers = &request.producer_id_filters;
    let mut named = states.iter().map(StrBytes::as_str);
    (states.is_empty() || named.any(|name| name == found.state.name()))
        && (producers.is_empty() || producers.iter().any(|id| id.0 == found.producer_id.0))
        && is_older(ask, request.duration_filter, found)
}

/// Kafka counts from 1970 on what has not begun.
fn is_older(ask: &Ask, least_ms: i64, found: &Transaction) -> bool {
    let Ok(least_ms) = u64::try_from(least_ms) else {
        return true;
    };
    found.started_at.is_none_or(|started_at| {
        let age = ask.now.saturating_duration_since(started_at);
        age > Duration::from_millis(least_ms)
    })
}

/// The pattern that must match the whole id.
fn pattern(request: &ListTransactionsRequest) -> Result<Option<Regex>, regex::Error> {
    let pattern = request.transactional_id_pattern.as_deref();
    let pattern = pattern.filter(|pattern| !pattern.is_empty());
    let whole = |pattern: &str| {
        // It must be well formed by itself, not together with what is around it.
        limited(pattern)?;
        limited(&format!("^(?:{pattern})$"))
    };
    pattern.map(whole).transpose()
}

fn limited(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES_MAX)
        .build()
}

fn listed((id, found): (&TransactionalId, &Transaction)) -> Listed {
    Listed::default()
        .with_transactional_id(text(id.as_str()).into())
        .with_producer_id(found.producer_id.0.into())
        .with_transaction_state(text(found.state.name()))
}

/// How much memory a pattern may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;
