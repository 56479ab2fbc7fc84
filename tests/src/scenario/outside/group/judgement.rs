//! The end of a group, and what must hold of all that happened in it.

use std::collections::BTreeMap;

use weft_client::Offset;

use super::{Gone, Group, Lived};
use crate::ensure;
use crate::failure::Failure;
use crate::guarantee::{
    Claim, Handled, Instance, at_least_once, no_regress, one_owner_per_generation,
};
use crate::outside::{MemberKind, OutsideClient};

impl Group<'_> {
    /// Ends the members that are left, and judges everything.
    pub(in super::super) fn finish(mut self) -> Result<Lived, Failure> {
        self.wait_until_handled()?;
        let ids: Vec<&'static str> = self.members.keys().copied().collect();
        for id in ids {
            let member = self.members.remove(id).expect("it is a member");
            let is_kcat = member.kind() == MemberKind::Outside(OutsideClient::Kcat);
            let story = member.close().map_err(|failure| failure.during(id))?;
            let is_excused = is_kcat && self.are_losses_expected;
            self.gone.insert(id, Gone { story, is_excused });
        }
        let committed = self.look_at_commits()?.into_iter();
        let committed: BTreeMap<i32, Offset> = committed
            .map(|(partition, committed)| (partition, committed.offset))
            .collect();
        ensure!(
            committed == self.filled.ends,
            "{committed:?} is committed and not {:?}",
            self.filled.ends
        );
        self.judge()
    }

    fn judge(&self) -> Result<Lived, Failure> {
        let history = self.recorder.history();
        let delivery = at_least_once(&self.filled.ends, &history)?;
        no_regress(&self.commits)?;
        one_owner_per_generation(&self.claims())?;
        self.check_duplicates(&history)?;
        let stories = self.gone.values();
        Ok(Lived {
            delivery,
            commits_failed: stories.map(|gone| gone.story.commits_failed).sum(),
        })
    }

    fn claims(&self) -> Vec<Claim> {
        let joined = (0..).zip(&self.joined);
        let claims = joined.map(|(number, id)| {
            let story = self.gone.get(id).map(|gone| &gone.story);
            story.map(|story| story.claims(Instance(number)))
        });
        claims.flatten().flatten().collect()
    }

    /// Only what a member had handled that then was killed, or whose commit was refused, may be
    /// handled again.
    fn check_duplicates(&self, history: &[Handled]) -> Result<(), Failure> {
        let mut handlers: BTreeMap<(i32, Offset), Vec<Instance>> = BTreeMap::new();
        for record in history {
            let place = (record.partition, record.offset);
            handlers.entry(place).or_default().push(record.instance);
        }
        for (place, handlers) in handlers {
            let is_explained = handlers.iter().any(|instance| {
                let Gone { story, is_excused } = &self.gone[self.joined[instance.0 as usize]];
                *is_excused || story.commits_failed > 0 || story.lost > 0
            });
            ensure!(
                handlers.len() == 1 || is_explained,
                "{place:?} was handled by all of {handlers:?}, none of which had a reason"
            );
        }
        Ok(())
    }
}
