use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::World;
use super::standin::Mood;
use crate::access::Role;

const CHUNK: usize = 65_536;

fn parcel(server: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ server).collect()
}

pub async fn pieces_arrive_in_any_order_and_are_sent_as_one(world: World) {
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let lengths = [2 * CHUNK + 10, CHUNK, 1];
    let form = json!({ "sizes": lengths, "chunk": CHUNK });
    let upload = ann.post(&format!("/api/projects/{}/uploads", world.project), form).await.ok();
    let path = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
    let send = format!("{path}/send");
    ann.call(Method::POST, &send, None).await.refused(409, "upload_incomplete");
    for (server, chunk) in [(0, 2), (2, 0), (0, 0), (1, 0), (0, 0)] {
        let whole = parcel(server, lengths[server as usize]);
        let piece = whole.chunks(CHUNK).nth(chunk).unwrap().to_vec();
        ann.octets(Method::PUT, &format!("{path}/{server}/{chunk}"), piece).await.ok();
    }
    assert_eq!(ann.get(&path).await.ok()["have"], json!([[0, 2], [0], [0]]));
    ann.call(Method::POST, &send, None).await.refused(409, "upload_incomplete");
    let piece = parcel(0, lengths[0])[CHUNK..2 * CHUNK].to_vec();
    ann.octets(Method::PUT, &format!("{path}/0/1"), piece.clone()).await.ok();
    let answers = ann.call(Method::POST, &send, None).await.ok();
    let first = crate::text::base64("x", answers["answers"][0].as_str().unwrap()).unwrap();
    assert_eq!(first, format!("answer 0 to {} octets", lengths[0]).into_bytes());
    let mut received = world.servers.received();
    received.sort();
    let sent: Vec<(u8, Vec<u8>)> =
        (0..3).map(|server| (server, parcel(server, lengths[server as usize]))).collect();
    assert!(received == sent, "the servers got something else");
    // Again: the same answers, and nothing is sent twice.
    assert_eq!(ann.call(Method::POST, &send, None).await.ok(), answers);
    assert_eq!(world.servers.received().len(), 3);
    ann.octets(Method::PUT, &format!("{path}/0/1"), piece).await.refused(409, "not_now");
    assert_eq!(ann.get(&path).await.ok()["state"], "sent");
    assert_eq!(std::fs::read_dir(world.folder.path().join("data/spool")).unwrap().count(), 0);

    let relay = format!("/api/projects/{}/relay/1", world.project);
    let answer = ann.octets(Method::POST, &relay, b"sealed".to_vec()).await;
    assert_eq!(answer.body, b"answer 1 to 6 octets");
    let relay = format!("/api/projects/{}/relay/3", world.project);
    ann.octets(Method::POST, &relay, b"sealed".to_vec()).await.refused(404, "no_such_thing");
}

/// Two took theirs and one did not: which one is said, and the upload can be sent again.
pub async fn a_server_that_cannot_read_its_parcel_is_named(world: World) {
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let form = json!({ "sizes": [5, 5, 5], "chunk": CHUNK });
    let upload = ann.post(&format!("/api/projects/{}/uploads", world.project), form).await.ok();
    let path = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
    for server in 0..3 {
        ann.octets(Method::PUT, &format!("{path}/{server}/0"), parcel(server, 5)).await.ok();
    }
    world.servers.set([Mood::Answers, Mood::Refuses(400, "sealed_unreadable"), Mood::Answers]);
    let refused = ann.call(Method::POST, &format!("{path}/send"), None).await;
    assert_eq!(refused.json()["server"], 1);
    refused.refused(400, "sealed_unreadable");
    world.servers.set([Mood::Answers; 3]);
    ann.call(Method::POST, &format!("{path}/send"), None).await.ok();
}

/// Its task broke, and no restart is needed to send it again; one that somebody still sends is left alone.
pub async fn an_upload_that_nobody_sends_any_more_is_open_again(world: World) {
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let form = json!({ "sizes": [5, 5, 5], "chunk": CHUNK });
    let upload = ann.post(&format!("/api/projects/{}/uploads", world.project), form).await.ok();
    let path = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
    for server in 0..3 {
        ann.octets(Method::PUT, &format!("{path}/{server}/0"), parcel(server, 5)).await.ok();
    }
    world.tamper("UPDATE uploads SET state = 'sending'").await;
    world.portal.sweep().await.unwrap();
    assert_eq!(ann.get(&path).await.ok()["state"], "open");
    world.servers.set([Mood::Hangs, Mood::Answers, Mood::Answers]);
    let (mut sender, send) = (ann.clone(), format!("{path}/send"));
    let sent = tokio::spawn(async move { sender.call(Method::POST, &send, None).await });
    while world.servers.hanging() < 1 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    world.portal.sweep().await.unwrap();
    assert_eq!(ann.get(&path).await.ok()["state"], "sending");
    world.servers.set([Mood::Answers; 3]);
    sent.await.unwrap().ok();
    assert_eq!(ann.get(&path).await.ok()["state"], "sent");
}

pub async fn half_an_upload_is_never_sent(world: World) {
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let form = json!({ "sizes": [CHUNK, 5, 5], "chunk": CHUNK });
    let upload = ann.post(&format!("/api/projects/{}/uploads", world.project), form).await.ok();
    let path = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
    for (piece, address) in
        [(vec![0; CHUNK - 1], "0/0"), (vec![0; CHUNK + 1], "0/0"), (vec![], "1/0"), (vec![0; 6], "2/0")]
    {
        ann.octets(Method::PUT, &format!("{path}/{address}"), piece).await.refused(400, "invalid_input");
    }
    for address in ["0/1", "3/0", "1/x", "-1/0", "0/99999999999999999999"] {
        ann.octets(Method::PUT, &format!("{path}/{address}"), vec![0; 5]).await.refused(404, "no_such_thing");
    }
    assert_eq!(ann.get(&path).await.ok()["have"], json!([[], [], []]));
    ann.call(Method::POST, &format!("{path}/send"), None).await.refused(409, "upload_incomplete");
    assert!(world.servers.received().is_empty());
    ann.call(Method::DELETE, &path, None).await.ok();
    ann.get(&path).await.refused(404, "no_such_thing");
    assert_eq!(std::fs::read_dir(world.folder.path().join("data/spool")).unwrap().count(), 0);
}

pub async fn uploads_have_quotas_and_owners(world: World) {
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let mut bob = world.person("bob", &[Role::Provider]).await;
    let uploads = format!("/api/projects/{}/uploads", world.project);
    let form = |sizes: Value, chunk: usize| json!({ "sizes": sizes, "chunk": chunk });
    for (sizes, chunk, code) in [
        (json!([1, 1, 0]), CHUNK, "invalid_input"),
        (json!([1, 1, -5]), CHUNK, "invalid_input"),
        (json!([1, 1, 1]), 1, "invalid_input"),
        (json!([1, 1, 1]), 5 << 20, "invalid_input"),
        (json!([1, 1]), CHUNK, "invalid_input"),
        (json!([1_u64 << 62, 1, 1]), CHUNK, "invalid_input"),
    ] {
        ann.post(&uploads, form(sizes, chunk)).await.refused(400, code);
    }
    let half = 2_u64 << 30;
    ann.post(&uploads, form(json!([half, half, half]), CHUNK)).await.refused(413, "quota_reached");
    // Two as large as they may be, and not one octet more.
    let large = form(json!([half, half - 5, 5]), CHUNK);
    let first = ann.post(&uploads, large.clone()).await.ok();
    ann.post(&uploads, large.clone()).await.ok();
    ann.post(&uploads, form(json!([1, 1, 1]), CHUNK)).await.refused(413, "quota_reached");
    // Others are not held up, but may not look.
    let path = format!("/api/uploads/{}", first["id"].as_str().unwrap());
    bob.get(&path).await.refused(404, "no_such_thing");
    bob.call(Method::DELETE, &path, None).await.refused(404, "no_such_thing");
    bob.octets(Method::PUT, &format!("{path}/2/0"), vec![0; 5]).await.refused(404, "no_such_thing");
    for _ in 0..16 {
        bob.post(&uploads, form(json!([1, 1, 1]), CHUNK)).await.ok();
    }
    bob.post(&uploads, form(json!([1, 1, 1]), CHUNK)).await.refused(413, "quota_reached");
    // What nobody finishes is forgotten.
    world.tamper("UPDATE uploads SET created = created - 90000").await;
    world.portal.sweep().await.unwrap();
    ann.get(&path).await.refused(404, "no_such_thing");
    ann.post(&uploads, form(json!([1, 1, 1]), CHUNK)).await.ok();
}

/// Looking through a large upload takes a while, and is done a few times at once.
pub async fn nobody_looks_at_uploads_without_end(world: World) {
    let mut eve = world.person("eve", &[Role::Provider]).await;
    let form = json!({ "sizes": [CHUNK, CHUNK, CHUNK], "chunk": CHUNK });
    let upload = eve.post(&format!("/api/projects/{}/uploads", world.project), form).await.ok();
    let path = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
    let mut turns = Vec::new();
    for _ in 0..4 {
        turns.push(world.portal.busy.users.take(&eve.user).await.unwrap());
    }
    eve.get(&path).await.refused(429, "too_often");
    drop(turns);
    assert_eq!(eve.get(&path).await.ok()["have"], json!([[], [], []]));
}

pub async fn tables_are_described_archived_and_forgotten(world: World) {
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let mut bob = world.person("bob", &[Role::Provider]).await;
    let tables = format!("/api/projects/{}/tables", world.project);
    let handle = "AB".repeat(32);
    let good = json!({ "handle": handle, "name": "survey", "schema": [{ "name": "age", "type": "int" }],
        "rows": 10, "file_digest": "0".repeat(64), "file_name": "survey.csv" });
    for (field, wrong) in [
        ("handle", json!("ab".repeat(32))),
        ("rows", json!(-1)),
        ("file_digest", json!("xyz")),
        ("schema", json!([])),
        ("schema", json!([{ "name": "age", "type": "nonsense" }])),
        ("schema", json!([{ "name": "age\u{0}", "type": "int" }])),
        ("file_name", json!("a\nb")),
    ] {
        let mut form = good.clone();
        form[field] = wrong;
        ann.post(&tables, form).await.refused(400, "invalid_input");
    }
    let made = ann.post(&tables, good.clone()).await.ok();
    assert_eq!((&made["schema"][0]["name"], &made["used_by"]), (&json!("age"), &json!([])));
    bob.post(&tables, good).await.refused(409, "taken");
    let path = format!("/api/tables/{handle}");
    bob.call(Method::DELETE, &path, None).await.refused(403, "not_allowed");
    let archived = ann.call(Method::PATCH, &path, Some(json!({ "archived": true }))).await.ok();
    assert_eq!(archived["archived"], true);
    assert_eq!(bob.get(&tables).await.ok().as_array().unwrap().len(), 1);
    ann.call(Method::DELETE, &path, None).await.ok();
    ann.call(Method::DELETE, &path, None).await.refused(404, "no_such_thing");
}

/// SQLite has no pages left; PostgreSQL says of each new table what it says of a full disk.
pub async fn a_full_database_is_told_as_one_and_loses_nothing(world: World) {
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let tables = format!("/api/projects/{}/tables", world.project);
    let form = |number: usize| {
        json!({ "handle": format!("{number:064X}"), "name": "survey",
            "schema": [{ "name": "age", "type": "int" }], "rows": 10, "file_digest": "0".repeat(64),
            "file_name": "survey.csv" })
    };
    ann.post(&tables, form(0)).await.ok();
    let run = async |statements: &[&'static str]| {
        let mut tx = world.portal.db.begin().await.unwrap();
        for statement in statements {
            sqlx::query(*statement).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    };
    let [full, roomy]: [&[&str]; 2] = match world.portal.config.database {
        Some(_) => [
            &[
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$",
                "CREATE TRIGGER full_disk BEFORE INSERT ON tables EXECUTE FUNCTION full_disk()",
            ],
            &["DROP TRIGGER full_disk ON tables"],
        ],
        None => [&["PRAGMA max_page_count = 1"], &["PRAGMA max_page_count = 1000000"]],
    };
    run(full).await;
    let mut number = 1;
    let refused = loop {
        let answer = ann.post(&tables, form(number)).await;
        if !answer.status.is_success() {
            break answer;
        }
        number += 1;
    };
    refused.refused(507, "disk_full");
    assert_eq!(ann.get(&tables).await.ok().as_array().unwrap().len(), number);
    run(roomy).await;
    ann.post(&tables, form(number)).await.ok();
    assert_eq!(ann.get(&tables).await.ok().as_array().unwrap().len(), number + 1);
}

/// A handle that somebody wrote down is told apart from a table that they uploaded here.
pub async fn nobody_says_that_somebody_elses_upload_is_their_table(world: World) {
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let mut eve = world.person("eve", &[Role::Provider]).await;
    let mut uploads = Vec::new();
    for _ in 0..2 {
        let form = json!({ "sizes": [5, 5, 5], "chunk": CHUNK });
        let upload = ann.post(&format!("/api/projects/{}/uploads", world.project), form).await.ok();
        uploads.push(upload["id"].as_str().unwrap().to_owned());
    }
    let (sent, unsent) = (&uploads[0], &uploads[1]);
    for server in 0..3 {
        let path = format!("/api/uploads/{sent}/{server}/0");
        ann.octets(Method::PUT, &path, parcel(server, 5)).await.ok();
    }
    ann.call(Method::POST, &format!("/api/uploads/{sent}/send"), None).await.ok();
    let tables = format!("/api/projects/{}/tables", world.project);
    let form = |handle: &str, upload: Option<&String>| {
        json!({ "handle": handle.repeat(32), "schema": [{ "name": "age", "type": "int" }], "rows": 1,
            "file_digest": "0".repeat(64), "file_name": "a.csv", "upload": upload })
    };
    assert_eq!(eve.post(&tables, form("AA", Some(sent))).await.ok()["uploaded"], false);
    assert_eq!(ann.post(&tables, form("BB", Some(unsent))).await.ok()["uploaded"], false);
    assert_eq!(ann.post(&tables, form("CC", None)).await.ok()["uploaded"], false);
    assert_eq!(ann.post(&tables, form("DD", Some(sent))).await.ok()["uploaded"], true);
    ann.post(&tables, form("EE", Some(sent))).await.refused(409, "taken");
    let listed = eve.get(&tables).await.ok();
    let uploaded = |table: &&Value| table["uploaded"] == true;
    assert_eq!(listed.as_array().unwrap().iter().filter(uploaded).count(), 1);
}

/// One list shows all of them to everybody in the project, however many columns somebody thinks of.
pub async fn what_one_user_says_of_tables_has_an_end(world: World) {
    let mut eve = world.person("eve", &[Role::Provider]).await;
    let mut ann = world.person("ann", &[Role::Provider]).await;
    let tables = format!("/api/projects/{}/tables", world.project);
    let columns: Vec<Value> =
        (0..250).map(|number| json!({ "name": format!("{number:0200}"), "type": "int" })).collect();
    let form = |number: usize| {
        json!({ "handle": format!("{number:064X}"), "schema": columns, "rows": 1,
            "file_digest": "0".repeat(64), "file_name": "a.csv" })
    };
    let mut number = 0;
    let refused = loop {
        let answer = eve.post(&tables, form(number)).await;
        if !answer.status.is_success() {
            break answer;
        }
        number += 1;
        assert!(number < 200);
    };
    refused.refused(413, "quota_reached");
    ann.post(&tables, form(number)).await.ok();
    let listed = ann.get(&tables).await;
    assert!(listed.body.len() < 10 << 20, "{}", listed.body.len());
    assert_eq!(listed.ok().as_array().unwrap().len(), number + 1);
}

/// Of what comes out of the database too, and also while a server keeps all their other turns.
pub async fn lists_and_requests_that_nobody_reads_hold_their_turns(world: World) {
    let super::requests::Cast { analyst: eve, second: mut ann, request, .. } =
        super::requests::cast(&world).await;
    let tables = format!("/api/projects/{}/tables", world.project);
    let (request, version) =
        (format!("/api/requests/{request}"), format!("/api/requests/{request}/versions/1"));
    let ask = |path: &str| eve.request(Method::GET, path).body(Body::empty()).unwrap();
    let mut turns = Vec::new();
    for _ in 0..4 {
        turns.push(world.portal.busy.users.take(&eve.user).await.unwrap());
    }
    let mut unread = Vec::new();
    for path in [&tables, &request, &version, &tables, &request, &version, &tables, &request] {
        let answer = world.app.clone().oneshot(ask(path)).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
        unread.push(answer);
    }
    let [mut one, mut two, mut three] = [eve.clone(), eve.clone(), eve.clone()];
    let refused = tokio::join!(one.get(&tables), two.get(&request), three.get(&version));
    for answer in [refused.0, refused.1, refused.2] {
        answer.refused(429, "too_often");
    }
    ann.get(&request).await.ok();
    drop(unread);
    assert_eq!(one.get(&version).await.ok()["version"], 1);
}

/// What the portal holds for somebody who does not read it counts, and only against whoever does not.
pub async fn answers_that_nobody_reads_hold_their_turns(world: World) {
    let roles = [Role::Analyst, Role::Auditor];
    let (eve, mut ann) = (world.person("eve", &roles).await, world.person("ann", &roles).await);
    let mut tx = world.portal.db.begin().await.unwrap();
    for _ in 0..1100 {
        crate::journal::append(&mut tx, &world.project, "", "table_uploaded", "x", json!({})).await.unwrap();
    }
    tx.commit().await.unwrap();
    let project = format!("/api/projects/{}", world.project);
    let (relay, audit, journal) = ("relay/1", "audit/1", "journal/export");
    let ask = |what: &str| {
        let (method, body) = if what == relay { (Method::POST, "sealed") } else { (Method::GET, "") };
        let request = eve.request(method, &format!("{project}/{what}"));
        request.header("content-type", "application/octet-stream").body(Body::from(body)).unwrap()
    };
    let mut unread = Vec::new();
    for what in [relay, audit, journal, relay] {
        let answer = world.app.clone().oneshot(ask(what)).await.unwrap();
        assert_eq!(answer.status(), 200, "{what}");
        unread.push(answer);
    }
    let [mut one, mut two, mut three] = [eve.clone(), eve.clone(), eve.clone()];
    let refused = tokio::join!(one.send(ask(relay)), two.send(ask(audit)), three.send(ask(journal)));
    for answer in [refused.0, refused.1, refused.2] {
        answer.refused(429, "too_often");
    }
    assert_eq!(ann.get(&format!("{project}/audit/1")).await.body, b"{\"part\":0}\n{\"part\":1}\n");
    drop(unread);
    assert_eq!(one.send(ask(relay)).await.body, b"answer 1 to 6 octets");
    let journal = String::from_utf8(one.send(ask(journal)).await.body).unwrap();
    let last = world.count("SELECT MAX(sequence) FROM journal_heads WHERE chain <> 'portal'").await;
    assert_eq!(i64::try_from(journal.lines().count()).unwrap(), last);
    let sequence = |line: &str| serde_json::from_str::<Value>(line).unwrap()["sequence"].as_u64().unwrap();
    assert!(journal.lines().zip(1..).all(|(line, number)| sequence(line) == number));
}
