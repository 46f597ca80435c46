//! Removing what dead principals leave behind. Never part of normal work.

use kafka_protocol::{
    messages::{AlterUserScramCredentialsRequest, alter_user_scram_credentials_request::ScramCredentialDeletion},
    protocol::StrBytes,
};

use crate::{
    Address, Cluster, Error, Refusal,
    acls::{self, Acl},
    answer::judge,
    quotas, scram,
};

/// So many names go into one request.
const BATCH: usize = 500;

impl Cluster {
    /// Deletes the SCRAM credentials of these users. Users that have a right are left alone and given back.
    ///
    /// **This can lock everybody out.** Kafka 3.9 to 4.3 may lose *every* credential of a mechanism on a broker when that broker
    /// restarts after a credential was deleted (its `ScramDelta` drops the mechanism's map when a removal is replayed while it is still
    /// empty), the administrator's own and the brokers' among them, until they are written again. So: only when a person
    /// asks for it, only if Twinkey and the brokers sign in by a mechanism that tokens do not use, and with new metadata snapshots on all
    /// brokers before the next restart. Overwritten credentials cost a few hundred bytes each and do no harm.
    pub async fn prune(&self, users: &[String]) -> Result<Vec<String>, Error> {
        const WHAT: &str = "delete the credentials of dead tokens";
        let (mut dead, mut alive) = (Vec::new(), Vec::new());
        for user in users {
            let request = acls::describe_request(Some(user), None);
            let (answer, address) = self.ask("read the access rights", &request, 1..=2).await?;
            let any = acls::found(&answer, &address)?.next().is_some();
            if any { alive.push(user.clone()) } else { dead.push(user) }
        }
        for batch in dead.chunks(BATCH) {
            for mechanism in scram::MECHANISMS {
                let deletions = batch.iter().map(|user| {
                    ScramCredentialDeletion::default()
                        .with_name(StrBytes::from_string((*user).clone()))
                        .with_mechanism(scram::code(mechanism))
                });
                let request = AlterUserScramCredentialsRequest::default().with_deletions(deletions.collect());
                self.patiently(|| async {
                    let (answer, address) = self.order(WHAT, &request, 0..=0).await?;
                    answer.results.iter().try_for_each(|result| {
                        absent_is_fine(judge(result.error_code, result.error_message.as_deref(), WHAT, &address, true))
                    })
                })
                .await?;
            }
        }
        Ok(alive)
    }

    /// Lifts the quotas of users that have been dead for longer than the brokers keep an idle connection
    /// ([`Cluster::idle_limit`]). Earlier than that, a fetch that was waiting at the cut-off might still return data.
    pub async fn lift_quotas_of_dead(&self, users: &[String]) -> Result<(), Error> {
        const WHAT: &str = "lift the quotas of dead tokens";
        for batch in users.chunks(BATCH) {
            let entries = batch.iter().map(|user| quotas::entry(user, quotas::FETCH, None));
            let request = quotas::request(entries.collect());
            self.patiently(|| async {
                let (answer, address): (_, Address) = self.order(WHAT, &request, 0..=1).await?;
                quotas::judge_all(&answer, WHAT, &address)
            })
            .await?;
        }
        Ok(())
    }

    /// Removes marks that were left behind. A cut-off that is under way meanwhile loses its proof, so that it has to be ordered anew:
    /// remove only what two inventories, some minutes apart, both show.
    pub async fn sweep_markers(&self, markers: impl Iterator<Item = &str>) -> Result<(), Error> {
        const WHAT: &str = "remove marks";
        let filters: Vec<_> = markers.map(acls::all_of).collect();
        for batch in filters.chunks(BATCH) {
            let request = acls::delete_request(batch.to_vec());
            self.patiently(|| async {
                let (answer, address) = self.order(WHAT, &request, 1..=2).await?;
                let mut results = answer.filter_results.iter();
                results.try_for_each(|result| {
                    judge(result.error_code, result.error_message.as_deref(), WHAT, &address, true)
                })
            })
            .await?;
        }
        Ok(())
    }

    /// Takes single rights from a user, for one that has more than it should.
    pub async fn take_rights_of(&self, user: &str, rights: &[Acl]) -> Result<(), Error> {
        const WHAT: &str = "take surplus rights from a token";
        let request = acls::delete_request(rights.iter().map(|acl| acls::exactly(user, acl)).collect());
        self.patiently(|| async {
            let (answer, address) = self.order(WHAT, &request, 1..=2).await?;
            answer
                .filter_results
                .iter()
                .try_for_each(|result| judge(result.error_code, result.error_message.as_deref(), WHAT, &address, true))
        })
        .await
    }
}

fn absent_is_fine(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::Refused { refusal: Refusal::NotFound, .. }) => Ok(()),
        other => other,
    }
}
