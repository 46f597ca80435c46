//! The matrix of design.md §6: every route × every role × own and other workspace, generated from the OpenAPI document.
//!
//! A route without a row fails the test. Only whether somebody is let in is looked at, so requests have no body: who is let in is
//! then told that it is missing, and nothing is changed.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;
use twinkey_api::{
    Role::{self, Admin, Editor, Manager, Viewer},
    TokenKind,
    token::Secret,
    token_pair::Slot,
};
use twinkey_server::db;
use twinkey_testkit::{TestServer, api::Answer};

/// Whom a route lets in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Access {
    /// Everybody, without a credential too.
    Anyone,
    /// Everybody without a credential, and whom [`Access::Account`] lets in.
    Invited,
    /// Every credential, SDK tokens included.
    Credential,
    /// Every user's credential.
    User,
    /// The same without personal access tokens that are limited.
    Account,
    /// Users with this role in the organisation.
    Organisation(Role),
    /// Users with this role in the workspace.
    Needs(Role),
    /// The same, and the workspace's SDK tokens.
    Streaming(Role),
}
use Access::{Account, Anyone, Credential, Invited, Needs, Organisation, Streaming, User};

/// One row for each route.
const ROUTES: &[(&str, &str, Access)] = &[
    ("GET", "/workspaces/{workspace_id}/broker/librdkafka", Streaming(Editor)),
    ("GET", "/workspaces/{workspace_id}/certificates", Streaming(Viewer)),
    ("GET", "/workspaces", Credential),
    ("POST", "/workspaces", Organisation(Manager)),
    ("GET", "/workspaces/overview", User),
    ("GET", "/workspaces/{workspace_id}/overview", Needs(Viewer)),
    ("GET", "/workspaces/{workspace_id}", Streaming(Viewer)),
    ("GET", "/workspaces/{workspace_id}/events", Needs(Viewer)),
    ("GET", "/{workspace_id}/topics", Streaming(Viewer)),
    ("POST", "/{workspace_id}/topics", Streaming(Editor)),
    ("GET", "/{workspace_id}/topics/{name}", Streaming(Viewer)),
    ("PATCH", "/{workspace_id}/topics/{name}", Needs(Editor)),
    ("DELETE", "/{workspace_id}/topics/{name}", Needs(Editor)),
    ("POST", "/{workspace_id}/topics/{name}/clean", Needs(Editor)),
    ("GET", "/workspaces/{workspace_id}/topics/activity", Needs(Viewer)),
    ("GET", "/workspaces/{workspace_id}/topics/{name}/partitions", Needs(Viewer)),
    ("GET", "/workspaces/{workspace_id}/topics/{name}/messages", Needs(Viewer)),
    ("GET", "/workspaces/{workspace_id}/topics/{name}/messages/live", Needs(Viewer)),
    ("GET", "/workspaces/{workspace_id}/groups", Needs(Viewer)),
    ("DELETE", "/workspaces/{workspace_id}/groups/{id}", Needs(Editor)),
    ("GET", "/auth/token/details", Credential),
    ("GET", "/auth/permissions/query", Credential),
    ("GET", "/workspaces/{workspace_id}/tokens", Needs(Viewer)),
    ("POST", "/workspaces/{workspace_id}/tokens/{slot}/reveal", Needs(Editor)),
    ("POST", "/workspaces/{workspace_id}/tokens/rotate", Needs(Admin)),
    ("POST", "/workspaces/{workspace_id}/tokens/emergency-rotation", Needs(Admin)),
    ("GET", "/workspaces/{workspace_id}/tokens/emergency-rotation", Needs(Admin)),
    ("POST", "/workspaces/{workspace_id}/tokens/undo-rotation", Needs(Admin)),
    ("PATCH", "/workspaces/{workspace_id}", Needs(Manager)),
    ("DELETE", "/workspaces/{workspace_id}", Needs(Manager)),
    ("GET", "/workspaces/{workspace_id}/tokens/usage", Needs(Viewer)),
    ("GET", "/workspaces/{workspace_id}/tokens/usage/timeline", Needs(Viewer)),
    ("GET", "/workspaces/{workspace_id}/settings", Needs(Viewer)),
    ("PATCH", "/workspaces/{workspace_id}/settings", Needs(Admin)),
    ("POST", "/auth/sign-in", Anyone),
    ("GET", "/auth/methods", Anyone),
    ("GET", "/auth/oidc", Anyone),
    ("GET", "/auth/oidc/callback", Anyone),
    ("POST", "/auth/sign-out", User),
    ("POST", "/auth/confirm", User),
    ("GET", "/profile", User),
    ("GET", "/organisations/current", User),
    ("GET", "/profile/tokens", Account),
    ("POST", "/profile/tokens", Account),
    ("DELETE", "/profile/tokens/{id}", Account),
    ("GET", "/profile/sessions", Account),
    ("DELETE", "/profile/sessions/{id}", Account),
    ("POST", "/profile/password", Account),
    ("GET", "/organisations/current/members", Organisation(Manager)),
    ("GET", "/organisations/current/members/{user_id}", Organisation(Manager)),
    ("PATCH", "/organisations/current/members/{user_id}", Organisation(Manager)),
    ("DELETE", "/organisations/current/members/{user_id}", Organisation(Manager)),
    ("GET", "/workspaces/{workspace_id}/members", Needs(Manager)),
    ("PUT", "/workspaces/{workspace_id}/members/{user_id}", Needs(Manager)),
    ("DELETE", "/workspaces/{workspace_id}/members/{user_id}", Needs(Manager)),
    ("GET", "/organisations/current/invitations", Organisation(Manager)),
    ("POST", "/organisations/current/invitations", Organisation(Manager)),
    ("DELETE", "/organisations/current/invitations/{id}", Organisation(Manager)),
    ("GET", "/workspaces/{workspace_id}/invitations", Needs(Manager)),
    ("POST", "/workspaces/{workspace_id}/invitations", Needs(Manager)),
    ("DELETE", "/workspaces/{workspace_id}/invitations/{id}", Needs(Manager)),
    ("POST", "/invitations/look", Anyone),
    ("POST", "/invitations/accept", Invited),
    ("GET", "/audit", Organisation(Admin)),
    ("GET", "/audit/export", Organisation(Admin)),
    ("GET", "/audit/keys", Organisation(Admin)),
    ("GET", "/audit/checkpoints", Organisation(Admin)),
    ("POST", "/audit/verify", Organisation(Admin)),
    ("GET", "/workspaces/{workspace_id}/webhooks", Needs(Admin)),
    ("POST", "/workspaces/{workspace_id}/webhooks", Needs(Admin)),
    ("GET", "/workspaces/{workspace_id}/webhooks/{webhook_id}", Needs(Admin)),
    ("PATCH", "/workspaces/{workspace_id}/webhooks/{webhook_id}", Needs(Admin)),
    ("DELETE", "/workspaces/{workspace_id}/webhooks/{webhook_id}", Needs(Admin)),
    ("POST", "/workspaces/{workspace_id}/webhooks/{webhook_id}/test", Needs(Admin)),
    ("POST", "/workspaces/{workspace_id}/webhooks/{webhook_id}/rotate-secret", Needs(Admin)),
    ("GET", "/workspaces/{workspace_id}/webhooks/{webhook_id}/deliveries", Needs(Admin)),
    ("POST", "/workspaces/{workspace_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", Needs(Admin)),
    ("GET", "/broker/status", Organisation(Admin)),
    ("POST", "/broker/reconcile", Organisation(Admin)),
    ("POST", "/broker/prune", Organisation(Admin)),
    ("GET", "/healthz", Anyone),
    ("GET", "/readyz", Anyone),
    ("GET", "/metrics", Anyone),
    ("GET", "/system", Organisation(Admin)),
    ("GET", "/system/keys", Organisation(Admin)),
    ("POST", "/system/keys/finish", Organisation(Admin)),
];

#[test]
fn every_route_has_a_row() {
    let document = twinkey_server::routes::openapi().to_json().expect("serialisable");
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let mut routes = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            routes.insert((method.to_uppercase(), path.clone()));
        }
    }
    let rows: BTreeSet<_> = ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(rows, routes, "tests/it/roles.rs needs exactly one row for each route");
    assert_eq!(rows.len(), ROUTES.len(), "a route has two rows");
}

/// Who asks, and what he is: the role that the design gives him in the organisation and in the workspace that is asked for.
struct Asker {
    name: String,
    credential: Option<String>,
    organisation: Role,
    workspace: Role,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Nobody,
    User,
    LimitedUser,
    OwnSdkToken,
    OtherSdkToken,
}

/// What the table says about an asker: the status, or that he is let in.
fn expected(access: Access, asker: &Asker) -> Result<(), (u16, String)> {
    let streaming_only = || Err((403, "SDK token".to_owned()));
    let role = |actual: Role, needed: Role, hidden: bool| match actual {
        _ if actual >= needed => Ok(()),
        Role::None if hidden => Err((404, "Workspace '".to_owned())),
        _ => Err((403, format!("This needs the role {needed:?}"))),
    };
    match (access, asker.kind) {
        (Anyone, _) | (Invited, Kind::Nobody) => Ok(()),
        (_, Kind::Nobody) => Err((401, "not authenticated".into())),
        (Credential, _) | (Streaming(_), Kind::OwnSdkToken) => Ok(()),
        (_, Kind::OwnSdkToken | Kind::OtherSdkToken) => streaming_only(),
        (Account | Invited, Kind::LimitedUser) => Err((403, "limited".into())),
        (User | Account | Invited, _) => Ok(()),
        (Organisation(needed), _) => role(asker.organisation, needed, false),
        (Needs(needed) | Streaming(needed), _) => role(asker.workspace, needed, true),
    }
}

/// Whether the answer says that the asker was not let in, and how.
fn refusal(answer: &Answer) -> Result<(), (u16, String)> {
    let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let (status, message) = (answer.status.as_u16(), body["message"].as_str().unwrap_or_default().to_owned());
    let hidden = status == 404 && message.starts_with("Workspace '");
    let refused = status == 401 || (status == 403 && body["code"] != "PermissionDenied") || hidden;
    if refused { Err((status, message)) } else { Ok(()) }
}

async fn user(server: &TestServer, name: &str, role: Role, narrower: &[(&str, Role)]) -> String {
    let app = server.app();
    let (id, email) = (app.random.id(), format!("{}@example.org", name.replace(' ', "-")));
    let organisation = &app.organisation.id;
    db::users::insert(&*app.db, &id, organisation, &email, String::new(), role, app.now()).await.expect("stored");
    for (workspace_id, role) in narrower {
        db::users::set_membership(&*app.db, &id, workspace_id, *role).await.expect("stored");
    }
    pat(server, &id, None, None).await
}

async fn pat(server: &TestServer, user_id: &str, workspace_id: Option<&str>, role: Option<Role>) -> String {
    let app = server.app();
    let secret = app.random.with(|rng| Secret::generate(TokenKind::Pat, rng));
    let row = db::pats::Model {
        id: app.random.id(),
        user_id: user_id.to_owned(),
        name: "matrix".into(),
        hash: app.keys.hash(&secret).to_vec(),
        created_at: 0,
        expires_at: None,
        key_id: Some(app.keys.id().to_owned()),
        workspace_id: workspace_id.map(str::to_owned),
        role: role.map(|role| role.name().to_owned()),
        last_used_at: None,
    };
    db::pats::insert(&*app.db, row).await.expect("stored");
    secret.expose().to_owned()
}

async fn askers(server: &TestServer, own: &str, other: &str) -> Vec<Asker> {
    let mut askers = Vec::new();
    let mut add = |name: String, credential: String, organisation: Role, workspace: Role, kind: Kind| {
        let credential = Some(credential).filter(|it| !it.is_empty());
        askers.push(Asker { name, credential, organisation, workspace, kind });
    };
    let admin = db::users::find_admin(&*server.app().db).await.expect("read").expect("an admin").id;
    for role in Role::ALL {
        let name = format!("{role:?} of the organisation");
        add(name.clone(), user(server, &name, role, &[]).await, role, role, Kind::User);
        let name = format!("{role:?} of the workspace only");
        let credential = user(server, &name, Role::None, &[(own, role)]).await;
        add(name, credential, Role::None, role, Kind::User);
        let name = format!("Admin narrowed to {role:?}");
        let credential = user(server, &name, Admin, &[(own, role)]).await;
        add(name, credential, Admin, role, Kind::User);
        let name = format!("{role:?} of another workspace");
        let credential = user(server, &name, Role::None, &[(other, role)]).await;
        add(name, credential, Role::None, Role::None, Kind::User);
        add(format!("PAT up to {role:?}"), pat(server, &admin, None, Some(role)).await, role, role, Kind::LimitedUser);
        let credential = pat(server, &admin, Some(own), Some(role)).await;
        add(format!("PAT up to {role:?} here"), credential, Role::None, role, Kind::LimitedUser);
    }
    let here = pat(server, &admin, Some(own), None).await;
    add("PAT for this workspace".into(), here, Role::None, Admin, Kind::LimitedUser);
    let elsewhere = pat(server, &admin, Some(other), None).await;
    add("PAT for another workspace".into(), elsewhere, Role::None, Role::None, Kind::LimitedUser);
    add("nobody".into(), String::new(), Role::None, Role::None, Kind::Nobody);
    for (workspace_id, kind) in [(own, Kind::OwnSdkToken), (other, Kind::OtherSdkToken)] {
        let token = server.api.reveal(workspace_id, Slot::Current, &server.admin).await;
        add(format!("SDK token of {workspace_id}"), token, Role::None, Role::None, kind);
    }
    askers
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roles_matrix_holds_for_every_route_role_and_workspace() {
    let server = TestServer::start().await;
    let (own, other) = (server.workspace().to_owned(), server.own("acme"));
    server.api.post("/workspaces", &server.admin, &serde_json::json!({"workspaceId": other})).await.ok();
    let mut wrong = Vec::new();
    for asker in askers(&server, &own, &other).await {
        for (method, path, access) in ROUTES {
            let path = path.replace("{workspace_id}", &own).replace("{slot}", "current");
            let path = path.split('/').map(|part| if part.starts_with('{') { "nothing" } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let request = match &asker.credential {
                Some(credential) => server.api.request(method.clone(), &path, credential),
                None => reqwest::Client::new().request(method.clone(), format!("{}{path}", server.api.url)),
            };
            let (expected, found) = (expected(*access, &asker), refusal(&server.api.send(request).await));
            let agree = match (&expected, &found) {
                (Ok(()), Ok(())) => true,
                (Err((status, words)), Err((actual, message))) => status == actual && message.contains(words),
                _ => false,
            };
            if !agree {
                wrong.push(format!("{method} {path} for {}: expected {expected:?}, was {found:?}", asker.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
