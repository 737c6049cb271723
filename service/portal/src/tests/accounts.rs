use axum::http::Method;
use serde_json::json;

use super::World;
use super::world::PASSWORD;
use crate::access::Role;

const ADMIN: &[Role] = &[Role::Administrator];

pub async fn the_first_link_makes_an_administrator_and_works_once(world: World) {
    assert_eq!(world.links.len(), 2);
    let token = world.links[0].link.rsplit('/').next().unwrap().to_owned();
    let path = format!("/api/invitations/{token}");
    let mut first = world.stranger();
    let invited = first.get(&path).await.ok();
    assert_eq!((&invited["email"], &invited["project"]), (&json!(""), &json!("Stroke")));
    let form = json!({ "name": "Ann", "password": PASSWORD });
    first.post(&path, form).await.refused(400, "invalid_input");
    let form = json!({ "name": "Ann", "password": "short", "email": "ann@example.org" });
    first.post(&path, form).await.refused(400, "weak_password");
    let form = json!({ "name": "Ann", "password": PASSWORD, "email": "Ann@Example.org" });
    let me = first.post(&path, form.clone()).await.ok();
    assert_eq!(me["projects"][0]["roles"], json!(["administrator"]));
    assert_eq!(me["user"]["email"], "ann@example.org");
    world.stranger().post(&path, form).await.refused(404, "no_such_thing");
    world.stranger().get(&path).await.refused(404, "no_such_thing");
}

pub async fn nobody_learns_who_has_an_account(world: World) {
    world.person("ann", ADMIN).await;
    let mut stranger = world.stranger();
    let mut texts = Vec::new();
    for email in ["ann@example.org", "nobody@example.org", "no address"] {
        let form = json!({ "email": email, "password": "another horse battery" });
        let answer = stranger.post("/api/login", form).await;
        answer.refused(401, "wrong_login");
        let mut problem = answer.json();
        problem["id"] = json!("");
        texts.push(problem.to_string());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1);
    assert_eq!(stranger.login(" ANN@example.org").await.ok()["user"]["name"], "ann");
}

pub async fn guessing_a_password_is_slowed_down(world: World) {
    world.person("ann", ADMIN).await;
    let mut eve = world.stranger();
    let mut slowed = false;
    for _ in 0..20 {
        let form = json!({ "email": "ann@example.org", "password": "guess after guess" });
        slowed |= eve.post("/api/login", form).await.code() == "too_often";
    }
    assert!(slowed);
    // Not even with the right one, and whoever has no account is treated alike.
    eve.login("ann@example.org").await.refused(429, "too_often");
    assert!(eve.cookie.is_none());
    world.person("bob", ADMIN).await.get("/api/me").await.ok();
}

pub async fn a_session_ends_by_itself_and_when_its_owner_says_so(world: World) {
    let mut ann = world.person("ann", ADMIN).await;
    let mut elsewhere = world.stranger();
    elsewhere.login("ann@example.org").await.ok();
    let sessions = ann.get("/api/sessions").await.ok();
    assert_eq!(sessions.as_array().unwrap().len(), 2);
    let other = sessions.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/api/sessions/{}", other["id"].as_str().unwrap());
    let mut bob = world.person("bob", ADMIN).await;
    bob.call(Method::DELETE, &path, None).await.refused(404, "no_such_thing");
    ann.call(Method::DELETE, &path, None).await.ok();
    elsewhere.get("/api/me").await.refused(401, "not_logged_in");

    world.tamper("UPDATE sessions SET seen = seen - 1700").await;
    ann.get("/api/me").await.ok();
    world.tamper("UPDATE sessions SET seen = seen - 1801").await;
    ann.get("/api/me").await.refused(401, "not_logged_in");
    ann.login("ann@example.org").await.ok();
    world.tamper("UPDATE sessions SET created = created - 43201").await;
    ann.get("/api/me").await.refused(401, "not_logged_in");

    ann.login("ann@example.org").await.ok();
    let kept = ann.clone();
    ann.call(Method::DELETE, "/api/session", None).await.ok();
    assert!(ann.cookie.is_none());
    kept.clone().get("/api/me").await.refused(401, "not_logged_in");
}

pub async fn entering_the_password_again_changes_the_cookie_and_is_needed_for_grave_things(world: World) {
    let mut ann = world.person("ann", ADMIN).await;
    let path = format!("/api/projects/{}/invitations", world.project);
    let form = json!({ "email": "bob@example.org", "roles": ["analyst"] });
    ann.post(&path, form.clone()).await.ok();
    world.tamper("UPDATE sessions SET fresh_until = fresh_until - 301").await;
    ann.post(&path, form.clone()).await.refused(403, "step_up_needed");
    let mut before = ann.clone();
    let wrong = json!({ "password": "another horse battery" });
    ann.post("/api/fresh", wrong).await.refused(401, "wrong_login");
    ann.post(&path, form.clone()).await.refused(403, "step_up_needed");
    ann.post("/api/fresh", json!({ "password": PASSWORD })).await.ok();
    assert_ne!(ann.cookie, before.cookie);
    ann.post(&path, form).await.ok();
    before.get("/api/me").await.refused(401, "not_logged_in");
}

pub async fn a_new_password_ends_other_sessions(world: World) {
    let mut ann = world.person("ann", ADMIN).await;
    let mut elsewhere = world.stranger();
    elsewhere.login("ann@example.org").await.ok();
    let form = |old: &str, new: &str| json!({ "old": old, "new": new });
    ann.post("/api/password", form("wrong horse battery", "another long phrase"))
        .await
        .refused(401, "wrong_login");
    ann.post("/api/password", form(PASSWORD, "ann@example.org ann")).await.ok();
    ann.get("/api/me").await.ok();
    elsewhere.get("/api/me").await.refused(401, "not_logged_in");
    elsewhere.login("ann@example.org").await.refused(401, "wrong_login");
}

pub async fn a_project_keeps_an_administrator(world: World) {
    let mut ann = world.person("ann", ADMIN).await;
    let bob = world.person("bob", &[Role::Analyst]).await;
    let member = |user: &str| format!("/api/projects/{}/members/{user}", world.project);
    let roles = |roles: &[&str]| Some(json!({ "roles": roles }));
    let own = member(&ann.user);
    ann.call(Method::PUT, &own, roles(&["auditor"])).await.refused(409, "last_administrator");
    let changed = ann.call(Method::PUT, &member(&bob.user), roles(&["administrator", "analyst"])).await.ok();
    let shown = changed["members"].as_array().unwrap().iter().find(|member| member["name"] == "bob").unwrap();
    assert_eq!(shown["roles"], json!(["analyst", "administrator"]));
    ann.call(Method::PUT, &own, roles(&[])).await.ok();
    ann.get(&format!("/api/projects/{}", world.project)).await.refused(404, "no_such_thing");
    let mut bob = bob;
    let inbox = bob.get("/api/inbox").await.ok();
    assert_eq!((&inbox["unread"], &inbox["notices"][0]["kind"]), (&json!(1), &json!("roles_changed")));
    bob.post("/api/inbox/read", json!({})).await.ok();
    assert_eq!(bob.get("/api/inbox").await.ok()["unread"], 0);
    let stranger = member("nobody");
    bob.call(Method::PUT, &stranger, roles(&["analyst"])).await.refused(404, "no_such_thing");
}

pub async fn invitations_are_for_one_person_and_once(world: World) {
    let mut ann = world.person("ann", ADMIN).await;
    let path = format!("/api/projects/{}/invitations", world.project);
    let made = ann.post(&path, json!({ "email": "bob@example.org", "roles": ["analyst"] })).await.ok();
    let link = made["link"].as_str().unwrap();
    assert!(link.starts_with("https://portal.example/#/invitation/"));
    let token = link.rsplit('/').next().unwrap();
    assert_eq!(ann.get(&path).await.ok()[0]["email"], "bob@example.org");
    let take = format!("/api/invitations/{token}");
    let form = json!({ "name": "Eve", "password": PASSWORD, "email": "eve@example.org" });
    world.stranger().post(&take, form).await.refused(400, "invalid_input");
    let mut bob = world.stranger();
    bob.post(&take, json!({ "name": "Bob", "password": PASSWORD })).await.ok();
    world
        .stranger()
        .post(&take, json!({ "name": "Bob", "password": PASSWORD }))
        .await
        .refused(404, "no_such_thing");

    // Somebody with an account shows its password, and gets the roles beside those there are.
    let made = ann.post(&path, json!({ "email": "bob@example.org", "roles": ["auditor"] })).await.ok();
    let take = format!("/api/invitations/{}", made["link"].as_str().unwrap().rsplit('/').next().unwrap());
    let form = json!({ "name": "Mallory", "password": "something else entirely" });
    world.stranger().post(&take, form).await.refused(401, "wrong_login");
    let me = world.stranger().post(&take, json!({ "name": "x", "password": PASSWORD })).await.ok();
    assert_eq!(
        (&me["user"]["name"], &me["projects"][0]["roles"]),
        (&json!("Bob"), &json!(["analyst", "auditor"]))
    );

    let made = ann.post(&path, json!({ "email": "cy@example.org", "roles": ["analyst"] })).await.ok();
    ann.call(Method::DELETE, &format!("{path}/{}", made["id"].as_str().unwrap()), None).await.ok();
    let take = format!("/api/invitations/{}", made["link"].as_str().unwrap().rsplit('/').next().unwrap());
    world.stranger().get(&take).await.refused(404, "no_such_thing");
    let made = ann.post(&path, json!({ "email": "cy@example.org", "roles": ["analyst"] })).await.ok();
    let take = format!("/api/invitations/{}", made["link"].as_str().unwrap().rsplit('/').next().unwrap());
    world.tamper("UPDATE invitations SET expires = 1").await;
    world.stranger().get(&take).await.refused(404, "no_such_thing");
}

pub async fn a_key_is_enrolled_by_whoever_can_sign_with_it(world: World) {
    let mut ann = world.person("ann", &[Role::Analyst]).await;
    let enrolled = ann.enrol("analyst", 1).await.ok();
    assert_eq!(enrolled["fingerprint"], ann.key().verifying_key().fingerprint());
    let mut eve = world.person("eve", &[Role::Analyst]).await;
    eve.enrol("analyst", 1).await.refused(409, "taken");
    // A challenge is for one person, one portal, once.
    ann.seed = [2; 32];
    ann.public = ann.key().verifying_key().to_base64().unwrap();
    let challenge = ann.get("/api/keys/challenge").await.ok();
    let challenge = challenge["challenge"].as_str().unwrap();
    ann.prove("analyst", challenge, "https://elsewhere.example").await.refused(400, "wrong_signature");
    let challenge = eve.get("/api/keys/challenge").await.ok();
    let challenge = challenge["challenge"].as_str().unwrap();
    ann.prove("analyst", challenge, super::world::ORIGIN).await.refused(400, "invalid_input");
    // Somebody else's key.
    let public = ann.public.clone();
    ann.seed = [3; 32];
    ann.public = public;
    let challenge = ann.get("/api/keys/challenge").await.ok();
    let challenge = challenge["challenge"].as_str().unwrap();
    ann.prove("analyst", challenge, super::world::ORIGIN).await.refused(400, "wrong_signature");
    // A point of small order, for which anybody can sign.
    ann.public = "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into();
    ann.prove("analyst", challenge, super::world::ORIGIN).await.refused(400, "invalid_input");
    let path = format!("/api/keys/{}/retire", enrolled["id"].as_str().unwrap());
    eve.call(Method::POST, &path, None).await.refused(404, "no_such_thing");
    assert!(ann.call(Method::POST, &path, None).await.ok()["retired"].is_i64());
    assert_eq!(ann.get("/api/keys").await.ok().as_array().unwrap().len(), 1);
}
