//! Settings of brokers and topics.

use std::{collections::HashMap, time::Duration};

use futures::future::join_all;
use kafka_protocol::{
    messages::{DescribeConfigsRequest, describe_configs_request::DescribeConfigsResource},
    protocol::StrBytes,
};

use crate::{Address, Cluster, Error, answer::judge, cluster::BrokerInfo};

pub(crate) const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const WHAT: &str = "read settings";

/// A question for the settings `keys` of things of one kind.
pub(crate) fn request<'a>(
    kind: i8,
    names: impl Iterator<Item = &'a str>,
    keys: &[&'static str],
) -> DescribeConfigsRequest {
    let keys: Vec<_> = keys.iter().map(|key| StrBytes::from_static_str(key)).collect();
    let resource = |name: &str| {
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(StrBytes::from_string(name.to_owned()))
            .with_configuration_keys(Some(keys.clone()))
    };
    DescribeConfigsRequest::default().with_resources(names.map(resource).collect())
}

impl Cluster {
    /// Settings of one broker as it has them in effect.
    pub async fn broker_settings(
        &self,
        broker: &BrokerInfo,
        keys: &[&'static str],
    ) -> Result<HashMap<String, String>, Error> {
        let link = self.link(&broker.address);
        let id = broker.id.to_string();
        let answer = link.ask(WHAT, &request(BROKER, std::iter::once(id.as_str()), keys), 1..=4).await?;
        let mut settings = HashMap::new();
        for result in answer.results {
            judge(result.error_code, result.error_message.as_deref(), WHAT, &link.address, false)?;
            let known = result.configs.into_iter();
            settings.extend(known.filter_map(|config| Some((config.name.to_string(), config.value?.to_string()))));
        }
        Ok(settings)
    }

    /// How long a broker keeps a connection on which nothing happens (`connections.max.idle.ms`): the longest of the brokers that
    /// answer. Whatever a paused process had sent before is answered or lost after that.
    pub async fn idle_limit(&self) -> Result<Duration, Error> {
        const KEY: &str = "connections.max.idle.ms";
        let brokers = self.describe().await?.brokers;
        let asked = brokers.iter().map(|broker| async {
            let settings = self.broker_settings(broker, &[KEY]).await?;
            let value = settings.get(KEY).and_then(|value| value.parse().ok());
            value.map(Duration::from_millis).ok_or_else(|| nonsense(&broker.address, KEY))
        });
        let mut longest = Err(Error::Unreachable {
            address: "any broker".to_owned(),
            reason: "the cluster lists none".to_owned(),
            port_closed: false,
        });
        for answer in join_all(asked).await {
            longest = match (longest, answer) {
                (Ok(longest), Ok(limit)) => Ok(limit.max(longest)),
                (Ok(known), Err(_)) | (Err(_), Ok(known)) => Ok(known),
                (Err(_), Err(error)) => Err(error),
            };
        }
        longest
    }
}

fn nonsense(address: &Address, key: &str) -> Error {
    Error::Protocol { address: address.clone(), reason: format!("it does not tell {key}") }
}
