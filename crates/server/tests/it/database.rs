//! The database: what a wrong one is answered with, and what the rest of the program relies on, on both.

use std::time::Duration;

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use twinkey_server::db::{
    self, Db, OpenError,
    heartbeat::{Company, Line},
};
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
        let kept = async || {
            let rows = db::changes::Entity::find().order_by_asc(db::changes::Column::Revision).all(&*db).await;
            rows.expect("read").into_iter().map(|it| it.workspace_id).collect::<Vec<_>>()
        };
        assert_eq!(kept().await, ["acme", "demo"]);
        db::changes::trim(&*db, 1).await.expect("trimmed");
        assert_eq!(kept().await, ["demo"]);
        db.close().await.expect("closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_tells_what_is_new_and_hears_of_it() {
    let (_directory, database, _) = both();
    let db = Db::open(&database.url).await.expect("opened");
    let limit = Duration::from_mins(1);
    let mut line = Line::open(&db, Company::Replicas, limit).await.expect("connected").expect("nobody is alone");
    assert!(Line::open(&db, Company::Nobody, limit).await.expect("connected").is_none(), "there is somebody");
    let transaction = db.write().await.expect("begun");
    db::installation::find_or_insert(&*transaction, "it".into(), Timestamp::UNIX_EPOCH).await.expect("stored");
    transaction.commit().await.expect("committed");
    let answer = line.beat("a", None, true, limit).await.expect("answered");
    assert_eq!((answer.registered, answer.revision, answer.changes.len()), (false, 0, 0));
    db::replicas::register(&*db, ("a", "one", "0.1"), 0, limit).await.expect("stored");

    let transaction = db.write().await.expect("begun");
    for workspace_id in ["acme", "demo"] {
        db::changes::record(&*transaction, workspace_id).await.expect("recorded");
    }
    assert_eq!(line.beat("a", Some(0), false, limit).await.expect("answered").revision, 0, "not committed yet");
    transaction.commit().await.expect("committed");
    tokio::time::timeout(limit, line.heard()).await.expect("heard").expect("connected");
    let answer = line.beat("a", Some(0), false, limit).await.expect("answered");
    let changes: Vec<_> = answer.changes.iter().map(|it| (it.revision, &*it.workspace_id)).collect();
    assert_eq!((answer.registered, answer.revision, changes), (true, 2, vec![(1, "acme"), (2, "demo")]));
    let answer = line.beat("a", Some(2), true, limit).await.expect("answered");
    assert_eq!(answer.changes.iter().map(|it| it.revision).collect::<Vec<_>>(), [2]);
    assert_eq!(db::replicas::list(&*db).await.expect("read")[0].revision, 2);
    tokio::time::timeout(limit, line.heard()).await.expect("heard").expect("connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_removed_only_if_nothing_was_heard_of_it() {
    let (_directory, database, _) = both();
    let db = Db::open(&database.url).await.expect("opened");
    let limit = Duration::from_mins(1);
    let mut line = Line::open(&db, Company::Replicas, limit).await.expect("connected").expect("nobody is alone");
    let transaction = db.write().await.expect("begun");
    db::installation::find_or_insert(&*transaction, "it".into(), Timestamp::UNIX_EPOCH).await.expect("stored");
    transaction.commit().await.expect("committed");
    db::replicas::register(&*db, ("a", "one", "0.1"), 1, limit).await.expect("stored");
    // Whatever becomes of the database's clock, a heartbeat shows.
    let future = "UPDATE replicas SET seen_at = seen_at + 3600000";
    db.execute_unprepared(future).await.expect("moved");
    let seen = db::replicas::list(&*db).await.expect("read")[0].seen_at;
    line.beat("a", Some(2), false, limit).await.expect("answered");
    db::replicas::remove_unchanged(&*db, "a", seen).await.expect("asked");
    let seen = db::replicas::list(&*db).await.expect("read")[0].seen_at;
    db::replicas::remove_unchanged(&*db, "a", seen).await.expect("removed");
    assert!(db::replicas::list(&*db).await.expect("read").is_empty());
    assert!(!line.beat("a", Some(2), false, limit).await.expect("answered").registered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_has_one_holder_and_each_take_over_a_new_epoch() {
    let (_directory, _database, urls) = both();
    for url in urls {
        let db = Db::open(&url).await.expect("opened");
        let acquire = async |holder: &str| {
            let transaction = db.write().await.expect("begun");
            let epoch = db::leases::take(&*transaction, "work", holder, 60_000).await.expect("asked");
            transaction.commit().await.expect("committed");
            epoch
        };
        let renew =
            async |holder: &str, epoch| db::leases::renew(&*db, ("work", holder, epoch), 60_000).await.expect("asked");
        assert!(db::leases::is_free(&*db, "work").await.expect("asked"));
        assert_eq!(acquire("a").await, Some(1));
        assert!(!db::leases::is_free(&*db, "work").await.expect("asked"));
        assert_eq!([acquire("b").await, acquire("a").await], [None, None]);
        assert_eq!([renew("a", 1).await, renew("b", 1).await, renew("a", 2).await], [true, false, false]);
        db.execute_unprepared("UPDATE leases SET expires_at = expires_at - 120000").await.expect("aged");
        assert!(!db::leases::check(&*db, "work", "a", 1).await.expect("asked"), "it has expired");
        assert_eq!(acquire("b").await, Some(2));
        assert!(!db::leases::check(&*db, "work", "a", 1).await.expect("asked"));
        assert!(db::leases::check(&*db, "work", "b", 2).await.expect("asked"));
        db::leases::release(&*db, "work", "a", 1).await.expect("no effect");
        assert_eq!(acquire("a").await, None, "a former holder gives nothing back");
        db::leases::release(&*db, "work", "b", 2).await.expect("released");
        assert!(!renew("b", 2).await, "a renewal that comes late takes nothing back");
        assert_eq!(acquire("a").await, Some(3));
        db.close().await.expect("closed");
    }
}
