//! What is on the cluster under a name prefix: for a reconciler, which compares it with what should be there.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kafka_protocol::{
    messages::{
        DescribeAclsResponse, DescribeClientQuotasRequest, DescribeUserScramCredentialsRequest,
        describe_client_quotas_request::ComponentData,
    },
    protocol::StrBytes,
};

use crate::{
    Address, Cluster, Error, Mechanism,
    acls::{self, Acl, RIGHTS, Resource},
    answer::judge,
    barrier, scram,
};

/// Lists of a large cluster take their time.
const PATIENCE: Duration = Duration::from_mins(2);
/// Asked for one after the other, so that no single answer holds all rights of a large cluster. Rights on users (delegation
/// tokens) are not asked for: Kafka 3.8 does not let a filter name that kind, and they grant no data.
const RESOURCES: [Resource; 5] =
    [Resource::Topic, Resource::Group, Resource::TransactionalId, Resource::Cluster, Resource::Other(6)];
/// All ten of [`RIGHTS`].
const COMPLETE: u16 = (1 << RIGHTS.len()) - 1;

/// Everything under a prefix, by the user's name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inventory {
    /// Every user that has rights, a credential or a quota.
    pub users: BTreeMap<String, Found>,
    /// Marks that were made for such users and are still there: of orders under way, and of some that were broken off. See [`Cluster::sweep_markers`].
    pub markers: BTreeSet<String>,
}

/// What one user has. Kept small: a large cluster has 200,000 of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// For each prefix: which of the ten rights, as bits in the order of [`RIGHTS`].
    scopes: Vec<(Box<str>, u16)>,
    /// Rights that are none of the ten on a prefix.
    others: Vec<Acl>,
    /// SCRAM credentials, with their iterations.
    pub credentials: Vec<(Mechanism, u32)>,
    /// Quotas of this user, for whatever client.
    pub quotas: Vec<(String, f64)>,
}

impl Found {
    /// Whether it has any right.
    pub fn has_rights(&self) -> bool {
        !self.scopes.is_empty() || !self.others.is_empty()
    }

    /// Whether it has both credentials and the ten rights on the workspace, and nothing limits it.
    pub fn is_complete(&self, workspace: &str) -> bool {
        self.has_all_rights(workspace) && self.has_both_credentials() && !self.is_starved()
    }

    /// Whether it has the ten rights on the workspace.
    pub fn has_all_rights(&self, workspace: &str) -> bool {
        self.scopes.iter().any(|(prefix, rights)| is_scope(prefix, workspace) && *rights == COMPLETE)
    }

    /// Whether it may use any transactional id.
    pub fn has_any_transactional_id(&self) -> bool {
        acls::any_transactional_id().iter().all(|acl| self.others.contains(acl))
    }

    /// Whether it has a credential of each mechanism (which says nothing of its password).
    pub fn has_both_credentials(&self) -> bool {
        scram::MECHANISMS.iter().all(|wanted| self.credentials.iter().any(|(mechanism, _)| mechanism == wanted))
    }

    /// Whether the quota of a cut-off is on it.
    pub fn is_starved(&self) -> bool {
        self.quotas.iter().any(|(key, value)| key == crate::quotas::FETCH && *value <= 1.0)
    }

    /// Rights beyond the ten of a token of the workspace.
    pub fn extra_rights(&self, workspace: &str) -> Vec<Acl> {
        let foreign = self.scopes.iter().filter(|(prefix, _)| !is_scope(prefix, workspace));
        let spread = foreign.flat_map(|(prefix, bits)| {
            let granted = move |(bit, acl)| (*bits & (1_u16 << bit) != 0).then_some(acl);
            acls::rights(prefix).enumerate().filter_map(granted).collect::<Vec<_>>()
        });
        self.others.iter().cloned().chain(spread).collect()
    }

    fn add(&mut self, acl: Acl) {
        let known = RIGHTS.iter().position(|right| *right == (acl.resource, acl.operation));
        let Some(bit) = known.filter(|_| acl.prefixed && acl.allow && acl.host == "*") else {
            self.others.push(acl);
            return;
        };
        match self.scopes.iter_mut().find(|(prefix, _)| **prefix == *acl.name) {
            Some((_, bits)) => *bits |= 1 << bit,
            None => self.scopes.push((acl.name.into(), 1 << bit)),
        }
    }
}

impl Cluster {
    /// All users whose name begins with `prefix`, with their rights, credentials and quotas: some eight requests, however
    /// many there are. The broker that is asked tells its own state, which may be a moment behind the controller's.
    pub async fn inventory(&self, prefix: &str) -> Result<Inventory, Error> {
        let mut inventory = Inventory::default();
        for resource in RESOURCES {
            self.collect_rights(prefix, resource, &mut inventory).await?;
        }
        self.collect_credentials(prefix, &mut inventory).await?;
        for (user, quotas) in self.quotas_of(prefix).await? {
            inventory.users.entry(user).or_default().quotas.extend(quotas);
        }
        Ok(inventory)
    }

    async fn collect_rights(&self, prefix: &str, resource: Resource, into: &mut Inventory) -> Result<(), Error> {
        let request = acls::describe_request(None, Some(resource));
        let (answer, address): (DescribeAclsResponse, Address) =
            self.ask_within("list the access rights", &request, 1..=2, PATIENCE).await?;
        let markers = barrier::prefix(prefix);
        for (user, acl) in acls::found(&answer, &address)? {
            if user.starts_with(&markers) {
                into.markers.insert(user.to_owned());
            }
            if !user.starts_with(prefix) {
                continue;
            }
            match into.users.get_mut(user) {
                Some(found) => found.add(acl),
                None => into.users.entry(user.to_owned()).or_default().add(acl),
            }
        }
        Ok(())
    }

    async fn collect_credentials(&self, prefix: &str, into: &mut Inventory) -> Result<(), Error> {
        const WHAT: &str = "list the SCRAM users";
        let request = DescribeUserScramCredentialsRequest::default().with_users(None);
        let (answer, address) = self.ask_within(WHAT, &request, 0..=0, PATIENCE).await?;
        judge(answer.error_code, answer.error_message.as_deref(), WHAT, &address, false)?;
        for result in answer.results.iter().filter(|result| result.user.starts_with(prefix)) {
            let credentials = result.credential_infos.iter().filter_map(|info| {
                Some((scram::mechanism(info.mechanism)?, u32::try_from(info.iterations).unwrap_or_default()))
            });
            into.users.entry(result.user.to_string()).or_default().credentials.extend(credentials);
        }
        Ok(())
    }

    /// Users whose name begins with `prefix` and their quotas.
    pub(crate) async fn quotas_of(&self, prefix: &str) -> Result<Vec<(String, Vec<(String, f64)>)>, Error> {
        const WHAT: &str = "list the client quotas";
        /// Any entity of the type that has a name.
        const NAMED: i8 = 2;
        let users = ComponentData::default()
            .with_entity_type(StrBytes::from_static_str("user"))
            .with_match_type(NAMED)
            .with_match(None);
        let request = DescribeClientQuotasRequest::default().with_components(vec![users]).with_strict(true);
        let (answer, address) = self.ask_within(WHAT, &request, 0..=1, PATIENCE).await?;
        judge(answer.error_code, answer.error_message.as_deref(), WHAT, &address, false)?;
        let entries = answer.entries.unwrap_or_default().into_iter();
        Ok(entries
            .filter_map(|entry| {
                let user = entry.entity.iter().find(|entity| &*entity.entity_type == "user")?.entity_name.as_deref()?;
                let quotas = entry.values.iter().map(|value| (value.key.to_string(), value.value)).collect();
                user.starts_with(prefix).then(|| (user.to_owned(), quotas))
            })
            .collect())
    }
}

fn is_scope(prefix: &str, workspace: &str) -> bool {
    prefix.strip_suffix('-') == Some(workspace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acls::Operation;

    #[test]
    fn rights_are_told_apart() {
        let mut found = Found::default();
        assert!(!found.has_rights());
        acls::rights("acme-").for_each(|acl| found.add(acl));
        assert!(found.has_all_rights("acme") && !found.has_all_rights("acm") && found.extra_rights("acme").is_empty());
        let mut stray: Vec<Acl> = acls::rights("other-").take(2).collect();
        stray.push(Acl { prefixed: false, ..stray[0].clone() });
        stray.push(Acl { operation: Operation::All, ..stray[0].clone() });
        stray.iter().cloned().for_each(|acl| found.add(acl));
        let mut extra = found.extra_rights("acme");
        extra.sort();
        stray.sort();
        assert_eq!(extra, stray);
        assert_eq!(found.extra_rights("other").len(), 12);
        let [describe, write] = acls::any_transactional_id();
        found.add(describe);
        assert!(!found.has_any_transactional_id());
        found.add(write.clone());
        assert!(found.has_any_transactional_id() && found.extra_rights("acme").contains(&write));
        assert!(!found.is_complete("acme"), "no credentials yet");
    }
}
