//! Extractors: who is asking, for what, with which body.

pub mod caller;
pub mod json;
pub mod path;
pub mod workspace;

pub use caller::{Caller, InOrganisation, Limits, OwnAccount, SdkCaller, SignedIn, UserCaller};
pub use json::Body;
pub use path::{Params, Queried};
pub use workspace::{Manage, Streaming};
