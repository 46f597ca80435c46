//! Client quotas of users.

use kafka_protocol::{
    messages::{
        AlterClientQuotasRequest, AlterClientQuotasResponse,
        alter_client_quotas_request::{EntityData, EntryData, OpData},
    },
    protocol::StrBytes,
};

use crate::{Address, Error, answer::judge};

/// How many bytes a second a user may fetch.
pub(crate) const FETCH: &str = "consumer_byte_rate";

/// Sets the quota `key` of `user`, or removes it.
pub(crate) fn entry(user: &str, key: &'static str, value: Option<f64>) -> EntryData {
    let entity = EntityData::default()
        .with_entity_type(StrBytes::from_static_str("user"))
        .with_entity_name(Some(StrBytes::from_string(user.to_owned())));
    let op = OpData::default()
        .with_key(StrBytes::from_static_str(key))
        .with_value(value.unwrap_or_default())
        .with_remove(value.is_none());
    EntryData::default().with_entity(vec![entity]).with_ops(vec![op])
}

pub(crate) fn request(entries: Vec<EntryData>) -> AlterClientQuotasRequest {
    AlterClientQuotasRequest::default().with_entries(entries)
}

pub(crate) fn judge_all(answer: &AlterClientQuotasResponse, what: &str, address: &Address) -> Result<(), Error> {
    answer
        .entries
        .iter()
        .try_for_each(|entry| judge(entry.error_code, entry.error_message.as_deref(), what, address, true))
}
