//! How much is in topics and how far consumer groups lag behind: what the broker tells, put together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use twinkey_api::{
    WorkspaceId,
    activity::{
        ConsumerGroup, ConsumerGroups, GroupMember, GroupPartition, GroupTopic, PartitionActivity, TopicActivity,
        TopicPartitions, TopicsActivity,
    },
    token_pair::Slot,
};

use crate::{
    app::App,
    broker::{Contents, Group, Member, PartitionContents, TopicContents, TopicError},
    db,
    registry::Pair,
};

/// So many groups, with their members and offsets, are in one answer.
const GROUPS: usize = 1_000;
/// So many members of one group are named.
const MEMBERS: usize = 1_000;

/// All topics of a workspace.
pub async fn topics(app: &App, workspace_id: &WorkspaceId) -> Result<TopicsActivity, TopicError> {
    let at = db::timestamp(app.now().as_millisecond());
    let (contents, groups) = tokio::try_join!(app.broker.contents(workspace_id), app.broker.groups(workspace_id))?;
    let ends = Highs::of(&contents);
    let mut by_topic: HashMap<&str, (u32, Option<i64>)> = HashMap::new();
    for group in &groups.groups {
        let mut counted = BTreeSet::new();
        for (topic, partition, committed) in &group.committed {
            let lag = ends.get(topic, *partition).map(|high| lag(high, *committed));
            let (count, sum) = by_topic.entry(topic).or_insert((0, Some(0)));
            *count += u32::from(counted.insert(topic));
            *sum = sum.zip(lag).map(|(sum, lag)| sum.saturating_add(lag));
        }
    }
    let topics = contents.topics.iter().map(|topic| {
        let (groups, lag) = by_topic.get(topic.name.as_str()).copied().unwrap_or((0, None));
        TopicActivity {
            id: topic.name.clone(),
            name: inside(workspace_id, &topic.name),
            records: total(topic, |it| it.high?.checked_sub(it.low?)),
            bytes: total(topic, |it| it.bytes),
            end_offsets: total(topic, |it| it.high),
            groups,
            lag,
        }
    });
    Ok(TopicsActivity { at, topics: topics.collect(), partial: sentences([contents.missing.clone(), groups.silent]) })
}

/// The partitions of a topic.
pub async fn partitions(app: &App, topic: &str) -> Result<TopicPartitions, TopicError> {
    let at = db::timestamp(app.now().as_millisecond());
    let mut contents = app.broker.contents_of(topic).await?;
    let topic = contents.topics.pop().ok_or(TopicError::Unknown)?;
    let partitions = topic.partitions.into_iter().map(|it| PartitionActivity {
        partition: it.partition,
        low_offset: it.low,
        high_offset: it.high,
        bytes: it.bytes,
        leader: it.leader,
    });
    Ok(TopicPartitions { at, partitions: partitions.collect(), partial: sentences([contents.missing]) })
}

/// The consumer groups of a workspace; of one topic, if one is named.
pub async fn groups(
    app: &App,
    workspace_id: &WorkspaceId,
    pair: &Pair,
    topic: Option<&str>,
) -> Result<ConsumerGroups, TopicError> {
    let at = db::timestamp(app.now().as_millisecond());
    let contents = async {
        match topic {
            Some(topic) => app.broker.contents_of(topic).await,
            None => app.broker.contents(workspace_id).await,
        }
    };
    let (contents, groups) = tokio::try_join!(contents, app.broker.groups(workspace_id))?;
    let mut partial = sentences([contents.missing.clone(), groups.silent]);
    let ends = Highs::of(&contents);
    let mut found: Vec<_> = groups
        .groups
        .into_iter()
        .map(|group| describe(workspace_id, pair, &ends, group))
        .filter(|group| topic.is_none() || !group.topics.is_empty())
        .collect();
    if found.len() > GROUPS {
        partial.push(format!("The workspace has {} consumer groups; the first {GROUPS} are shown.", found.len()));
        found.truncate(GROUPS);
    }
    Ok(ConsumerGroups { at, groups: found, partial })
}

fn describe(workspace_id: &WorkspaceId, pair: &Pair, ends: &Highs<'_>, group: Group) -> ConsumerGroup {
    let mut committed: BTreeMap<&str, HashMap<i32, i64>> = BTreeMap::new();
    for (topic, partition, offset) in &group.committed {
        committed.entry(topic).or_default().insert(*partition, *offset);
    }
    let mut sum = None;
    let mut topics = Vec::new();
    for (topic, committed) in committed {
        // Offsets of a topic that is gone say nothing any more.
        let Some(partitions) = ends.topics.get(topic) else { continue };
        let partitions = partitions.iter().map(|(partition, high)| {
            let committed = committed.get(partition).copied();
            let lag = committed.zip(*high).map(|(committed, high)| lag(high, committed));
            if let Some(lag) = lag {
                sum = Some(sum.unwrap_or(0_i64).saturating_add(lag));
            }
            GroupPartition { partition: *partition, committed, high_offset: *high, lag }
        });
        topics.push(GroupTopic { topic: inside(workspace_id, topic), partitions: partitions.collect() });
    }
    let member = |member: Member| GroupMember {
        token: token_of(pair, &member),
        id: member.id,
        client_id: member.client_id,
        host: member.host,
    };
    ConsumerGroup {
        name: inside(workspace_id, &group.id),
        id: group.id,
        state: group.state,
        protocol_type: Some(group.protocol_type).filter(|it| !it.is_empty()),
        members: group.members.into_iter().take(MEMBERS).map(member).collect(),
        topics,
        lag: sum,
    }
}

/// The ends of partitions, to be looked up.
struct Highs<'a> {
    topics: HashMap<&'a str, BTreeMap<i32, Option<i64>>>,
}

impl<'a> Highs<'a> {
    fn of(contents: &'a Contents) -> Self {
        let highs = |topic: &TopicContents| topic.partitions.iter().map(|it| (it.partition, it.high)).collect();
        Self { topics: contents.topics.iter().map(|topic| (topic.name.as_str(), highs(topic))).collect() }
    }

    fn get(&self, topic: &str, partition: i32) -> Option<i64> {
        *self.topics.get(topic)?.get(&partition)?
    }
}

/// What was committed may be newer than the end that was asked for before it.
fn lag(high: i64, committed: i64) -> i64 {
    high.saturating_sub(committed).max(0)
}

/// A sum that is known only where every part is.
fn total(topic: &TopicContents, part: impl Fn(&PartitionContents) -> Option<i64>) -> Option<i64> {
    topic.partitions.iter().try_fold(0_i64, |sum, partition| Some(sum.saturating_add(part(partition)?)))
}

/// A full name without the workspace.
fn inside(workspace_id: &WorkspaceId, full: &str) -> String {
    full.get(workspace_id.as_str().len() + 1..).unwrap_or(full).to_owned()
}

/// With which token a member signed in. A cluster does not tell; but whoever had its credentials from Twinkey has the token's id in
/// its `client.id`.
fn token_of(pair: &Pair, member: &Member) -> Option<String> {
    let slot = [Slot::Current, Slot::Next].into_iter().find(|slot| {
        let token = pair.token(*slot);
        let named = || member.client_id.contains(&token.id);
        member.principal.as_ref().map_or_else(named, |principal| *principal == token.principal)
    })?;
    Some(slot.label().to_owned())
}

/// Each sentence once: the same broker may have been silent twice.
fn sentences<const N: usize>(lists: [Vec<String>; N]) -> Vec<String> {
    lists.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect()
}
