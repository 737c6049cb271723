//! The page, inside this binary. Where it was built without the page, a text says so.

use axum::body::Body;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;

use crate::error::Fault;
use crate::headers::PageFile;

#[derive(Embed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

const DOCUMENT: &str = "index.html";
const ABSENT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>VDL portal</title>\
    <h1>Built without the page</h1><p>The portal runs, but this program was built before its page was. \
    Run <code>make build</code>, which builds both, and start it again. The interface is described at \
    <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p></html>";

/// Any address that is no route: a file of the page, or the page itself, which knows its own addresses.
pub async fn serve(method: Method, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return Fault::NoSuchThing("address").into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        let mut answer = Fault::NoSuchThing("method here").into_response();
        *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        answer.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    let found = Dist::get(path).map(|file| (path, file)).or_else(|| {
        // A name with an ending is a file that is not there.
        let is_address = !path.rsplit('/').next().unwrap_or_default().contains('.');
        is_address.then(|| Dist::get(DOCUMENT).map(|file| (DOCUMENT, file)))?
    });
    match found {
        Some((name, file)) => {
            let kind = if name.starts_with("assets/") { PageFile::Asset } else { PageFile::Document };
            respond(StatusCode::OK, media_type(name), Body::from(file.data), kind)
        }
        None if Dist::get(DOCUMENT).is_none() && path.is_empty() => {
            respond(StatusCode::OK, "text/html; charset=utf-8", Body::from(ABSENT), PageFile::Document)
        }
        None => Fault::NoSuchThing("address").into_response(),
    }
}

fn respond(status: StatusCode, media_type: &'static str, body: Body, kind: PageFile) -> Response {
    let mut answer = (status, [(header::CONTENT_TYPE, media_type)], body).into_response();
    answer.extensions_mut().insert(kind);
    answer
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
