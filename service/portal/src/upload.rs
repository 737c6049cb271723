//! Uploads: three sealed parcels in pieces, kept until all are there, then sent to the three servers at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::LARGEST_CHUNK;
use crate::db::Conn;
use crate::error::Fault;
use crate::gate::{Caller, Input, LONGEST, Pass, body_of, drain};
use crate::ids::{fresh_id, now};
use crate::journal;
use crate::server::Shared;
use crate::spool::{Shape, Spool};
use crate::text::{plain, to_base64};
use crate::turns::json_in;

const SMALLEST_CHUNK: u64 = 64 << 10;
const MIB: u64 = 1 << 20;
/// Seconds that a second asker waits for an upload to be sent.
const LONGEST_WAIT: i64 = 600;
/// How long it is waited before it is tried again to write down how sending ended: twice as long each time.
const NOTE_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_NOTE_PAUSE: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Takes pieces.
    Open,
    /// Is on its way to the servers.
    Sending,
    Sent,
}

impl UploadState {
    fn read(word: &str) -> Result<Self, Fault> {
        match word {
            "open" => Ok(Self::Open),
            "sending" => Ok(Self::Sending),
            "sent" => Ok(Self::Sent),
            _ => Err(Fault::internal("a stored upload has no such state", &word)),
        }
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    pub id: String,
    pub state: UploadState,
    /// Octets of each parcel.
    pub sizes: [i64; 3],
    /// Octets of each piece but the last of a parcel.
    pub chunk: i64,
    /// The numbers of the pieces that arrived, from 0, for each server.
    pub have: [Vec<u64>; 3],
    pub created: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadForm {
    /// Octets of the sealed parcel of each server.
    sizes: [i64; 3],
    /// Octets of a piece: 65536 to 4194304.
    #[schema(minimum = 65536, maximum = 4194304)]
    chunk: i64,
}

/// The servers' sealed answers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Answers {
    /// Base64, of servers 0, 1 and 2.
    pub answers: [String; 3],
}

/// As it is stored.
struct Stored {
    id: String,
    shape: Shape,
    state: UploadState,
    answers: Option<String>,
    created: i64,
}

impl Stored {
    /// Once it is sent.
    fn answers(&self) -> Result<Option<Answers>, Fault> {
        let read = self.answers.as_deref().map(serde_json::from_str).transpose();
        read.map_err(|error| Fault::internal("stored answers", &error))
    }
}

type Row = (i64, i64, i64, i64, String, Option<String>, i64);

fn octets(size: i64) -> u64 {
    u64::try_from(size).unwrap_or(0)
}

async fn find(conn: &mut Conn, id: &str, user: &str) -> Result<Stored, Fault> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT size0, size1, size2, chunk, state, answers, created FROM uploads
         WHERE id = $1 AND user_id = $2",
    )
    .bind(plain(id))
    .bind(user)
    .fetch_optional(conn)
    .await?;
    let (a, b, c, chunk, state, answers, created) = row.ok_or(Fault::NoSuchThing("upload"))?;
    let shape = Shape { sizes: [octets(a), octets(b), octets(c)], chunk: octets(chunk).max(1) };
    Ok(Stored { id: id.to_owned(), shape, state: UploadState::read(&state)?, answers, created })
}

async fn describe(portal: &Shared, stored: &Stored) -> Result<Upload, Fault> {
    let have = match stored.state {
        UploadState::Sent => [vec![], vec![], vec![]],
        _ => spool(portal, &stored.id).have(stored.shape).await?,
    };
    let signed = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
    Ok(Upload {
        id: stored.id.clone(),
        state: stored.state,
        sizes: stored.shape.sizes.map(signed),
        chunk: signed(stored.shape.chunk),
        have,
        created: stored.created,
    })
}

fn spool(portal: &Shared, id: &str) -> Spool {
    Spool::new(&portal.spool, id)
}

/// Begins an upload.
#[utoipa::path(post, path = "/api/projects/{project}/uploads", tag = "data", params(
    ("project" = String, Path)), request_body = UploadForm, responses((status = 201, body = Upload)))]
pub async fn begin_upload(
    State(portal): State<Shared>,
    caller: Caller,
    Input(form): Input<UploadForm>,
) -> Result<(StatusCode, Json<Upload>), Fault> {
    let limits = portal.config.limits;
    let most = limits.upload_mib.saturating_mul(MIB);
    if form.sizes.iter().any(|size| *size < 1 || octets(*size) > most) {
        return Err(Fault::invalid(format!(
            "each parcel has 1 octet at least, and all together {most} at most"
        )));
    }
    let shape = Shape { sizes: form.sizes.map(octets), chunk: octets(form.chunk) };
    if shape.total() > most {
        return Err(Fault::QuotaReached("octets in one upload"));
    }
    if !(SMALLEST_CHUNK..=LARGEST_CHUNK as u64).contains(&shape.chunk) {
        return Err(Fault::invalid("a piece has 65536 to 4194304 octets"));
    }
    portal.cluster(&caller.project)?;
    let mut tx = portal.db.begin().await?;
    lock(&mut tx).await?;
    check_quotas(&mut tx, &caller.user, limits, shape.total()).await?;
    let id = fresh_id()?;
    let [a, b, c] = form.sizes;
    sqlx::query(
        "INSERT INTO uploads (id, project_id, user_id, size0, size1, size2, chunk, state, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8)",
    )
    .bind(&id)
    .bind(&caller.project)
    .bind(&caller.user)
    .bind(a)
    .bind(b)
    .bind(c)
    .bind(form.chunk)
    .bind(now())
    .execute(&mut *tx)
    .await?;
    let stored = find(&mut tx, &id, &caller.user).await?;
    let detail = json!({ "sizes": form.sizes });
    journal::append(&mut tx, &caller.project, &caller.user, "upload_begun", &id, detail).await?;
    spool(&portal, &id).create().await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(describe(&portal, &stored).await?)))
}

/// One at a time begins an upload, so that quotas hold, also those for everybody together. The row is there
/// in every database, and nothing else changes it.
async fn lock(conn: &mut Conn) -> Result<(), Fault> {
    sqlx::query("UPDATE steps SET created = created WHERE step = 0").execute(conn).await?;
    Ok(())
}

async fn check_quotas(
    conn: &mut Conn,
    user: &str,
    limits: crate::config::Limits,
    more: u64,
) -> Result<(), Fault> {
    let unsent: Vec<(String, i64, i64, i64)> =
        sqlx::query_as("SELECT user_id, size0, size1, size2 FROM uploads WHERE state <> 'sent'")
            .fetch_all(conn)
            .await?;
    let sum = |mine: bool| -> u64 {
        let counted = unsent.iter().filter(|(owner, ..)| !mine || owner == user);
        counted.map(|(_, a, b, c)| octets(*a) + octets(*b) + octets(*c)).sum()
    };
    let own = unsent.iter().filter(|(owner, ..)| owner == user).count();
    if i64::try_from(own).unwrap_or(i64::MAX) >= limits.user_uploads {
        return Err(Fault::QuotaReached("unfinished uploads of one user"));
    }
    if sum(true) + more > limits.user_spool_mib.saturating_mul(MIB) {
        return Err(Fault::QuotaReached("space for one user's unfinished uploads"));
    }
    match sum(false) + more > limits.spool_mib.saturating_mul(MIB) {
        true => Err(Fault::QuotaReached("space for everybody's unfinished uploads")),
        false => Ok(()),
    }
}

/// How far an upload is.
#[utoipa::path(get, path = "/api/uploads/{upload}", tag = "data", params(("upload" = String, Path)),
    responses((status = 200, body = Upload)))]
pub async fn read_upload(
    State(portal): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let turn = portal.busy.users.take(&caller.user).await?;
    let mut tx = portal.db.begin().await?;
    let stored = find(&mut tx, &id, &caller.user).await?;
    tx.commit().await?;
    let upload = describe(&portal, &stored).await?;
    json_in(turn, move || Ok(upload)).await
}

/// Takes one piece. Sent again, it takes the place of the one before.
#[utoipa::path(put, path = "/api/uploads/{upload}/{server}/{chunk}", tag = "data", params(
    ("upload" = String, Path), ("server" = u8, Path, maximum = 2), ("chunk" = u32, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 204)))]
pub async fn put_chunk(
    State(portal): State<Shared>,
    caller: Caller,
    pass: Pass,
    Path(piece): Path<(String, String, String)>,
    request: Request,
) -> Result<StatusCode, Fault> {
    let (_, mut body) = body_of(request);
    let taken = take_chunk(&portal, &caller, &pass, piece, &mut body).await;
    if taken.is_err() {
        drain(body).await;
    }
    taken.map(|()| StatusCode::NO_CONTENT)
}

async fn take_chunk(
    portal: &Shared,
    caller: &Caller,
    pass: &Pass,
    (id, server, chunk): (String, String, String),
    body: &mut Body,
) -> Result<(), Fault> {
    let nothing = || Fault::NoSuchThing("piece of an upload");
    let (server, chunk): (u8, u64) =
        (server.parse().map_err(|_| nothing())?, chunk.parse().map_err(|_| nothing())?);
    let mut tx = portal.db.begin().await?;
    let stored = find(&mut tx, &id, &caller.user).await?;
    tx.commit().await?;
    if stored.state != UploadState::Open {
        return Err(Fault::NotNow("this upload takes no more pieces".into()));
    }
    let length = stored.shape.length(server, chunk).ok_or_else(nothing)?;
    let _turn = portal.busy.pieces.take(&stored.id).await?;
    let spool = spool(portal, &stored.id);
    let received = tokio::time::timeout(LONGEST, spool.receive(length, body)).await;
    let piece = received.map_err(|_| Fault::TooSlow)??;
    pass.check_again(portal).await?;
    let mut tx = portal.db.begin().await?;
    // Nobody sends the upload while its piece is put in its place.
    let open = sqlx::query("UPDATE uploads SET state = 'open' WHERE id = $1 AND state = 'open'")
        .bind(&stored.id)
        .execute(&mut *tx)
        .await?;
    if open.rows_affected() != 1 {
        find(&mut tx, &id, &caller.user).await?;
        return Err(Fault::NotNow("this upload takes no more pieces".into()));
    }
    spool.keep(piece, server, chunk).await?;
    Ok(tx.commit().await?)
}

/// Sends the parcels to the servers and waits for their answers. Asked again, it gives the same answers.
#[utoipa::path(post, path = "/api/uploads/{upload}/send", tag = "data", params(("upload" = String, Path)),
    responses((status = 200, body = Answers)))]
pub async fn send_upload(
    State(portal): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Answers>, Fault> {
    let mut tx = portal.db.begin().await?;
    let stored = find(&mut tx, &id, &caller.user).await?;
    if let Some(answers) = stored.answers()? {
        return Ok(Json(answers));
    }
    // Before it is written that it is on its way: where nobody sends it, that is taken back.
    let sending = Sending::begin(&portal, &id);
    let taken = sqlx::query("UPDATE uploads SET state = 'sending' WHERE id = $1 AND state = 'open'")
        .bind(&id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    if taken.rows_affected() != 1 {
        drop(sending);
        return wait_for_answers(&portal, &id, &caller.user).await.map(Json);
    }
    // Goes on to its end if whoever asked for it goes away.
    let sent = tokio::spawn(async move {
        let _sending = sending;
        send(&portal, &caller, &stored).await
    })
    .await;
    sent.map_err(|error| Fault::internal("send", &error))?.map(Json)
}

/// Which uploads are being sent, and how often: one that ends and one that begins may meet.
#[derive(Default)]
pub struct Sends(Mutex<HashMap<String, usize>>);

impl Sends {
    fn has(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }
}

/// That somebody sends an upload, until this is dropped, also by a panic.
struct Sending {
    portal: Shared,
    id: String,
}

impl Sending {
    fn begin(portal: &Shared, id: &str) -> Self {
        let mut sends = portal.sends.0.lock().unwrap_or_else(PoisonError::into_inner);
        *sends.entry(id.to_owned()).or_default() += 1;
        Self { portal: portal.clone(), id: id.to_owned() }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let mut sends = self.portal.sends.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = sends.get(&self.id).copied().unwrap_or_default();
        match count > 1 {
            true => sends.insert(self.id.clone(), count - 1),
            false => sends.remove(&self.id),
        };
    }
}

/// Whoever lost the connection while it was sent waits with the first who asked.
async fn wait_for_answers(portal: &Shared, id: &str, user: &str) -> Result<Answers, Fault> {
    let end = now() + LONGEST_WAIT;
    while now() < end {
        let mut tx = portal.db.begin().await?;
        let stored = find(&mut tx, id, user).await?;
        tx.commit().await?;
        match (stored.state, stored.answers()?) {
            (_, Some(answers)) => return Ok(answers),
            (UploadState::Sending, None) => tokio::time::sleep(Duration::from_millis(500)).await,
            _ => return Err(Fault::NotNow("not all servers took this upload; send it again".into())),
        }
    }
    Err(Fault::NotNow("this upload is still being sent".into()))
}

async fn send(portal: &Shared, caller: &Caller, stored: &Stored) -> Result<Answers, Fault> {
    let sent = relay(portal, caller, stored).await;
    let answers = sent.as_ref().ok().map(serde_json::to_string).transpose();
    let answers = answers.map_err(|error| Fault::internal("answers", &error))?;
    // Nobody else knows the answers: written down sooner or later, or the table would be sent once more.
    let mut pause = NOTE_PAUSE;
    while let Err(fault) = note(portal, caller, stored, answers.as_deref()).await {
        tracing::warn!(?fault, "how sending an upload ended is not written down yet");
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(LONGEST_NOTE_PAUSE);
    }
    if sent.is_ok() {
        spool(portal, &stored.id).remove().await;
    }
    sent
}

/// Writes down how sending ended: with these answers, or not.
async fn note(portal: &Shared, caller: &Caller, stored: &Stored, answers: Option<&str>) -> Result<(), Fault> {
    let mut tx = portal.db.begin().await?;
    let noted =
        sqlx::query("UPDATE uploads SET state = $1, answers = $2 WHERE id = $3 AND state = 'sending'")
            .bind(if answers.is_some() { "sent" } else { "open" })
            .bind(answers)
            .bind(&stored.id)
            .execute(&mut *tx)
            .await?;
    // An earlier try may have come through although it failed.
    if answers.is_some() && noted.rows_affected() == 1 {
        let detail = json!({ "sizes": stored.shape.sizes });
        journal::append(&mut tx, &caller.project, &caller.user, "upload_sent", &stored.id, detail).await?;
    }
    Ok(tx.commit().await?)
}

async fn relay(portal: &Shared, caller: &Caller, stored: &Stored) -> Result<Answers, Fault> {
    let (spool, shape) = (spool(portal, &stored.id), stored.shape);
    let have = spool.have(shape).await?;
    if (0u8..).zip(&have).any(|(server, have)| have.len() as u64 != shape.chunks(server)) {
        return Err(Fault::UploadIncomplete);
    }
    let cluster = portal.cluster(&caller.project)?;
    let _turn = portal.busy.sends.take(&caller.user).await?;
    let _room = cluster.room_for_upload().await?;
    let [a, b, c] = shape.sizes;
    let carry = |server, length| cluster.upload(server, spool.reader(server, shape), length);
    let (a, b, c) = tokio::join!(carry(0, a), carry(1, b), carry(2, c));
    Ok(Answers { answers: [to_base64(&a?), to_base64(&b?), to_base64(&c?)] })
}

/// Gives an upload up.
#[utoipa::path(delete, path = "/api/uploads/{upload}", tag = "data", params(("upload" = String, Path)),
    responses((status = 204)))]
pub async fn drop_upload(
    State(portal): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let mut tx = portal.db.begin().await?;
    find(&mut tx, &id, &caller.user).await?;
    let gone = sqlx::query("DELETE FROM uploads WHERE id = $1 AND state <> 'sending'")
        .bind(&id)
        .execute(&mut *tx)
        .await?;
    if gone.rows_affected() == 0 {
        return Err(Fault::NotNow("this upload is being sent".into()));
    }
    journal::append(&mut tx, &caller.project, &caller.user, "upload_dropped", &id, json!({})).await?;
    tx.commit().await?;
    spool(&portal, &id).remove().await;
    Ok(StatusCode::NO_CONTENT)
}

/// After a restart nothing is on its way any more.
pub async fn recover(conn: &mut Conn) -> Result<(), Fault> {
    sqlx::query("UPDATE uploads SET state = 'open' WHERE state = 'sending'").execute(conn).await?;
    Ok(())
}

/// Takes back that an upload is on its way where nobody sends it any more: its task broke.
pub async fn reopen(conn: &mut Conn, sends: &Sends) -> Result<(), Fault> {
    // Locks them first: who sends one now has not written down yet how that ended, and is seen below.
    let locked: Vec<(String,)> =
        sqlx::query_as("UPDATE uploads SET state = 'sending' WHERE state = 'sending' RETURNING id")
            .fetch_all(&mut *conn)
            .await?;
    for (id,) in locked.iter().filter(|(id,)| !sends.has(id)) {
        tracing::warn!(id, "an upload that nobody sends any more is open again");
        sqlx::query("UPDATE uploads SET state = 'open' WHERE id = $1").bind(id).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Forgets uploads that are older than they may be.
pub async fn sweep(conn: &mut Conn, hours: i64) -> Result<(), Fault> {
    let before = now() - hours.saturating_mul(3600);
    sqlx::query("DELETE FROM uploads WHERE created < $1 AND state <> 'sending'")
        .bind(before)
        .execute(conn)
        .await?;
    Ok(())
}
