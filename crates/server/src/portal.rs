//! The portal: files that the build embeds, under `/portal/`.
//!
//! Nothing in them differs from installation to installation, and everything that they show comes from the API. What a browser may do
//! with them is said by headers: no script and no style but our own, no other site around them, nothing loaded from elsewhere.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::{app::App, error::ApiError};

/// What `npm run build` made. A debug build reads it from the checkout at each request.
#[derive(RustEmbed)]
#[folder = "../../portal/dist"]
#[allow_missing = true]
struct Files;

/// The page that every address below `/portal/` begins with; the router in it finds out which one is meant.
const INDEX: &str = "index.html";
/// Stands in the page where the nonce of the answer belongs.
const NONCE: &str = "%CSP_NONCE%";
/// Files whose name changes with their content.
const HASHED: &str = "assets/";

/// The portal's paths, for the metrics.
pub const TEMPLATES: [&str; 4] = ["/", "/portal", "/portal/", "/portal/{*path}"];

/// The portal, and the way to it from the root. No client of the API asks for the root, so nobody is redirected by mistake.
pub fn router() -> Router<Arc<App>> {
    let [root, bare, page, below] = TEMPLATES;
    Router::new()
        .route(root, get(async || Redirect::to("/portal/")))
        .route(bare, get(async || Redirect::to("/portal/")))
        .route(page, get(index))
        .route(below, get(file))
}

async fn file(state: State<Arc<App>>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    if path == INDEX {
        return index(state).await;
    }
    let Some((file, encoding)) = find(&path, &headers) else {
        // An address of the portal, not a file. A file that an older page asks for is gone and must not be answered with a page.
        return if path.starts_with(HASHED) {
            ApiError::NotFound("This file of the portal".into()).into_response()
        } else {
            index(state).await
        };
    };
    let etag = etag(&file, encoding);
    let kept = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut answer = if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = mime_guess::from_path(&path).first_or_octet_stream();
        ([(header::CONTENT_TYPE, kind.essence_str())], Body::from(file.data)).into_response()
    };
    let into = answer.headers_mut();
    into.insert(header::ETAG, etag);
    into.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    into.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    into.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(encoding) = encoding {
        into.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    answer
}

/// The page, with a nonce of its own.
async fn index(State(app): State<Arc<App>>) -> Response {
    let Some(page) = Files::get(INDEX) else {
        let message =
            "This Twinkey was built without its portal; `make run` builds both. The API and the command line work.\n";
        return (StatusCode::NOT_FOUND, message).into_response();
    };
    let nonce = app.random.id();
    let page = String::from_utf8_lossy(&page.data).replace(NONCE, &nonce);
    let headers: [(HeaderName, HeaderValue); 7] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, policy(&nonce)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    ];
    (headers, page).into_response()
}

/// What the page may load and do: <https://www.w3.org/TR/CSP3/>.
fn policy(nonce: &str) -> HeaderValue {
    let text = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; font-src 'self'; img-src 'self'; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&text).expect("a nonce is letters and digits")
}

/// The smallest form of a file that the browser takes.
fn find(path: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let taken = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let takes = |encoding: &str| {
        taken.split(',').any(|entry| entry.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(encoding))
    };
    let compressed = [("br", ".br"), ("gzip", ".gz")].into_iter().find_map(|(encoding, suffix)| {
        let file = takes(encoding).then(|| Files::get(&format!("{path}{suffix}"))).flatten()?;
        Some((file, Some(encoding)))
    });
    compressed.or_else(|| Some((Files::get(path)?, None)))
}

fn etag(file: &EmbeddedFile, encoding: Option<&str>) -> HeaderValue {
    let hash = hex::encode(&file.metadata.sha256_hash()[..12]);
    HeaderValue::from_str(&format!("\"{hash}{}\"", encoding.unwrap_or(""))).expect("letters and digits")
}
