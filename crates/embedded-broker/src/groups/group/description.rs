//! What administrators see of a group.

use bytes::Bytes;

use super::{Group, State};

/// A group, as DescribeGroups shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub state: State,
    pub protocol_type: String,
    /// The assignor; empty unless the group is stable.
    pub protocol: String,
    pub members: Vec<DescribedMember>,
}

/// A member, as DescribeGroups shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DescribedMember {
    pub member_id: String,
    pub instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    /// As whom it signed in; Kafka's own API does not tell.
    pub principal: String,
    /// Empty unless the group is stable, as is the assignment.
    pub metadata: Bytes,
    pub assignment: Bytes,
}

/// A group, as ListGroups shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    pub group_id: String,
    pub protocol_type: String,
    pub state: State,
}

impl Description {
    /// Of a group that does not exist.
    pub(crate) fn dead() -> Self {
        Self { state: State::Dead, protocol_type: String::new(), protocol: String::new(), members: Vec::new() }
    }
}

impl Group {
    pub(crate) fn describe(&self) -> Description {
        let stable = self.state == State::Stable;
        let members = self.members.iter().map(|(id, member)| DescribedMember {
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            principal: member.principal.clone(),
            metadata: if stable { member.metadata(&self.protocol) } else { Bytes::new() },
            assignment: if stable { member.assignment.clone() } else { Bytes::new() },
        });
        Description {
            state: self.state,
            protocol_type: self.protocol_type.clone(),
            protocol: if stable { self.protocol.clone() } else { String::new() },
            members: members.collect(),
        }
    }

    pub(crate) fn listing(&self, group_id: &str) -> Listing {
        Listing { group_id: group_id.to_owned(), protocol_type: self.protocol_type.clone(), state: self.state }
    }
}
