//! Consumer groups: who is in them, and removing them.

use std::collections::HashMap;

use futures::future::join_all;
use kafka_protocol::{
    messages::{
        ConsumerGroupDescribeRequest, DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId,
        LeaveGroupRequest, ListGroupsRequest, OffsetFetchRequest, leave_group_request::MemberIdentity,
        offset_fetch_request::OffsetFetchRequestGroup,
    },
    protocol::StrBytes,
};

use crate::{
    Address, Cluster, Error, Refusal, answer::judge, cluster::BrokerInfo, link::Link, principals::SilentBroker,
};

const LIST: &str = "list consumer groups";
const COMMITTED: &str = "ask what consumer groups committed";
const REMOVE: &str = "remove the members of a consumer group";
const DELETE: &str = "delete consumer groups";

/// So many groups are asked for their offsets in one request.
const OFFSETS: usize = 200;

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// As Kafka names it: Stable, Empty, `PreparingRebalance`, …
    pub state: String,
    /// What its members speak: `consumer`, usually. Empty where it is not known.
    pub protocol_type: String,
    /// Topic, partition and the next offset to read, where they were asked for.
    pub committed: Vec<(String, i32, i64)>,
    /// Who is in it just now.
    pub members: Vec<Member>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// The client's `client.id`.
    pub client_id: String,
    /// The address that it connects from.
    pub host: String,
}

/// Groups, as far as brokers answered.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// By id.
    pub groups: Vec<Group>,
    /// Brokers that did not answer: the groups that they coordinate are missing.
    pub silent: Vec<SilentBroker>,
}

impl Cluster {
    /// All groups whose id begins with `prefix`, without what they committed.
    pub async fn groups(&self, prefix: &str) -> Result<Groups, Error> {
        self.groups_as(prefix, false).await
    }

    /// The same with what they committed.
    pub async fn groups_with_offsets(&self, prefix: &str) -> Result<Groups, Error> {
        self.groups_as(prefix, true).await
    }

    async fn groups_as(&self, prefix: &str, offsets: bool) -> Result<Groups, Error> {
        let brokers: Vec<BrokerInfo> = self.describe().await?.brokers;
        let asked = brokers.into_iter().map(|broker| async {
            let link = self.link(&broker.address);
            let mut result = groups_of(&link, prefix).await;
            if offsets && let Ok(groups) = &mut result {
                result = add_offsets(&link, std::mem::take(groups)).await;
            }
            (broker, result)
        });
        let mut all = Groups::default();
        for (broker, result) in join_all(asked).await {
            match result {
                Ok(groups) => all.groups.extend(groups),
                Err(error @ Error::NotAuthorised { .. }) => return Err(error),
                Err(error) => all.silent.push(SilentBroker { broker, reason: error.to_string() }),
            }
        }
        all.groups.sort_by(|left, right| left.id.cmp(&right.id));
        all.groups.dedup_by(|left, right| left.id == right.id);
        Ok(all)
    }

    /// Deletes a group. One that has members is refused ([`Refusal::InUse`]), and one that is not there ([`Refusal::NotFound`]).
    pub async fn delete_group(&self, id: &str) -> Result<(), Error> {
        self.delete_groups_as(&[id.to_owned()], false).await
    }

    /// Deletes groups. One that has members is refused ([`Refusal::InUse`]); one that is not there is fine.
    pub async fn delete_groups(&self, ids: &[String]) -> Result<(), Error> {
        self.delete_groups_as(ids, true).await
    }

    async fn delete_groups_as(&self, ids: &[String], missing_is_fine: bool) -> Result<(), Error> {
        self.patiently(|| async {
            let mut by_coordinator: HashMap<Address, Vec<GroupId>> = HashMap::new();
            for (id, address) in self.coordinators(GROUP, ids, DELETE).await? {
                by_coordinator.entry(address).or_default().push(GroupId(StrBytes::from_string(id)));
            }
            for (address, ids) in by_coordinator {
                let link = self.link(&address);
                let mut connection = link.ready().await?;
                let request = DeleteGroupsRequest::default().with_groups_names(ids);
                let answer = connection.order(&link, DELETE, &request, 1..=2).await?;
                link.rest(connection);
                for result in &answer.results {
                    match judge(result.error_code, None, DELETE, &address, true) {
                        Ok(()) => {}
                        Err(Error::Refused { refusal: Refusal::NotFound, .. }) if missing_is_fine => {}
                        Err(other) => return Err(other),
                    }
                }
            }
            Ok(())
        })
        .await
    }

    /// Takes the members out of a group, whoever they are. One that has left by itself is fine; one of the group protocol of Kafka 4
    /// may stay until its session times out.
    pub async fn remove_members(&self, group: &Group) -> Result<(), Error> {
        let ids = std::slice::from_ref(&group.id);
        let members = group.members.iter().map(|member| {
            MemberIdentity::default()
                .with_member_id(StrBytes::from_string(member.id.clone()))
                .with_group_instance_id(None)
        });
        let request = LeaveGroupRequest::default()
            .with_group_id(GroupId(StrBytes::from_string(group.id.clone())))
            .with_members(members.collect());
        self.patiently(|| async {
            for (_, address) in self.coordinators(GROUP, ids, REMOVE).await? {
                let link = self.link(&address);
                let mut connection = link.ready().await?;
                let answer = connection.order(&link, REMOVE, &request, 3..=5).await?;
                link.rest(connection);
                // What becomes of each member does not matter: whoever deletes the group sees whether one has stayed.
                match judge(answer.error_code, None, REMOVE, &address, true) {
                    Ok(()) | Err(Error::Refused { .. }) => {}
                    Err(other) => return Err(other),
                }
            }
            Ok(())
        })
        .await
    }

    /// Who coordinates each of these groups or transactional ids.
    pub(crate) async fn coordinators(
        &self,
        kind: i8,
        keys: &[String],
        what: &str,
    ) -> Result<Vec<(String, Address)>, Error> {
        let keys = keys.iter().map(|key| StrBytes::from_string(key.clone())).collect();
        let request = FindCoordinatorRequest::default().with_key_type(kind).with_coordinator_keys(keys);
        let (answer, address) = self.ask(what, &request, 4..=4).await?;
        let found = answer.coordinators.into_iter().map(|found| {
            judge(found.error_code, found.error_message.as_deref(), what, &address, false)?;
            let port = u16::try_from(found.port).map_err(|_| Error::Temporary {
                what: what.to_owned(),
                message: "the coordinator is being chosen".to_owned(),
            })?;
            Ok((found.key.to_string(), Address { host: found.host.to_string(), port }))
        });
        found.collect()
    }
}

/// [`FindCoordinatorRequest`] about groups.
const GROUP: i8 = 0;

/// The groups that one broker coordinates.
async fn groups_of(link: &Link, prefix: &str) -> Result<Vec<Group>, Error> {
    let answer = link.ask(LIST, &ListGroupsRequest::default(), 4..=5).await?;
    judge(answer.error_code, None, LIST, &link.address, false)?;
    let (mut classic, mut modern) = (Vec::new(), Vec::new());
    for group in answer.groups.into_iter().filter(|group| group.group_id.starts_with(prefix)) {
        // The group protocol of Kafka 4 has a question of its own. Share groups hold no rights of a token.
        match group.group_type.to_ascii_lowercase().as_str() {
            "" | "classic" => classic.push(group.group_id),
            "consumer" => modern.push(group.group_id),
            _ => {}
        }
    }
    let mut groups = Vec::new();
    if !classic.is_empty() {
        let answer = link.ask(LIST, &DescribeGroupsRequest::default().with_groups(classic), 5..=5).await?;
        for group in answer.groups {
            judge(group.error_code, None, LIST, &link.address, false)?;
            let members =
                group.members.iter().map(|member| member_of(&member.member_id, &member.client_id, &member.client_host));
            groups.push(Group {
                id: group.group_id.to_string(),
                state: group.group_state.to_string(),
                protocol_type: group.protocol_type.to_string(),
                committed: Vec::new(),
                members: members.collect(),
            });
        }
    }
    if !modern.is_empty() {
        let answer = link.ask(LIST, &ConsumerGroupDescribeRequest::default().with_group_ids(modern), 0..=0).await?;
        for group in answer.groups {
            judge(group.error_code, group.error_message.as_deref(), LIST, &link.address, false)?;
            let members =
                group.members.iter().map(|member| member_of(&member.member_id, &member.client_id, &member.client_host));
            groups.push(Group {
                id: group.group_id.to_string(),
                state: group.group_state.to_string(),
                protocol_type: "consumer".to_owned(),
                committed: Vec::new(),
                members: members.collect(),
            });
        }
    }
    Ok(groups)
}

/// Asks their coordinator what the groups committed.
async fn add_offsets(link: &Link, mut groups: Vec<Group>) -> Result<Vec<Group>, Error> {
    for batch in groups.chunks_mut(OFFSETS) {
        let asked = batch.iter().map(|group| {
            OffsetFetchRequestGroup::default()
                .with_group_id(GroupId(StrBytes::from_string(group.id.clone())))
                .with_member_id(None)
                .with_topics(None)
        });
        let request = OffsetFetchRequest::default().with_groups(asked.collect());
        let answer = link.ask(COMMITTED, &request, 8..=9).await?;
        for found in answer.groups {
            match judge(found.error_code, None, COMMITTED, &link.address, false) {
                Ok(()) => {}
                // Deleted meanwhile.
                Err(Error::Refused { refusal: Refusal::NotFound, .. }) => continue,
                Err(other) => return Err(other),
            }
            let Some(group) = batch.iter_mut().find(|group| *group.id == **found.group_id) else { continue };
            for topic in found.topics {
                // An error, or a partition without an offset, which is not listed where all are asked for.
                let known = topic.partitions.iter().filter(|it| it.error_code == 0 && it.committed_offset >= 0);
                group
                    .committed
                    .extend(known.map(|it| (topic.name.to_string(), it.partition_index, it.committed_offset)));
            }
        }
    }
    Ok(groups)
}

fn member_of(id: &StrBytes, client_id: &StrBytes, host: &StrBytes) -> Member {
    // Kafka writes an address with a slash before it, as Java does.
    let host = host.trim_start_matches('/').to_owned();
    Member { id: id.to_string(), client_id: client_id.to_string(), host }
}
