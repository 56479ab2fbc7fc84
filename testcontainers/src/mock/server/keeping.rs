//! Shell: what the thread does about a directory: writes down what happened before anybody is told,
//! and ends all brokers if it cannot.

use std::io;

use super::super::core::Input;
use super::super::directory::Store;
use super::Server;

impl Server {
    /// Why all brokers died, if they did.
    pub(in super::super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Writes down what happened, before anybody is told.
    pub(super) fn save(&mut self) -> io::Result<()> {
        let facts = self.cluster.take_facts();
        match &mut self.store {
            Some(store) => store.save(&facts, &self.cluster),
            None => Ok(()),
        }
    }

    /// A broker that cannot write its log directory dies, and here all have the same one.
    pub(super) fn die(&mut self, error: &io::Error) {
        let failure = format!("the directory cannot be written: {error}");
        tracing::error!(failure, "all brokers of the mock cluster die");
        if let Some(witness) = &mut self.failure_witness {
            witness.hear(std::slice::from_ref(&failure));
        }
        self.failure = Some(failure);
        self.store = None;
        // What was to be answered is not written down.
        self.outputs.clear();
        for connection in std::mem::take(&mut self.connections).into_keys() {
            self.feed(Input::Closed(connection));
        }
        self.ports.close_all();
        self.outputs.clear();
        self.ready.clear();
    }

    /// The last thing that it does.
    pub(super) fn end(&mut self) {
        if let Some(Err(error)) = self.store.as_ref().map(Store::sync) {
            tracing::error!(%error, "the end of the journal may not be on the disk");
        }
    }
}
