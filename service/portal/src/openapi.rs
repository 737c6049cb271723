//! The interface as a document, made from the handlers; `openapi.json` is what it was when it was
//! last written, and a test compares the two.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::access::{Role, Route, Who};
use crate::error::{Fault, PortalError, Problem};
use crate::server::Shared;

#[derive(OpenApi)]
#[openapi(
    info(title = "VDL portal", version = "1", description = "Times are seconds, UTC. Whoever changes \
        something comes from a page of the portal: `Sec-Fetch-Site: same-origin`, \
        or `Origin` with the portal's own. \
        Ids are opaque."),
    components(schemas(Problem)),
    tags((name = "account"), (name = "project"), (name = "keys"), (name = "data"), (name = "requests"),
        (name = "journal"), (name = "inbox"), (name = "passkey"), (name = "portal"))
)]
pub struct Document;

/// Completes what the handlers say with what the table of access says.
pub fn complete(document: &utoipa::openapi::OpenApi, routes: &[Route]) -> Result<String, PortalError> {
    let unwritable = |error: serde_json::Error| PortalError::System(format!("the interface: {error}"));
    let mut document = serde_json::to_value(document).map_err(unwritable)?;
    for route in routes {
        let method = route.method.as_str().to_lowercase();
        if let Some(operation) = document.pointer_mut(&format!("/paths/{}/{method}", escaped(route.path))) {
            complete_operation(operation, route);
        }
    }
    document["components"]["securitySchemes"] = json!({
        "session": { "type": "apiKey", "in": "cookie", "name": crate::session::COOKIE }
    });
    let mut text = serde_json::to_string_pretty(&document).map_err(unwritable)?;
    text.push('\n');
    Ok(text)
}

/// A piece of a JSON pointer.
fn escaped(path: &str) -> String {
    path.replace('~', "~0").replace('/', "~1")
}

fn complete_operation(operation: &mut Value, route: &Route) {
    operation["responses"]["default"] = json!({
        "description": "What is wrong, and what to do next.",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
    });
    // Octets, which the handlers' types do not say.
    for place in ["/requestBody", "/responses/200"] {
        if let Some(octets) = operation.pointer_mut(&format!("{place}/content/application~1octet-stream")) {
            *octets = json!({ "schema": { "type": "string", "format": "binary" } });
        }
    }
    let roles: Vec<&str> = match route.who {
        Who::Anyone => vec![],
        Who::User => vec!["user"],
        Who::Roles(roles) => roles.iter().copied().map(Role::word).collect(),
    };
    operation["security"] = if roles.is_empty() { json!([]) } else { json!([{ "session": [] }]) };
    operation["x-roles"] = json!(roles);
    if route.fresh {
        operation["x-fresh"] = json!(true);
    }
    if route.early {
        operation["x-early"] = json!(true);
    }
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "portal",
    responses((status = 200, body = serde_json::Value)))]
pub async fn read_document(State(portal): State<Shared>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], portal.document.clone())
}

/// Whether the portal and its database are up.
#[utoipa::path(get, path = "/healthz", tag = "portal",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn health(State(portal): State<Shared>) -> Result<&'static str, Fault> {
    let mut tx = portal.db.begin().await?;
    let _: (i64,) = sqlx::query_as("SELECT COUNT(*) FROM projects").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok("ok\n")
}
