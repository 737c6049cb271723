use axum::http::Method;
use serde_json::{Value, json};

use super::World;
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
