//! A TCP proxy that makes the line to a server bad: slow, narrow, cut, silent, or lying.
//!
//! [`Proxy`] stands in front of any TCP server on this machine and passes everything on until it is
//! told otherwise, at any time and from any thread. What happens to bytes on their way is decided
//! by `flow.rs`, which knows neither sockets nor clocks; one thread a proxy moves the bytes.
//!
//! ```no_run
//! use std::time::Duration;
//! use weft_testcontainers::proxy::{Direction, Impairment, Proxy};
//!
//! # fn main() -> std::io::Result<()> {
//! let proxy = Proxy::start("127.0.0.1:9092".parse().expect("an address"), 7)?;
//! println!("clients connect to 127.0.0.1:{}", proxy.port());
//! let slow = Impairment::none().delay(Duration::from_millis(200)).bytes_per_second(64 * 1024);
//! proxy.impair(Direction::ToClient, slow);
//! // ... and later:
//! proxy.cut();
//! proxy.heal();
//! # Ok(())
//! # }
//! ```

mod flow;
mod handle;
mod impairment;
mod pair;
mod shell;

#[cfg(test)]
mod tests;

pub use handle::Proxy;
pub use impairment::{Direction, Impairment};
