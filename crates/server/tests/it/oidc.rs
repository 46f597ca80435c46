//! Signing in through a real OpenID Connect provider (the npm package `oidc-provider`) that runs on this machine.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
};

use reqwest::{Method, Response, Url, header};
use serde_json::json;
use twinkey_api::Role;
use twinkey_server::sign_in::oidc::OidcSettings;
use twinkey_testkit::TestServer;

/// A provider of a test's own. It ends when its standard input does, so also when the test panics.
struct Provider {
    issuer: String,
    process: Child,
    /// Kept, because a program whose output nobody takes any longer ends when it writes.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Provider {
    fn start(public_url: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/oidc/provider");
        let mut process = Command::new(script)
            .args([port.to_string(), format!("{public_url}/auth/oidc/callback")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("scripts/oidc/provider runs");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let ready = lines.by_ref().any(|line| line.is_ok_and(|line| line == "ready"));
        assert!(ready, "the provider did not start; does scripts/oidc/provider work?");
        Self { issuer: format!("http://127.0.0.1:{port}"), process, _output: lines }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A browser: cookies by host, and no redirect that the test does not see.
struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<(String, String), String>,
}

impl Browser {
    fn new() -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { http: http.build().expect("a client"), cookies: BTreeMap::new() }
    }

    async fn send(&mut self, method: Method, url: &Url, form: Option<&str>) -> Response {
        let host = url.authority().to_owned();
        let cookies =
            self.cookies.iter().filter(|((of, _), _)| *of == host).map(|((_, key), it)| format!("{key}={it}"));
        let mut request = self.http.request(method, url.clone());
        request = request.header(header::COOKIE, cookies.collect::<Vec<_>>().join("; "));
        if let Some(form) = form {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.to_owned());
        }
        let response = request.send().await.expect("an answer");
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().expect("text").split(';').next().expect("a pair");
            let (key, value) = pair.split_once('=').expect("a pair");
            self.cookies.insert((host.clone(), key.to_owned()), value.to_owned());
        }
        response
    }

    /// Begins at the server and signs in at the provider; returns the URL that it sends the browser back to.
    async fn sign_in_at_provider(&mut self, server: &TestServer, issuer: &str, login: &str) -> Url {
        let begun = self.send(Method::GET, &at(server, "/auth/oidc"), None).await;
        assert_eq!(begun.status(), 303);
        let mut url = location(&begun, issuer);
        assert!(url.as_str().contains("code_challenge_method=S256") && !url.as_str().contains("the-secret"), "{url}");
        // The form of the provider, then its question whether Twinkey may know, and the redirects in between.
        for _ in 0..20 {
            if url.as_str().starts_with(PUBLIC_URL) {
                let (path, query) = (url.path(), url.query().expect("an answer"));
                return at(server, &format!("{path}?{query}"));
            }
            let page = self.send(Method::GET, &url, None).await;
            let answer = if page.status().is_redirection() {
                page
            } else {
                let html = page.text().await.expect("a page");
                let prompt = if html.contains(r#"value="login""#) { "login" } else { "consent" };
                let form = format!("prompt={prompt}&login={login}&password=any");
                self.send(Method::POST, &url, Some(&form)).await
            };
            url = location(&answer, url.as_str());
        }
        panic!("the provider does not send the browser back: {url}");
    }

    /// Signs in with a password; the browser keeps the session.
    async fn sign_in_here(&mut self, server: &TestServer, email: &str, password: &str) {
        let body = json!({"email": email, "password": password});
        let answer = self.http.post(at(server, "/auth/sign-in")).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let cookie = answer.headers()[header::SET_COOKIE].to_str().expect("text").split(';').next().expect("a pair");
        let (key, value) = cookie.split_once('=').expect("a pair");
        self.cookies.insert((at(server, "/").authority().to_owned(), key.to_owned()), value.to_owned());
    }

    async fn finish(&mut self, callback: &Url) -> (u16, String) {
        let answer = self.send(Method::GET, callback, None).await;
        let (status, place) = (answer.status().as_u16(), answer.headers().get(header::LOCATION).cloned());
        let text = answer.text().await.expect("text");
        (status, place.map_or(text, |place| place.to_str().expect("text").to_owned()))
    }

    async fn profile(&mut self, server: &TestServer) -> serde_json::Value {
        self.send(Method::GET, &at(server, "/profile"), None).await.json().await.expect("JSON")
    }
}

fn at(server: &TestServer, path: &str) -> Url {
    Url::parse(&format!("{}{path}", server.api.url)).expect("a URL")
}

fn location(answer: &Response, base: &str) -> Url {
    let location = answer.headers().get(header::LOCATION).unwrap_or_else(|| panic!("no redirect: {answer:?}"));
    Url::parse(base).expect("a URL").join(location.to_str().expect("text")).expect("a URL")
}

/// How browsers reach the server, as far as the provider knows.
const PUBLIC_URL: &str = "http://twinkey.example.org";

async fn start(default_role: Option<Role>) -> (TestServer, Provider) {
    let provider = Provider::start(PUBLIC_URL);
    let settings = OidcSettings {
        issuer: provider.issuer.clone(),
        client_id: "twinkey".into(),
        client_secret: Some("the-secret-of-the-client".to_owned().into()),
        name: "Example".into(),
        default_role,
    };
    let adjust = |config: &mut twinkey_server::start::Config| {
        config.public_url = Some(PUBLIC_URL.into());
        config.oidc = Some(settings);
    };
    (TestServer::start().await.restart_with(adjust).await, provider)
}

#[tokio::test(flavor = "multi_thread")]
async fn members_and_invited_people_sign_in_through_a_provider_and_nobody_else() {
    let (server, provider) = start(None).await;
    let methods = server.api.get("/auth/methods", "").await.ok();
    assert_eq!([&methods["password"], &methods["oidc"]], [&json!(true), &json!("Example")]);

    // A stranger gets no account.
    let mut browser = Browser::new();
    let callback = browser.sign_in_at_provider(&server, &provider.issuer, "mallory").await;
    let (status, text) = browser.finish(&callback).await;
    assert!(status == 403 && text.contains("invitation"), "{status} {text}");

    // Somebody who is invited does, with the role of the invitation, and the invitation is used up by it.
    let invitation = json!({"email": "Ada@example.org", "role": "Editor"});
    let created = server.api.post("/organisations/current/invitations", &server.admin, &invitation).await.ok();
    let mut browser = Browser::new();
    let callback = browser.sign_in_at_provider(&server, &provider.issuer, "ada").await;
    assert_eq!(browser.finish(&callback).await, (303, format!("{PUBLIC_URL}/portal/")));
    let profile = browser.profile(&server).await;
    assert_eq!([&profile["email"], &profile["name"], &profile["role"]], ["ada@example.org", "Name of ada", "Editor"]);
    let secret = created["link"].as_str().expect("a link").split_once('#').expect("a secret").1;
    let body = json!({"secret": secret, "password": "long enough"});
    let accept = reqwest::Client::new().post(format!("{}/invitations/accept", server.api.url)).json(&body);
    server.api.send(accept).await.refused(410);
    // There is no password that is right for this account, the empty one neither.
    for password in ["", "any"] {
        let body = json!({"email": "ada@example.org", "password": password});
        server.api.post("/auth/sign-in", "", &body).await.refused(401);
    }

    // A member with the verified address is linked, once: afterwards the account at the provider counts, not the address. He signs in
    // with his password first, because nobody has proved yet that the account here is his, too.
    server.user("bob@example.org", Role::Viewer, None).await;
    let mut browser = Browser::new();
    let callback = browser.sign_in_at_provider(&server, &provider.issuer, "bob").await;
    let (status, text) = browser.finish(&callback).await;
    assert!(status == 409 && text.contains("sign in to it with its password"), "{status} {text}");
    browser.sign_in_here(&server, "bob@example.org", twinkey_testkit::server::ADMIN_PASSWORD).await;
    for round in 0..2 {
        let callback = browser.sign_in_at_provider(&server, &provider.issuer, "bob").await;
        assert_eq!(browser.finish(&callback).await.0, 303, "{round}");
        assert_eq!(browser.profile(&server).await["email"], "bob@example.org");
    }
    let audit = server.api.get("/audit", &server.admin).await.ok();
    let count = |action: &str| audit.as_array().expect("a list").iter().filter(|it| it["action"] == action).count();
    assert_eq!((count("identity.linked"), count("invitation.accepted")), (2, 1));

    // Whoever was shown the link of an invitation may have made the account himself, for an address that is not his, and knows its
    // password. He does not get in with the person whose address it is; nor does he link her account to his own.
    let invitation = json!({"email": "carol@example.org", "role": "Editor"});
    let created = server.api.post("/organisations/current/invitations", &server.admin, &invitation).await.ok();
    let secret = created["link"].as_str().expect("a link").split_once('#').expect("a secret").1;
    let body = json!({"secret": secret, "password": "known to the inviter"});
    let accept = reqwest::Client::new().post(format!("{}/invitations/accept", server.api.url)).json(&body);
    server.api.send(accept).await.ok();
    let mut browser = Browser::new();
    let callback = browser.sign_in_at_provider(&server, &provider.issuer, "carol").await;
    assert_eq!(browser.finish(&callback).await.0, 409);
    let mut inviter = Browser::new();
    inviter.sign_in_here(&server, "bob@example.org", twinkey_testkit::server::ADMIN_PASSWORD).await;
    let callback = inviter.sign_in_at_provider(&server, &provider.issuer, "carol").await;
    assert_eq!(inviter.finish(&callback).await.0, 409);

    // An address that the provider has not verified links nobody.
    server.user("unverified-eve@example.org", Role::Admin, None).await;
    let mut browser = Browser::new();
    let callback = browser.sign_in_at_provider(&server, &provider.issuer, "unverified-eve").await;
    let (status, text) = browser.finish(&callback).await;
    assert!(status == 403 && text.contains("verified"), "{status} {text}");

    // Who is removed here is out, whatever the provider says.
    let id = server.api.get("/organisations/current/members", &server.admin).await.ok();
    let ada = id.as_array().expect("a list").iter().find(|it| it["email"] == "ada@example.org").expect("there").clone();
    let path = format!("/organisations/current/members/{}", ada["userId"].as_str().expect("an id"));
    assert_eq!(server.api.send(server.api.request(Method::DELETE, &path, &server.admin)).await.status, 204);
    let mut browser = Browser::new();
    let callback = browser.sign_in_at_provider(&server, &provider.issuer, "ada").await;
    assert_eq!(browser.finish(&callback).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_is_finished_by_the_browser_that_began_it_and_once() {
    let (server, provider) = start(Some(Role::Viewer)).await;
    let mut browser = Browser::new();
    let callback = browser.sign_in_at_provider(&server, &provider.issuer, "ada").await;

    // The URL alone, in another browser, is worth nothing; nor is it in one that has begun a sign-in of its own.
    let mut other = Browser::new();
    let (status, text) = other.finish(&callback).await;
    assert!(status == 400 && text.contains("begin again"), "{status} {text}");
    other.sign_in_at_provider(&server, &provider.issuer, "mallory").await;
    assert_eq!(other.finish(&callback).await.0, 400);
    // Without what belongs to it, or with something else in its place.
    for (parameter, value) in [("state", "x"), ("code", "x")] {
        let mut changed = callback.clone();
        let pairs: Vec<_> = callback.query_pairs().filter(|(key, _)| key != parameter).collect();
        changed.query_pairs_mut().clear().extend_pairs(&pairs).append_pair(parameter, value);
        let (status, _) = browser.finish(&changed).await;
        assert!(status == 400 || status == 403, "{parameter}: {status}");
    }
    let mut denied = callback.clone();
    let state = callback.query_pairs().find(|(key, _)| key == "state").expect("a state").1.into_owned();
    denied.query_pairs_mut().clear().extend_pairs([("state", &*state), ("error", "access_denied\r\n<b>")]);
    let (status, text) = browser.finish(&denied).await;
    assert!(status == 403 && text.contains("access_denied") && !text.contains("<b>"), "{status} {text}");

    // The setting lets in whom nobody has invited, with its role.
    assert_eq!(browser.finish(&callback).await.0, 303);
    assert_eq!(browser.profile(&server).await["role"], "Viewer");
    assert_ne!(browser.finish(&callback).await.0, 303, "a code works once");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_and_with_one_that_is_away() {
    let server = TestServer::start().await;
    assert!(server.api.get("/auth/methods", "").await.ok()["oidc"].is_null());
    server.api.get("/auth/oidc", "").await.refused(404);
    let (server, provider) = start(None).await;
    drop(provider);
    let away = server.api.get("/auth/oidc", "").await.refused(502);
    assert!(away.contains("provider"), "{away}");
    // A person who followed the link gets a page that says so.
    let browser = Browser::new().http.get(at(&server, "/auth/oidc")).header(header::ACCEPT, "text/html,*/*;q=0.8");
    let answer = browser.send().await.expect("an answer");
    assert_eq!(answer.status(), 303);
    assert_eq!(
        location(&answer, PUBLIC_URL).as_str(),
        format!("{PUBLIC_URL}/portal/sign-in?refused=ProviderUnavailable")
    );
}
