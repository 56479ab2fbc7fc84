//! Faults that name a transactional id, and coordinators of transactions that move.

use weft_client::wire::messages::add_partitions_to_txn_request::AddPartitionsToTxnTransaction;

use super::*;

/// Everything that can name a transactional id, each in its newest version but for what says it
/// otherwise in older ones.
fn requests(id: &str) -> Vec<(i16, Request)> {
    let name = || TransactionalId(string(id));
    let newest: Vec<Request> = vec![
        FindCoordinatorRequest::default()
            .with_key_type(1)
            .with_coordinator_keys(vec![string("another"), string(id)])
            .into(),
        InitProducerIdRequest::default()
            .with_transactional_id(Some(name()))
            .into(),
        ProduceRequest::default()
            .with_transactional_id(Some(name()))
            .with_acks(-1)
            .into(),
        AddPartitionsToTxnRequest::default()
            .with_transactions(vec![
                AddPartitionsToTxnTransaction::default().with_transactional_id(name()),
            ])
            .into(),
        AddOffsetsToTxnRequest::default()
            .with_transactional_id(name())
            .into(),
        TxnOffsetCommitRequest::default()
            .with_transactional_id(name())
            .into(),
        EndTxnRequest::default()
            .with_transactional_id(name())
            .into(),
        DescribeTransactionsRequest::default()
            .with_transactional_ids(vec![name()])
            .into(),
    ];
    let newest = newest.into_iter().map(|it| (newest_of(&it), it));
    let older: [(i16, Request); 2] = [
        (
            3,
            FindCoordinatorRequest::default()
                .with_key_type(1)
                .with_coordinator_keys(vec![string(id)])
                .into(),
        ),
        (
            3,
            AddPartitionsToTxnRequest::default()
                .with_v3_and_below_transactional_id(name())
                .into(),
        ),
    ];
    newest.chain(older).collect()
}

fn newest_of(request: &Request) -> i16 {
    newest(request.api_key())
}

#[test]
fn a_filter_chooses_by_the_transactional_id_wherever_one_is_named() {
    let (mut bench, wire) = bench();
    for (version, request) in requests(ID).into_iter().chain(requests("stranger")) {
        bench.send(wire, version, request);
    }
    // These name none: a group of that name, a producer without one.
    let group = FindCoordinatorRequest::default().with_coordinator_keys(vec![string(ID)]);
    bench.send(wire, newest(ApiKey::FindCoordinator), group);
    let alone = InitProducerIdRequest::default().with_transactional_id(None);
    bench.send(wire, newest(ApiKey::InitProducerId), alone);

    let filter = RequestFilter::any().transactional_id(ID);
    let found: Vec<_> = bench.cluster.request_log.find(&filter, 0).collect();

    let apis: Vec<ApiKey> = found.iter().map(|request| request.api_key).collect();
    let expected: Vec<ApiKey> = requests(ID).iter().map(|(_, it)| it.api_key()).collect();
    assert_eq!(apis, expected);
    assert!(
        found
            .iter()
            .all(|request| request.transactional_ids().any(|id| id == ID))
    );
}

#[test]
fn a_fault_refuses_one_producer_and_leaves_the_others_alone() {
    let (mut bench, wire) = bench();
    let producer = init(&mut bench, wire).unwrap();
    write(&mut bench, wire, producer, 0).unwrap();
    let refusal = FaultAction::Answer(ErrorCode::CONCURRENT_TRANSACTIONS);
    let of = |id| RequestFilter::api(ApiKey::EndTxn).transactional_id(id);
    let faults = &mut bench.cluster.faults;
    let of_another = faults.set(Fault::new(of("another"), refusal)).unwrap();
    let of_this = faults.set(Fault::new(of(ID), refusal)).unwrap();

    let refused = end(&mut bench, wire, 5, producer, true);

    assert_eq!(refused, Err(ErrorCode::CONCURRENT_TRANSACTIONS));
    let state = bench.cluster.transaction_state(ID);
    assert_eq!(state, Some(TransactionState::Ongoing));
    bench.cluster.faults.lift(of_this).unwrap();
    end(&mut bench, wire, 5, producer, true).unwrap();
    let counts = bench.cluster.faults.lift(of_another).unwrap();
    assert_eq!(counts.matched, 0);
}

fn move_to(to: NodeId) -> Order {
    Order::MoveTransactionCoordinator {
        transactional_id: ID.to_owned(),
        to,
    }
}

#[test]
fn a_transaction_goes_on_at_the_broker_to_which_its_coordinator_moved() {
    let mut bench = Bench::new(2);
    let old = bench.cluster.transaction_coordinator(ID).unwrap();
    let new = NodeId::new(1 - old.value());
    let placement = Placement::Given(vec![vec![new]]);
    let Cluster {
        topics, brokers, ..
    } = &mut bench.cluster;
    topics.create(TOPIC, 1, &placement, brokers).unwrap();
    let (of_old, of_new) = (bench.connect(old.value()), bench.connect(new.value()));
    let producer = init(&mut bench, of_old).unwrap();
    write(&mut bench, of_new, producer, 0).unwrap();
    let epoch = |bench: &Bench| {
        let known = bench.cluster.transactions.find(ID);
        known.map(|known| known.coordinator_epoch)
    };
    let before = epoch(&bench).unwrap();

    let now = bench.now;
    let moved = bench.cluster.obey(now, move_to(new), &mut Vec::new());

    assert_eq!(moved, Ok(Obeyed::Done));
    assert_eq!(bench.cluster.transaction_coordinator(ID), Some(new));
    assert_eq!(epoch(&bench), Some(before + 1));
    let refused = end(&mut bench, of_old, 5, producer, true);
    assert_eq!(refused, Err(ErrorCode::NOT_COORDINATOR));
    end(&mut bench, of_new, 5, producer, true).unwrap();
    let complete = TransactionState::CompleteCommit;
    assert_eq!(bench.cluster.transaction_state(ID), Some(complete));

    // To where it is already it does not move.
    let moved = bench.cluster.obey(now, move_to(new), &mut Vec::new());
    assert_eq!(moved, Ok(Obeyed::Done));
    assert_eq!(epoch(&bench), Some(before + 1));
}

#[test]
fn the_coordinator_of_an_id_that_nobody_has_used_yet_can_be_moved() {
    let mut bench = Bench::new(2);
    let (now, to) = (bench.now, NodeId::new(1));
    for to in [NodeId::new(0), to] {
        bench
            .cluster
            .obey(now, move_to(to), &mut Vec::new())
            .unwrap();
        let wire = bench.connect(to.value());
        assert!(init(&mut bench, wire).is_ok());
    }

    bench.feed(Input::Kill(to));

    let refused = bench.cluster.obey(now, move_to(to), &mut Vec::new());
    assert_eq!(refused, Err(OrderRefused::DeadBroker(to)));
    let nowhere = NodeId::new(7);
    let refused = bench.cluster.obey(now, move_to(nowhere), &mut Vec::new());
    assert_eq!(refused, Err(OrderRefused::UnknownBroker(nowhere)));
}
