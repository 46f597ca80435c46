//! The database: what a wrong one is answered with, and what the rest of the program relies on, on both.

use std::time::Duration;

use jiff::Timestamp;
use sea_orm::ConnectionTrait;
use twinkey_server::db::{self, Db, OpenError};
use twinkey_testbed::postgres::{Database, Postgres};

/// An empty database of each kind; the directory and the server's database live as long as they are held.
fn both() -> (tempfile::TempDir, Database, [String; 2]) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let database = Database::create(Postgres::shared_url());
    let urls = [db::sqlite_url(&directory.path().join("it.db")), database.url.clone()];
    (directory, database, urls)
}

async fn refused(url: &str) -> String {
    // The bound that an operator was promised.
    let opened = tokio::time::timeout(Duration::from_secs(10), Db::open(url)).await;
    opened.expect("an answer within ten seconds").err().expect("refused").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_database_is_named_in_a_sentence_each_of_its_own() {
    let admin = Postgres::shared_url();
    let port = admin.rsplit_once(':').expect("a port").1.split('/').next().expect("a port");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let silent_port = silent.local_addr().expect("bound").port();
    let closed_port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("bound").port();
    for (url, parts) in [
        (admin.replace("postgres:postgres@", "postgres:hunter2@"), ["does not let the user 'postgres' in", "password"]),
        (admin.replace("postgres:postgres@", "nobody:hunter2@"), ["user 'nobody'", "check the user and the password"]),
        (format!("{}/no-such", admin.rsplit_once('/').expect("a database").0), ["no database 'no-such'", "createdb"]),
        (format!("postgres://a:hunter2@127.0.0.1:{closed_port}/x"), ["cannot be reached", "refused"]),
        (format!("postgres://a:hunter2@127.0.0.1:{silent_port}/x"), ["cannot be reached", "no answer"]),
        (format!("postgres://a:hunter2@no-such-host.invalid:{port}/x"), ["no-such-host.invalid", "cannot be reached"]),
        (format!("{admin}?sslmode=verify-full"), ["no trusted encryption", "sslrootcert"]),
        ("mysql://a:hunter2@b/c".into(), ["mysql", "postgres://"]),
        ("twinkey.db".into(), ["no scheme", "sqlite://"]),
    ] {
        let sentence = refused(&url).await;
        for part in parts {
            assert!(sentence.contains(part), "{part} is missing in: {sentence}");
        }
        assert!(!sentence.contains("hunter2"), "the password is in: {sentence}");
    }
}

/// A certificate that is not trusted, or is another host's, is told from a server without encryption.
#[tokio::test(flavor = "multi_thread")]
async fn encryption_is_as_good_as_the_url_asks_for() {
    let (ours, theirs) = (certificate(), certificate());
    let postgres = Postgres::start();
    postgres.encrypt(&ours.cert.pem(), &ours.signing_key.serialize_pem());
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = |name: &str, pem: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, pem).expect("written");
        path.display().to_string()
    };
    let [good, bad] = [file("good.pem", &ours.cert.pem()), file("bad.pem", &theirs.cert.pem())];
    let database = postgres.create_database();
    let named = database.url.replace("127.0.0.1", "localhost");
    let url = format!("{named}?sslmode=verify-full&sslrootcert={good}").replace("postgres://", "postgresql://");
    Db::open(&url).await.expect("trusted").close().await.expect("closed");
    for (url, part) in [
        (format!("{named}?sslmode=verify-full&sslrootcert={bad}"), "no trusted encryption"),
        (format!("{}?sslmode=verify-full&sslrootcert={good}", database.url), "no trusted encryption"),
        (format!("{named}?sslmode=verify-full"), "no trusted encryption"),
        (format!("{named}?sslmode=verify-full&sslrootcert=/no/such/file"), "sslrootcert"),
    ] {
        let sentence = refused(&url).await;
        assert!(sentence.contains(part), "{part} is missing in: {sentence}");
        println!("{sentence}");
    }
}

fn certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

/// Replicas may start together on an empty database.
#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_together_make_the_schema_once() {
    let (_directory, database, _) = both();
    let opening: Vec<_> = (0..4)
        .map(|_| {
            let url = database.url.clone();
            tokio::spawn(async move { Db::open(&url).await.map(drop) })
        })
        .collect();
    for one in opening {
        one.await.expect("no panic").expect("opened");
    }
}

/// A database of a newer version: used if it says that it supports this one, left alone otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_used_only_if_it_supports_this_program() {
    let (_directory, _database, urls) = both();
    for url in urls {
        let db = Db::open(&url).await.expect("opened");
        let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)";
        db.execute_unprepared(newer).await.expect("stored");
        db.close().await.expect("closed");
        Db::open(&url).await.expect("supported").close().await.expect("closed");

        let db = Db::open(&url).await.expect("supported");
        db.execute_unprepared("UPDATE schema_support SET oldest_supported = 9999").await.expect("stored");
        db.close().await.expect("closed");
        let error = Db::open(&url).await.err().expect("refused");
        assert!(matches!(error, OpenError::Newer { .. }));
        assert!(error.to_string().contains("m9999_future") && error.to_string().contains("newer version"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_count_up_and_old_changes_are_forgotten() {
    let (_directory, _database, urls) = both();
    for url in urls {
        let db = Db::open(&url).await.expect("opened");
        let transaction = db.write().await.expect("begun");
        db::installation::find_or_insert(&*transaction, "it".into(), Timestamp::UNIX_EPOCH).await.expect("stored");
        let revisions = [
            db::changes::record(&*transaction, "acme").await.expect("recorded"),
            db::changes::record(&*transaction, "demo").await.expect("recorded"),
        ];
        assert_eq!(revisions, [1, 2]);
        transaction.commit().await.expect("committed");
        let dropped = db.write().await.expect("begun");
        db::changes::record(&*dropped, "lost").await.expect("recorded");
        drop(dropped);
        assert_eq!(db::installation::revision(&*db).await.expect("read"), 2);
        let behind = db::changes::list_after(&*db, 1, 10).await.expect("read");
        assert_eq!(behind.iter().map(|it| it.workspace_id.as_str()).collect::<Vec<_>>(), ["demo"]);
        db::changes::trim(&*db, 1).await.expect("trimmed");
        assert_eq!(db::changes::list_after(&*db, 0, 10).await.expect("read").len(), 1);
        db.close().await.expect("closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_announced() {
    let (_directory, database, [sqlite, _]) = both();
    let db = Db::open(&database.url).await.expect("opened");
    let mut listener = db.listener().await.expect("listening").expect("PostgreSQL announces");
    let transaction = db.write().await.expect("begun");
    db::installation::find_or_insert(&*transaction, "it".into(), Timestamp::UNIX_EPOCH).await.expect("stored");
    db::changes::record(&*transaction, "demo").await.expect("recorded");
    transaction.commit().await.expect("committed");
    let heard = tokio::time::timeout(Duration::from_mins(1), listener.recv()).await.expect("heard").expect("connected");
    assert_eq!(heard.payload(), "1");
    let alone = Db::open(&sqlite).await.expect("opened");
    assert!(alone.listener().await.expect("asked").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_register_confirm_and_are_forgotten() {
    let (_directory, _database, urls) = both();
    for url in urls {
        let db = Db::open(&url).await.expect("opened");
        assert!(!db::replicas::confirm(&*db, "a", 1).await.expect("asked"), "it is not registered");
        db::replicas::register(&*db, ("a", "one", "0.1"), 1).await.expect("stored");
        db::replicas::register(&*db, ("b", "two", "0.1"), 1).await.expect("stored");
        db::replicas::register(&*db, ("a", "one", "0.1"), 2).await.expect("stored again");
        assert!(db::replicas::confirm(&*db, "a", 3).await.expect("asked"));
        let listed = db::replicas::list(&*db).await.expect("read");
        assert_eq!(listed.iter().map(|it| it.revision).sum::<i64>(), 4);
        db.execute_unprepared("UPDATE replicas SET seen_at = seen_at - 20000 WHERE id = 'b'").await.expect("aged");
        assert_eq!(db::replicas::remove_stale(&*db, db::replicas::STALE_MS).await.expect("removed"), 1);
        db::replicas::remove(&*db, "a").await.expect("removed");
        assert!(db::replicas::list(&*db).await.expect("read").is_empty());
        db.close().await.expect("closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_has_one_holder_and_each_take_over_a_new_epoch() {
    let (_directory, _database, urls) = both();
    for url in urls {
        let db = Db::open(&url).await.expect("opened");
        let acquire = async |holder: &str| {
            let transaction = db.write().await.expect("begun");
            let epoch = db::leases::acquire(&*transaction, "work", holder, 60_000).await.expect("asked");
            transaction.commit().await.expect("committed");
            epoch
        };
        assert_eq!(acquire("a").await, Some(1));
        assert_eq!(acquire("b").await, None);
        assert_eq!(acquire("a").await, Some(1), "renewed");
        db.execute_unprepared("UPDATE leases SET expires_at = expires_at - 120000").await.expect("aged");
        assert!(!db::leases::check(&*db, "work", "a", 1).await.expect("asked"), "it has expired");
        assert_eq!(acquire("b").await, Some(2));
        assert!(!db::leases::check(&*db, "work", "a", 1).await.expect("asked"));
        assert!(db::leases::check(&*db, "work", "b", 2).await.expect("asked"));
        db::leases::release(&*db, "work", "a", 1).await.expect("no effect");
        assert_eq!(acquire("a").await, None, "a former holder gives nothing back");
        db::leases::release(&*db, "work", "b", 2).await.expect("released");
        assert_eq!(acquire("a").await, Some(3));
        db.close().await.expect("closed");
    }
}
