//! The way of a browser: out to the provider, and back.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::flow::{Aim, Flow, begin, no_cookie, place, take};
use super::identity::{self, Onward};
use super::provider::{Marks, Proven, Provider};
use super::trouble::{Trouble, go_to};
use crate::db::{Conn, Tx};
use crate::error::Fault;
use crate::factor::standing;
use crate::gate::{Caller, Input, Whence};
use crate::ids::{hashed, now};
use crate::inbox::{NoticeKind, tell_owner};
use crate::project::lock_user;
use crate::server::Shared;
use crate::session::{self, FRESH, Session};
use crate::{invitation, journal, text};

/// What there is beside passwords.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// What the provider is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Start {
    /// Where in the page to go on: `#/...`
    #[serde(default)]
    to: Option<String>,
}

/// What the provider gives the browser along.
/// Not to be printed: the code is in it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Answer {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    iss: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinAtForm {
    /// Whoever has an account already keeps its name.
    name: String,
    /// Only where the invitation names none.
    #[serde(default)]
    email: Option<String>,
}

pub fn offered(portal: &Shared) -> Result<&Provider, Fault> {
    portal.provider.as_ref().ok_or(Fault::NotOffered("way to sign in with another account"))
}

/// Where one may sign in beside here.
#[utoipa::path(get, path = "/api/oidc", tag = "account", responses((status = 200, body = Offer)))]
pub async fn read_offer(State(portal): State<Shared>) -> Json<Offer> {
    Json(Offer { provider: portal.provider.as_ref().map(|provider| provider.name.clone()) })
}

/// Sends the browser to the provider, to sign in there.
#[utoipa::path(get, path = "/auth/oidc/start", tag = "account", params(Start), responses((status = 303)))]
pub async fn start(
    State(portal): State<Shared>,
    Whence(peer): Whence,
    query: Result<Query<Start>, QueryRejection>,
) -> Result<Response, Fault> {
    let provider = offered(&portal)?;
    let mut flow = Flow::new(Aim::Enter);
    flow.place = place(query.ok().and_then(|Query(query)| query.to).as_deref());
    let allowed = portal.limits.check_stranger(peer);
    Ok(send(&portal, provider, &flow, allowed).await)
}

/// Sends the browser of a session there, so that its owner shows once more who it is.
#[utoipa::path(get, path = "/auth/oidc/again", tag = "account", responses((status = 303)))]
pub async fn again(State(portal): State<Shared>, caller: Caller) -> Result<Response, Fault> {
    let provider = offered(&portal)?;
    let mut tx = portal.db.begin().await?;
    let allowed = check_may_confirm(&portal, &mut tx, &caller.user, caller.passkey).await;
    tx.commit().await?;
    if let Err(fault) = allowed {
        // Read by a person, in a window of its own.
        return Ok(Trouble::from(fault).into_page(&portal.config.origin));
    }
    let mut flow = Flow::new(Aim::Again);
    (flow.session, flow.place) = (caller.session, "#/sign-in/again".to_owned());
    let allowed = portal.limits.check_sign_in(&caller.user);
    Ok(send(&portal, provider, &flow, allowed).await)
}

/// As a password does, it confirms who somebody is where no passkey is needed.
async fn check_may_confirm(portal: &Shared, conn: &mut Conn, user: &str, passkey: bool) -> Result<(), Fault> {
    match standing(portal, conn, user, passkey).await?.needs_own_passkey() {
        true => Err(Fault::PasskeyNeeded),
        false => Ok(()),
    }
}

async fn send(portal: &Shared, provider: &Provider, flow: &Flow, allowed: Result<(), Fault>) -> Response {
    let begun = match allowed {
        Ok(()) => begin(portal, provider, flow).await,
        Err(fault) => Err(fault.into()),
    };
    match begun {
        Ok((address, cookie)) => with_cookie(go_to(&address), cookie),
        Err(trouble) => trouble.into_page(&portal.config.origin),
    }
}

/// Begins to take an invitation with an account elsewhere instead of a password.
#[utoipa::path(post, path = "/api/invitations/{token}/oidc", tag = "account",
    params(("token" = String, Path)), request_body = JoinAtForm, responses((status = 200, body = Onward)))]
pub async fn join_elsewhere(
    State(portal): State<Shared>,
    Whence(peer): Whence,
    Path(token): Path<String>,
    Input(form): Input<JoinAtForm>,
) -> Result<Response, Fault> {
    let provider = offered(&portal)?;
    portal.limits.check_stranger(peer)?;
    let mut flow = Flow::new(Aim::Join);
    flow.name = text::line("a name", &form.name, 100)?;
    flow.invitation = hashed(&token);
    let mut tx = portal.db.begin().await?;
    flow.email = invitation::addressee(&mut tx, &token, form.email.as_deref()).await?;
    tx.commit().await?;
    let (address, cookie) = begin(&portal, provider, &flow).await?;
    Ok(with_cookie(Json(Onward { address }).into_response(), cookie))
}

/// Where the provider sends the browser back to.
#[utoipa::path(get, path = "/auth/oidc/callback", tag = "account", params(Answer), responses((status = 303)))]
pub async fn callback(
    State(portal): State<Shared>,
    whence: Whence,
    headers: HeaderMap,
    query: Result<Query<Answer>, QueryRejection>,
) -> Result<Response, Fault> {
    let provider = offered(&portal)?;
    let came = match query {
        Ok(Query(answer)) => come_back(&portal, provider, whence, &headers, answer).await,
        Err(_) => Err(Trouble::Over),
    };
    match came {
        Ok(answer) => Ok(with_cookie(answer, no_cookie(portal.config.is_https())?)),
        // Perhaps somebody else's answer: one's own may still come.
        Err(Trouble::Over) => Ok(Trouble::Over.into_page(&portal.config.origin)),
        Err(trouble) => {
            let page = trouble.into_page(&portal.config.origin);
            Ok(with_cookie(page, no_cookie(portal.config.is_https())?))
        }
    }
}

async fn come_back(
    portal: &Shared,
    provider: &Provider,
    whence: Whence,
    headers: &HeaderMap,
    answer: Answer,
) -> Result<Response, Trouble> {
    let state = answer.state.clone().unwrap_or_default();
    let mut tx = portal.db.begin().await?;
    let (flow, marks) = take(&mut tx, provider, headers, &state, portal.config.is_https()).await?;
    tx.commit().await?;
    let came = match prove(portal, provider, answer, &flow, &marks).await {
        Ok(proven) => let_in(portal, headers, &flow, &proven).await,
        Err(trouble) => Err(trouble),
    };
    let failed = came.as_ref().err().filter(|trouble| trouble.is_failure()).map(Trouble::word);
    if let Some(why) = failed {
        note_failure(portal, whence, &flow, &why).await?;
    }
    came
}

/// Writes it down as a wrong password is: of the account of the session, if there is one.
async fn note_failure(portal: &Shared, Whence(peer): Whence, flow: &Flow, why: &str) -> Result<(), Fault> {
    let mut tx = portal.db.begin().await?;
    let session = session::again(&mut tx, &flow.session).await?;
    tx.commit().await?;
    let user = session.map(|session| session.user).unwrap_or_default();
    let detail = json!({ "from": peer, "why": why });
    journal::append_failure(portal, &user, "oidc_refused", detail);
    Ok(())
}

/// Who it is, as the provider says it.
async fn prove(
    portal: &Shared,
    provider: &Provider,
    answer: Answer,
    flow: &Flow,
    marks: &Marks,
) -> Result<Proven, Trouble> {
    provider.check_sender(answer.iss.as_deref()).await?;
    if let Some(error) = answer.error {
        return Err(Trouble::of_answer(&error));
    }
    let code = answer.code.ok_or_else(|| Trouble::Doubtful("neither a code nor an error".into()))?;
    portal.limits.check_code()?;
    provider.redeem(code, marks, flow.begun).await
}

/// What it was for. All or nothing of it is done.
async fn let_in(
    portal: &Shared,
    headers: &HeaderMap,
    flow: &Flow,
    proven: &Proven,
) -> Result<Response, Trouble> {
    let mut tx = portal.db.begin().await?;
    let answer = match flow.aim {
        Aim::Enter => {
            let user = identity::owner(&mut tx, proven).await?.ok_or(Trouble::NoAccount)?;
            let fresh_until = proven.shown.map_or(0, |shown| shown.min(now()) + FRESH);
            enter(portal, &mut tx, &user, headers, fresh_until, &flow.place).await
        }
        Aim::Join => {
            check_their_own(proven, flow)?;
            join(portal, &mut tx, headers, flow, proven).await
        }
        Aim::Link => {
            check_their_own(proven, flow)?;
            let session = own_session(portal, &mut tx, headers, flow).await?;
            if standing(portal, &mut tx, &session.user, session.passkey).await?.waiting {
                return Err(Fault::PasskeyNeeded.into());
            }
            match identity::owner(&mut tx, proven).await? {
                Some(user) if user == session.user => {}
                Some(_) => return Err(Trouble::Another),
                None => {
                    identity::add(&mut tx, &session.user, proven).await?;
                    tell_owner(&mut tx, &session.user, NoticeKind::IdentityLinked).await?;
                }
            }
            Ok(go_to(&format!("{}/{}", portal.config.origin, flow.place)))
        }
        Aim::Again => {
            let session = own_session(portal, &mut tx, headers, flow).await?;
            show_again(portal, &mut tx, &session, flow, proven).await
        }
    }?;
    tx.commit().await?;
    Ok(answer)
}

/// The provider was asked to have them show it anew: on a shared machine somebody else may be signed in
/// there. One that does not say when they did is believed to have asked.
fn check_their_own(proven: &Proven, flow: &Flow) -> Result<(), Trouble> {
    match proven.shown.is_none() || proven.is_shown_since(flow.begun) {
        true => Ok(()),
        false => Err(Trouble::NotShown),
    }
}

/// Begins a session, and ends that which the browser had. It is one factor, as a password is.
async fn enter(
    portal: &Shared,
    conn: &mut Conn,
    user: &str,
    headers: &HeaderMap,
    fresh_until: i64,
    place: &str,
) -> Result<Response, Trouble> {
    let https = portal.config.is_https();
    if let Some(before) = session::secret_in(headers.get_all(header::COOKIE).iter(), https) {
        session::end_known(conn, &before).await?;
    }
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let secret = session::begin_until(conn, user, agent, false, fresh_until).await?;
    let detail = json!({ "with": "oidc" });
    journal::append(conn, journal::OWN, user, "logged_in", user, detail).await?;
    let cookie = session::cookie(&secret, https)?;
    Ok(with_cookie(go_to(&format!("{}/{place}", portal.config.origin)), cookie))
}

/// Gives the invitation to the account of this identity, or to a new one. Never to an account that only has
/// the same address: whoever invites could choose that.
async fn join(
    portal: &Shared,
    tx: &mut Tx,
    headers: &HeaderMap,
    flow: &Flow,
    proven: &Proven,
) -> Result<Response, Trouble> {
    let taken = invitation::take(tx, &flow.invitation).await.map_err(|fault| match fault {
        Fault::NoSuchThing(_) => Trouble::Invitation,
        fault => fault.into(),
    })?;
    let known: Option<(String,)> = sqlx::query_as("SELECT id FROM users WHERE email = $1")
        .bind(&flow.email)
        .fetch_optional(&mut **tx)
        .await?;
    let owner = identity::locked_owner(tx, proven).await?;
    let (user, fresh_until) = match (owner, known) {
        (Some(owner), known) if taken.first || known.as_ref() == Some(&(owner.clone(),)) => {
            if invitation::session_with_passkey(portal, tx, headers, &owner).await?.is_some() {
                taken.welcome(tx, &owner).await?;
                return Ok(go_to(&format!("{}/{}", portal.config.origin, flow.place)));
            }
            (owner, proven.shown.map_or(0, |shown| shown.min(now()) + FRESH))
        }
        (Some(_), _) => return Err(Trouble::Another),
        (None, Some(_)) => return Err(Trouble::HasAccount),
        (None, None) => {
            let user = invitation::add_user(tx, &flow.email, &flow.name, None).await?;
            identity::add(tx, &user, proven).await?;
            // Invitation and identity were shown just now, and there is nothing else yet to show.
            (user, now() + FRESH)
        }
    };
    taken.welcome(tx, &user).await?;
    enter(portal, tx, &user, headers, fresh_until, &flow.place).await
}

/// The session that this browser was sent away from. First makes wait whoever ends the account's sessions.
async fn own_session(
    portal: &Shared,
    conn: &mut Conn,
    headers: &HeaderMap,
    flow: &Flow,
) -> Result<Session, Trouble> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let secret = session::secret_in(cookies, portal.config.is_https()).ok_or(Trouble::Over)?;
    let of: Option<(String,)> = sqlx::query_as("SELECT user_id FROM sessions WHERE id = $1")
        .bind(&flow.session)
        .fetch_optional(&mut *conn)
        .await?;
    let (user,) = of.ok_or(Trouble::Over)?;
    lock_user(conn, &user).await?;
    let session = session::find(conn, &secret).await?;
    session.filter(|session| session.id == flow.session).ok_or(Trouble::Over)
}

async fn show_again(
    portal: &Shared,
    conn: &mut Conn,
    session: &Session,
    flow: &Flow,
    proven: &Proven,
) -> Result<Response, Trouble> {
    // Once more: they may have come to need a passkey while they were away.
    check_may_confirm(portal, conn, &session.user, session.passkey).await?;
    if identity::owner(conn, proven).await?.as_ref() != Some(&session.user) {
        return Err(Trouble::Another);
    }
    if !proven.is_shown_since(flow.begun) {
        return Err(Trouble::NotShown);
    }
    let (secret, _) = session::renew(conn, &session.id).await?;
    let (user, detail) = (&session.user, json!({ "with": "oidc" }));
    journal::append(conn, journal::OWN, user, "stepped_up", user, detail).await?;
    let cookie = session::cookie(&secret, portal.config.is_https())?;
    Ok(with_cookie(go_to(&format!("{}/{}", portal.config.origin, flow.place)), cookie))
}

/// Beside those that are there.
fn with_cookie(mut answer: Response, cookie: HeaderValue) -> Response {
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    answer
}
