//! The committed contract is the one that the handlers have.

#[test]
fn openapi_json_is_up_to_date() {
    let committed = include_str!("../../../../openapi.json");
    let generated = twinkey_server::routes::openapi().to_pretty_json().expect("serialisable");
    assert!(committed.trim_end() == generated, "openapi.json is out of date: run `make openapi`");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_loads_nothing_from_another_host() {
    let server = twinkey_testkit::TestServer::start().await;
    for path in ["/docs/", "/docs/swagger-initializer.js", "/docs/index.css"] {
        let answer = server.api.get(path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        for scheme in ["src=\"http", "href=\"http", "src=\"//", "href=\"//", "url(http", "@import"] {
            assert!(!answer.text.contains(scheme), "{path} contains {scheme}");
        }
    }
    // The badge of an online validator is the one thing that Swagger UI fetches elsewhere by default.
    let initializer = server.api.get("/docs/swagger-initializer.js", "").await.text;
    assert!(
        initializer.contains("\"validatorUrl\": \"none\"") && initializer.contains("/openapi.json"),
        "{initializer}"
    );
    assert_eq!(server.api.get("/openapi.json", "").await.ok()["info"]["title"], "Twinkey");
    assert_eq!(server.api.get("/healthz", "").await.text, "ok\n");
    assert_eq!(server.api.get("/readyz", "").await.text, "ready\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_and_name_no_token() {
    let server = twinkey_testkit::TestServer::start().await;
    let token = server.token(twinkey_api::token_pair::Slot::Current).await;
    server.api.get("/workspaces", &token).await.ok();
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    server.api.get("/workspaces", &token).await.refused(401);
    let text = server.api.get("/metrics", "").await.text;
    for line in [
        "twinkey_authentications_total{kind=\"sdk\",outcome=\"accepted\"} 1",
        "twinkey_authentications_total{kind=\"sdk\",outcome=\"rotated_out\"} 1",
        "twinkey_rotations_total 1",
        "twinkey_sdk_tokens 2",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(twinkey_testkit::leaks::find_tokens(text.as_bytes()).is_empty());
}

/// A reference to a schema that is not there makes tools refuse the document or skip the operation.
#[test]
fn every_schema_that_is_referred_to_is_there() {
    let document = twinkey_server::routes::openapi().to_json().expect("serialisable");
    let schemas = serde_json::from_str::<serde_json::Value>(&document).expect("JSON")["components"]["schemas"].clone();
    for reference in document.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().expect("the end of the text");
        assert!(schemas.get(name).is_some(), "{name} is missing");
    }
}
