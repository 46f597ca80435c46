//! Members of consumer groups. On Apache Kafka they are what can be seen of who is there, by the `client.id` that Twinkey has handed
//! out with the credentials, in which the token's public id stands. The embedded broker knows its connections; there they say which
//! service of several with the same library and address a client is.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use twinkey_api::{
    WorkspaceId,
    usage::{TokenClient, UsedToken, Via},
};

use super::{open_client, verdict};
use crate::{
    app::App,
    broker::{Kafka, Member},
    usage::identity::Identity,
};

/// How long the cluster may take.
const LIMIT: Duration = Duration::from_secs(5);
/// For how long an answer counts as one of this moment.
const FRESH: Duration = Duration::from_secs(1);
/// How many members that name no token a sentence names.
const NAMED: usize = 3;

/// The members of a workspace's groups, and what is not known about them.
#[derive(Default)]
pub struct Members {
    /// Group, `client.id`, address and principal of each, as far as it is known.
    found: Vec<(String, String, String, Option<String>)>,
    /// The length of the id of a workspace and the hyphen behind it.
    prefix: usize,
    /// `None`: there is no cluster. Else what went wrong when it was asked.
    cluster: Option<Vec<String>>,
    now: Timestamp,
}

impl Members {
    /// What the cluster shows, if there is one. One question at a time, and none that was answered a moment ago: people watch
    /// this, and a cluster has other things to do.
    pub async fn look(app: &App, workspace_id: &WorkspaceId) -> Arc<Self> {
        let Some(kafka) = app.broker.kafka() else { return Arc::new(Self::of_this_process(app, workspace_id).await) };
        let mut last = app.usage.members.lock().await;
        let now = app.replicas.now();
        if let Some((id, at, members)) = &*last
            && id == workspace_id
            && now < *at + FRESH
        {
            return members.clone();
        }
        let members = Arc::new(Self::ask(app, kafka, workspace_id).await);
        *last = Some((workspace_id.clone(), app.replicas.now(), members.clone()));
        members
    }

    /// Those of the embedded broker.
    async fn of_this_process(app: &App, workspace_id: &WorkspaceId) -> Self {
        let prefix = workspace_id.as_str().len() + 1;
        let groups = app.broker.groups(workspace_id).await.map(|groups| groups.groups).unwrap_or_default();
        let members = groups.into_iter().flat_map(|group| {
            let member = move |it: Member| (group.id.clone(), it.client_id, it.host, it.principal);
            group.members.into_iter().map(member)
        });
        Self { found: members.collect(), prefix, now: app.now(), cluster: None }
    }

    async fn ask(app: &App, kafka: &Kafka, workspace_id: &WorkspaceId) -> Self {
        let prefix = format!("{workspace_id}-");
        let mut looked = Self { prefix: prefix.len(), now: app.now(), cluster: Some(Vec::new()), ..Self::default() };
        let mut missing = Vec::new();
        match tokio::time::timeout(LIMIT, kafka.cluster.groups(&prefix)).await {
            Ok(Ok(found)) => {
                let silent = found.silent.iter().map(|silent| {
                    format!(
                        "the consumer groups that broker {} at {} coordinates: {}",
                        silent.broker.id, silent.broker.address, silent.reason
                    )
                });
                missing.extend(silent);
                for group in found.groups {
                    let member =
                        |it: twinkey_kafka_admin::groups::Member| (group.id.clone(), it.client_id, it.host, None);
                    looked.found.extend(group.members.into_iter().map(member));
                }
            }
            Ok(Err(error)) => missing.push(format!("the consumer groups of the cluster: {error}")),
            Err(_) => missing
                .push(format!("the consumer groups of the cluster: it did not answer within {} s", LIMIT.as_secs())),
        }
        looked.cluster = Some(missing);
        looked
    }

    /// Adds the members that name this token, or signed in with it, to its clients.
    pub fn add_to(&self, clients: &mut Vec<TokenClient>, token_id: &str, principal: &str) {
        for (group, client_id, host, of) in &self.found {
            if of.as_ref().map_or(!client_id.contains(token_id), |of| of != principal) {
                continue;
            }
            let group = group.get(self.prefix..).unwrap_or(group).to_owned();
            let known =
                clients.iter_mut().find(|it| it.via == Via::Broker && it.address == *host && it.agent == *client_id);
            if let Some(client) = known {
                // The embedded broker has counted it.
                client.open_connections += u64::from(self.cluster.is_some());
                if !client.groups.contains(&group) {
                    client.groups.push(group);
                }
                continue;
            }
            if self.cluster.is_none() {
                continue;
            }
            let identity =
                Identity { via: Via::Broker, address: host.clone(), agent: client_id.clone(), software: String::new() };
            let name = client_id.replace(token_id, "…");
            let client = open_client(&identity, token_id, 1, self.now);
            clients.push(TokenClient { name, groups: vec![group], ..client });
        }
    }

    /// What the cluster was asked and did not show.
    pub fn missing(&self) -> &[String] {
        self.cluster.as_deref().unwrap_or_default()
    }

    /// What a verdict on this token says nothing about.
    pub fn cannot_see(&self, token: &UsedToken, now: Timestamp) -> Vec<String> {
        let Some(missing) = &self.cluster else { return Vec::new() };
        let fetched = token.credentials_fetched_at.map_or_else(
            || "They were never fetched with Token 1".to_owned(),
            |at| {
                let by = token.clients.iter().find(|client| client.credentials_fetched_at == Some(at));
                let by = by.map_or_else(String::new, |it| format!(" by `{}` from {}", it.name, it.address));
                format!("They were last fetched with Token 1 {}{by}", verdict::ago(at, now))
            },
        );
        let mut cannot_see = vec![format!(
            "Apache Kafka tells nobody who is connected. Producers, consumers outside of groups, and programs that set a \
             client.id of their own are not seen; they go on with the broker credentials that they have fetched. {fetched}"
        )];
        cannot_see.extend(self.nameless());
        cannot_see.extend(missing.iter().map(|what| format!("Not asked: {what}")));
        cannot_see
    }

    /// Members whose `client.id` names no token at all: they may use either.
    fn nameless(&self) -> Option<String> {
        // The id of a token is 16 lower-case letters and digits; where there is none, none is named.
        let names_token = |client_id: &str| {
            client_id.split(|it: char| !it.is_ascii_lowercase() && !it.is_ascii_digit()).any(|word| word.len() == 16)
        };
        let nameless: Vec<_> = self.found.iter().filter(|(_, client_id, ..)| !names_token(client_id)).collect();
        if nameless.is_empty() {
            return None;
        }
        let mut named: Vec<String> = nameless
            .iter()
            .take(NAMED)
            .map(|(group, client_id, host, _)| format!("`{client_id}` from {host} in {group}"))
            .collect();
        if nameless.len() > NAMED {
            named.push(format!("and {} more", nameless.len() - NAMED));
        }
        Some(format!(
            "Members of consumer groups whose client.id names no token, so that they may use either: {}",
            named.join("; ")
        ))
    }
}
