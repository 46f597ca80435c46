//! Invitations: a link that works once, for one address, for a while.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use twinkey_api::Role;
use twinkey_server::mail::MailSettings;
use twinkey_testkit::{TestServer, api::Answer};

const PASSWORD: &str = "long enough";

async fn invite(server: &TestServer, token: &str, workspace_id: Option<&str>, email: &str, role: &str) -> Answer {
    let scope = workspace_id.map_or("/organisations/current".to_owned(), |id| format!("/workspaces/{id}"));
    server.api.post(&format!("{scope}/invitations"), token, &json!({"email": email, "role": role})).await
}

fn secret(created: &Value) -> String {
    created["link"].as_str().expect("a link").split_once('#').expect("behind a #").1.to_owned()
}

/// Accepts without a credential.
async fn accept(server: &TestServer, body: &Value) -> Answer {
    server.api.send(reqwest::Client::new().post(format!("{}/invitations/accept", server.api.url)).json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_makes_an_account_once() {
    let server = TestServer::start().await;
    let created = invite(&server, &server.admin, None, "Ada@Example.org", "Editor").await.ok();
    assert_eq!(created["emailed"], Value::Null);
    assert_eq!([&created["invitation"]["email"], &created["invitation"]["state"]], ["ada@example.org", "Open"]);
    let link = created["link"].as_str().expect("a link");
    assert!(link.starts_with(&format!("{}/portal/invitation#inv-", server.api.url)), "{link}");
    let secret = secret(&created);
    // The secret opens nothing else.
    server.api.get("/profile", &secret).await.refused(401);

    let missing = accept(&server, &json!({"secret": secret})).await.refused(400);
    assert!(missing.contains("password"), "{missing}");
    accept(&server, &json!({"secret": secret, "password": "short"})).await.refused(400);
    accept(&server, &json!({"secret": secret, "password": PASSWORD, "name": "a\nb"})).await.refused(400);
    let accepted = accept(&server, &json!({"secret": secret, "password": PASSWORD, "name": " Ada "})).await.ok();
    assert_eq!([&accepted["user"]["email"], &accepted["user"]["name"]], ["ada@example.org", "Ada"]);
    assert_eq!([&accepted["role"], &accepted["workspaceId"]], [&json!("Editor"), &Value::Null]);
    let twice = accept(&server, &json!({"secret": secret, "password": PASSWORD})).await.refused(410);
    assert!(twice.contains("accepted already"), "{twice}");
    let signed_in =
        server.api.post("/auth/sign-in", "", &json!({"email": "ada@example.org", "password": PASSWORD})).await;
    assert_eq!(signed_in.ok()["user"]["role"], "Editor");
    let list = server.api.get("/organisations/current/invitations", &server.admin).await;
    assert_eq!([&list.ok()[0]["state"], &list.ok()[0]["invitedBy"]], ["Accepted", "admin@localhost"]);
    assert!(!list.text.contains(&secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_shows_what_it_is_for_before_it_is_accepted() {
    let server = TestServer::start().await;
    let look = async |secret: &str| server.api.post("/invitations/look", "", &json!({"secret": secret})).await;
    look("inv-1").await.refused(404);
    look(&server.admin).await.refused(404);
    let created = invite(&server, &server.admin, Some(server.workspace()), "ada@example.org", "Editor").await.ok();
    let secret = secret(&created);
    let shown = look(&secret).await.ok();
    assert_eq!(
        [&shown["email"], &shown["role"], &shown["workspaceId"], &shown["invitedBy"]],
        ["ada@example.org", "Editor", server.workspace(), "admin@localhost"]
    );
    assert_eq!([&shown["accountExists"], &shown["expiresAt"]], [&json!(false), &created["invitation"]["expiresAt"]]);
    // It changes nothing, and shows nothing of what is over.
    accept(&server, &json!({"secret": secret, "password": PASSWORD})).await.ok();
    assert!(look(&secret).await.refused(410).contains("accepted already"));
    let again = invite(&server, &server.admin, None, "ada@example.org", "Viewer").await.ok();
    let shown = look(again["link"].as_str().expect("a link").split_once('#').expect("a secret").1).await.ok();
    assert_eq!([&shown["accountExists"], &shown["workspaceId"]], [&json!(true), &Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_accepted_says_why() {
    let server = TestServer::start().await;
    let body = |created: &Value| json!({"secret": secret(created), "password": PASSWORD});
    for unknown in ["", "inv-1", &*server.admin] {
        accept(&server, &json!({"secret": unknown, "password": PASSWORD})).await.refused(404);
    }
    let invite = async |email: &str| invite(&server, &server.admin, None, email, "Viewer").await.ok();
    // Expired.
    let created = invite("ada@example.org").await;
    server.advance(SignedDuration::from_hours(24 * 7));
    assert!(accept(&server, &body(&created)).await.refused(410).contains("has expired"));
    // Replaced: only the newest link for an address works.
    let (older, newer) = (invite("ada@example.org").await, invite("ada@example.org").await);
    assert!(accept(&server, &body(&older)).await.refused(410).contains("replaced"));
    // Withdrawn.
    let id = newer["invitation"]["id"].as_str().expect("an id");
    let path = format!("/organisations/current/invitations/{id}");
    let withdraw = async || server.api.send(server.api.request(Method::DELETE, &path, &server.admin)).await;
    assert_eq!(withdraw().await.status, 204);
    withdraw().await.refused(410);
    assert!(accept(&server, &body(&newer)).await.refused(410).contains("withdrawn"));
    // For another address, and for one that has an account.
    let ada = server.user("ada@example.org", Role::Viewer, None).await;
    let for_bob = invite("bob@example.org").await;
    let other = server.api.post("/invitations/accept", &ada, &json!({"secret": secret(&for_bob)})).await.refused(403);
    assert!(other.contains("another address") && !other.contains("bob"), "{other}");
    let for_ada = invite("ada@example.org").await;
    let exists = accept(&server, &body(&for_ada)).await.refused(409);
    assert!(exists.contains("sign in"), "{exists}");
    // A credential that is not good is not nobody.
    server.api.post("/invitations/accept", "pat-bad", &body(&for_bob)).await.refused(401);

    for email in ["", "ada", "@x", "ada@", "a b@x", "a@b@c", &format!("{}@x", "a".repeat(300))] {
        let body = json!({"email": email, "role": "Viewer"});
        server.api.post("/organisations/current/invitations", &server.admin, &body).await.refused(400);
    }
    for (role, days) in [("None", 7), ("Viewer", 0), ("Viewer", 31)] {
        let body = json!({"email": "a@example.org", "role": role, "expiresInDays": days});
        server.api.post("/organisations/current/invitations", &server.admin, &body).await.refused(400);
    }
    let list = "/organisations/current/invitations?limit=2";
    let first = server.api.get(list, &server.admin).await.ok();
    let last = first[1]["id"].as_str().expect("an id");
    let rest = server.api.get(&format!("{list}&before={last}"), &server.admin).await.ok();
    let states: Vec<_> = [first, rest].iter().flat_map(|page| page.as_array().expect("a list").clone()).collect();
    assert_eq!(states.len(), 4, "{states:?}");
    server.api.get("/organisations/current/invitations?before=nothing", &server.admin).await.refused(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_joins_and_nobody_gives_more_than_he_has() {
    let server = TestServer::start().await;
    let own = server.workspace();
    let manager = server.user("manager@example.org", Role::None, Some((own, Role::Manager))).await;
    let ada = server.user("ada@example.org", Role::None, None).await;
    invite(&server, &manager, None, "ada@example.org", "Viewer").await.refused(403);
    invite(&server, &manager, Some(own), "ada@example.org", "Admin").await.refused(403);
    let created = invite(&server, &manager, Some(own), "ada@example.org", "Manager").await.ok();
    server.api.get(&format!("/workspaces/{own}"), &ada).await.refused(404);
    let join = async || server.api.post("/invitations/accept", &ada, &json!({"secret": secret(&created)})).await;
    let accepted = join().await.ok();
    assert_eq!([&accepted["workspaceId"], &accepted["role"]], [own, "Manager"]);
    join().await.refused(410);
    server.api.get(&format!("/workspaces/{own}/members"), &ada).await.ok();
    server.api.get("/organisations/current/members", &ada).await.refused(403);
    let listed = server.api.get(&format!("/workspaces/{own}/invitations"), &manager).await.ok();
    assert_eq!(listed.as_array().expect("a list").len(), 1);
    assert_eq!(server.api.get("/organisations/current/invitations", &server.admin).await.ok(), json!([]));

    // An invitation is worth what its sender is worth when it is accepted.
    let created = invite(&server, &ada, Some(own), "bob@example.org", "Manager").await.ok();
    let id = accepted["user"]["userId"].as_str().expect("an id");
    let demote = server.api.request(Method::PUT, &format!("/workspaces/{own}/members/{id}"), &server.admin);
    server.api.send(demote.json(&json!({"role": "Editor"}))).await.ok();
    let void = accept(&server, &json!({"secret": secret(&created), "password": PASSWORD})).await.refused(410);
    assert!(void.contains("who sent it"), "{void}");

    // Somebody who is nothing in one workspace cannot come in through a second account with a role everywhere.
    let kept_out = server.user("kept-out@example.org", Role::Manager, Some((own, Role::None))).await;
    let refused = invite(&server, &kept_out, None, "kept-out-2@example.org", "Viewer").await.refused(403);
    assert!(refused.contains(own), "{refused}");
    // Nor with an invitation from the time when he was somebody there.
    let sender = server.user("sender@example.org", Role::Manager, None).await;
    let created = invite(&server, &sender, None, "sender-2@example.org", "Viewer").await.ok();
    let id = server.api.get("/profile", &sender).await.ok()["userId"].as_str().expect("an id").to_owned();
    let keep_out = server.api.request(Method::PUT, &format!("/workspaces/{own}/members/{id}"), &server.admin);
    server.api.send(keep_out.json(&json!({"role": "None"}))).await.ok();
    let void = accept(&server, &json!({"secret": secret(&created), "password": PASSWORD})).await.refused(410);
    assert!(void.contains("who sent it"), "{void}");
    // And the last Admin does not become less by accepting.
    let created = invite(&server, &server.admin, None, "admin@localhost", "Viewer").await.ok();
    server.api.post("/invitations/accept", &server.admin, &json!({"secret": secret(&created)})).await.refused(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_use_a_link_at_the_same_time_one_gets_in() {
    let server = TestServer::start().await;
    let created = invite(&server, &server.admin, None, "ada@example.org", "Viewer").await.ok();
    let body = json!({"secret": secret(&created), "password": PASSWORD});
    let answers = futures::future::join_all((0..8).map(|_| accept(&server, &body))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status.as_u16() == status).count();
    // The others find it used, or find the account that it has just made.
    assert_eq!((count(200), count(410) + count(409)), (1, 7), "{answers:?}");
}

/// A mail server that takes one message.
async fn mailbox() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("smtp://{}", listener.local_addr().expect("bound"));
    let taken = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 test\r\n").await.expect("written");
        let (mut message, mut in_data) = (String::new(), false);
        while let Ok(Some(line)) = lines.next_line().await {
            if in_data && line != "." {
                message.push_str(&line);
                message.push('\n');
                continue;
            }
            let answer = if line.starts_with("DATA") { "354 go on\r\n" } else { "250 ok\r\n" };
            in_data = line.starts_with("DATA");
            writer.write_all(answer.as_bytes()).await.expect("written");
        }
        message
    });
    (url, taken)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_sent_by_e_mail_where_that_is_set_up() {
    let (url, mailbox) = mailbox().await;
    let mail = MailSettings { url, user: None, password: None, from: "Twinkey <twinkey@example.org>".into() };
    let server = TestServer::start().await.restart_with(|config| config.mail = Some(mail)).await;
    let created = invite(&server, &server.admin, None, "ada@example.org", "Viewer").await.ok();
    assert_eq!(created["emailed"], true);
    let message = mailbox.await.expect("a message");
    let text = message.replace("=\n", "").replace("=3D", "=");
    assert!(text.contains("To: ada@example.org") && text.contains(&secret(&created)), "{message}");
    // The mail server is gone now: the link is shown all the same, and the answer says that it was not sent.
    let created = invite(&server, &server.admin, None, "bob@example.org", "Viewer").await.ok();
    assert_eq!(created["emailed"], false);
    accept(&server, &json!({"secret": secret(&created), "password": PASSWORD})).await.ok();
}
