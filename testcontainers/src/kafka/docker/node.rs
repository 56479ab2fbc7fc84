//! Shell: the container of one broker, which can be killed, restarted and paused.

#![expect(
    clippy::disallowed_types,
    reason = "a shell: tests hurt shared nodes from any thread"
)]

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use testcontainers::core::IntoContainerPort as _;
use testcontainers::core::error::Result as DockerResult;
use testcontainers::runners::SyncRunner as _;
use testcontainers::{Container, GenericImage, ImageExt as _};

use super::settings::ContainerSettings;
use crate::kafka::KafkaError;

/// The node of a [`KafkaCluster`](super::KafkaCluster).
#[derive(Debug)]
pub struct KafkaNode {
    port: u16,
    container: Container<GenericImage>,
    condition: Mutex<Condition>,
}

/// What the test made of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Running,
    Paused,
    Killed,
}

impl KafkaNode {
    /// Creates and starts the container, whose image Docker fetches if it does not have it.
    pub(super) fn start(settings: &ContainerSettings) -> Result<Self, KafkaError> {
        let doing = format!(
            "starting a container of {}:{}",
            settings.image, settings.tag
        );
        let port = settings.port;
        let mut request = GenericImage::new(settings.image, &settings.tag)
            .with_mapped_port(port, port.tcp())
            // Docker would offer the port to the whole network.
            .with_host_config_modifier(|host| {
                let bindings = host.port_bindings.iter_mut().flatten();
                for binding in bindings.flat_map(|(_, bindings)| bindings).flatten() {
                    binding.host_ip = Some("127.0.0.1".to_owned());
                }
            });
        for (name, value) in &settings.environment {
            request = request.with_env_var(name, value);
        }
        let container = request.start().map_err(|error| KafkaError::Docker {
            doing,
            told: format!("{error}. {NEEDS_ENGINE}"),
        })?;
        let host = told(container.get_host(), "asking where the containers are")?.to_string();
        if !["localhost", "127.0.0.1"].contains(&host.as_str()) {
            let what = format!("Docker's engine is on {host}; only one on this machine will do");
            return Err(KafkaError::Configuration { what });
        }
        Ok(Self {
            port,
            container,
            condition: Mutex::new(Condition::Running),
        })
    }

    /// The node id, which is 0.
    pub fn id(&self) -> i32 {
        0
    }

    /// The port on 127.0.0.1 where it serves clients. It stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Docker's id of the container.
    pub fn container_id(&self) -> &str {
        self.container.id()
    }

    /// Ends the node at once. It stays down until [`Self::restart`]. Unlike on a JVM of this
    /// machine SIGKILL comes a moment after a SIGTERM: the `testcontainers` crate knows no other
    /// way.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Docker`] if the engine refuses.
    pub fn kill(&self) -> Result<(), KafkaError> {
        let mut condition = self.condition();
        if *condition == Condition::Killed {
            return Ok(());
        }
        told(
            self.container.stop_with_timeout(Some(0)),
            "stopping the container",
        )?;
        *condition = Condition::Killed;
        Ok(())
    }

    /// Starts the node again with its data and its port, after killing it if it still runs.
    /// Returns at once; [`KafkaCluster::wait_ready`](super::KafkaCluster::wait_ready) tells when it
    /// is back.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Docker`] if the engine refuses.
    pub fn restart(&self) -> Result<(), KafkaError> {
        self.kill()?;
        let mut condition = self.condition();
        told(self.container.start(), "starting the container again")?;
        *condition = Condition::Running;
        Ok(())
    }

    /// Freezes the node: its connections stay open and nothing is answered. A node that is frozen
    /// or down is left alone.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Docker`] if the engine refuses.
    pub fn pause(&self) -> Result<(), KafkaError> {
        let mut condition = self.condition();
        if *condition == Condition::Running {
            told_at_once(self.container.pause(), "pausing the container")?;
            *condition = Condition::Paused;
        }
        Ok(())
    }

    /// Lets a paused node go on.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Docker`] if the engine refuses.
    pub fn resume(&self) -> Result<(), KafkaError> {
        let mut condition = self.condition();
        if *condition == Condition::Paused {
            told_at_once(self.container.unpause(), "resuming the container")?;
            *condition = Condition::Running;
        }
        Ok(())
    }

    /// The last lines the node has logged, oldest first, at most `count`; none if the engine does
    /// not tell. Reads the whole log.
    pub fn last_log_lines(&self, count: usize) -> Vec<String> {
        let log = self.container.stdout_to_vec().unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(count)..];
        last.iter().map(|&line| line.to_owned()).collect()
    }

    pub(super) fn is_killed(&self) -> bool {
        *self.condition() == Condition::Killed
    }

    /// Whether the container has ended although nobody asked it to.
    pub(super) fn has_exited(&self) -> Result<bool, KafkaError> {
        if self.is_killed() {
            return Ok(false);
        }
        told(self.container.is_running(), "looking at the container").map(|is_running| !is_running)
    }

    fn condition(&self) -> MutexGuard<'_, Condition> {
        // The state is whole at every point where a panic could strike.
        self.condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn told<T>(result: DockerResult<T>, doing: &str) -> Result<T, KafkaError> {
    result.map_err(|error| KafkaError::Docker {
        doing: doing.to_owned(),
        told: error.to_string(),
    })
}

/// The crate's blocking container declares two of its calls `async`; they do all their waiting
/// within the first poll.
fn told_at_once<T>(
    call: impl Future<Output = DockerResult<T>>,
    doing: &str,
) -> Result<T, KafkaError> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => told(result, doing),
        Poll::Pending => Err(KafkaError::Docker {
            doing: doing.to_owned(),
            told: "the call did not wait for Docker's answer".to_owned(),
        }),
    }
}

const NEEDS_ENGINE: &str = "Is a Docker engine running? It is looked for where DOCKER_HOST or \
                            Docker's context says, and at /var/run/docker.sock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_waits_by_itself_is_over_at_once_and_another_one_is_an_error() {
        assert_eq!(told_at_once(async { Ok(7) }, "asking").unwrap(), 7);
        let never = std::future::pending::<DockerResult<()>>();
        let refused = told_at_once(never, "asking").unwrap_err().to_string();
        assert!(refused.starts_with("while asking: the call"), "{refused}");
    }
}
