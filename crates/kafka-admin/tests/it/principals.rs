//! Making principals, and what they may do.

use twinkey_kafka_admin::Mechanism;
use twinkey_testbed::kafka::Kafka;

use crate::support::{SOON, admin, client, principal, unique};

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_signs_in_as_soon_as_it_is_ensured_and_not_once_it_is_cut_off() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let token = principal(&unique("w"));
    for _ in 0..2 {
        let granted = cluster.ensure_principal(&token).await.unwrap();
        assert!(granted.silent.is_empty(), "{granted:?}");
    }
    for mechanism in [Mechanism::Sha256, Mechanism::Sha512] {
        client(kafka, 1, &token.name, mechanism).await.unwrap();
    }
    let cut_off = cluster.cut_off(&token.name, SOON).await.unwrap();
    assert!(cut_off.is_proved(), "{cut_off:?}");
    for mechanism in [Mechanism::Sha256, Mechanism::Sha512] {
        client(kafka, 1, &token.name, mechanism).await.unwrap_err();
    }
}
