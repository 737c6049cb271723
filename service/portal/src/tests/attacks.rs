use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use super::World;
use super::requests::{Cast, cast};
use super::world::PASSWORD;
use crate::access::{Role, routes};

pub async fn other_sites_and_forms_change_nothing(world: World) {
    let mut ann = world.person("ann", &[Role::Administrator]).await;
    let form = || Body::from(json!({ "email": "eve@example.org", "roles": ["administrator"] }).to_string());
    let path = format!("/api/projects/{}/invitations", world.project);
    for (site, origin, kind, status, code) in [
        ("cross-site", None, "application/json", 403, "cross_site"),
        ("same-site", None, "application/json", 403, "cross_site"),
        ("none", None, "application/json", 403, "cross_site"),
        ("same-origin", Some("https://evil.example"), "application/json", 403, "cross_site"),
        ("same-origin", Some("null"), "application/json", 403, "cross_site"),
        ("same-origin", None, "text/plain", 415, "wrong_content_type"),
        ("same-origin", None, "application/x-www-form-urlencoded", 415, "wrong_content_type"),
        ("same-origin", None, "multipart/form-data; boundary=x", 415, "wrong_content_type"),
    ] {
        let mut request = axum::http::Request::builder().method(Method::POST).uri(&path);
        request = request.header("sec-fetch-site", site).header("content-type", kind);
        request = request.header("cookie", format!("__Host-vdl={}", ann.cookie.as_ref().unwrap()));
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        ann.send(request.body(form()).unwrap()).await.refused(status, code);
    }
    // Neither header: no browser of our day.
    let bare = axum::http::Request::builder().method(Method::POST).uri("/api/login");
    let bare = bare.header("content-type", "application/json").body(form()).unwrap();
    ann.send(bare).await.refused(403, "cross_site");
    // Two cookies of one name are none.
    let cookie = ann.cookie.clone().unwrap();
    let twice = ann.request(Method::GET, "/api/me").header("cookie", format!("__Host-vdl={cookie}"));
    ann.send(twice.body(Body::empty()).unwrap()).await.refused(401, "not_logged_in");
    assert_eq!(world.count("SELECT COUNT(*) FROM invitations WHERE email <> ''").await, 0);
}

pub async fn every_answer_has_its_headers(world: World) {
    let mut ann = world.person("ann", &Role::ALL).await;
    let mut paths: Vec<(Method, String)> =
        routes().iter().map(|route| (route.method.clone(), route.path.replace(['{', '}'], ""))).collect();
    for path in ["/", "/requests/1", "/index.html", "/assets/x.js", "/api/nothing", "/favicon.ico", "/../etc"]
    {
        paths.push((Method::GET, path.to_owned()));
    }
    paths.push((Method::from_bytes(b"TRACE").unwrap(), "/api/me".into()));
    paths.push((Method::PUT, "/".into()));
    for (method, path) in paths {
        let answer = ann.call(method.clone(), &path, None).await;
        let header = |name: &str| {
            let value = answer.headers.get(name);
            value.unwrap_or_else(|| panic!("{method} {path} has no {name}")).to_str().unwrap().to_owned()
        };
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{path}: {policy}");
        let kind = answer.headers.get("content-type");
        let page = kind.is_some_and(|kind| kind.to_str().unwrap().starts_with("text/html"));
        assert_eq!(page, policy.contains("require-trusted-types-for 'script'"), "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert!(header("strict-transport-security").contains("max-age=31536000"));
        assert!(header("permissions-policy").contains("camera=()"));
        let cache = header("cache-control");
        assert!(if page { cache == "no-cache" } else { cache == "no-store" }, "{path}: {cache}");
        assert!(
            answer.headers.get("server").is_none()
                && answer.headers.get("access-control-allow-origin").is_none()
        );
    }
    let answer = ann.call(Method::PUT, "/api/me", None).await;
    assert_eq!((answer.status.as_u16(), answer.headers["allow"].to_str().unwrap()), (405, "GET, PATCH"));
    let set = ann.login("ann@example.org").await.headers["set-cookie"].to_str().unwrap().to_owned();
    for part in ["__Host-vdl=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Domain"));
}

pub async fn nobody_sees_or_touches_what_belongs_to_others(world: World) {
    let Cast { mut analyst, request, .. } = cast(&world).await;
    let mut elsewhere = world.person_in(&world.other_project().await, "eve", &Role::ALL).await;
    let project = format!("/api/projects/{}", world.project);
    for path in [
        project.clone(),
        format!("{project}/requests"),
        format!("{project}/tables"),
        format!("{project}/journal"),
        format!("{project}/policy"),
        format!("/api/requests/{request}"),
        format!("/api/requests/{request}/approved"),
    ] {
        elsewhere.get(&path).await.refused(404, "no_such_thing");
    }
    let comment = json!({ "text": "hello" });
    elsewhere
        .post(&format!("/api/requests/{request}/comments"), comment.clone())
        .await
        .refused(404, "no_such_thing");
    // In a project together, yet not theirs.
    let mut other = world.person("other", &[Role::Analyst]).await;
    let withdraw = format!("/api/requests/{request}/withdraw");
    other.call(Method::POST, &withdraw, None).await.refused(403, "not_allowed");
    let notice = world.count("SELECT COUNT(*) FROM notices").await;
    assert!(notice > 0);
    analyst.post("/api/inbox/nothing/read", json!({})).await.refused(404, "no_such_thing");
    other.post(&format!("/api/requests/{request}/comments"), comment).await.ok();
    for strange in ["\0", "%00", "..", "%2e%2e%2f", "'; DROP TABLE users; --", "\u{202e}"] {
        let strange: String = strange.bytes().map(|b| format!("%{b:02X}")).collect();
        analyst.get(&format!("/api/requests/{strange}")).await.refused(404, "no_such_thing");
        analyst.get(&format!("/api/projects/{strange}")).await.refused(404, "no_such_thing");
        let status = analyst.call(Method::DELETE, &format!("/api/sessions/{strange}"), None).await;
        status.refused(404, "no_such_thing");
    }
    assert!(world.count("SELECT COUNT(*) FROM users").await > 3);
}

pub async fn bodies_have_limits_and_strange_ones_are_refused(world: World) {
    let mut ann = world.person("ann", &Role::ALL).await;
    let long = "x".repeat(70_000);
    let form = json!({ "email": long, "password": "x" });
    ann.post("/api/login", form).await.refused(413, "request_too_long");
    let relay = format!("/api/projects/{}/relay/0", world.project);
    let answer = ann.octets(Method::POST, &relay, vec![0; (17 << 20) + 1]).await;
    answer.refused(413, "request_too_long");
    assert!(world.servers.received().is_empty());
    for strange in [
        "",
        "{",
        "[]",
        "null",
        r#"{"locale":"en","locale":"nl"}"#,
        r#"{"locale":"en","admin":true}"#,
        r#"{"locale":"xx"}"#,
        "\u{feff}{}",
    ] {
        let request = ann.request(Method::PATCH, "/api/me").header("content-type", "application/json");
        ann.send(request.body(Body::from(strange)).unwrap()).await.refused(400, "invalid_input");
    }
    let path = format!("/api/projects/{}/journal?after=x", world.project);
    ann.get(&path).await.refused(400, "invalid_input");
    let path = format!("/api/projects/{}/journal?kind=%00", world.project);
    ann.get(&path).await.ok();
}

/// Whoever can write to the database makes requests fail, never pass.
pub async fn a_changed_row_never_becomes_an_approval(world: World) {
    let Cast { mut first, mut second, request, payload, .. } = cast(&world).await;
    let path = format!("/api/requests/{request}/signatures");
    let signature = |person: &super::Person, payload: &[u8]| json!({ "version": 1, "signature": person.sign(vdl_authorize::PAYLOAD_TYPE, payload) });
    // The signature is of what the page showed; then somebody changes what is stored.
    let form = signature(&first, &payload);
    world.tamper("UPDATE versions SET payload = 'e30='").await;
    first.post(&path, form.clone()).await.refused(500, "internal");
    world.tamper("UPDATE versions SET digest = 'AF1349B9F5F9A1A6A0404DEA36DCC9499BCB25C9ADC112B7CC9A93CAE41F3262', payload = ''").await;
    first.post(&path, form.clone()).await.refused(400, "wrong_signature");
    restore(&world, &payload).await;
    first.post(&path, form).await.ok();
    // A signature that somebody put there counts for nothing, and spoils the file.
    world.tamper("UPDATE signatures SET signature = 'AAAA'").await;
    second.post(&path, signature(&second, &payload)).await.refused(400, "wrong_signature");
    let approved = format!("/api/requests/{request}/approved");
    first.get(&approved).await.refused(409, "not_now");
    // Nor does a state that somebody wrote.
    world.tamper("UPDATE requests SET state = 'approved'").await;
    first.get(&approved).await.refused(400, "wrong_signature");
    world.tamper("DELETE FROM signatures").await;
    first.get(&approved).await.refused(400, "approver_missing");
    // A signature of one approver in the name of another.
    let own = first.sign(vdl_authorize::PAYLOAD_TYPE, &payload);
    let mut tx = world.portal.db.begin().await.unwrap();
    for (position, person) in [(1i64, &first), (2, &second)] {
        sqlx::query(
            "INSERT INTO signatures (request_id, version, public, user_id, signature, position, created)
             VALUES ($1, 1, $2, $3, $4, $5, 0)",
        )
        .bind(&request)
        .bind(&person.public)
        .bind(&person.user)
        .bind(&own)
        .bind(position)
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    first.get(&approved).await.refused(400, "wrong_signature");
}

async fn restore(world: &World, payload: &[u8]) {
    let mut tx = world.portal.db.begin().await.unwrap();
    sqlx::query("UPDATE versions SET payload = $1, digest = $2")
        .bind(crate::text::to_base64(payload))
        .bind(blake3::hash(payload).to_hex().to_uppercase())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

pub async fn the_journal_is_a_chain_and_tells_what_happened(world: World) {
    let Cast { mut first, request, .. } = cast(&world).await;
    let verdict = json!({ "version": 1, "verdict": "reject", "text": "not this" });
    first.post(&format!("/api/requests/{request}/verdict"), verdict).await.ok();
    let mut auditor = world.person("auditor", &[Role::Auditor]).await;
    let journal = format!("/api/projects/{}/journal", world.project);
    let export = auditor.get(&format!("{journal}/export")).await;
    assert!(export.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let text = String::from_utf8(export.body).unwrap();
    let mut previous = "0".repeat(64);
    let mut kinds = Vec::new();
    for (line, sequence) in text.lines().zip(1i64..) {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&entry["previous"], &entry["sequence"]), (&json!(previous), &json!(sequence)));
        previous = blake3::hash(line.as_bytes()).to_hex().to_string();
        kinds.push(entry["kind"].as_str().unwrap().to_owned());
    }
    for kind in
        ["project_made", "joined", "key_enrolled", "policy_adopted", "request_submit", "request_reject"]
    {
        assert!(kinds.iter().any(|found| found == kind), "{kind} {kinds:?}");
    }
    let page = auditor.get(&format!("{journal}?kind=request_reject&actor={}", first.user)).await.ok();
    assert_eq!((page["entries"].as_array().unwrap().len(), &page["head"]), (1, &json!(previous)));
    assert_eq!(page["entries"][0]["object"], request);
    let after = page["length"].as_i64().unwrap();
    let page = auditor.get(&format!("{journal}?after={after}")).await.ok();
    assert!(page["entries"].as_array().unwrap().is_empty());
}

/// Nothing by which somebody could come in stands in the database.
pub async fn secrets_are_not_stored_as_they_are(world: World) {
    let mut ann = world.person("ann", &[Role::Administrator]).await;
    let path = format!("/api/projects/{}/invitations", world.project);
    let made = ann.post(&path, json!({ "email": "bob@example.org", "roles": ["analyst"] })).await.ok();
    let token = made["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let cookie = ann.cookie.clone().unwrap();
    let mut tx = world.portal.db.begin().await.unwrap();
    let mut stored = String::new();
    for column in [
        "SELECT secret FROM sessions",
        "SELECT id FROM sessions",
        "SELECT secret FROM invitations",
        "SELECT password FROM users",
        "SELECT line FROM journal",
    ] {
        let rows: Vec<(String,)> = sqlx::query_as(column).fetch_all(&mut *tx).await.unwrap();
        assert!(!rows.is_empty());
        stored.extend(rows.into_iter().map(|(text,)| text));
    }
    tx.commit().await.unwrap();
    for secret in [token.as_str(), cookie.as_str(), PASSWORD] {
        assert!(!stored.contains(secret));
    }
    assert!(stored.contains("$argon2id$"));
}
