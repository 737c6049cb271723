//! What every answer says to the browser.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::server::Shared;

/// Of the page: nothing from elsewhere, no inline scripts, no text made into code.
const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; \
    base-uri 'none'; object-src 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types svelte-trusted-html vdl-worker";
/// Of everything else, should a browser ever show it.
const DATA: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";
const PERMISSIONS: &str = "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), \
    geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), \
    payment=(), serial=(), usb=(), xr-spatial-tracking=()";
const ONE_YEAR: &str = "max-age=31536000; includeSubDomains";

/// Set by whoever serves files of the page; nothing else may be kept by anybody.
#[derive(Clone, Copy, Debug)]
pub enum PageFile {
    /// Asked for anew each time.
    Document,
    /// Has its digest in its name.
    Asset,
}

pub async fn headers(State(portal): State<Shared>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let page = answer.extensions().get::<PageFile>().copied();
    let mut set = |name: HeaderName, value: &'static str| {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    let (policy, cache) = match page {
        Some(PageFile::Document) => (PAGE, "no-cache"),
        Some(PageFile::Asset) => (PAGE, "public, max-age=31536000, immutable"),
        None => (DATA, "no-store"),
    };
    set(header::CONTENT_SECURITY_POLICY, policy);
    set(header::CACHE_CONTROL, cache);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-embedder-policy"), "require-corp");
    set(HeaderName::from_static("permissions-policy"), PERMISSIONS);
    if portal.config.is_https() {
        set(header::STRICT_TRANSPORT_SECURITY, ONE_YEAR);
    }
    answer
}
