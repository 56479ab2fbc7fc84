//! The member as data: a bench that plays coordinator, consumer and clock, and what must come out.

mod bench;
mod commits;
mod coordinator;
mod handover;
mod joining;
mod lanes;
mod leading;
mod leaving;
mod liveness;
mod refused;
mod search;
mod totality;
