//! SASL on the server's side: which mechanisms there are, and one exchange of messages.

use subtle::ConstantTimeEq;
use twinkey_kafka_wire::scram::{
    ITERATIONS, Mechanism,
    server::{ClientFirst, Exchange as Scram},
};

use crate::{
    Scope,
    broker::{KnownPrincipal, Shared},
};

/// The mechanisms that are offered. PLAIN is sound only because every connection is inside TLS.
pub(crate) const MECHANISMS: [&str; 3] = ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"];

/// An exchange that waits for the client's next message.
pub(crate) struct Exchange {
    mechanism: &'static str,
    state: State,
}

enum State {
    Plain,
    ScramFirst(Mechanism),
    ScramLast(Mechanism, String, Scram),
}

/// What a message led to.
pub(crate) enum Step {
    /// The client must answer `token`.
    Continue(Exchange, Vec<u8>),
    /// The client is `principal`; `token` is the last word to it.
    Done(Proved, Vec<u8>),
    /// There is no such principal, or none any longer.
    Unknown(String),
    /// The client proved nothing. Why is for the log only, and holds no secret.
    Refused(&'static str),
}

/// Who a client has proved to be.
pub(crate) struct Proved {
    /// The principal.
    pub principal: String,
    /// What it may touch.
    pub scope: Scope,
}

impl Exchange {
    /// An exchange with the mechanism of that name, if it is offered.
    pub(crate) fn new(mechanism: &str) -> Option<Self> {
        let state = match mechanism {
            "SCRAM-SHA-256" => State::ScramFirst(Mechanism::Sha256),
            "SCRAM-SHA-512" => State::ScramFirst(Mechanism::Sha512),
            "PLAIN" => State::Plain,
            _ => return None,
        };
        let mechanism = MECHANISMS.into_iter().find(|offered| *offered == mechanism)?;
        Some(Self { mechanism, state })
    }

    /// What a refused client is told: the words that Kafka uses, and what to do if they have a reason that Kafka does not
    /// have. The same for everybody, so that it tells nobody whether there ever was such a principal.
    pub(crate) fn refusal(mechanism: &str) -> String {
        format!(
            "Authentication failed during authentication due to invalid credentials with SASL mechanism {mechanism}. \
             If the SDK token was rotated out, restart with the current one (Topics → Broker settings)"
        )
    }

    /// The mechanism's name.
    pub(crate) fn mechanism(&self) -> &'static str {
        self.mechanism
    }

    /// Takes the client's next message.
    pub(crate) async fn step(self, broker: &Shared, message: &[u8]) -> Step {
        match self.state {
            State::Plain => plain(broker, message),
            State::ScramFirst(mechanism) => match ClientFirst::parse(message) {
                Ok(first) => {
                    let user = first.user.clone();
                    let nonce = format!("{:032x}", rand::random::<u128>());
                    let salt = broker.credentials.salt(mechanism, &user);
                    let (scram, challenge) = Scram::begin(mechanism, first, &nonce, &salt, ITERATIONS);
                    let state = State::ScramLast(mechanism, user, scram);
                    Step::Continue(Self { mechanism: self.mechanism, state }, challenge)
                }
                Err(_) => Step::Refused("malformed first message"),
            },
            State::ScramLast(mechanism, user, scram) => {
                let known = broker.principals.find(&user);
                let password = known.as_ref().map(|known| known.password.as_str());
                // Unknown users go all the way too, so that they cannot be told from wrong passwords.
                let keys = broker.credentials.keys(mechanism, &user, password).await;
                match (scram.finish(&keys, message), known) {
                    (Ok(proof), Some(known)) => Step::Done(Proved { principal: user, scope: known.scope }, proof),
                    (_, None) => Step::Unknown(user),
                    (Err(_), Some(_)) => Step::Refused("wrong proof"),
                }
            }
        }
    }
}

/// RFC 4616: `[identity] NUL user NUL password`.
fn plain(broker: &Shared, message: &[u8]) -> Step {
    let Ok(text) = std::str::from_utf8(message) else {
        return Step::Refused("not UTF-8");
    };
    let fields: Vec<_> = text.split('\0').collect();
    let [identity, user, password] = fields[..] else {
        return Step::Refused("malformed message");
    };
    if !(identity.is_empty() || identity == user) {
        return Step::Refused("another authorisation identity");
    }
    let known = broker.principals.find(user);
    let expected = known.as_ref().map_or("", |known| known.password.as_str());
    let equal = bool::from(password.as_bytes().ct_eq(expected.as_bytes()));
    match known {
        Some(KnownPrincipal { scope, .. }) if equal && !password.is_empty() => {
            Step::Done(Proved { principal: user.to_owned(), scope }, Vec::new())
        }
        None => Step::Unknown(user.to_owned()),
        Some(_) => Step::Refused("wrong password"),
    }
}
