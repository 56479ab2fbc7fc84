//! Clients that others wrote: alone, in groups of their own, and in groups with Weft. Each scenario
//! runs on the mock, which it proves to be a Kafka, and on real Kafka, which proves the scenario.

mod administration;
mod broker_loss;
mod group;
mod groups;
mod isolation;
pub mod matrix;
mod moving;
mod records;
mod together;
mod transactions;
mod upgrade;

pub use administration::java_administers;
pub use broker_loss::a_killed_broker_loses_nothing;
pub use groups::{shares_a_group_with_its_like, shares_groups_with_weft};
pub use isolation::reads_as_the_isolation_level_has_it;
pub use moving::shared_groups_outlive_brokers;
pub use records::{reads_what_weft_writes, writes_what_weft_reads};
pub use transactions::{copies_each_record_once, its_transactions_are_kept};
pub use upgrade::rolls_from_range_to_cooperative_sticky;
