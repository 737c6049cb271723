//! Bodies and answers that come late: what counts is who somebody is when they have come.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Method;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use serde_json::json;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::people::Answer;
use super::requests::policy_of;
use super::world::PASSWORD;
use super::{Person, World};
use crate::access::Role;
use crate::account::{Guess, check_password};
use crate::error::Fault;
use crate::gate::{Caller, Input};
use crate::{invitation, policy, project};

/// A body of which the second half comes when it is told to; and it says when the first was asked for.
fn halves(body: &[u8]) -> (Body, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let (began, begins) = oneshot::channel();
    let (tell, told) = oneshot::channel::<()>();
    let (first, second) = body.split_at(body.len() / 2);
    let steps = [Some((first.to_vec(), Some(began), None)), Some((second.to_vec(), None, Some(told)))];
    let stream = unfold(steps.into_iter().flatten(), |mut steps| async move {
        let (half, began, told) = steps.next()?;
        if let Some(began) = began {
            began.send(()).unwrap();
        }
        if let Some(told) = told {
            told.await.unwrap();
        }
        Some((Ok::<_, std::io::Error>(half), steps))
    });
    (Body::from_stream(stream.fuse()), begins, tell)
}

/// Sends half of something, lets something else happen, and then sends the rest.
pub async fn late(
    person: &Person,
    (method, path, kind): (Method, &str, &str),
    body: &[u8],
    meanwhile: impl Future<Output = ()>,
) -> Answer {
    let (body, begins, tell) = halves(body);
    let request = person.request(method, path).header("content-type", kind).body(body).unwrap();
    let mut sender = person.clone();
    let sent = tokio::spawn(async move { sender.send(request).await });
    begins.await.unwrap();
    meanwhile.await;
    tell.send(()).unwrap();
    sent.await.unwrap()
}

pub const JSON: &str = "application/json";
const OCTETS: &str = "application/octet-stream";

pub async fn what_arrives_after_its_sender_was_removed_changes_nothing(world: World) {
    let mut ann = world.person("ann", &[Role::Administrator]).await;
    let mut bob = world.person("bob", &[Role::Administrator, Role::Provider]).await;
    let project = format!("/api/projects/{}", world.project);
    let form = json!({ "sizes": [10, 10, 10], "chunk": 65536 });
    let upload = bob.post(&format!("{project}/uploads"), form).await.ok();
    let upload = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
    let (invitations, piece) = (format!("{project}/invitations"), format!("{upload}/0/0"));
    let form = json!({ "email": "eve@example.org", "roles": ["administrator"] }).to_string();
    let member = format!("{project}/members/{}", bob.user);
    for (method, path, kind, body) in [
        (Method::POST, invitations.clone(), JSON, form.as_bytes()),
        (Method::PUT, piece.clone(), OCTETS, b"0123456789"),
        (Method::POST, format!("{project}/relay/1"), OCTETS, b"sealed"),
    ] {
        let roles = |roles: &[&str]| Some(json!({ "roles": roles }));
        let remove = async {
            ann.call(Method::PUT, &member, roles(&[])).await.ok();
        };
        let answer = late(&bob, (method, &path, kind), body, remove).await;
        answer.refused(404, "no_such_thing");
        let mut tx = world.portal.db.begin().await.unwrap();
        crate::project::add_roles(&mut tx, &world.project, &bob.user, &[Role::Administrator, Role::Provider])
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM invitations WHERE email = 'eve@example.org'").await, 0);
    assert!(world.servers.received().is_empty());
    assert_eq!(bob.get(&upload).await.ok()["have"], json!([[], [], []]));
    let folder = world.folder.path().join("data/spool").join(upload.rsplit('/').next().unwrap());
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);

    // The password was entered long ago by then, or the session is over.
    let ended = async { world.tamper("UPDATE sessions SET fresh_until = fresh_until - 301").await };
    let answer = late(&bob, (Method::POST, &invitations, JSON), form.as_bytes(), ended).await;
    assert_eq!(answer.code(), "step_up_needed");
    let mut again = bob.clone();
    let ended = async {
        again.call(Method::DELETE, "/api/session", None).await.ok();
    };
    let answer = late(&bob, (Method::PUT, &piece, OCTETS), b"0123456789", ended).await;
    answer.refused(401, "not_logged_in");
}

/// The gate let them in, and then they waited for each other: what the first one did counts for the second.
pub async fn an_administrator_who_was_removed_while_waiting_changes_nothing(world: World) {
    let mut ann = world.person("ann", &[Role::Administrator]).await;
    let mut bob = world.person("bob", &[Role::Administrator, Role::Approver]).await;
    bob.enrol("approver", 7).await.ok();
    let (payload, _) = policy_of(1, &json!("all"), &[("bob", &bob)]);
    let member = format!("/api/projects/{}/members/{}", world.project, bob.user);
    let caller = || Caller {
        user: bob.user.clone(),
        session: String::new(),
        fresh_until: i64::MAX,
        passkey: false,
        project: world.project.clone(),
        roles: vec![Role::Administrator],
    };
    let portal = || State(world.portal.clone());
    for roles in [json!(["approver"]), json!([])] {
        let none = roles == json!([]);
        ann.call(Method::PUT, &member, Some(json!({ "roles": roles }))).await.ok();
        let form = json!({ "email": "eve@example.org", "roles": ["administrator"] });
        let form = Input(serde_json::from_value(form).unwrap());
        let invited = invitation::make_invitation(portal(), caller(), form).await.map(|_| ());
        let form = Input(serde_json::from_value(json!({ "roles": ["administrator"] })).unwrap());
        let own = Path((world.project.clone(), bob.user.clone()));
        let set = project::set_roles(portal(), caller(), own, form).await.map(|_| ());
        let form = json!({ "payload": crate::text::to_base64(&payload) });
        let form = Input(serde_json::from_value(form).unwrap());
        let proposed = policy::propose_policy(portal(), caller(), form).await.map(|_| ());
        for refused in [invited, set, proposed] {
            match refused {
                Err(Fault::NoSuchThing("project")) if none => {}
                Err(Fault::NotAllowed) if !none => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM invitations WHERE email <> ''").await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM policies").await, 0);
}

/// Entering the password again changes the cookie, and what is on its way comes in all the same.
pub async fn an_upload_goes_on_while_its_owner_enters_the_password(world: World) {
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let form = json!({ "sizes": [10, 10, 10], "chunk": 65536 });
    let upload = ann.post(&format!("/api/projects/{}/uploads", world.project), form).await.ok();
    let path = format!("/api/uploads/{}/0/0", upload["id"].as_str().unwrap());
    let mut elsewhere = ann.clone();
    let entered = async {
        elsewhere.post("/api/fresh", json!({ "password": PASSWORD })).await.ok();
    };
    let answer = late(&ann, (Method::PUT, &path, OCTETS), b"0123456789", entered).await;
    assert_eq!(answer.status, 204);
    assert_ne!(ann.cookie, elsewhere.cookie);
    // A piece that arrives when the upload is on its way already changes nothing of it.
    let gone = async { world.tamper("UPDATE uploads SET state = 'sending'").await };
    late(&elsewhere, (Method::PUT, &path, OCTETS), b"9876543210", gone).await.refused(409, "not_now");
}

/// Comparing takes a while. A password that was changed meanwhile opens nothing.
pub async fn an_old_password_opens_nothing_after_it_was_changed(world: World) {
    let mut ann = world.person("ann", &[Role::Analyst]).await;
    let password = Zeroizing::new(PASSWORD.to_owned());
    let shown = check_password(&world.portal, Guess::Own, "ann@example.org", password).await.unwrap();
    let mut tx = world.portal.db.begin().await.unwrap();
    shown.check_again(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    ann.post("/api/password", json!({ "old": PASSWORD, "new": "another long phrase" })).await.ok();
    let mut tx = world.portal.db.begin().await.unwrap();
    shown.check_again(&mut tx).await.unwrap_err();
}

/// Whoever guesses somebody's password is slowed down, and not the one whose it is.
pub async fn strangers_who_guess_keep_nobody_from_signing(world: World) {
    let mut ann = world.person("ann", &[Role::Approver]).await;
    let mut eve = world.stranger();
    eve.peer = Some([192, 0, 2, 1].into());
    let guess = || json!({ "email": "ann@example.org", "password": "guess after guess" });
    let mut slowed = false;
    for _ in 0..20 {
        slowed |= eve.post("/api/login", guess()).await.code() == "too_often";
    }
    assert!(slowed);
    ann.post("/api/fresh", json!({ "password": PASSWORD })).await.ok();
    let mut elsewhere = world.stranger();
    elsewhere.peer = Some([192, 0, 2, 2].into());
    elsewhere.login("ann@example.org").await.ok();
    // Their own wrong ones count for everybody who has their session.
    let mut slowed = false;
    for _ in 0..20 {
        slowed |= ann.post("/api/fresh", json!({ "password": "guess" })).await.code() == "too_often";
    }
    assert!(slowed);
    // No account has such an address, so nothing is remembered of it and nothing computed.
    let long = format!("{}@example.org", "x".repeat(60_000));
    for _ in 0..30 {
        let form = json!({ "email": long, "password": "guess after guess" });
        world.stranger().post("/api/login", form).await.refused(401, "wrong_login");
    }
}

/// However many guess from however many networks, members enter their passwords.
pub async fn a_crowd_of_strangers_keeps_nobody_from_signing(world: World) {
    let mut ann = world.person("ann", &[Role::Approver]).await;
    let crowd = world.portal.passwords.crowd().await;
    world.stranger().login("ann@example.org").await.refused(429, "too_often");
    ann.post("/api/fresh", json!({ "password": PASSWORD })).await.ok();
    ann.post("/api/fresh", json!({ "password": "guess" })).await.refused(401, "wrong_login");
    ann.post("/api/password", json!({ "old": PASSWORD, "new": "another long phrase" })).await.ok();
    drop(crowd);
    world.stranger().login("ann@example.org").await.refused(401, "wrong_login");
}

/// A new password without the old one is refused before anything is computed, or any member could fill the
/// places where approvers wait: what is computed is told by the places that are all taken here.
pub async fn whoever_may_set_no_password_takes_no_place(world: World) {
    let mut eve = world.person("eve", &[Role::Analyst]).await;
    let members = world.portal.passwords.members().await;
    let form = json!({ "new": "another long phrase" });
    eve.post("/api/password", form.clone()).await.refused(400, "invalid_input");
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    eve.post("/api/password", form.clone()).await.refused(403, "step_up_needed");
    // Nor do they ask without end.
    let mut slowed = false;
    for _ in 0..20 {
        slowed |= eve.post("/api/password", form.clone()).await.code() == "too_often";
    }
    assert!(slowed);
    drop(members);
}
