//! Mail, the journal, and what follows when somebody leaves.

use std::time::Instant;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::World;
use super::requests::{Cast, cast, enrolled, policy_of};
use super::world::{ORIGIN, PASSWORD};
use crate::access::Role;
use crate::config::{Encryption, Mail};
use crate::mail::Mailer;

/// A mail server that knows no mailbox of anybody called `gone`, and one called `full` is full. It hangs up
/// on whoever writes to `cut`, and takes no letters beyond ASCII.
async fn mail_server(socket: TcpStream, taken: mpsc::UnboundedSender<String>) {
    let (reader, mut writer) = socket.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 here\r\n").await.unwrap();
    let (mut text, mut to) = (false, String::new());
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "." if text => {
                text = false;
                taken.send(to.clone()).unwrap();
                "250 taken"
            }
            _ if text => continue,
            "RCPT" if line.contains("<gone") => "550 nobody of that name",
            "RCPT" if line.contains("<full") => "452 no room",
            "RCPT" if line.contains("<cut") => return,
            "RCPT" => {
                to = line;
                "250 fine"
            }
            "DATA" => {
                text = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        if writer.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// To whom it took mail, one after the other.
pub struct Mailbox {
    pub port: u16,
    pub taken: mpsc::UnboundedReceiver<String>,
}

pub async fn mailbox() -> Mailbox {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, taken) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(mail_server(socket, sender.clone()));
        }
    });
    Mailbox { port, taken }
}

pub fn mailer(port: u16) -> Mailer {
    let mail = Mail {
        server: "127.0.0.1".into(),
        port,
        encryption: Encryption::Loopback,
        from: "portal@example.org".into(),
        user: None,
        password: None,
    };
    Mailer::new(&mail, ORIGIN).unwrap()
}

pub async fn one_bad_mailbox_keeps_nobody_elses_mail(world: World) {
    let mut admin = world.person("admin", &[Role::Administrator]).await;
    for name in ["gone", "full", "ann", "bob"] {
        let person = world.person(name, &[Role::Analyst]).await;
        let path = format!("/api/projects/{}/members/{}", world.project, person.user);
        admin.call(Method::PUT, &path, Some(json!({ "roles": ["auditor"] }))).await.ok();
    }
    // What is written down for somebody may be no address at all.
    world.tamper("UPDATE users SET email = 'bob at example.org' WHERE email = 'bob@example.org'").await;
    let Mailbox { port, mut taken } = mailbox().await;
    let mut mailer = mailer(port);
    mailer.send_due(&world.portal).await.unwrap();
    mailer.send_due(&world.portal).await.unwrap();
    assert!(taken.recv().await.unwrap().contains("<ann@example.org>"));
    assert!(taken.try_recv().is_err());
    assert_eq!(world.count("SELECT COUNT(*) FROM notices WHERE mailed IS NULL").await, 3);
}

/// Whoever comes first, with a letter that this mail server does not take, or a name at which it hangs up.
pub async fn a_mailbox_that_breaks_the_round_keeps_nobody_elses_mail(world: World) {
    let mut admin = world.person("admin", &[Role::Administrator]).await;
    let mut told = Vec::new();
    for name in ["ann", "bob", "cy"] {
        let person = world.person(name, &[Role::Analyst]).await;
        let path = format!("/api/projects/{}/members/{}", world.project, person.user);
        admin.call(Method::PUT, &path, Some(json!({ "roles": ["auditor"] }))).await.ok();
        told.push(person.user);
    }
    // In the order in which they are written to.
    told.sort();
    for (user, email) in told.iter().zip(["jörg@example.org", "cut@example.org", "dora@example.org"]) {
        assert_eq!(crate::text::email(email).unwrap(), email);
        let mut tx = world.portal.db.begin().await.unwrap();
        let changed = sqlx::query("UPDATE users SET email = $1 WHERE id = $2").bind(email).bind(user);
        changed.execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    let Mailbox { port, mut taken } = mailbox().await;
    let mut mailer = mailer(port);
    // This one ends at the mailbox at which the server hangs up, and the next one passes it by.
    assert!(mailer.send_due(&world.portal).await.is_err());
    assert!(taken.try_recv().is_err());
    mailer.send_due(&world.portal).await.unwrap();
    assert!(taken.recv().await.unwrap().contains("<dora@example.org>"));
    assert_eq!(world.count("SELECT COUNT(*) FROM notices WHERE mailed IS NULL").await, 2);
}

/// Neither by notices of before, nor by new ones.
pub async fn whoever_left_hears_nothing_more(world: World) {
    let Cast { mut admin, mut analyst, mut second, request, .. } = cast(&world).await;
    let path = format!("/api/requests/{request}/comments");
    second.post(&path, json!({ "text": "what for?" })).await.ok();
    assert!(second.get("/api/inbox").await.ok()["unread"].as_i64().unwrap() > 0);
    let member = format!("/api/projects/{}/members/{}", world.project, second.user);
    admin.call(Method::PUT, &member, Some(json!({ "roles": [] }))).await.ok();
    let before = world.count("SELECT COUNT(*) FROM notices").await;
    analyst.post(&path, json!({ "text": "for a paper" })).await.ok();
    analyst.call(Method::POST, &format!("/api/requests/{request}/withdraw"), None).await.ok();
    let inbox = second.get("/api/inbox").await.ok();
    assert_eq!((&inbox["unread"], &inbox["notices"]), (&json!(0), &json!([])));
    // Of the withdrawal the other approver is told, and nobody of the comment.
    assert_eq!(world.count("SELECT COUNT(*) FROM notices").await, before + 1);
}

pub async fn whoever_is_no_administrator_any_more_has_invited_nobody(world: World) {
    let mut ann = world.person("ann", &[Role::Administrator]).await;
    let mut bob = world.person("bob", &[Role::Administrator]).await;
    let path = format!("/api/projects/{}/invitations", world.project);
    let form = |email: &str| json!({ "email": email, "roles": ["administrator"] });
    let made = bob.post(&path, form("eve@example.org")).await.ok();
    ann.post(&path, form("cy@example.org")).await.ok();
    let member = format!("/api/projects/{}/members/{}", world.project, bob.user);
    ann.call(Method::PUT, &member, Some(json!({ "roles": ["auditor"] }))).await.ok();
    let token = made["link"].as_str().unwrap().rsplit('/').next().unwrap();
    let form = json!({ "name": "Eve", "password": PASSWORD });
    let mut eve = world.stranger();
    eve.post(&format!("/api/invitations/{token}"), form).await.refused(404, "no_such_thing");
    assert_eq!(ann.get(&path).await.ok().as_array().unwrap().len(), 1);
}

pub async fn an_administrator_ends_the_sessions_of_a_member_and_of_nobody_else(world: World) {
    let mut ann = world.person("ann", &[Role::Administrator]).await;
    let mut bob = world.person("bob", &[Role::Analyst]).await;
    let mut elsewhere = world.person_in(&world.other_project().await, "cy", &[Role::Analyst]).await;
    let path = |user: &str| format!("/api/projects/{}/members/{user}/sessions", world.project);
    bob.call(Method::DELETE, &path(&ann.user), None).await.refused(403, "not_allowed");
    ann.call(Method::DELETE, &path(&elsewhere.user), None).await.refused(404, "no_such_thing");
    ann.call(Method::DELETE, &path(&bob.user), None).await.ok();
    bob.get("/api/me").await.refused(401, "not_logged_in");
    for person in [&mut ann, &mut elsewhere] {
        person.get("/api/me").await.ok();
    }
    world.tamper("UPDATE sessions SET fresh_until = fresh_until - 301").await;
    ann.call(Method::DELETE, &path(&bob.user), None).await.refused(403, "step_up_needed");
}

pub async fn wrong_passwords_and_sessions_are_written_down_and_strangers_do_not_fill_the_book(world: World) {
    let mut auditor = world.person("auditor", &[Role::Auditor]).await;
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let mut other = world.person_in(&world.other_project().await, "cy", &[Role::Auditor]).await;
    let mut eve = world.stranger();
    eve.peer = Some([192, 0, 2, 1].into());
    let since = Instant::now();
    for email in ["ann@example.org", "nobody@example.org", "ann@example.org"] {
        let form = json!({ "email": email, "password": "guess after guess" });
        eve.post("/api/login", form).await.refused(401, "wrong_login");
    }
    world.portal.db.settle().await;
    ann.post("/api/fresh", json!({ "password": PASSWORD })).await.ok();
    let path = format!("/api/projects/{}/journal/accounts", world.project);
    let lines = auditor.get(&path).await.ok();
    let of_ann = |line: &&Value| line["actor"] == ann.user.as_str();
    let kinds: Vec<&Value> =
        lines.as_array().unwrap().iter().filter(of_ann).map(|line| &line["kind"]).collect();
    assert_eq!(kinds, ["stepped_up", "wrong_password", "wrong_password", "logged_in"]);
    assert_eq!(lines[1]["detail"]["from"], "192.0.2.1");
    // Who shares no project with somebody reads nothing of them.
    other.get(&path).await.refused(404, "no_such_thing");
    let theirs = other.get(&format!("/api/projects/{}/journal/accounts", world.other_project().await)).await;
    assert!(!String::from_utf8(theirs.body).unwrap().contains(&ann.user));
    let noted = (0..2000).filter(|_| world.portal.limits.may_note("")).count();
    assert!((400..600).contains(&noted), "{noted}");
    // Nor do they hide a guess at somebody: those of nobody fill a page of their own, one line a minute more.
    let wrong = "SELECT COUNT(*) FROM journal WHERE kind = 'wrong_password'";
    let before = world.count(wrong).await;
    for (email, more) in [("nobody@example.org", 0), ("ann@example.org", 1)] {
        let form = json!({ "email": email, "password": "guess after guess" });
        eve.post("/api/login", form).await.refused(401, "wrong_login");
        let written = world.count(wrong).await - before - more;
        let minutes = i64::try_from(since.elapsed().as_secs() / 60).unwrap();
        assert!((0..=minutes).contains(&written), "{email} {written}");
    }

    let uploads = format!("/api/projects/{}/uploads", world.project);
    let upload = ann.post(&uploads, json!({ "sizes": [1, 1, 1], "chunk": 65536 })).await.ok();
    ann.call(Method::DELETE, &format!("/api/uploads/{}", upload["id"].as_str().unwrap()), None).await.ok();
    let journal = format!("/api/projects/{}/journal", world.project);
    for kind in ["upload_begun", "upload_dropped"] {
        let page = auditor.get(&format!("{journal}?kind={kind}&actor={}", ann.user)).await.ok();
        assert_eq!(page["entries"].as_array().unwrap().len(), 1, "{kind}");
    }
}

/// Nobody's refusal waits for the book, so whoever measures does not learn about whom something is written in it.
/// On PostgreSQL somebody else has the book here; in SQLite nothing else goes on while somebody has it.
pub async fn how_long_a_refusal_takes_tells_nobody_who_has_an_account(world: World) {
    world.person("ann", &[Role::Provider]).await;
    while world.portal.limits.may_note("") {}
    let wrong = "SELECT COUNT(*) FROM journal WHERE kind = 'wrong_password'";
    let before = world.count(wrong).await;
    let mut book = None;
    if world.portal.config.database.is_some() {
        let mut tx = world.portal.db.begin().await.unwrap();
        sqlx::query("UPDATE journal_heads SET sequence = sequence").execute(&mut *tx).await.unwrap();
        book = Some(tx);
    }
    for email in ["ann@example.org", "nobody@example.org"] {
        let form = json!({ "email": email, "password": "guess after guess" });
        world.stranger().post("/api/login", form).await.refused(401, "wrong_login");
    }
    if let Some(book) = book {
        book.commit().await.unwrap();
    }
    // All the same it is written.
    assert_eq!(world.count(wrong).await, before + 1);
}

/// Asked again, nothing changes and nothing is written down.
pub async fn what_is_put_away_already_is_no_news(world: World) {
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let form = json!({ "handle": "AB".repeat(32), "schema": [{ "name": "age", "type": "int" }], "rows": 1,
        "file_digest": "0".repeat(64), "file_name": "a.csv" });
    ann.post(&format!("/api/projects/{}/tables", world.project), form).await.ok();
    let path = format!("/api/tables/{}", "AB".repeat(32));
    for archived in [true, true, true, false, false] {
        let form = Some(json!({ "archived": archived }));
        assert_eq!(ann.call(Method::PATCH, &path, form).await.ok()["archived"], archived);
    }
    let count = "SELECT COUNT(*) FROM journal WHERE kind IN ('table_archived', 'table_restored')";
    assert_eq!(world.count(count).await, 2);
}

/// More than anybody reads is not kept, and not parsed while others wait.
pub async fn endless_requests_are_refused(world: World) {
    let [mut admin, mut analyst, mut first, second] = enrolled(&world).await;
    let path = format!("/api/projects/{}/requests", world.project);
    let form = |payload: String| json!({ "kind": "script", "name": "x", "payload": payload });
    let long = STANDARD.encode(vec![b' '; (1 << 20) + 3]);
    analyst.post(&path, form(long)).await.refused(413, "request_too_long");
    analyst.post(&path, form("A".repeat(4 << 20))).await.refused(413, "request_too_long");
    let (_, payload) = super::requests::approved_by(&first, &analyst, 1, |terms| {
        let used = [
            "180A662EF5BB52396D31516E9127FDE298A1B6A76673A00BD215ACBA9853FD8E",
            "EFC8A915781AE712856CA7F88AAED560A92D154BA6F78B90DCE36B287B9BC2AA",
        ];
        let handles = (0..999).map(|number| format!("{number:064X}")).chain(used.map(str::to_owned));
        terms.tables = Some(handles.map(|handle| handle.parse().unwrap()).collect());
    });
    let payload = STANDARD.encode(payload);
    analyst.post(&path, form(payload)).await.refused(400, "invalid_input");
    // Without a policy nobody can decide, and that is what is said.
    let (_, payload) = super::requests::approved_by(&first, &analyst, 2, |_| ());
    analyst.post(&path, form(STANDARD.encode(&payload))).await.refused(409, "no_policy");
    let (policy, _) = policy_of(1, &json!("all"), &[("first", &first), ("second", &second)]);
    let policies = format!("/api/projects/{}/policy", world.project);
    admin.post(&policies, json!({ "payload": STANDARD.encode(policy) })).await.ok();
    let made = analyst.post(&path, form(STANDARD.encode(&payload))).await.ok();
    world.tamper("UPDATE policies SET adopted = NULL").await;
    let verdict = json!({ "version": 1, "verdict": "reject", "text": "no" });
    let path = format!("/api/requests/{}/verdict", made["id"].as_str().unwrap());
    first.post(&path, verdict).await.refused(409, "no_policy");
}
