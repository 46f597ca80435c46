//! Writing SCRAM credentials: always over, never away. Deleting one can lock everybody out at the next restart of a
//! broker (`docs/decisions/0006`), so that a dead token's credential is replaced by one that nobody knows.

use kafka_protocol::{
    messages::{
        AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
        alter_user_scram_credentials_request::ScramCredentialUpsertion,
    },
    protocol::StrBytes,
};
use twinkey_kafka_wire::scram::{ITERATIONS, Mechanism};

use crate::{Address, Error, answer::judge};

/// Both, because clients differ in what they can do.
pub(crate) const MECHANISMS: [Mechanism; 2] = [Mechanism::Sha256, Mechanism::Sha512];
const SALT: usize = 24;

pub(crate) fn code(mechanism: Mechanism) -> i8 {
    match mechanism {
        Mechanism::Sha256 => 1,
        Mechanism::Sha512 => 2,
    }
}

pub(crate) fn mechanism(code: i8) -> Option<Mechanism> {
    MECHANISMS.into_iter().find(|mechanism| self::code(*mechanism) == code)
}

/// A credential for `password`. Takes milliseconds: not for an async thread.
pub(crate) fn derive(user: &str, password: &str, mechanism: Mechanism, iterations: u32) -> ScramCredentialUpsertion {
    let salt: [u8; SALT] = rand::random();
    let salted = mechanism.salted_password(password, &salt, iterations);
    upsertion(user, mechanism, iterations, salt.to_vec(), salted.to_vec())
}

/// A credential to which no password belongs: what Kafka would compute from a password is drawn at random.
pub(crate) fn unknown(user: &str, mechanism: Mechanism) -> ScramCredentialUpsertion {
    let salt: [u8; SALT] = rand::random();
    let salted: [u8; 64] = rand::random();
    let length = match mechanism {
        Mechanism::Sha256 => 32,
        Mechanism::Sha512 => 64,
    };
    upsertion(user, mechanism, ITERATIONS, salt.to_vec(), salted[..length].to_vec())
}

fn upsertion(
    user: &str,
    mechanism: Mechanism,
    iterations: u32,
    salt: Vec<u8>,
    salted: Vec<u8>,
) -> ScramCredentialUpsertion {
    ScramCredentialUpsertion::default()
        .with_name(StrBytes::from_string(user.to_owned()))
        .with_mechanism(code(mechanism))
        .with_iterations(i32::try_from(iterations).unwrap_or(i32::MAX))
        .with_salt(salt.into())
        .with_salted_password(salted.into())
}

/// All of one mechanism: Kafka refuses two credentials of one user in one request.
pub(crate) fn request(upsertions: Vec<ScramCredentialUpsertion>) -> AlterUserScramCredentialsRequest {
    AlterUserScramCredentialsRequest::default().with_upsertions(upsertions)
}

pub(crate) fn judge_all(
    answer: &AlterUserScramCredentialsResponse,
    what: &str,
    address: &Address,
) -> Result<(), Error> {
    answer
        .results
        .iter()
        .try_for_each(|result| judge(result.error_code, result.error_message.as_deref(), what, address, true))
}
