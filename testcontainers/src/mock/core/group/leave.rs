//! LeaveGroup: members that go, and members that others take out by their instance id.

use std::time::Instant;

use weft_client::MemberId;
use weft_client::wire::ErrorCode;

use super::super::violations::Violations;
use super::machine::{Group, GroupAnswer};
use super::member::Identity;

impl Group {
    /// Takes the member out. A static member may be named by its instance id alone.
    pub(crate) fn leave(
        &mut self,
        now: Instant,
        identity: &Identity,
        violations: &mut Violations,
        out: &mut Vec<GroupAnswer>,
    ) -> ErrorCode {
        let left = match self.leaving(identity) {
            Ok(member_id) => {
                self.remove(now, &member_id, out);
                ErrorCode::NONE
            }
            Err(_) if self.pending.remove(&identity.member_id).is_some() => ErrorCode::NONE,
            Err(error) => error,
        };
        self.advance(now, violations, out);
        left
    }

    fn leaving(&self, identity: &Identity) -> Result<MemberId, ErrorCode> {
        if identity.member_id.is_empty()
            && let Some(instance_id) = &identity.instance_id
        {
            let member = self.static_member(instance_id.as_str());
            let member = member.ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?;
            return Ok(member.id.clone());
        }
        self.identify(identity)?;
        Ok(identity.member_id.clone())
    }
}
