//! Signing in, sessions and personal access tokens.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;
use twinkey_testkit::{TestServer, server::ADMIN_PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_and_out() {
    let server = TestServer::start().await;
    let sign_in = async |email: &str, password: &str| {
        server.api.post("/auth/sign-in", "", &json!({"email": email, "password": password})).await
    };
    let signed_in = sign_in("Admin@LocalHost", ADMIN_PASSWORD).await.ok();
    let session = signed_in["token"].as_str().expect("a token");
    assert!(session.starts_with("ses-"));
    assert_eq!(server.api.get("/profile", session).await.ok()["email"], "admin@localhost");
    let unknown = sign_in("nobody@localhost", ADMIN_PASSWORD).await.refused(401);
    assert_eq!(unknown, sign_in("admin@localhost", "wrong").await.refused(401));
    assert_eq!(server.api.post("/auth/sign-out", session, &json!({})).await.status, 204);
    server.api.get("/profile", session).await.refused(401);

    let session = sign_in("admin@localhost", ADMIN_PASSWORD).await.ok()["token"].as_str().expect("a token").to_owned();
    server.advance(SignedDuration::from_hours(24 * 8));
    server.api.get("/profile", &session).await.refused(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_access_tokens_are_shown_once_expire_and_end() {
    let server = TestServer::start().await;
    let body = json!({"name": "ci", "expiresAt": server.app().now() + SignedDuration::from_hours(24)});
    let created = server.api.post("/profile/tokens", &server.admin, &body).await.ok();
    let value = created["value"].as_str().expect("a value").to_owned();
    assert!(value.starts_with("pat-"));
    let listed = server.api.get("/profile/tokens", &value).await;
    assert!(!listed.text.contains(&value) && listed.text.contains("\"ci\""));
    server.advance(SignedDuration::from_hours(48));
    server.api.get("/profile/tokens", &value).await.refused(401);

    let created = server.api.post("/profile/tokens", &server.admin, &json!({"name": "ever"})).await.ok();
    assert!(created["expiresAt"].is_null());
    let path = format!("/profile/tokens/{}", created["id"].as_str().expect("an id"));
    let delete = || server.api.request(Method::DELETE, &path, &server.admin);
    assert_eq!(server.api.send(delete()).await.status, 204);
    server.api.get("/profile", created["value"].as_str().expect("a value")).await.refused(401);
    server.api.send(delete()).await.refused(404);
    let past = json!({"name": "ci", "expiresAt": "2020-01-01T00:00:00Z"});
    server.api.post("/profile/tokens", &server.admin, &past).await.refused(400);
    // An id that is not UTF-8 is refused in the form of every error.
    let nowhere = server.api.request(Method::DELETE, "/profile/tokens/%FF", &server.admin);
    server.api.send(nowhere).await.refused(400);
    let reserved = json!({"name": "local command line"});
    server.api.post("/profile/tokens", &server.admin, &reserved).await.refused(400);
}
