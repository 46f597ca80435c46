//! The HTTP API: one module for each resource, from request to database or broker in two hops.

pub mod accept;
pub mod activity;
pub mod audit;
pub mod auth;
pub mod broker;
pub mod broker_settings;
pub mod events;
pub mod groups;
pub mod invitations;
pub mod master_key;
pub mod members;
pub mod messages;
pub mod oidc;
pub mod overview;
pub mod permissions;
pub mod profile;
pub mod sessions;
pub mod settings;
pub mod system;
pub mod tokens;
pub mod topics;
pub mod verification;
pub mod webhooks;
pub mod workspace_members;
pub mod workspaces;

use std::{sync::Arc, time::Duration};

use axum::{
    BoxError, Router,
    error_handling::HandleErrorLayer,
    extract::{DefaultBodyLimit, Request},
    http::{StatusCode, Uri, uri::PathAndQuery},
    response::{IntoResponse, Response},
};
use tower::{Layer, ServiceBuilder, timeout::TimeoutLayer, util::MapRequestLayer};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use twinkey_api::{
    live::{Changed, StreamEnd},
    message::LiveMessages,
    token_pair::Slot,
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use crate::{app::App, error::ApiError, http::observe::ObserveLayer, portal};

/// The largest body of any route; the bodies of this API are small.
const BODY_LIMIT: usize = 256 * 1024;
/// How long a request may take from its last header byte, a slow body included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The list of topics under the path that newer tools use; see [`service`].
const TOPICS: &str = "/workspaces/{workspace_id}/topics";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Twinkey",
        description = "Two SDK tokens for each streaming workspace, and everything that turns one of them into a Kafka \
                       connection. Send `Authorization: Bearer <token>` with an SDK token (streaming routes only), a personal \
                       access token or a session.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    modifiers(&BearerToken),
    // Types of path parameters, and of events in a stream, are not collected by themselves.
    components(schemas(Slot, Changed, StreamEnd, LiveMessages)),
    tags(
        (name = "streaming", description = "What an SDK token may call; existing Quix clients use exactly these."),
        (name = "tokens", description = "The two SDK tokens of a workspace: look, reveal, rotate."),
        (name = "webhooks", description = "Being told what happens to the tokens of a workspace."),
        (name = "workspaces"), (name = "topics"), (name = "people"), (name = "audit"), (name = "system"),
    )
)]
struct ApiDoc;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi.components.get_or_insert_default().add_security_scheme("token", scheme);
        openapi.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

/// All documented routes.
fn documented() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(ApiDoc::openapi())
        .routes(routes!(broker_settings::librdkafka))
        .routes(routes!(broker_settings::certificates))
        .routes(routes!(workspaces::list, workspaces::create))
        .routes(routes!(overview::list))
        .routes(routes!(overview::get))
        .routes(routes!(events::follow))
        .routes(routes!(workspaces::get, workspaces::rename, workspaces::delete))
        .routes(routes!(settings::get, settings::change))
        .routes(routes!(topics::list, topics::create))
        .routes(routes!(topics::get, topics::change, topics::delete))
        .routes(routes!(topics::clean))
        .routes(routes!(activity::topics))
        .routes(routes!(activity::partitions))
        .routes(routes!(messages::page))
        .routes(routes!(messages::live))
        .routes(routes!(groups::list))
        .routes(routes!(groups::delete))
        .routes(routes!(permissions::token_details))
        .routes(routes!(permissions::query))
        .routes(routes!(tokens::show))
        .routes(routes!(tokens::usage))
        .routes(routes!(tokens::usage_timeline))
        .routes(routes!(tokens::reveal))
        .routes(routes!(tokens::rotate))
        .routes(routes!(tokens::emergency_rotation, tokens::preview_emergency_rotation))
        .routes(routes!(tokens::undo_rotation))
        .routes(routes!(auth::sign_in))
        .routes(routes!(auth::sign_out))
        .routes(routes!(auth::confirm))
        .routes(routes!(profile::get))
        .routes(routes!(profile::organisation))
        .routes(routes!(profile::list_pats, profile::create_pat))
        .routes(routes!(profile::delete_pat))
        .routes(routes!(oidc::methods))
        .routes(routes!(oidc::begin))
        .routes(routes!(oidc::callback))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end))
        .routes(routes!(sessions::change_password))
        .routes(routes!(members::list))
        .routes(routes!(members::get, members::change, members::remove))
        .routes(routes!(workspace_members::list))
        .routes(routes!(workspace_members::set, workspace_members::remove))
        .routes(routes!(invitations::list, invitations::create))
        .routes(routes!(invitations::revoke))
        .routes(routes!(invitations::list_in_workspace, invitations::create_in_workspace))
        .routes(routes!(invitations::revoke_in_workspace))
        .routes(routes!(accept::look))
        .routes(routes!(accept::accept))
        .routes(routes!(audit::list))
        .routes(routes!(audit::export))
        .routes(routes!(audit::keys))
        .routes(routes!(audit::checkpoints))
        .routes(routes!(verification::verify))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::get, webhooks::change, webhooks::delete))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::rotate_secret))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::redeliver))
        .routes(routes!(broker::status))
        .routes(routes!(broker::reconcile))
        .routes(routes!(broker::prune))
        .routes(routes!(system::healthz))
        .routes(routes!(system::readyz))
        .routes(routes!(system::metrics))
        .routes(routes!(system::status))
        .routes(routes!(master_key::status))
        .routes(routes!(master_key::finish))
}

/// The OpenAPI document, as it is committed in `openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    named(documented().into_openapi())
}

/// Gives each operation an id of its own, from its method and path; generators of clients name their functions by it. The names
/// of the handlers, which it would be otherwise, repeat from resource to resource.
fn named(mut openapi: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for (path, item) in &mut openapi.paths.paths {
        let methods = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            let mut id = method.to_owned();
            for word in
                path.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '{').filter(|it| !it.is_empty())
            {
                let (by, word) = word.strip_prefix('{').map_or(("", word), |parameter| ("By", parameter));
                id += by;
                id.extend(word[..1].chars().map(|first| first.to_ascii_uppercase()));
                id += &word[1..];
            }
            operation.operation_id = Some(id);
        }
    }
    openapi
}

/// The paths of all routes, with parameters in braces.
pub fn templates() -> impl Iterator<Item = String> {
    openapi().paths.paths.into_keys().chain([TOPICS.to_owned()]).chain(portal::TEMPLATES.map(str::to_owned))
}

/// The whole API as a service. The path is normalised before routing, so this is not a plain `Router`.
pub fn service(
    app: Arc<App>,
) -> impl tower::Service<Request, Response = Response, Error = std::convert::Infallible, Future: Send> + Clone + Send + 'static
{
    let observe = ObserveLayer(app.clone());
    let (router, openapi) = documented().split_for_parts();
    let router: Router = router
        // The same list under the path that newer tools use.
        .route(TOPICS, axum::routing::get(topics::list).post(topics::create))
        .merge(portal::router())
        .fallback(async |uri: Uri| ApiError::NotFound(format!("The route {}", uri.path())))
        .method_not_allowed_fallback(async || ApiError::Invalid {
            code: "MethodNotAllowed",
            status: StatusCode::METHOD_NOT_ALLOWED,
            message: "This route exists, but not with this method; see /docs".into(),
        })
        .with_state(app)
        .merge(SwaggerUi::new("/docs").url("/openapi.json", named(openapi)).config(offline()));
    let limits = ServiceBuilder::new()
        .layer(observe)
        .layer(CatchPanicLayer::custom(|_| ApiError::Internal("a handler panicked".into()).into_response()))
        .layer(HandleErrorLayer::new(async |_: BoxError| ApiError::Invalid {
            code: "RequestTimeout",
            status: StatusCode::REQUEST_TIMEOUT,
            message: format!(
                "The request was not answered within {} seconds; if it was to change something, look whether it has before \
                 you send it again",
                REQUEST_TIMEOUT.as_secs()
            ),
        }))
        .layer(TimeoutLayer::new(REQUEST_TIMEOUT))
        .layer(DefaultBodyLimit::max(BODY_LIMIT));
    MapRequestLayer::new(collapse_slashes).layer(router.layer(limits))
}

/// The longest page of a list.
const PAGE_MAX: u64 = 1000;

/// How much of a list is answered.
fn page_size(limit: Option<u64>) -> Result<u64, ApiError> {
    let limit = limit.unwrap_or(100);
    let valid = (1..=PAGE_MAX).contains(&limit);
    if valid { Ok(limit) } else { Err(ApiError::bad_request("InvalidQuery", format!("limit must be 1 to {PAGE_MAX}"))) }
}

/// `before` names nothing in the list.
fn unknown_cursor() -> ApiError {
    ApiError::bad_request("InvalidQuery", "before must be the id of the last one of the page before")
}

/// Runs a change in a task of its own. The handler of a client that hangs up is dropped wherever it waits; a change whose
/// commit is followed by a further step, such as telling the registry, must not end between the two.
/// The end of the server waits for it.
async fn to_its_end<T: Send + 'static>(
    app: &App,
    change: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    app.lifecycle
        .spawn(change.in_current_span())
        .await
        .map_err(|error| ApiError::Internal(format!("the task of a change ended: {error}")))?
}

/// Swagger UI asks a validator on the Internet for a badge unless it is told not to.
fn offline() -> utoipa_swagger_ui::Config<'static> {
    utoipa_swagger_ui::Config::default().validator_url("none")
}

/// `//workspaces///x` → `/workspaces/x`: clients that concatenate a base URL with a trailing slash send such paths, and none
/// of them follows a redirect.
fn collapse_slashes(mut request: Request) -> Request {
    let path = request.uri().path();
    if path.contains("//") {
        let mut collapsed = String::with_capacity(path.len());
        for character in path.chars() {
            if !(character == '/' && collapsed.ends_with('/')) {
                collapsed.push(character);
            }
        }
        if let Some(query) = request.uri().query() {
            collapsed = format!("{collapsed}?{query}");
        }
        if let Ok(path_and_query) = collapsed.parse::<PathAndQuery>() {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(path_and_query);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
    request
}
