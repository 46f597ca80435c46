//! The password is asked for again before a session that is open for a while is shown a secret.

use jiff::SignedDuration;
use serde_json::{Value, json};
use twinkey_api::{Role, token_pair::Slot};
use twinkey_server::db;
use twinkey_testkit::{Answer, TestServer, server::ADMIN_PASSWORD};

async fn sign_in(server: &TestServer) -> String {
    let body = json!({"email": "admin@localhost", "password": ADMIN_PASSWORD});
    let signed_in = server.api.post("/auth/sign-in", "", &body).await.ok();
    signed_in["token"].as_str().expect("a token").to_owned()
}

async fn reveal(server: &TestServer, credential: &str) -> Answer {
    server.api.post(&server.own("/workspaces/demo/tokens/current/reveal"), credential, &json!({})).await
}

async fn confirm(server: &TestServer, credential: &str, password: &str) -> Answer {
    server.api.post("/auth/confirm", credential, &json!({"password": password})).await
}

fn needed(answer: &Answer) -> String {
    let message = answer.refused(403);
    assert_eq!(answer.json()["code"], "PasswordConfirmationNeeded");
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_an_old_session_confirms_its_password_before_it_is_shown_a_secret() {
    let server = TestServer::start().await;
    let session = sign_in(&server).await;
    reveal(&server, &session).await.ok();
    server.advance(SignedDuration::from_mins(14));
    reveal(&server, &session).await.ok();
    server.advance(SignedDuration::from_mins(2));
    let message = needed(&reveal(&server, &session).await);
    assert!(message.contains("15 min") && message.contains("/auth/confirm"), "{message}");
    let pat = |name: &str| json!({"name": name});
    needed(&server.api.post("/profile/tokens", &session, &pat("ci")).await);
    needed(&server.api.get(&server.own("/workspaces/demo/broker/librdkafka"), &session).await);
    // Everything else goes on.
    server.api.get(&server.own("/workspaces/demo/tokens"), &session).await.ok();

    let wrong = confirm(&server, &session, "wrong").await;
    assert!(wrong.refused(400).contains("wrong") && wrong.json()["code"] == "WrongPassword");
    needed(&reveal(&server, &session).await);
    assert_eq!(confirm(&server, &session, ADMIN_PASSWORD).await.status, 204);
    reveal(&server, &session).await.ok();
    server.api.get(&server.own("/workspaces/demo/broker/librdkafka"), &session).await.ok();
    server.api.post("/profile/tokens", &session, &pat("ci")).await.ok();
    let records = server.api.get("/audit?action=session.confirmed", &server.admin).await.ok();
    assert_eq!((records.as_array().expect("a list").len(), &records[0]["actor"]), (1, &json!("admin@localhost")));

    // The proof is the session's own, and survives a restart.
    let server = server.restart().await;
    reveal(&server, &session).await.ok();
    let other = sign_in(&server).await;
    server.advance(SignedDuration::from_mins(16));
    needed(&reveal(&server, &session).await);
    needed(&reveal(&server, &other).await);
    // Whoever changes his password has just given it.
    let change = json!({"currentPassword": ADMIN_PASSWORD, "newPassword": "another long password"});
    assert_eq!(server.api.post("/profile/password", &session, &change).await.status, 204);
    reveal(&server, &session).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_never_asked_and_cannot_confirm() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    server.advance(SignedDuration::from_hours(24 * 30));
    reveal(&server, &server.admin).await.ok();
    server.api.post("/profile/tokens", &server.admin, &json!({"name": "ci"})).await.ok();
    assert!(server.api.accepts(server.workspace(), &token).await);
    let refused = confirm(&server, &server.admin, ADMIN_PASSWORD).await;
    assert!(refused.refused(400).contains("never asked") && refused.json()["code"] == "NotASession");
    confirm(&server, &token, ADMIN_PASSWORD).await.refused(403);
    confirm(&server, "", ADMIN_PASSWORD).await.refused(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_session_is_no_way_to_guess_the_password() {
    let server = TestServer::start().await;
    let session = sign_in(&server).await;
    let mut answers = Vec::new();
    for number in 0..12 {
        answers.push(confirm(&server, &session, &format!("guess {number}")).await.status.as_u16());
    }
    assert!(answers.ends_with(&[429]) && answers.starts_with(&[400]), "{answers:?}");
    // The right one is not even looked at.
    confirm(&server, &session, ADMIN_PASSWORD).await.refused(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_says_for_how_long_and_whether_at_all() {
    let server = TestServer::start_with(|config| config.confirm_password_after = None).await;
    let session = sign_in(&server).await;
    server.advance(SignedDuration::from_hours(24 * 6));
    reveal(&server, &session).await.ok();
    let minute = |config: &mut twinkey_server::start::Config| {
        config.confirm_password_after = Some(std::time::Duration::from_mins(1));
    };
    let server = server.restart_with(minute).await;
    assert!(needed(&reveal(&server, &session).await).contains(" 1 min "));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_password_is_told_to_sign_in_again() {
    let server = TestServer::start().await;
    server.user("ada@example.org", Role::Editor, None).await;
    let body = json!({"email": "ada@example.org", "password": ADMIN_PASSWORD});
    let session = server.api.post("/auth/sign-in", "", &body).await.ok()["token"].as_str().expect("text").to_owned();
    // As somebody who came by OpenID Connect.
    let app = server.app();
    let ada = db::users::find_by_email(&*app.db, "ada@example.org").await.expect("read").expect("there");
    db::users::set_password_hash(&*app.db, &ada.id, "").await.expect("stored");
    reveal(&server, &session).await.ok();
    server.advance(SignedDuration::from_mins(16));
    let refused = reveal(&server, &session).await;
    let message = refused.refused(403);
    let body: Value = refused.json();
    assert!(body["code"] == "SignInAgainNeeded" && message.contains("Sign in again"), "{message}");
    confirm(&server, &session, "").await.refused(400);
}
