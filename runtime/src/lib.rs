//! Both ways of consuming Apache Kafka with many threads. `ARCHITECTURE.md` at the root of the
//! repository is the map.

pub mod flow;
pub mod ledger;
pub mod retry;
pub mod route;
