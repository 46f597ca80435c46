//! How far a change of the master key is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The master keys in use, by their ids, which reveal nothing about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MasterKeys {
    /// The key that everything new is made under.
    pub key: String,
    /// The other key, while there is one.
    pub previous: Option<String>,
    /// SDK tokens. They are brought under the key by themselves.
    pub tokens: KeyUse,
    /// Personal access tokens. They are brought under the key when they are used.
    pub personal_access_tokens: KeyUse,
    /// Sign-in sessions. They are brought under the key when they are used.
    pub sessions: KeyUse,
    /// Signing secrets of webhooks. They are brought under the key by themselves.
    pub webhooks: KeyUse,
}

/// How many credentials of a kind need the other key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyUse {
    /// All that are valid.
    pub total: u64,
    /// Those of them that end if the other key is left out now.
    pub left: u64,
}

impl MasterKeys {
    /// Whether nothing needs another key any longer.
    pub fn settled(&self) -> bool {
        [self.tokens, self.personal_access_tokens, self.sessions, self.webhooks].iter().all(|key_use| key_use.left == 0)
    }
}
