//! Passkeys: adding and removing them, signing in with one, and showing one before something grave.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    RequestChallengeResponse, Uuid,
};

use crate::account::{Guess, Me, begin_session, me, note_failure};
use crate::ceremony::{self, Ceremony, keep, relying, take, verify};
use crate::db::{Conn, is_taken};
use crate::error::Fault;
use crate::factor::{check_way_in, may_begin, standing};
use crate::gate::{Caller, Input, Whence, roles_of};
use crate::ids::{bits_of, fresh_id, fresh_secret, hashed, id_of, now};
use crate::inbox::{NoticeKind, notify, tell_owner};
use crate::journal;
use crate::project::lock_user;
use crate::server::Shared;
use crate::session::{self, Session};
use crate::text;

const MOST: usize = 20;
const LONGEST_NAME: usize = 60;
/// Of the standard, in octets.
const LONGEST_CREDENTIAL: usize = 1023;

/// A passkey as its owner sees it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct PasskeyInfo {
    pub id: String,
    pub name: String,
    pub created: i64,
    /// When it was shown last.
    pub used: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddForm {
    /// What its owner calls it.
    name: String,
    /// What the browser made: `PublicKeyCredential.toJSON()`.
    #[schema(value_type = Value)]
    answer: RegisterPublicKeyCredential,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShowForm {
    /// What the browser made: `PublicKeyCredential.toJSON()`.
    #[schema(value_type = Value)]
    answer: PublicKeyCredential,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NeededForm {
    needed: bool,
}

/// What a browser is asked, as it takes it: the argument of `parseCreationOptionsFromJSON` or
/// `parseRequestOptionsFromJSON`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Options {
    #[serde(rename = "publicKey")]
    #[schema(value_type = Value)]
    public_key: Value,
}

impl Options {
    fn new(public_key: &impl Serialize) -> Result<Self, Fault> {
        let public_key =
            serde_json::to_value(public_key).map_err(|error| Fault::internal("passkey", &error))?;
        Ok(Self { public_key })
    }
}

/// Makes the caller wait for what they do at the same time. Their session may have ended on the way here.
pub async fn lock_own(conn: &mut Conn, caller: &Caller) -> Result<Session, Fault> {
    lock_user(conn, &caller.user).await?;
    session::again(conn, &caller.session).await?.ok_or(Fault::NotLoggedIn)
}

/// The caller's passkeys.
#[utoipa::path(get, path = "/api/passkeys", tag = "passkey",
    responses((status = 200, body = Vec<PasskeyInfo>)))]
pub async fn list_passkeys(
    State(portal): State<Shared>,
    caller: Caller,
) -> Result<Json<Vec<PasskeyInfo>>, Fault> {
    let mut tx = portal.db.begin().await?;
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
        "SELECT id, name, created, used FROM passkeys WHERE user_id = $1 ORDER BY created, id",
    )
    .bind(&caller.user)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let shown = |(id, name, created, used)| PasskeyInfo { id, name, created, used };
    Ok(Json(rows.into_iter().map(shown).collect()))
}

/// The names by which devices know the keys of this user.
async fn credentials_of(conn: &mut Conn, user: &str) -> Result<Vec<Vec<u8>>, Fault> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT credential FROM passkeys WHERE user_id = $1 ORDER BY created, id")
            .bind(user)
            .fetch_all(conn)
            .await?;
    rows.iter().map(|(credential,)| text::stored("a stored passkey", credential)).collect()
}

/// A session that waits adds the first passkey and no other: the password alone shows too little.
async fn check_may_add(portal: &Shared, conn: &mut Conn, caller: &Caller) -> Result<(), Fault> {
    let standing = standing(portal, conn, &caller.user, caller.passkey).await?;
    match standing.waiting && standing.count > 0 {
        true => Err(Fault::PasskeyNeeded),
        false if standing.count >= MOST as i64 => {
            Err(Fault::NotNow(format!("an account has at most {MOST} passkeys; remove one first")))
        }
        false => Ok(()),
    }
}

/// Begins to add a passkey. The answer belongs to this session and is due within five minutes.
#[utoipa::path(post, path = "/api/passkeys/start", tag = "passkey",
    responses((status = 200, body = Options)))]
pub async fn start_adding(State(portal): State<Shared>, caller: Caller) -> Result<Json<Options>, Fault> {
    let relying = relying(&portal)?;
    let handle = bits_of(&caller.user).ok_or(Fault::NotOffered("passkeys for this account"))?;
    let mut tx = portal.db.begin().await?;
    check_may_add(&portal, &mut tx, &caller).await?;
    let known = credentials_of(&mut tx, &caller.user).await?;
    let (email, name): (String, String) = sqlx::query_as("SELECT email, name FROM users WHERE id = $1")
        .bind(&caller.user)
        .fetch_one(&mut *tx)
        .await?;
    let (options, state) = relying
        .start_passkey_registration(Uuid::from_bytes(handle), &email, &name, Some(known))
        .map_err(|error| Fault::internal("passkey", &error))?;
    keep(&mut tx, Ceremony::Add, &caller.session, &state).await?;
    tx.commit().await?;
    let mut options = Options::new(&options.public_key)?;
    // So that it can be found without an e-mail address. The library leaves that to the device.
    if let Some(chosen) = options.public_key.get_mut("authenticatorSelection").and_then(Value::as_object_mut)
    {
        chosen.insert("residentKey".into(), "required".into());
        chosen.insert("requireResidentKey".into(), true.into());
    }
    Ok(Json(options))
}

/// Adds it. The session gets another cookie, and has seen a passkey.
#[utoipa::path(post, path = "/api/passkeys/finish", tag = "passkey", request_body = AddForm,
    responses((status = 201, body = Me)))]
pub async fn finish_adding(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<AddForm>,
) -> Result<Response, Fault> {
    let name = text::line("a name", &form.name, LONGEST_NAME)?;
    let state: PasskeyRegistration = take(&portal, Ceremony::Add, &caller.session).await?;
    let passkey = relying(&portal)?
        .finish_passkey_registration(&form.answer, &state)
        .map_err(|error| ceremony::refused(&error))?;
    if passkey.cred_id().len() > LONGEST_CREDENTIAL {
        return Err(Fault::PasskeyRefused);
    }
    let mut tx = portal.db.begin().await?;
    let session = lock_own(&mut tx, &caller).await?;
    // Again: another session may have added one in the meantime.
    if session.fresh_until < now() && !may_begin(&mut tx, &session).await? {
        return Err(Fault::StepUpNeeded);
    }
    check_may_add(&portal, &mut tx, &caller).await?;
    let (id, now) = (fresh_id()?, now());
    let added = sqlx::query(
        "INSERT INTO passkeys (id, user_id, credential, name, data, created, used)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&id)
    .bind(&caller.user)
    .bind(text::to_base64(passkey.cred_id()))
    .bind(&name)
    .bind(ceremony::write(&passkey)?)
    .bind(now)
    .bind(now)
    .execute(&mut *tx)
    .await;
    match added {
        Err(error) if is_taken(&error) => return Err(Fault::Taken("passkey")),
        other => other?,
    };
    // Before the journal, as everywhere: two that lock both in another order would wait for each other.
    let answer = shown_in_session(&portal, &mut tx, &caller).await?;
    journal::append(&mut tx, journal::OWN, &caller.user, "passkey_added", &id, json!({})).await?;
    tell_owner(&mut tx, &caller.user, NoticeKind::PasskeyAdded).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, answer).into_response())
}

/// The session has seen a passkey: fresh, under a new secret.
async fn shown_in_session(portal: &Shared, conn: &mut Conn, caller: &Caller) -> Result<Response, Fault> {
    let (secret, fresh_until) = session::renew_with_passkey(conn, &caller.session).await?;
    let me = me(portal, conn, &caller.user, fresh_until, true).await?;
    let cookie = [(header::SET_COOKIE, session::cookie(&secret, portal.config.is_https())?)];
    Ok((cookie, Json(me)).into_response())
}

/// Removes one of the caller's passkeys and ends all other sessions: the device may be in other hands.
#[utoipa::path(delete, path = "/api/passkeys/{id}", tag = "passkey", params(("id" = String, Path)),
    responses((status = 200, body = Me)))]
pub async fn remove_passkey(
    State(portal): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Me>, Fault> {
    let mut tx = portal.db.begin().await?;
    lock_own(&mut tx, &caller).await?;
    let needed = standing(&portal, &mut tx, &caller.user, caller.passkey).await?.needs_own_passkey();
    let gone = sqlx::query("DELETE FROM passkeys WHERE id = $1 AND user_id = $2")
        .bind(text::plain(&id))
        .bind(&caller.user)
        .execute(&mut *tx)
        .await?;
    if gone.rows_affected() == 0 {
        return Err(Fault::NoSuchThing("passkey"));
    }
    if needed && credentials_of(&mut tx, &caller.user).await?.is_empty() {
        return Err(Fault::NotNow(
            "the last passkey stays while a passkey is needed; add another first".into(),
        ));
    }
    check_way_in(&portal, &mut tx, &caller.user).await?;
    session::end_others(&mut tx, &caller.user, &caller.session).await?;
    tell_owner(&mut tx, &caller.user, NoticeKind::AccountChanged).await?;
    journal::append(&mut tx, journal::OWN, &caller.user, "passkey_removed", &id, json!({})).await?;
    let me = me(&portal, &mut tx, &caller.user, caller.fresh_until, caller.passkey).await?;
    tx.commit().await?;
    Ok(Json(me))
}

/// Says whether the caller wants no session by the password alone.
#[utoipa::path(put, path = "/api/passkeys/needed", tag = "passkey", request_body = NeededForm,
    responses((status = 200, body = Me)))]
pub async fn set_needed(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<NeededForm>,
) -> Result<Json<Me>, Fault> {
    let mut tx = portal.db.begin().await?;
    lock_own(&mut tx, &caller).await?;
    if form.needed && credentials_of(&mut tx, &caller.user).await?.is_empty() {
        return Err(Fault::NotNow("there is no passkey yet; add one first".into()));
    }
    sqlx::query("UPDATE users SET passkey_needed = $1 WHERE id = $2")
        .bind(i64::from(form.needed))
        .bind(&caller.user)
        .execute(&mut *tx)
        .await?;
    if !form.needed {
        tell_owner(&mut tx, &caller.user, NoticeKind::AccountChanged).await?;
    }
    let detail = json!({ "needed": form.needed });
    journal::append(&mut tx, journal::OWN, &caller.user, "passkey_needed", &caller.user, detail).await?;
    let me = me(&portal, &mut tx, &caller.user, caller.fresh_until, caller.passkey).await?;
    tx.commit().await?;
    Ok(Json(me))
}

/// Any passkey of this portal, and the user verified. The state to keep with it.
fn challenge(portal: &Shared) -> Result<(RequestChallengeResponse, DiscoverableAuthentication), Fault> {
    relying(portal)?.start_discoverable_authentication().map_err(|error| Fault::internal("passkey", &error))
}

/// Begins to sign in with a passkey. Nothing says who it is, so nothing is told about anybody. The answer
/// belongs to this browser, which gets a cookie for it.
#[utoipa::path(post, path = "/api/login/passkey/start", tag = "passkey",
    responses((status = 200, body = Options)))]
pub async fn start_login(State(portal): State<Shared>, Whence(peer): Whence) -> Result<Response, Fault> {
    portal.limits.check_challenge(peer)?;
    let (options, state) = challenge(&portal)?;
    let secret = fresh_secret()?;
    let mut tx = portal.db.begin().await?;
    keep(&mut tx, Ceremony::LogIn, &hashed(&secret), &state).await?;
    tx.commit().await?;
    let cookie = session::guest_cookie(&secret, portal.config.is_https(), ceremony::SECONDS)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(Options::new(&options.public_key)?)).into_response())
}

/// Begins a session. Whatever is wrong, the answer is the same.
#[utoipa::path(post, path = "/api/login/passkey/finish", tag = "passkey", request_body = ShowForm,
    responses((status = 200, body = Me)))]
pub async fn finish_login(
    State(portal): State<Shared>,
    whence: Whence,
    headers: HeaderMap,
    Input(form): Input<ShowForm>,
) -> Result<Response, Fault> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let https = portal.config.is_https();
    let secret = session::guest_in(cookies, https).ok_or(Fault::PasskeyRefused)?;
    let state: DiscoverableAuthentication = take(&portal, Ceremony::LogIn, &hashed(&secret)).await?;
    let said = relying(&portal)?
        .identify_discoverable_authentication(&form.answer)
        .map_err(|error| ceremony::refused(&error))
        .map(|(handle, _)| id_of(handle.as_bytes()));
    let user = said.as_deref().unwrap_or_default().to_owned();
    let begun = async {
        let user = said?;
        let mut tx = portal.db.begin().await?;
        verify(&portal, &mut tx, &user, &form.answer, state).await?;
        let mut answer = begin_session(&portal, &mut tx, &user, &headers, true).await?;
        tx.commit().await?;
        answer.headers_mut().append(header::SET_COOKIE, session::no_guest_cookie(https)?);
        Ok(answer)
    };
    noted(&portal, Guess::Stranger(whence), &user, begun.await).await
}

/// Writes down that an answer was refused, and whose account it was tried for, if there is such an account.
/// Where there may be a copy of a passkey its owner is told, and once is enough until they have read it.
async fn noted<T>(portal: &Shared, guess: Guess, user: &str, done: Result<T, Fault>) -> Result<T, Fault> {
    let kind = match done {
        Err(Fault::PasskeyRefused) => "wrong_passkey",
        Err(Fault::PasskeyCopied) => "copied_passkey",
        _ => return done,
    };
    let mut tx = portal.db.begin().await?;
    let there: Option<(String, i64)> = sqlx::query_as(
        "SELECT id, (SELECT COUNT(*) FROM notices WHERE user_id = users.id AND kind = 'passkey_copied'
         AND seen IS NULL) FROM users WHERE id = $1",
    )
    .bind(user)
    .fetch_optional(&mut *tx)
    .await?;
    let (user, told) = there.unwrap_or_default();
    if matches!(done, Err(Fault::PasskeyCopied)) && told == 0 {
        tell_owner(&mut tx, &user, NoticeKind::PasskeyCopied).await?;
    }
    tx.commit().await?;
    note_failure(portal, guess, kind, &user);
    done
}

/// Begins to show one of the caller's passkeys, before something grave.
#[utoipa::path(post, path = "/api/fresh/passkey/start", tag = "passkey",
    responses((status = 200, body = Options)))]
pub async fn start_step_up(State(portal): State<Shared>, caller: Caller) -> Result<Json<Options>, Fault> {
    let (options, state) = challenge(&portal)?;
    let mut tx = portal.db.begin().await?;
    let known = credentials_of(&mut tx, &caller.user).await?;
    if known.is_empty() {
        return Err(Fault::NotNow("there is no passkey yet; add one first".into()));
    }
    keep(&mut tx, Ceremony::StepUp, &caller.session, &state).await?;
    tx.commit().await?;
    let mut options = Options::new(&options.public_key)?;
    // Only for the browser's choice: what counts is whose the passkey is when it answers.
    let named = |credential: &Vec<u8>| json!({ "type": "public-key", "id": text::to_base64_url(credential) });
    if let Some(fields) = options.public_key.as_object_mut() {
        fields.insert("allowCredentials".into(), known.iter().map(named).collect());
    }
    Ok(Json(options))
}

/// As after entering the password. The session gets another cookie, and has seen a passkey.
#[utoipa::path(post, path = "/api/fresh/passkey/finish", tag = "passkey", request_body = ShowForm,
    responses((status = 200, body = Me)))]
pub async fn finish_step_up(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<ShowForm>,
) -> Result<Response, Fault> {
    let state: DiscoverableAuthentication = take(&portal, Ceremony::StepUp, &caller.session).await?;
    let user = &caller.user;
    let stepped = async {
        let mut tx = portal.db.begin().await?;
        verify(&portal, &mut tx, user, &form.answer, state).await?;
        let answer = shown_in_session(&portal, &mut tx, &caller).await?;
        let detail = json!({ "with": "passkey" });
        journal::append(&mut tx, journal::OWN, user, "stepped_up", user, detail).await?;
        tx.commit().await?;
        Ok(answer)
    };
    noted(&portal, Guess::Own, user, stepped.await).await
}

/// Removes all passkeys of somebody who lost them, and ends their sessions. They come in by their password
/// again, and are told; every project they are in writes it down.
#[utoipa::path(delete, path = "/api/projects/{project}/members/{user}/passkeys", tag = "project", params(
    ("project" = String, Path), ("user" = String, Path)), responses((status = 204)))]
pub async fn reset_passkeys(
    State(portal): State<Shared>,
    caller: Caller,
    Path((_project, user)): Path<(String, String)>,
) -> Result<StatusCode, Fault> {
    let user = text::plain(&user);
    if user == caller.user {
        return Err(Fault::NotNow("your own passkeys are removed in your settings".into()));
    }
    let mut tx = portal.db.begin().await?;
    if roles_of(&mut tx, &caller.project, user).await?.is_empty() {
        return Err(Fault::NoSuchThing("member"));
    }
    lock_user(&mut tx, user).await?;
    let gone = sqlx::query("DELETE FROM passkeys WHERE user_id = $1").bind(user).execute(&mut *tx).await?;
    if gone.rows_affected() == 0 {
        return Err(Fault::NotNow("this person has no passkey".into()));
    }
    let stays = check_way_in(&portal, &mut tx, user).await;
    stays.map_err(|_| Fault::NotNow("without them this person could not sign in any more".into()))?;
    for statement in
        ["UPDATE users SET passkey_needed = 0 WHERE id = $1", "DELETE FROM sessions WHERE user_id = $1"]
    {
        sqlx::query(statement).bind(user).execute(&mut *tx).await?;
    }
    let projects: Vec<(String,)> =
        sqlx::query_as("SELECT DISTINCT project_id FROM members WHERE user_id = $1 ORDER BY project_id")
            .bind(user)
            .fetch_all(&mut *tx)
            .await?;
    // In one order, so that no two wait for each other.
    for (project,) in &projects {
        journal::append(&mut tx, project, &caller.user, "passkeys_reset", user, json!({})).await?;
    }
    let told = [user.to_owned()];
    notify(&mut tx, &caller.project, None, NoticeKind::PasskeysReset, &caller.user, &told).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
