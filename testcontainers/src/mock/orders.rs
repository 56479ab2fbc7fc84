//! The part of the handle that takes orders: what a test does to brokers, partitions and groups.

use std::time::Duration;

use weft_client::NodeId;

use super::cluster::MockCluster;
use super::core::{Obeyed, Order};
use super::error::MockError;

/// Orders. Each is carried out when the method returns; any thread may give them at any time.
impl MockCluster {
    /// Carries out an order; the other methods here are short forms of it.
    ///
    /// # Errors
    ///
    /// [`MockError::Order`], with the reason; as [`Self::restart_broker`] for a restart.
    pub fn order(&self, order: Order) -> Result<Obeyed, MockError> {
        if let Order::Restart(broker) = order {
            return self.restart_broker(broker).map(|()| Obeyed::Done);
        }
        self.ask(move |server| server.obey(order))
            .map_err(MockError::Order)
    }

    /// Stops a broker as SIGSTOP does; see [`Order::Freeze`].
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if there is no such broker, or it is dead.
    pub fn freeze_broker(&self, id: impl Into<NodeId>) -> Result<(), MockError> {
        self.order(Order::Freeze(id.into())).map(drop)
    }

    /// Lets a frozen broker go on; see [`Order::Thaw`].
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if there is no such broker.
    pub fn thaw_broker(&self, id: impl Into<NodeId>) -> Result<(), MockError> {
        self.order(Order::Thaw(id.into())).map(drop)
    }

    /// Keeps a broker and a client apart; see [`Order::Isolate`].
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if there is no such broker.
    pub fn isolate(&self, broker: impl Into<NodeId>, client_id: &str) -> Result<(), MockError> {
        let (broker, client_id) = (broker.into(), client_id.to_owned());
        self.order(Order::Isolate { broker, client_id }).map(drop)
    }

    /// Lets a broker and a client speak again; see [`Order::Heal`].
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if there is no such broker.
    pub fn heal(&self, broker: impl Into<NodeId>, client_id: &str) -> Result<(), MockError> {
        let (broker, client_id) = (broker.into(), client_id.to_owned());
        self.order(Order::Heal { broker, client_id }).map(drop)
    }

    /// Lets another broker answer for a group; see [`Order::MoveCoordinator`].
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if there is no such broker, or it is dead.
    pub fn move_coordinator(&self, group: &str, to: impl Into<NodeId>) -> Result<(), MockError> {
        let (group, to) = (group.into(), to.into());
        self.order(Order::MoveCoordinator { group, to }).map(drop)
    }

    /// Lets another broker answer for a transactional id; see
    /// [`Order::MoveTransactionCoordinator`].
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if there is no such broker, or it is dead.
    pub fn move_transaction_coordinator(
        &self,
        transactional_id: &str,
        to: impl Into<NodeId>,
    ) -> Result<(), MockError> {
        let (transactional_id, to) = (transactional_id.to_owned(), to.into());
        self.order(Order::MoveTransactionCoordinator {
            transactional_id,
            to,
        })
        .map(drop)
    }

    /// Has a group's coordinator load for a while; see [`Order::LoadCoordinator`].
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if a thousand groups load already.
    pub fn load_coordinator(&self, group: &str, time: Duration) -> Result<(), MockError> {
        let group = group.into();
        self.order(Order::LoadCoordinator { group, time }).map(drop)
    }

    /// Ends a member's session; see [`Order::ExpireMember`].
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if there is no such member.
    pub fn expire_member(&self, group: &str, member: &str) -> Result<(), MockError> {
        let (group, member) = (group.into(), member.into());
        self.order(Order::ExpireMember { group, member }).map(drop)
    }

    /// Starts a rebalance; see [`Order::Rebalance`].
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if there is no such group, or nobody in it.
    pub fn rebalance(&self, group: &str) -> Result<(), MockError> {
        let group = group.into();
        self.order(Order::Rebalance { group }).map(drop)
    }

    /// Takes a static member out; see [`Order::EvictStatic`].
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if there is no such member.
    pub fn evict_static(&self, group: &str, instance: &str) -> Result<(), MockError> {
        let (group, instance) = (group.into(), instance.into());
        self.order(Order::EvictStatic { group, instance }).map(drop)
    }
}
