//! Shell: tells somebody of violations at the moment in which they happen.

use std::fmt;
use std::sync::Arc;

/// Who hears of them, and of how many already.
#[derive(Clone)]
pub(super) struct Witness {
    tell: Arc<dyn Fn(&str) + Send + Sync>,
    told: usize,
}

impl Witness {
    pub(super) fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            tell: Arc::new(tell),
            told: 0,
        }
    }

    /// Takes all violations so far, and tells the new ones.
    pub(super) fn hear(&mut self, violations: &[String]) {
        for violation in violations.iter().skip(self.told) {
            (self.tell)(violation);
        }
        self.told = violations.len();
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness")
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn each_violation_is_told_once() {
        let (sender, told) = channel();
        let mut witness = Witness::new(move |text| sender.send(text.to_owned()).unwrap());
        let violations = ["first".to_owned(), "second".to_owned()];

        witness.hear(&violations[..1]);
        witness.hear(&violations[..1]);
        witness.hear(&violations);

        assert_eq!(told.try_iter().collect::<Vec<_>>(), violations);
    }
}
