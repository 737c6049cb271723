//! What every request passes before its handler sees it: where it came from, who sent it, and whether the
//! table in [`crate::access`] lets them.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;

use crate::access::{LARGEST_PARCEL, Role, Route, Scope, Takes, Who};
use crate::db::Conn;
use crate::error::{Fault, Refused};
use crate::factor::{may_begin, standing};
use crate::ids::now;
use crate::server::Shared;
use crate::session::{self, Session};

/// How long a form may take to arrive.
const FORM: Duration = Duration::from_secs(30);
/// How long nothing may come of a longer body, and how long all of it may take.
pub const STALL: Duration = Duration::from_secs(30);
pub const LONGEST: Duration = Duration::from_secs(600);
/// A longer form is read on a thread of its own.
const LARGE_FORM: usize = 64 << 10;
/// How long a refused request is read on.
const DRAINING: Duration = Duration::from_secs(10);

/// Whoever is logged in, and what they are in the project that the address leads to.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user: String,
    pub session: String,
    pub fresh_until: i64,
    /// Whether a passkey was shown in this session.
    pub passkey: bool,
    /// Empty where the address leads to no project.
    pub project: String,
    pub roles: Vec<Role>,
}

/// Where a request came from, as far as that can be known.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// How long the body may be.
#[derive(Clone, Debug)]
struct Limit(usize);

/// Why a request was let in. It is looked at again once the body is there: that may be much later, and
/// whoever sends it may not be let in any more.
#[derive(Clone, Debug)]
pub struct Pass {
    route: Route,
    session: String,
    object: String,
}

impl Pass {
    /// Session, roles and what else the route asks for, as they are now.
    pub async fn check_again(&self, portal: &Shared) -> Result<Caller, Fault> {
        let mut tx = portal.db.begin().await?;
        let caller = match session::again(&mut tx, &self.session).await? {
            Some(session) => check_access(portal, &mut tx, &self.route, session, &self.object).await,
            None => Err(Fault::NotLoggedIn),
        };
        tx.commit().await?;
        caller
    }
}

pub async fn gate(State(portal): State<Shared>, request: Request, next: Next) -> Response {
    let (mut parts, mut body) = request.into_parts();
    let let_in = let_in(&portal, &mut parts, &mut body).await;
    let asked = Asked::of(&parts);
    let answer = match let_in {
        Ok(form) => next.run(Request::from_parts(parts, form.map_or(body, Body::from))).await,
        Err(denied) => {
            drain(body).await;
            denied.into_response()
        }
    };
    if let Some(refused) = answer.extensions().get::<Refused>() {
        asked.log(refused);
    }
    answer
}

/// What the log says of a request: its route and not its address, in which the secret of an invitation may
/// stand.
struct Asked {
    method: Method,
    route: String,
    user: String,
    peer: Option<IpAddr>,
}

impl Asked {
    fn of(parts: &Parts) -> Self {
        let route = parts.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned());
        let user = parts.extensions.get::<Caller>().map(|caller| caller.user.clone());
        Self {
            method: parts.method.clone(),
            route: route.unwrap_or_default(),
            user: user.unwrap_or_default(),
            peer: peer(parts),
        }
    }

    fn log(&self, refused: &Refused) {
        let (Refused { id, code }, Self { method, route, user, peer }) = (refused, self);
        tracing::info!(id, code, %method, route, user, ?peer, "refused");
    }
}

enum Denied {
    Fault(Fault),
    /// The methods there are.
    Method(String),
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let allowed = match self {
            Self::Fault(fault) => return fault.into_response(),
            Self::Method(allowed) => allowed,
        };
        let mut answer = Fault::NoSuchThing("method here").into_response();
        *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        if let Ok(value) = HeaderValue::from_str(&allowed) {
            answer.headers_mut().insert(header::ALLOW, value);
        }
        answer
    }
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<sqlx::Error> for Denied {
    fn from(error: sqlx::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// Gives the form, if it is one. Another body is read by its handler, which then asks [`Pass::check_again`].
async fn let_in(portal: &Shared, parts: &mut Parts, body: &mut Body) -> Result<Option<Vec<u8>>, Denied> {
    let Takes::Json(limit) = admit(portal, parts).await? else { return Ok(None) };
    let form = tokio::time::timeout(FORM, whole(body, limit)).await.map_err(|_| Fault::TooSlow)??;
    if let Some(pass) = parts.extensions.get::<Pass>().cloned() {
        parts.extensions.insert(pass.check_again(portal).await?);
    }
    Ok(Some(form))
}

async fn admit(portal: &Shared, parts: &mut Parts) -> Result<Takes, Denied> {
    let path =
        MatchedPath::from_request_parts(parts, &()).await.map_err(|_| Fault::NoSuchThing("address"))?;
    let here: Vec<&Route> = portal.routes.iter().filter(|route| route.path == path.as_str()).collect();
    let method = if parts.method == Method::HEAD { Method::GET } else { parts.method.clone() };
    let Some(route) = here.iter().find(|route| route.method == method) else {
        let names: Vec<&str> = here.iter().map(|route| route.method.as_str()).collect();
        return Err(Denied::Method(names.join(", ")));
    };
    if !route.beyond {
        check_origin(&parts.method, &parts.headers, &portal.config.origin)?;
    }
    portal.limits.check_address(peer(parts))?;
    check_body(route.takes, &parts.headers)?;
    if let Takes::Json(limit) | Takes::Octets(limit) = route.takes {
        parts.extensions.insert(Limit(limit));
    }
    if matches!(route.who, Who::Anyone) {
        return Ok(route.takes);
    }
    let cookies = parts.headers.get_all(header::COOKIE).iter();
    let secret = session::secret_in(cookies, portal.config.is_https()).ok_or(Fault::NotLoggedIn)?;
    let params =
        RawPathParams::from_request_parts(parts, &()).await.map_err(|_| Fault::NoSuchThing("address"))?;
    let object = match route.scope {
        Scope::None => String::new(),
        _ => params.iter().next().map(|(_, value)| value.to_owned()).unwrap_or_default(),
    };
    let mut tx = portal.db.begin().await?;
    let session = session::find(&mut tx, &secret).await?.ok_or(Fault::NotLoggedIn);
    let caller = match session {
        Ok(session) => check_access(portal, &mut tx, route, session, &object).await,
        Err(fault) => Err(fault),
    };
    // Also where access is denied: an old session is forgotten, a living one was seen.
    tx.commit().await?;
    let caller = caller?;
    portal.limits.check_user(&caller.user)?;
    let (route, session) = ((*route).clone(), caller.session.clone());
    let takes = route.takes;
    parts.extensions.insert(Pass { route, session, object });
    parts.extensions.insert(caller);
    Ok(takes)
}

/// Denies unless the table says otherwise. Who is in no way part of a project does not learn that it exists.
async fn check_access(
    portal: &Shared,
    conn: &mut Conn,
    route: &Route,
    session: Session,
    object: &str,
) -> Result<Caller, Fault> {
    let begins = route.first && may_begin(conn, &session).await?;
    let Session { id, user, fresh_until, passkey, .. } = session;
    if !route.early && !passkey && standing(portal, conn, &user, passkey).await?.waiting {
        return Err(Fault::PasskeyNeeded);
    }
    let (project, roles) = match route.scope {
        Scope::None => (String::new(), vec![]),
        scope => {
            let project = project_of(conn, scope, object).await?;
            let roles = roles_of(conn, &project, &user).await?;
            if roles.is_empty() {
                return Err(nothing(scope));
            }
            (project, roles)
        }
    };
    let let_in = match route.who {
        Who::Anyone | Who::User => true,
        Who::Roles(needed) => roles.iter().any(|role| needed.contains(role)),
    };
    if !let_in {
        return Err(Fault::NotAllowed);
    }
    if route.fresh && fresh_until < now() && !begins {
        return Err(Fault::StepUpNeeded);
    }
    Ok(Caller { user, session: id, fresh_until, passkey, project, roles })
}

fn nothing(scope: Scope) -> Fault {
    Fault::NoSuchThing(match scope {
        Scope::None | Scope::Project => "project",
        Scope::Request => "request",
        Scope::Table => "table",
        Scope::Upload => "upload",
    })
}

async fn project_of(conn: &mut Conn, scope: Scope, object: &str) -> Result<String, Fault> {
    let asked = match scope {
        Scope::None | Scope::Project => "SELECT id FROM projects WHERE id = $1",
        Scope::Request => "SELECT project_id FROM requests WHERE id = $1",
        Scope::Table => "SELECT project_id FROM tables WHERE handle = $1",
        Scope::Upload => "SELECT project_id FROM uploads WHERE id = $1",
    };
    // PostgreSQL takes no text with a zero in it.
    let object = if object.contains('\0') { "" } else { object };
    let found: Option<(String,)> = sqlx::query_as(asked).bind(object).fetch_optional(conn).await?;
    found.map(|(project,)| project).ok_or_else(|| nothing(scope))
}

/// In the order of [`Role::ALL`].
pub async fn roles_of(conn: &mut Conn, project: &str, user: &str) -> Result<Vec<Role>, Fault> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT role FROM members WHERE project_id = $1 AND user_id = $2")
            .bind(project)
            .bind(user)
            .fetch_all(conn)
            .await?;
    let mut roles: Vec<Role> = rows.iter().filter_map(|(word,)| Role::read(word)).collect();
    roles.sort_unstable();
    Ok(roles)
}

/// Browsers say where a request comes from, and scripts cannot make them lie. What changes something comes
/// from this portal's own pages and says so in one of two ways; nothing under `/api` is for other sites.
fn check_origin(method: &Method, headers: &HeaderMap, origin: &str) -> Result<(), Fault> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("unreadable"));
    let site = text("sec-fetch-site");
    let reads = *method == Method::GET || *method == Method::HEAD;
    let same_origin = text("origin").map(|shown| shown == origin);
    let good = match (site, same_origin) {
        (_, Some(false)) => false,
        (Some("same-origin"), _) => true,
        (Some("none"), _) => reads,
        (Some(_), _) => false,
        (None, Some(true)) => true,
        (None, None) => reads,
    };
    if good { Ok(()) } else { Err(Fault::CrossSite) }
}

/// Forms of other sites can send neither of the two types that are taken here.
fn check_body(takes: Takes, headers: &HeaderMap) -> Result<(), Fault> {
    let wanted = match takes {
        Takes::Nothing => return Ok(()),
        Takes::Json(_) => "application/json",
        Takes::Octets(_) => "application/octet-stream",
    };
    let shown = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let plain = shown.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if plain == wanted { Ok(()) } else { Err(Fault::ContentType(wanted)) }
}

fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Peer>().map(|peer| peer.0)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        // There is one behind every route but those for anyone.
        parts.extensions.get::<Caller>().cloned().ok_or(Fault::NotLoggedIn)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Pass {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        parts.extensions.get::<Pass>().cloned().ok_or(Fault::NotLoggedIn)
    }
}

/// The caller's address, where it is known.
#[derive(Clone, Copy, Debug)]
pub struct Whence(pub Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Whence {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(peer(parts)))
    }
}

/// A body of JSON, read strictly: twice the same field, or one that nobody knows, is an error.
pub struct Input<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send + 'static> FromRequest<S> for Input<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fault> {
        let body = octets(request).await?;
        match body.len() {
            0..=LARGE_FORM => read(&body),
            _ => tokio::task::spawn_blocking(move || read(&body))
                .await
                .map_err(|error| Fault::internal("a form", &error))?,
        }
        .map(Input)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    let strange =
        |error: &dyn std::fmt::Display| Fault::invalid(format!("the form is not understood: {error}"));
    vdl_command::Tree::read(body).map_err(|error| strange(&error))?;
    serde_json::from_slice(body).map_err(|error| strange(&error))
}

/// The whole body, if it is no longer than the route takes.
pub async fn octets(request: Request) -> Result<Vec<u8>, Fault> {
    let (limit, mut body) = body_of(request);
    let read = tokio::time::timeout(LONGEST, whole(&mut body, limit)).await;
    let read = read.map_err(|_| Fault::TooSlow).flatten();
    if read.is_err() {
        drain(body).await;
    }
    read
}

async fn whole(body: &mut Body, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut read = Vec::new();
    while let Some(data) = next_of(body, STALL).await? {
        if data.len() > limit - read.len() {
            return Err(Fault::TooLong(limit));
        }
        read.extend_from_slice(&data);
    }
    Ok(read)
}

/// What comes next of a body, which may not stall.
pub async fn next_of(body: &mut Body, stall: Duration) -> Result<Option<axum::body::Bytes>, Fault> {
    loop {
        let frame = tokio::time::timeout(stall, body.frame()).await.map_err(|_| Fault::TooSlow)?;
        let Some(frame) = frame else { return Ok(None) };
        let frame = frame.map_err(|_| Fault::invalid("the body was cut off"))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

/// Reads what is left of a body that nobody wants. A connection that is closed before its request is read
/// breaks, and who sent it takes the refusal for a loss of the network and tries again.
pub async fn drain(mut body: Body) {
    let read = async {
        let mut left = LARGEST_PARCEL;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len()));
            if left == 0 {
                break;
            }
        }
    };
    // Who sends slowly is not waited for.
    let _ = tokio::time::timeout(DRAINING, read).await;
}

/// The body, and how long it may be. A route that takes none has none.
pub fn body_of(request: Request) -> (usize, Body) {
    let limit = request.extensions().get::<Limit>().map_or(0, |limit| limit.0);
    (limit, request.into_body())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up_and_a_broken_one_is_not_a_long_one() {
        let never = futures_util::stream::pending::<Result<String, std::io::Error>>();
        let waited = next_of(&mut Body::from_stream(never), Duration::from_millis(1)).await;
        assert!(matches!(waited, Err(Fault::TooSlow)));
        let parts = [Ok("{".to_owned()), Err(std::io::Error::other("gone"))];
        let mut broken = Body::from_stream(futures_util::stream::iter(parts));
        assert!(matches!(whole(&mut broken, 9).await, Err(Fault::InvalidInput(_))));
        assert!(matches!(whole(&mut Body::from("0123456789"), 9).await, Err(Fault::TooLong(9))));
        assert_eq!(whole(&mut Body::from("012345678"), 9).await.unwrap(), b"012345678");
    }

    fn from(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        check_origin(&method, &map, "https://portal.example").is_ok()
    }

    #[test]
    fn only_pages_of_the_portal_change_anything() {
        let (site, origin) = ("sec-fetch-site", "origin");
        assert!(from(Method::POST, &[(site, "same-origin")]));
        assert!(from(Method::POST, &[(origin, "https://portal.example")]));
        assert!(from(Method::POST, &[(site, "same-origin"), (origin, "https://portal.example")]));
        for attack in [
            &[][..],
            &[(site, "cross-site")],
            &[(site, "same-site")],
            &[(site, "none")],
            &[(origin, "null")],
            &[(origin, "https://portal.example.evil")],
            &[(origin, "http://portal.example")],
            &[(site, "same-origin"), (origin, "https://evil.example")],
            &[(site, "cross-site"), (origin, "https://portal.example")],
        ] {
            assert!(!from(Method::POST, attack) && !from(Method::DELETE, attack), "{attack:?}");
        }
    }

    #[test]
    fn reading_needs_no_origin_but_no_other_site_reads() {
        assert!(from(Method::GET, &[]));
        assert!(from(Method::GET, &[("sec-fetch-site", "none")]));
        assert!(!from(Method::GET, &[("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn forms_of_other_sites_are_not_read() {
        for (shown, taken) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("text/plain; application/json", false),
        ] {
            let mut map = HeaderMap::new();
            map.insert(header::CONTENT_TYPE, HeaderValue::from_static(shown));
            assert_eq!(check_body(Takes::Json(1), &map).is_ok(), taken, "{shown}");
        }
        assert!(check_body(Takes::Octets(1), &HeaderMap::new()).is_err());
    }
}
