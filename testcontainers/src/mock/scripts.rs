//! Shell: runs scripts over a cluster, line by line as they fall due.

use std::fmt;
use std::time::Instant;

use super::cluster::MockCluster;
use super::core::{Obeyed, OrderRefused};
use super::error::MockError;
use super::script::{Script, ScriptRun, Statement};
use super::server::Server;

/// A line of a script that was carried out, or could not be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScriptStep {
    /// The line.
    pub statement: Statement,
    /// What came of it.
    pub outcome: Result<Obeyed, OrderRefused>,
}

/// A script, and who hears of its steps.
pub(super) struct RunningScript {
    run: ScriptRun,
    tell: Box<dyn FnMut(&ScriptStep) + Send>,
}

impl Server {
    /// When the next line of a script is due.
    pub(super) fn next_statement_at(&self) -> Option<Instant> {
        let scripts = self.scripts.iter();
        scripts
            .filter_map(|script| script.run.next_deadline())
            .min()
    }

    /// Carries out the lines that are due.
    pub(super) fn go_on_with_scripts(&mut self) {
        let mut scripts = std::mem::take(&mut self.scripts);
        for script in &mut scripts {
            while let Some(statement) = script.run.take_due(self.time.now()) {
                let outcome = self.obey(statement.order.clone());
                self.work();
                (script.tell)(&ScriptStep { statement, outcome });
            }
        }
        scripts.retain(|script| script.run.next_deadline().is_some());
        self.scripts = scripts;
    }

    fn run_script(&mut self, script: RunningScript) -> Result<(), MockError> {
        if self.scripts.len() >= SCRIPTS_MAX {
            let what = "it runs a hundred scripts already";
            return Err(MockError::Configuration { what });
        }
        self.scripts.push(script);
        self.go_on_with_scripts();
        Ok(())
    }
}

/// Scripts.
impl MockCluster {
    /// Runs a script from now on. Lines without a time are carried out when this returns; the
    /// others when their time has come, on the thread of the cluster. A line that is refused does
    /// not keep the others from being carried out.
    ///
    /// `tell` hears of each line. It is called on the thread of the cluster, so it must be quick,
    /// and must not ask the cluster anything: that would wait for itself for ever.
    ///
    /// ```
    /// use weft_testcontainers::mock::{MockCluster, script};
    ///
    /// let cluster = MockCluster::builder().brokers(2).start()?;
    /// let script = script::parse("kill 1\nafter 1h restart 1")?;
    /// cluster.run_script(script, |step| println!("{step}"))?;
    /// assert!(!cluster.is_alive(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MockError::Configuration`] if a hundred scripts are not over yet.
    pub fn run_script(
        &self,
        script: Script,
        tell: impl FnMut(&ScriptStep) + Send + 'static,
    ) -> Result<(), MockError> {
        self.ask(move |server| {
            let run = ScriptRun::new(script, server.time.now());
            let tell = Box::new(tell);
            server.run_script(RunningScript { run, tell })
        })
    }
}

impl fmt::Display for ScriptStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: ", self.statement.line, self.statement)?;
        match &self.outcome {
            Ok(Obeyed::Done) => f.write_str("done"),
            Ok(Obeyed::FaultSet(id)) => write!(f, "fault {id} is set"),
            Ok(Obeyed::FaultLifted(counts)) => {
                write!(f, "it matched {} and hit {}", counts.matched, counts.hit)
            }
            Err(refused) => write!(f, "refused: {refused}"),
        }
    }
}

impl fmt::Debug for RunningScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningScript")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// How many scripts may be running at a time.
const SCRIPTS_MAX: usize = 100;
