//! The portal's files: what a browser is told about them. What the pages do is tested in a browser, in `portal/tests`.

use reqwest::header;
use twinkey_testkit::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn every_address_of_the_portal_is_the_page_with_a_policy_and_a_nonce_of_its_own() {
    let server = TestServer::start().await;
    let mut nonces = Vec::new();
    for path in ["/portal/", "/portal/index.html", "/portal/workspaces/demo/topics/orders.v1", "/portal/sign-in?to=%2F"]
    {
        let answer = server.api.get(path, "").await;
        assert_eq!(answer.status, 200, "{path}: run `make portal` first; {}", answer.text);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(answer.headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers[header::REFERRER_POLICY], "no-referrer");
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
        for loose in ["unsafe", "*", "http", "data:"] {
            assert!(!policy.contains(loose), "{loose} in {policy}");
        }
        let nonce =
            policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce").to_owned();
        assert!(answer.text.contains(&format!("nonce=\"{nonce}\"")), "{}", answer.text);
        assert!(!answer.text.contains("%CSP_NONCE%"));
        nonces.push(nonce);
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 4, "a nonce is used once");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_kept_for_ever_by_their_hashed_names_and_missing_ones_are_no_page() {
    let server = TestServer::start().await;
    let page = server.api.get("/portal/", "").await.text;
    let script = page.split("src=\"").find_map(|rest| rest.split('"').next().filter(|it| it.contains("/assets/")));
    let answer = server.api.get(script.expect("a script"), "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/javascript");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    // A page from before an update asks for files that are gone; with a page instead it would fail in a way nobody understands.
    server.api.get("/portal/assets/gone-1234.js", "").await.refused(404);
    let icon = server.api.get("/portal/favicon.svg", "").await;
    assert_eq!(
        (icon.status.as_u16(), &icon.headers[header::CACHE_CONTROL]),
        (200, &"no-cache".parse().expect("a value"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_get_the_compressed_form_that_they_take() {
    let server = TestServer::start().await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let url = format!("{}/portal/favicon.svg", server.api.url);
    let mut tags = Vec::new();
    for (takes, given) in [("gzip, deflate, br", Some("br")), ("gzip", Some("gzip")), ("identity", None)] {
        let answer = client.get(&url).header(header::ACCEPT_ENCODING, takes).send().await.expect("an answer");
        let encoding = answer.headers().get(header::CONTENT_ENCODING).map(|it| it.to_str().expect("text").to_owned());
        assert_eq!(encoding.as_deref(), given, "{takes}");
        let tag = answer.headers()[header::ETAG].clone();
        let again = client.get(&url).header(header::ACCEPT_ENCODING, takes).header(header::IF_NONE_MATCH, &tag);
        assert_eq!(again.send().await.expect("an answer").status(), 304);
        tags.push(tag);
    }
    tags.dedup();
    assert_eq!(tags.len(), 3, "each form has a tag of its own");
    let root = client.get(&server.api.url).send().await.expect("an answer");
    assert_eq!((root.status().as_u16(), root.headers()[header::LOCATION].to_str().expect("text")), (303, "/portal/"));
}
