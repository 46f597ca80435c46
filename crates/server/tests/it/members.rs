//! Members: the narrower role wins, nobody goes above his own, and somebody is always Admin.

use reqwest::Method;
use serde_json::{Value, json};
use twinkey_api::Role;
use twinkey_testkit::{Api, Cluster, TestServer, api::Answer};

async fn set_role(api: &Api, path: &str, token: &str, role: &str) -> Answer {
    let method = if path.starts_with("/workspaces") { Method::PUT } else { Method::PATCH };
    api.send(api.request(method, path, token).json(&json!({"role": role}))).await
}

async fn delete(api: &Api, path: &str, token: &str) -> Answer {
    api.send(api.request(Method::DELETE, path, token)).await
}

async fn id_of(api: &Api, token: &str) -> String {
    api.get("/profile", token).await.ok()["userId"].as_str().expect("an id").to_owned()
}

fn emails(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|it| it["email"].as_str().expect("text")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_listed_in_pages_and_found() {
    let server = TestServer::start().await;
    let api = &server.api;
    let editor = server.user("Ada@example.org", Role::Editor, Some((server.workspace(), Role::Admin))).await;
    server.user("bob@example.org", Role::None, None).await;
    let list = "/organisations/current/members";
    let all = api.get(list, &server.admin).await.ok();
    assert_eq!(emails(&all), ["ada@example.org", "admin@localhost", "bob@example.org"]);
    assert_eq!(all[0]["role"], "Editor");
    assert_eq!(all[0]["workspaces"], json!([{"workspaceId": server.workspace(), "role": "Admin"}]));
    let mut paged = Vec::new();
    let mut after = String::new();
    loop {
        let page = api.get(&format!("{list}?limit=1&after={after}"), &server.admin).await.ok();
        let Some(last) = page.as_array().and_then(|page| page.last()) else { break };
        after = last["email"].as_str().expect("text").to_owned();
        paged.push(last.clone());
    }
    assert_eq!(Value::from(paged), all);
    for limit in ["0", "1001", "-1", "x"] {
        api.get(&format!("{list}?limit={limit}"), &server.admin).await.refused(400);
    }
    let one = format!("{list}/{}", id_of(api, &editor).await);
    assert_eq!(api.get(&one, &server.admin).await.ok()["email"], "ada@example.org");
    api.get(&format!("{list}/nobody"), &server.admin).await.refused(404);
    api.get(&format!("{list}/%FF"), &server.admin).await.refused(400);

    // In a workspace: who has access, and who was given a role there, with the role that counts.
    let here = api.get(&format!("/workspaces/{}/members", server.workspace()), &editor).await.ok();
    assert_eq!(emails(&here), ["ada@example.org", "admin@localhost"]);
    assert_eq!(
        [&here[0]["role"], &here[0]["organisationRole"], &here[0]["workspaceRole"]],
        ["Admin", "Editor", "Admin"]
    );
    assert_eq!([&here[1]["role"], &here[1]["workspaceRole"]], [&json!("Admin"), &Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_changes_or_removes_above_his_own_role() {
    let server = TestServer::start().await;
    let api = &server.api;
    let manager = server.user("manager@example.org", Role::Manager, None).await;
    let editor = server.user("editor@example.org", Role::Editor, None).await;
    let (manager_id, editor_id) = (id_of(api, &manager).await, id_of(api, &editor).await);
    let admin_id = id_of(api, &server.admin).await;
    let member = |id: &str| format!("/organisations/current/members/{id}");
    let here = |id: &str| format!("/workspaces/{}/members/{id}", server.workspace());
    for path in [member(&editor_id), here(&editor_id), member(&manager_id), here(&manager_id)] {
        let refused = set_role(api, &path, &manager, "Admin").await.refused(403);
        assert!(refused.contains("needs the role Admin") && refused.contains("yours is Manager"), "{refused}");
    }
    for path in [member(&admin_id), here(&admin_id)] {
        set_role(api, &path, &manager, "Viewer").await.refused(403);
    }
    delete(api, &member(&admin_id), &manager).await.refused(403);
    set_role(api, &member(&editor_id), &editor, "Manager").await.refused(403);

    // What the manager may: up to Manager, and down to nothing.
    assert_eq!(set_role(api, &here(&editor_id), &manager, "Manager").await.ok()["role"], "Manager");
    assert_eq!(set_role(api, &member(&editor_id), &manager, "Viewer").await.ok()["role"], "Viewer");
    api.get(&format!("/workspaces/{}/members", server.workspace()), &editor).await.ok();
    // An Admin whom a narrower role keeps small in a workspace is still above the manager: without that role he is Admin.
    assert_eq!(
        set_role(api, &here(&admin_id), &server.admin, "Viewer").await.refused(409),
        "Nothing was changed: this is \
        the last Admin of workspace '"
            .to_owned()
            + server.workspace()
            + "'. Make somebody else Admin first"
    );
    set_role(api, &here(&editor_id), &server.admin, "Admin").await.ok();
    set_role(api, &here(&admin_id), &server.admin, "Viewer").await.ok();
    delete(api, &here(&admin_id), &manager).await.refused(403);
    // He is Viewer there, and so he cannot rotate, nor make himself or another more than that.
    api.rotate(server.workspace(), &server.admin, 0).await.refused(403);
    set_role(api, &here(&admin_id), &server.admin, "Admin").await.refused(403);
    set_role(api, &member(&manager_id), &server.admin, "Admin").await.refused(403);
    assert_eq!(delete(api, &here(&admin_id), &editor).await.status, 204);
    api.rotate(server.workspace(), &server.admin, 0).await.ok();

    // Who is Admin of a workspace is not removed by somebody who is less there.
    delete(api, &member(&editor_id), &manager).await.refused(403);
    assert_eq!(delete(api, &member(&editor_id), &server.admin).await.status, 204);
    api.get("/profile", &editor).await.refused(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_of_one_workspace_manages_its_members_only() {
    let server = TestServer::start().await;
    let api = &server.api;
    let other = server.own("acme");
    api.post("/workspaces", &server.admin, &json!({"workspaceId": other})).await.ok();
    let own = server.workspace();
    let manager = server.user("manager@example.org", Role::None, Some((own, Role::Manager))).await;
    let inside = server.user("inside@example.org", Role::None, Some((own, Role::Viewer))).await;
    let outside = server.user("outside@example.org", Role::None, Some((&other, Role::Viewer))).await;
    let (inside_id, outside_id) = (id_of(api, &inside).await, id_of(api, &outside).await);
    let listed = api.get(&format!("/workspaces/{own}/members"), &manager).await.ok();
    assert_eq!(emails(&listed), ["admin@localhost", "inside@example.org", "manager@example.org"]);

    set_role(api, &format!("/workspaces/{own}/members/{inside_id}"), &manager, "Editor").await.ok();
    // Somebody who is not in the workspace is as unknown as nobody.
    let hidden =
        set_role(api, &format!("/workspaces/{own}/members/{outside_id}"), &manager, "Viewer").await.refused(404);
    let nobody = set_role(api, &format!("/workspaces/{own}/members/nobody"), &manager, "Viewer").await.refused(404);
    assert_eq!(hidden, nobody);
    delete(api, &format!("/workspaces/{own}/members/{outside_id}"), &manager).await.refused(404);
    api.get(&format!("/workspaces/{other}/members"), &manager).await.refused(404);
    set_role(api, &format!("/workspaces/{other}/members/{inside_id}"), &manager, "Viewer").await.refused(404);
    api.get("/organisations/current/members", &manager).await.refused(403);
    set_role(api, &format!("/organisations/current/members/{inside_id}"), &manager, "Viewer").await.refused(403);

    assert_eq!(delete(api, &format!("/workspaces/{own}/members/{inside_id}"), &manager).await.status, 204);
    delete(api, &format!("/workspaces/{own}/members/{inside_id}"), &manager).await.refused(404);
    api.get(&format!("/workspaces/{own}"), &inside).await.refused(404);
    // The administrator of the organisation may bring anybody in.
    set_role(api, &format!("/workspaces/{own}/members/{outside_id}"), &server.admin, "Viewer").await.ok();
    let audit = api.get(&format!("/audit?workspaceId={own}"), &server.admin).await.ok();
    let newest = &audit[0];
    assert_eq!([&newest["action"], &newest["target"]], ["member.role_changed", &*outside_id]);
    let detail: Value = serde_json::from_str(newest["detail"].as_str().expect("text")).expect("JSON");
    assert_eq!([&detail["before"], &detail["after"]], [&Value::Null, &json!("Viewer")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_is_out_at_once() {
    let server = TestServer::start().await;
    let api = &server.api;
    let pat = server.user("ada@example.org", Role::Admin, Some((server.workspace(), Role::Viewer))).await;
    let body = json!({"email": "ada@example.org", "password": twinkey_testkit::server::ADMIN_PASSWORD});
    let session = api.post("/auth/sign-in", "", &body).await.ok()["token"].as_str().expect("a token").to_owned();
    let path = format!("/organisations/current/members/{}", id_of(api, &pat).await);
    assert_eq!(delete(api, &path, &server.admin).await.status, 204);
    api.get("/profile", &pat).await.refused(401);
    api.get("/profile", &session).await.refused(401);
    api.post("/auth/sign-in", "", &body).await.refused(401);
    delete(api, &path, &server.admin).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_keeps_role_and_account() {
    let server = TestServer::start().await;
    let api = &server.api;
    let path = format!("/organisations/current/members/{}", id_of(api, &server.admin).await);
    let refused = set_role(api, &path, &server.admin, "Manager").await.refused(409);
    assert!(refused.contains("last Admin of the organisation"), "{refused}");
    delete(api, &path, &server.admin).await.refused(409);
    // The same with one more, who is Admin of a workspace only.
    server.user("ada@example.org", Role::None, Some((server.workspace(), Role::Admin))).await;
    delete(api, &path, &server.admin).await.refused(409);
    let second = server.user("bob@example.org", Role::Admin, None).await;
    set_role(api, &path, &server.admin, "Viewer").await.ok();
    api.get("/audit", &server.admin).await.refused(403);
    let second_path = format!("/organisations/current/members/{}", id_of(api, &second).await);
    delete(api, &second_path, &second).await.refused(409);
    assert_eq!(delete(api, &path, &second).await.status, 204);
}

/// An Admin of the organisation is one everywhere only where no narrower role keeps him small. Whoever is the last one somewhere by the
/// role in the organisation cannot lose it either: nobody could rotate there any more, nor make anybody Admin.
#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_keeps_the_admin_that_it_has_from_the_organisation() {
    let server = TestServer::start().await;
    let (api, own) = (&server.api, server.workspace());
    let second = server.user("second@example.org", Role::Admin, None).await;
    let (first_id, second_id) = (id_of(api, &server.admin).await, id_of(api, &second).await);
    let member = |id: &str| format!("/organisations/current/members/{id}");
    let here = |id: &str| format!("/workspaces/{own}/members/{id}");
    set_role(api, &here(&first_id), &second, "Viewer").await.ok();
    for refused in [
        set_role(api, &member(&second_id), &server.admin, "Viewer").await,
        delete(api, &member(&second_id), &server.admin).await,
        delete(api, &member(&second_id), &second).await,
    ] {
        let message = refused.refused(409);
        assert!(message.contains(&format!("last Admin of workspace '{own}'")), "{message}");
    }
    let invitation = json!({"email": "second@example.org", "role": "Viewer"});
    let created = api.post("/organisations/current/invitations", &server.admin, &invitation).await.ok();
    let secret = created["link"].as_str().expect("a link").split_once('#').expect("a secret").1.to_owned();
    api.post("/invitations/accept", &second, &json!({"secret": secret})).await.refused(409);
    api.rotate(own, &second, 0).await.ok();

    // With another Admin there, given or inherited, he may go.
    let third = server.user("third@example.org", Role::Viewer, Some((own, Role::Admin))).await;
    set_role(api, &member(&second_id), &server.admin, "Viewer").await.ok();
    api.rotate(own, &third, 1).await.ok();
    assert_eq!(delete(api, &here(&first_id), &third).await.status, 204);
    // An Admin of this workspace alone shuts no Admin of the organisation out of it, who could not even remove him then.
    let message = set_role(api, &here(&first_id), &third, "None").await.refused(403);
    assert!(message.contains("Admin"), "{message}");
    set_role(api, &member(&second_id), &server.admin, "Admin").await.ok();
    assert_eq!(delete(api, &member(&second_id), &server.admin).await.status, 204);
}

/// Two administrators who take the role from each other at the same moment, each on a replica of his own.
#[tokio::test(flavor = "multi_thread")]
async fn with_replicas_one_admin_is_left_whatever_happens_at_the_same_time() {
    let cluster = Cluster::start(2).await;
    let [one, two] = [&cluster.replicas[0], &cluster.replicas[1]];
    for round in 0..10 {
        let email = format!("second{round}@example.org");
        let invitation = json!({"email": email, "role": "Admin"});
        let created = one.api.post("/organisations/current/invitations", &one.admin, &invitation).await.ok();
        let link = created["link"].as_str().expect("a link");
        let secret = link.split_once('#').expect("a secret").1;
        let body = json!({"secret": secret, "password": "long enough"});
        let accepted =
            two.api.send(reqwest::Client::new().post(format!("{}/invitations/accept", two.api.url)).json(&body));
        let id = accepted.await.ok()["user"]["userId"].as_str().expect("an id").to_owned();
        let body = json!({"email": email, "password": "long enough"});
        let second = two.api.post("/auth/sign-in", "", &body).await.ok()["token"].as_str().expect("a token").to_owned();
        let first_id = id_of(&one.api, &one.admin).await;
        let (first_path, second_path) =
            (format!("/organisations/current/members/{first_id}"), format!("/organisations/current/members/{id}"));
        let (left, right) = tokio::join!(
            set_role(&one.api, &second_path, &one.admin, "Viewer"),
            set_role(&two.api, &first_path, &second, "Viewer")
        );
        let succeeded = [&left, &right].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(succeeded, 1, "{left:?} {right:?}");
        // For the next round the first one is Admin again.
        if right.status == 200 {
            set_role(&two.api, &first_path, &second, "Admin").await.ok();
            set_role(&one.api, &second_path, &one.admin, "Viewer").await.ok();
        }
    }
}
