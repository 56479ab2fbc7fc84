//! Assignors of the user's that fail, and members that agree on none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_client::{ErrorKind, MemberId};
use weft_consumer::assign::{
    AssignError, Assignor, ClusterTopics, MemberAssignment, MemberSubscription,
};
use weft_consumer::{Consumer, ConsumerConfig};

use crate::bench::{STEP, filled, kafka, member, owns, poll_for_error, read};

/// Divides nothing, in one of two ways.
#[derive(Debug)]
struct Faulty {
    panics: bool,
}

impl Assignor for Faulty {
    fn name(&self) -> &str {
        "faulty"
    }

    fn assign(
        &self,
        _: &ClusterTopics,
        _: &BTreeMap<MemberId, MemberSubscription>,
    ) -> Result<BTreeMap<MemberId, MemberAssignment>, AssignError> {
        assert!(!self.panics, "the assignor is out of its depth");
        Err(AssignError::new("the assignor is out of its depth"))
    }
}

#[test]
fn an_assignor_that_fails_or_panics_is_told_by_poll() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("faulty", 1).unwrap();
    for panics in [false, true] {
        let config = ConsumerConfig::builder()
            .bootstrap_servers(kafka.bootstrap())
            .group_id(format!("faulty-{panics}"))
            .build()
            .unwrap();
        let consumer = Consumer::with_assignors(config, vec![Arc::new(Faulty { panics })]).unwrap();
        consumer.subscribe(["faulty"]).unwrap();
        let error = poll_for_error(&consumer);
        assert!(
            format!("{error:?}").contains("out of its depth"),
            "{error:?}"
        );
        let began_at = Instant::now();
        consumer.close().unwrap();
        assert!(
            began_at.elapsed() < Duration::from_secs(5),
            "{:?}",
            began_at.elapsed()
        );
    }
}

#[test]
fn a_member_whose_assignors_fit_nobody_elses_is_told_so_and_the_others_go_on() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "misfit", 1, 3);
    let first = member(kafka, "misfit", &[]);
    first.subscribe(["misfit"]).unwrap();
    read(&first, 3);
    let other = [("partition.assignment.strategy", "roundrobin")];
    let second = member(kafka, "misfit", &other);
    second.subscribe(["misfit"]).unwrap();
    let error = poll_for_error(&second);
    assert_eq!(
        error.kind(),
        ErrorKind::InconsistentGroupProtocol,
        "{error:?}"
    );
    assert!(error.is_fatal());
    first.poll(STEP).unwrap();
    assert!(owns(&first, "misfit", &[0]));
}
