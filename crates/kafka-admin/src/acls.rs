//! Rights (ACLs): the ten of a token, and reading what a broker has.
//!
//! Filters leave a field open by null, never by an empty text: an empty text matches nothing, silently.

use std::fmt;

use kafka_protocol::{
    messages::{
        CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest, DescribeAclsResponse,
        create_acls_request::AclCreation, delete_acls_request::DeleteAclsFilter,
    },
    protocol::StrBytes,
};

use crate::{Address, Error, answer::judge};

/// What a right is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// Topics.
    Topic,
    /// Consumer groups.
    Group,
    /// The cluster itself.
    Cluster,
    /// Transactional ids.
    TransactionalId,
    /// Another kind, by Kafka's code.
    Other(i8),
}

/// What a right allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Every operation.
    All,
    /// Read.
    Read,
    /// Write.
    Write,
    /// Create.
    Create,
    /// Delete.
    Delete,
    /// See that it is there, and what it is like.
    Describe,
    /// Read its settings.
    DescribeConfigs,
    /// Another one, by Kafka's code.
    Other(i8),
}

/// One right of one principal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Acl {
    /// Kind of the thing.
    pub resource: Resource,
    /// Its name, or how its name begins.
    pub name: String,
    /// Whether the name is a prefix.
    pub prefixed: bool,
    /// From which host; `*` for any.
    pub host: String,
    /// What may be done.
    pub operation: Operation,
    /// Whether it is allowed; otherwise it is denied.
    pub allow: bool,
}

/// The ten rights of a token. `IdempotentWrite`, `Alter` and `AlterConfigs` are not needed by any client that was tried.
pub const RIGHTS: [(Resource, Operation); 10] = [
    (Resource::Topic, Operation::Describe),
    (Resource::Topic, Operation::DescribeConfigs),
    (Resource::Topic, Operation::Read),
    (Resource::Topic, Operation::Write),
    (Resource::Topic, Operation::Create),
    (Resource::Group, Operation::Describe),
    (Resource::Group, Operation::Read),
    (Resource::Group, Operation::Delete),
    (Resource::TransactionalId, Operation::Describe),
    (Resource::TransactionalId, Operation::Write),
];

const ANY: i8 = 1;
const LITERAL: i8 = 3;
const PREFIXED: i8 = 4;
const DENY: i8 = 2;
const ALLOW: i8 = 3;

/// The ten rights on everything that begins with `prefix`.
pub fn rights(prefix: &str) -> impl Iterator<Item = Acl> + '_ {
    RIGHTS.iter().map(|(resource, operation)| Acl {
        resource: *resource,
        name: prefix.to_owned(),
        prefixed: true,
        host: "*".to_owned(),
        operation: *operation,
        allow: true,
    })
}

/// The rights on whatever transactional id, for workspaces whose clients use ids without the workspace's prefix. Their holders can fence
/// each other's producers, across workspaces.
pub fn any_transactional_id() -> [Acl; 2] {
    [Operation::Describe, Operation::Write].map(|operation| Acl {
        resource: Resource::TransactionalId,
        name: "*".to_owned(),
        prefixed: false,
        host: "*".to_owned(),
        operation,
        allow: true,
    })
}

/// How Kafka writes the principal of a user.
pub(crate) fn principal_of(user: &str) -> StrBytes {
    StrBytes::from_string(format!("User:{user}"))
}

pub(crate) fn creation(user: &str, acl: &Acl) -> AclCreation {
    AclCreation::default()
        .with_resource_type(acl.resource.code())
        .with_resource_name(StrBytes::from_string(acl.name.clone()))
        .with_resource_pattern_type(if acl.prefixed { PREFIXED } else { LITERAL })
        .with_principal(principal_of(user))
        .with_host(StrBytes::from_string(acl.host.clone()))
        .with_operation(acl.operation.code())
        .with_permission_type(if acl.allow { ALLOW } else { DENY })
}

pub(crate) fn create_request(creations: Vec<AclCreation>) -> CreateAclsRequest {
    CreateAclsRequest::default().with_creations(creations)
}

/// A filter for all rights of exactly this user.
pub(crate) fn all_of(user: &str) -> DeleteAclsFilter {
    DeleteAclsFilter::default()
        .with_resource_type_filter(ANY)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(ANY)
        .with_principal_filter(Some(principal_of(user)))
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY)
}

/// A filter for one right of this user.
pub(crate) fn exactly(user: &str, acl: &Acl) -> DeleteAclsFilter {
    DeleteAclsFilter::default()
        .with_resource_type_filter(acl.resource.code())
        .with_resource_name_filter(Some(StrBytes::from_string(acl.name.clone())))
        .with_pattern_type_filter(if acl.prefixed { PREFIXED } else { LITERAL })
        .with_principal_filter(Some(principal_of(user)))
        .with_host_filter(Some(StrBytes::from_string(acl.host.clone())))
        .with_operation(acl.operation.code())
        .with_permission_type(if acl.allow { ALLOW } else { DENY })
}

pub(crate) fn delete_request(filters: Vec<DeleteAclsFilter>) -> DeleteAclsRequest {
    DeleteAclsRequest::default().with_filters(filters)
}

/// A question for the rights of `user`, or of everybody, on one kind of thing or on all kinds.
pub(crate) fn describe_request(user: Option<&str>, resource: Option<Resource>) -> DescribeAclsRequest {
    DescribeAclsRequest::default()
        .with_resource_type_filter(resource.map_or(ANY, Resource::code))
        .with_resource_name_filter(None)
        .with_pattern_type_filter(ANY)
        .with_principal_filter(user.map(principal_of))
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY)
}

/// User and right, one after the other, out of an answer. Principals that are no users are left out.
pub(crate) fn found<'a>(
    answer: &'a DescribeAclsResponse,
    address: &Address,
) -> Result<impl Iterator<Item = (&'a str, Acl)> + use<'a>, Error> {
    judge(answer.error_code, answer.error_message.as_deref(), "read the access rights", address, false)?;
    Ok(answer.resources.iter().flat_map(|resource| {
        resource.acls.iter().filter_map(move |acl| {
            let user = acl.principal.as_str().strip_prefix("User:")?;
            Some((
                user,
                Acl {
                    resource: Resource::from_code(resource.resource_type),
                    name: resource.resource_name.to_string(),
                    prefixed: resource.pattern_type == PREFIXED,
                    host: acl.host.to_string(),
                    operation: Operation::from_code(acl.operation),
                    allow: acl.permission_type == ALLOW,
                },
            ))
        })
    }))
}

impl Resource {
    pub(crate) fn code(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Group => 3,
            Self::Cluster => 4,
            Self::TransactionalId => 5,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: i8) -> Self {
        match code {
            2 => Self::Topic,
            3 => Self::Group,
            4 => Self::Cluster,
            5 => Self::TransactionalId,
            other => Self::Other(other),
        }
    }
}

impl Operation {
    pub(crate) fn code(self) -> i8 {
        match self {
            Self::All => 2,
            Self::Read => 3,
            Self::Write => 4,
            Self::Create => 5,
            Self::Delete => 6,
            Self::Describe => 8,
            Self::DescribeConfigs => 10,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: i8) -> Self {
        match code {
            2 => Self::All,
            3 => Self::Read,
            4 => Self::Write,
            5 => Self::Create,
            6 => Self::Delete,
            8 => Self::Describe,
            10 => Self::DescribeConfigs,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic => f.write_str("topic"),
            Self::Group => f.write_str("group"),
            Self::Cluster => f.write_str("cluster"),
            Self::TransactionalId => f.write_str("transactional id"),
            Self::Other(code) => write!(f, "resource of type {code}"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(code) => write!(f, "operation {code}"),
            known => write!(f, "{known:?}"),
        }
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, name, operation, .. } = self;
        let verb = if self.allow { "allow" } else { "deny" };
        let star = if self.prefixed { "*" } else { "" };
        write!(f, "{verb} {operation} on {resource} {name}{star}")?;
        if self.host == "*" { Ok(()) } else { write!(f, " from {}", self.host) }
    }
}
