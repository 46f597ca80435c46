//! Signing in, sessions and personal access tokens.

use jiff::SignedDuration;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use twinkey_api::Role;
use twinkey_server::last_use;
use twinkey_testkit::{TestServer, api::Answer, server::ADMIN_PASSWORD};

async fn sign_in(server: &TestServer, email: &str, password: &str) -> Answer {
    server.api.post("/auth/sign-in", "", &json!({"email": email, "password": password})).await
}

fn token(signed_in: &Answer) -> String {
    signed_in.ok()["token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_in_and_out() {
    let server = TestServer::start().await;
    let sign_in = async |email: &str, password: &str| sign_in(&server, email, password).await;
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
    let for_ever = server.api.post("/profile/tokens", &value, &json!({"name": "for ever"})).await.refused(400);
    assert!(for_ever.contains("outlive"), "{for_ever}");
    server
        .api
        .post("/profile/tokens", &value, &json!({"name": "as long", "expiresAt": created["expiresAt"]}))
        .await
        .ok();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_wrong_passwords_cost_the_attacker_time_and_others_nothing() {
    let server = TestServer::start().await;
    let home = token(&sign_in(&server, "admin@localhost", ADMIN_PASSWORD).await);
    server.user("bob@example.org", Role::Viewer, None).await;
    // From elsewhere: the header counts because the test's own address is a trusted proxy.
    let server = server.restart_with(|config| {
        config.http.trusted_proxies =
            twinkey_server::http::proxies::TrustedProxies::new(vec!["127.0.0.1/32".parse().expect("a network")]);
    });
    let server = server.await;
    let attack = async |address: &str, email: &str| {
        let request = server.api.request(Method::POST, "/auth/sign-in", "").header("X-Forwarded-For", address);
        server.api.send(request.json(&json!({"email": email, "password": "wrong"}))).await
    };
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for number in 0..1000 {
        // Half of them from one place, half from everywhere.
        let address = if number % 2 == 0 {
            "198.51.100.7".to_owned()
        } else {
            format!("203.0.{}.{}", number / 250, number % 250)
        };
        known.push(attack(&address, "admin@localhost").await);
        if number < 200 {
            unknown.push(attack(&address, "nobody@localhost").await.status);
        }
    }
    let counted = |status: u16| known.iter().filter(|answer| answer.status.as_u16() == status).count();
    assert!(counted(401) <= 100 && counted(401) + counted(429) == 1000, "{} were tried", counted(401));
    let limited = known.last().expect("a thousand");
    let wait: i64 = limited.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=60).contains(&wait) && limited.refused(429).contains(&format!("{wait} seconds")));
    // Whether the account exists makes no difference.
    assert_eq!(unknown, known.iter().map(|answer| answer.status).take(200).collect::<Vec<_>>());

    // The user at home, and another one anywhere, notice nothing.
    sign_in(&server, "admin@localhost", ADMIN_PASSWORD).await.ok();
    server.api.get("/profile", &home).await.ok();
    sign_in(&server, "bob@example.org", ADMIN_PASSWORD).await.ok();
    // From a strange place the user waits as long as he is told.
    let body = json!({"email": "admin@localhost", "password": ADMIN_PASSWORD});
    let strange = async || {
        let request = server.api.request(Method::POST, "/auth/sign-in", "").header("X-Forwarded-For", "192.0.2.99");
        server.api.send(request.json(&body)).await
    };
    strange().await.refused(429);
    server.advance(SignedDuration::from_secs(wait));
    strange().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_signs_in_by_a_cookie_that_other_sites_cannot_use() {
    let server = TestServer::start().await;
    let signed_in = sign_in(&server, "admin@localhost", ADMIN_PASSWORD).await;
    let cookie = signed_in.headers["set-cookie"].to_str().expect("text").to_owned();
    for part in ["twinkey-session=ses-", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "over plain HTTP browsers would drop it");
    let cookie = cookie.split(';').next().expect("a value");
    let http = reqwest::Client::new();
    let request = |method: Method, path: &str| -> RequestBuilder {
        http.request(method, format!("{}{path}", server.api.url)).header("Cookie", format!("other=1; {cookie}"))
    };
    assert_eq!(server.api.send(request(Method::GET, "/profile")).await.ok()["email"], "admin@localhost");
    let create = |name: &str| request(Method::POST, "/profile/tokens").json(&json!({ "name": name }));
    let evil = create("evil").header("Origin", "https://evil.example.org").header("Sec-Fetch-Site", "cross-site");
    let refused = server.api.send(evil).await.refused(403);
    assert!(refused.contains("another site"), "{refused}");
    server.api.send(create("no proof")).await.refused(403);
    server.api.send(create("own page").header("Sec-Fetch-Site", "same-origin")).await.ok();
    server.api.send(create("older browser").header("Origin", &server.api.url)).await.ok();
    // A bearer token needs no such proof, and counts instead of a cookie, even if it is not good.
    server.api.send(create("bearer").bearer_auth(token(&signed_in))).await.ok();
    server.api.send(create("bad bearer").header("Sec-Fetch-Site", "same-origin").bearer_auth("x")).await.refused(401);

    let sign_out = request(Method::POST, "/auth/sign-out").header("Sec-Fetch-Site", "same-origin");
    let signed_out = server.api.send(sign_out).await;
    assert_eq!(signed_out.status, 204);
    assert!(signed_out.headers["set-cookie"].to_str().expect("text").contains("Max-Age=0"));
    server.api.send(request(Method::GET, "/profile")).await.refused(401);

    let https = server.restart_with(|config| config.public_url = Some("https://twinkey.example.org".into())).await;
    let signed_in = sign_in(&https, "admin@localhost", ADMIN_PASSWORD).await;
    let cookie = signed_in.headers["set-cookie"].to_str().expect("text");
    assert!(cookie.starts_with("__Host-twinkey-session=ses-") && cookie.contains("; Secure"), "{cookie}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions() {
    let server = TestServer::start().await;
    let [mine, other] = [(); 2].map(|()| sign_in(&server, "admin@localhost", ADMIN_PASSWORD));
    let (mine, other) = (token(&mine.await), token(&other.await));
    let change = async |token: &str, current: &str, new: &str| {
        let body = json!({"currentPassword": current, "newPassword": new});
        server.api.post("/profile/password", token, &body).await
    };
    change(&mine, "wrong", "a new password").await.refused(400);
    change(&mine, ADMIN_PASSWORD, "short").await.refused(400);
    change(&mine, ADMIN_PASSWORD, &"x".repeat(1001)).await.refused(400);
    server.api.get("/profile", &other).await.ok();
    assert_eq!(change(&mine, ADMIN_PASSWORD, "a new password").await.status, 204);
    server.api.get("/profile", &mine).await.ok();
    server.api.get("/profile", &other).await.refused(401);
    server.api.get("/profile", &server.admin).await.ok();
    sign_in(&server, "admin@localhost", ADMIN_PASSWORD).await.refused(401);
    sign_in(&server, "admin@localhost", "a new password").await.ok();
    // A stolen session is no way to guess the password.
    let mut statuses = Vec::new();
    for _ in 0..15 {
        statuses.push(change(&mine, "guess", "another password").await.status.as_u16());
    }
    assert!(statuses.starts_with(&[400; 8]) && statuses.ends_with(&[429; 4]), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_one_by_one() {
    let server = TestServer::start().await;
    let [mine, other] = [(); 2].map(|()| sign_in(&server, "admin@localhost", ADMIN_PASSWORD));
    let mine = token(&mine.await);
    server.advance(SignedDuration::from_secs(1));
    let other = token(&other.await);
    let list = server.api.get("/profile/sessions", &mine).await;
    assert!(!list.text.contains(&mine) && !list.text.contains(&other));
    let list = list.ok();
    assert_eq!([&list[0]["current"], &list[1]["current"]], [false, true]);
    assert_eq!([&list[0]["lastUsedAt"], &list[0]["address"]], [&Value::Null, &json!("127.0.0.1")]);
    assert!(list[1]["lastUsedAt"].is_string());
    let id = list[0]["id"].as_str().expect("an id");
    let paged = server.api.get(&format!("/profile/sessions?limit=1&before={id}"), &mine).await.ok();
    assert_eq!(paged[0]["id"], list[1]["id"]);
    let end = async |token: &str| {
        server.api.send(server.api.request(Method::DELETE, &format!("/profile/sessions/{id}"), token)).await
    };
    let stranger = server.user("ada@example.org", Role::Admin, None).await;
    end(&stranger).await.refused(404);
    server.api.get(&format!("/profile/sessions?before={id}"), &stranger).await.refused(400);
    server.api.get("/profile", &other).await.ok();
    assert_eq!(end(&mine).await.status, 204);
    server.api.get("/profile", &other).await.refused(401);
    end(&mine).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_token_has_the_rights_that_its_user_has_as_well() {
    let server = TestServer::start().await;
    let own = server.workspace();
    let other = server.own("acme");
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": other})).await.ok();
    let editor = server.user("ada@example.org", Role::Editor, Some((&other, Role::Viewer))).await;
    let create = async |body: Value| server.api.post("/profile/tokens", &editor, &body).await;
    let value = |created: Answer| created.ok()["value"].as_str().expect("a value").to_owned();
    let here = value(create(json!({"name": "here", "workspaceId": own})).await);
    let reader = value(create(json!({"name": "reader", "role": "Viewer"})).await);
    let wishful = value(create(json!({"name": "wishful", "role": "Admin"})).await);

    let ids =
        |list: Value| list.as_array().expect("a list").iter().map(|it| it["workspaceId"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(server.api.get("/workspaces", &here).await.ok()), [own]);
    assert_eq!(ids(server.api.get("/workspaces", &reader).await.ok()).len(), 2);
    server.api.get(&format!("/workspaces/{other}"), &here).await.refused(404);
    server.api.get(&format!("/workspaces/{own}/broker/librdkafka"), &here).await.ok();
    server.api.get(&format!("/workspaces/{own}/broker/librdkafka"), &reader).await.refused(403);
    server.api.rotate(own, &wishful, 0).await.refused(403);
    let password = &server.api.get(&format!("/workspaces/{own}"), &reader).await.ok()["broker"]["password"];
    assert_eq!(password, "");
    let details = server.api.get("/auth/token/details", &here).await.ok();
    assert_eq!([&details["type"], &details["workspaceId"]], ["pat", own]);
    let query = |id: &str, permission: &str| {
        format!("/auth/permissions/query?resourceType=Workspace&resourceId={id}&permissions={permission}")
    };
    server.api.get(&query(own, "Update"), &here).await.ok();
    server.api.get(&query(&other, "Read"), &here).await.refused(403);
    server.api.get(&query(own, "Update"), &reader).await.refused(403);
    // Its limits cannot be shaken off.
    for token in [&here, &reader] {
        server.api.post("/profile/tokens", token, &json!({"name": "free"})).await.refused(403);
    }
    create(json!({"name": "x", "workspaceId": "nothing"})).await.refused(404);
    create(json!({"name": "x", "role": "None"})).await.refused(400);
    create(json!({"name": "x", "role": "Owner"})).await.refused(422);

    // When the user loses the role, so does the token.
    let id = server.api.get("/profile", &editor).await.ok()["userId"].as_str().expect("an id").to_owned();
    let path = format!("/organisations/current/members/{id}");
    let demote = server.api.request(Method::PATCH, &path, &server.admin).json(&json!({"role": "None"}));
    server.api.send(demote).await.ok();
    server.api.get(&format!("/workspaces/{own}"), &here).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_token_is_stored_in_batches() {
    let server = TestServer::start().await;
    let created = server.api.post("/profile/tokens", &server.admin, &json!({"name": "ci"})).await.ok();
    let (id, value) = (created["id"].clone(), created["value"].as_str().expect("a value").to_owned());
    let listed = async |server: &TestServer| {
        let list = server.api.get("/profile/tokens", &server.admin).await.ok();
        let ours = list.as_array().expect("a list").iter().find(|it| it["id"] == id).expect("there").clone();
        ours["lastUsedAt"].clone()
    };
    assert_eq!(listed(&server).await, Value::Null);
    for _ in 0..100 {
        server.api.get("/profile", &value).await.ok();
    }
    let used = listed(&server).await;
    assert!(used.is_string());
    last_use::store(server.app()).await.expect("stored");
    assert_eq!(listed(&server).await, used);
    // An end stores what was noted since.
    server.advance(SignedDuration::from_hours(1));
    server.api.get("/profile", &value).await.ok();
    let later = listed(&server).await;
    assert!(later.as_str() > used.as_str());
    let server = server.restart().await;
    assert_eq!(listed(&server).await, later);
}
