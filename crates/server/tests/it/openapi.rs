//! The committed contract is the one that the handlers have.

#[test]
fn openapi_json_is_up_to_date() {
    let committed = include_str!("../../../../openapi.json");
    let generated = twinkey_server::routes::openapi().to_pretty_json().expect("serialisable");
    assert!(committed.trim_end() == generated, "openapi.json is out of date: run `make openapi`");
}

/// Generators of clients name their functions by it.
#[test]
fn every_operation_has_an_id_of_its_own() {
    let document = serde_json::to_value(twinkey_server::routes::openapi()).expect("serialisable");
    let items = document["paths"].as_object().expect("paths").values();
    let operations = items.flat_map(|item| item.as_object().expect("operations").values());
    let ids: Vec<_> = operations.map(|operation| operation["operationId"].as_str().expect("an id")).collect();
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
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
        "twinkey_http_requests_total{method=\"GET\",route=\"/workspaces\",status=\"2xx\"} 1",
        "twinkey_http_requests_total{method=\"GET\",route=\"/workspaces\",status=\"4xx\"} 1",
        "twinkey_http_requests_total{method=\"POST\",route=\"/workspaces/{workspace_id}/tokens/rotate\",status=\"2xx\"} 1",
        "twinkey_http_request_seconds_count{method=\"GET\",route=\"/workspaces\"} 2",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(twinkey_testkit::leaks::find_tokens(text.as_bytes()).is_empty());
}

/// Whatever a client makes up, it makes no series of its own: neither with paths nor with methods nor with routes that exist.
#[tokio::test(flavor = "multi_thread")]
async fn g5_requests_are_counted_by_template_and_never_by_path() {
    let server = twinkey_testkit::TestServer::start().await;
    for number in 0..20 {
        server.api.get(&format!("/made-up/{number}"), "").await.refused(404);
        server.api.get(&format!("/workspaces/none-{number}/tokens"), &server.admin).await.refused(404);
        let method = reqwest::Method::from_bytes(format!("METHOD{number}").as_bytes()).expect("a method");
        server.api.send(server.api.request(method, "/workspaces", &server.admin)).await.refused(405);
    }
    let text = server.api.get("/metrics", "").await.text;
    assert!(!text.contains("made-up") && !text.contains("none-") && !text.contains("METHOD"), "{text}");
    for line in [
        "{method=\"GET\",route=\"other\",status=\"4xx\"} 20",
        "{method=\"GET\",route=\"/workspaces/{workspace_id}/tokens\",status=\"4xx\"} 20",
        "{method=\"other\",route=\"/workspaces\",status=\"4xx\"} 20",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
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
