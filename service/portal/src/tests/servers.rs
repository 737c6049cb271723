//! Servers that hang, refuse, and go by rules that the portal has to learn.

use std::time::Duration;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vdl_authorize::{
    POLICY_PAYLOAD, Policy, Revocation, Revoked, add_signature, draft_policy, read_policy, sign_revocation,
};

use super::requests::{Cast, approved_by, cast, enrolled, people, policy_of, revocation, sign, submit};
use super::standin::Mood;
use super::{Person, World};
use crate::access::Role;
use crate::ids::now;
use crate::{publication, rules};

async fn look(world: &World) {
    publication::publish(&world.portal, &world.project).await.unwrap();
    rules::look_at(&world.portal, &world.project, false).await.unwrap();
}

async fn rules_of(world: &World, person: &mut Person) -> Value {
    person.get(&format!("/api/projects/{}/rules", world.project)).await.ok()
}

pub async fn a_server_that_hangs_holds_up_one_user_and_nobody_else(world: World) {
    let mut ann = world.person("ann", &[Role::Analyst]).await;
    let mut eve = world.person("eve", &[Role::Analyst]).await;
    world.servers.set([Mood::Hangs, Mood::Answers, Mood::Answers]);
    let relay = |server: u8| format!("/api/projects/{}/relay/{server}", world.project);
    let mut sent = Vec::new();
    for _ in 0..6 {
        let (mut eve, path) = (eve.clone(), relay(0));
        sent.push(tokio::spawn(async move { eve.octets(Method::POST, &path, b"sealed".to_vec()).await }));
    }
    while world.servers.hanging() < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    eve.octets(Method::POST, &relay(1), b"sealed".to_vec()).await.refused(429, "too_often");
    eve.get(&format!("/api/projects/{}/rules", world.project)).await.refused(429, "too_often");
    assert_eq!(ann.octets(Method::POST, &relay(1), b"sealed".to_vec()).await.status, 200);
    rules_of(&world, &mut ann).await;
    // Whoever goes away takes the turn along that the server has not given back.
    for gone in &sent {
        gone.abort();
    }
    eve.octets(Method::POST, &relay(1), b"sealed".to_vec()).await.refused(429, "too_often");
    assert_eq!(world.servers.hanging(), 4);
    world.servers.set([Mood::Answers; 3]);
    while eve.octets(Method::POST, &relay(1), b"sealed".to_vec()).await.status != 200 {}
}

/// Whatever is the matter with the servers, and whatever they say: one that took it may keep it to itself.
pub async fn a_revocation_is_offered_until_two_servers_have_it(world: World) {
    let Cast { mut analyst, mut first, mut second, request, payload, policy, .. } = cast(&world).await;
    world.servers.pin(&policy.to_payload().unwrap());
    sign(&mut first, &request, 1, &payload).await.ok();
    sign(&mut second, &request, 1, &payload).await.ok();
    world.servers.set([Mood::Refuses(401, "whatever"); 3]);
    let form = json!({ "revocation": STANDARD.encode(revocation(&first, &policy, &payload)) });
    first.post(&format!("/api/requests/{request}/revoke"), form).await.ok();
    for (mood, code) in [
        (Mood::Refuses(401, "whatever"), "wrong_token"),
        (Mood::Refuses(500, "storage_failed"), "storage_failed"),
        (Mood::Refuses(400, "not_an_approver"), "not_an_approver"),
    ] {
        world.servers.set([mood; 3]);
        look(&world).await;
        look(&world).await;
        let rules = rules_of(&world, &mut analyst).await;
        assert_eq!((&rules["waiting"], &rules["refused"]), (&json!(1), &json!([code])), "{rules}");
    }
    let told = world.count("SELECT COUNT(*) FROM journal WHERE kind = 'publish_refused'").await;
    assert_eq!(told, 3, "each is told once");
    world.servers.set([Mood::Refuses(401, "whatever"), Mood::Forgets, Mood::Refuses(500, "internal")]);
    look(&world).await;
    assert_eq!(world.servers.standing(), [(1, 0); 3]);
    assert_eq!(rules_of(&world, &mut analyst).await["waiting"], 1);
    world.servers.set([Mood::Answers, Mood::Forgets, Mood::Refuses(500, "internal")]);
    look(&world).await;
    assert_eq!(world.servers.standing(), [(1, 1), (1, 0), (1, 0)]);
    let rules = rules_of(&world, &mut analyst).await;
    assert_eq!((&rules["waiting"], &rules["refused"]), (&json!(0), &json!([])), "{rules}");
}

async fn propose(world: &World, admin: &mut Person, payload: &[u8]) -> super::people::Answer {
    let form = json!({ "payload": STANDARD.encode(payload) });
    admin.post(&format!("/api/projects/{}/policy", world.project), form).await
}

async fn sign_policy(world: &World, person: &mut Person, version: u32, payload: &[u8]) -> Value {
    let form = json!({ "version": version, "signature": person.sign(POLICY_PAYLOAD, payload) });
    person.post(&format!("/api/projects/{}/policy/signatures", world.project), form).await.ok()
}

/// The portal never counts by a policy that the servers do not go by, and there is a way back.
pub async fn a_policy_holds_here_once_two_servers_go_by_it(world: World) {
    let (mut admin, mut analyst, mut first, mut second, policy) = people(&world).await;
    world.servers.pin(&policy.to_payload().unwrap());
    world.servers.set([Mood::Refuses(500, "storage_failed"); 3]);
    let approvers = [("first", &first.clone()), ("second", &second.clone())];
    let (payload, _) = policy_of(2, &json!({ "at_least": 1 }), &approvers);
    propose(&world, &mut admin, &payload).await.ok();
    sign_policy(&world, &mut first, 2, &payload).await;
    let after = sign_policy(&world, &mut second, 2, &payload).await;
    assert_eq!((&after["current"]["version"], &after["draft"]["complete"]), (&json!(1), &json!(true)));
    // One signature is not enough yet, and a revocation is signed under what the servers go by.
    let (_, asked) = approved_by(&first, &analyst, 1, |_| ());
    let made = submit(&world, &mut analyst, &asked).await.ok();
    let request = made["id"].as_str().unwrap().to_owned();
    assert_eq!(sign(&mut first, &request, 1, &asked).await.ok()["state"], "submitted");
    let (other, _) = policy_of(2, &json!("all"), &approvers);
    propose(&world, &mut admin, &other).await.refused(409, "not_now");
    assert_eq!(rules_of(&world, &mut admin).await["waiting"], 1);
    // One of them takes it, or says so, which is not enough.
    for mood in [Mood::Forgets, Mood::Answers] {
        world.servers.set([Mood::Refuses(500, "internal"), mood, Mood::Refuses(500, "internal")]);
        look(&world).await;
        assert_eq!(rules_of(&world, &mut admin).await["waiting"], 1);
        assert_eq!(analyst.get(&format!("/api/requests/{request}")).await.ok()["state"], "submitted");
    }
    // Two of them take it. Then what was signed is enough, and that is told.
    world.servers.set([Mood::Answers, Mood::Answers, Mood::Refuses(500, "internal")]);
    look(&world).await;
    let policies = admin.get(&format!("/api/projects/{}/policy", world.project)).await.ok();
    assert_eq!((&policies["current"]["version"], &policies["draft"]), (&json!(2), &Value::Null));
    assert_eq!(policies["current"]["signatures"].as_array().unwrap().len(), 2);
    let seen = analyst.get(&format!("/api/requests/{request}")).await.ok();
    assert_eq!(seen["state"], "approved");
    assert_eq!(analyst.get(&format!("/api/requests/{request}/approved")).await.status, 200);
    let inbox = analyst.get("/api/inbox").await.ok();
    let approved = |notice: &&Value| notice["kind"] == "approved";
    assert_eq!(inbox["notices"].as_array().unwrap().iter().filter(approved).count(), 1);
    // What all three refuse for good makes room for another.
    world.servers.set([Mood::Refuses(400, "policy_expired"); 3]);
    let (late, _) = policy_of(3, &json!("all"), &approvers);
    propose(&world, &mut admin, &late).await.ok();
    sign_policy(&world, &mut first, 3, &late).await;
    let after = sign_policy(&world, &mut second, 3, &late).await;
    assert_eq!(after["current"]["version"], 2);
    let rules = rules_of(&world, &mut admin).await;
    assert_eq!((&rules["waiting"], &rules["refused"]), (&json!(0), &json!(["policy_expired"])));
    let (another, _) = policy_of(3, &json!({ "at_least": 2 }), &approvers);
    propose(&world, &mut admin, &another).await.ok();
}

pub async fn a_first_policy_is_the_one_that_servers_have(world: World) {
    let [mut admin, _, first, second] = enrolled(&world).await;
    let (theirs, _) = policy_of(1, &json!({ "at_least": 1 }), &[("a", &first), ("b", &second)]);
    world.servers.pin(&theirs);
    let (other, _) = policy_of(1, &json!("all"), &[("first", &first), ("second", &second)]);
    propose(&world, &mut admin, &other).await.refused(409, "not_now");
    let path = format!("/api/projects/{}/policy", world.project);
    assert_eq!(admin.get(&path).await.ok()["current"], Value::Null);
    // One that servers made of a list of keys has no names: that is left to the administrator.
    let keys = [&first, &second].map(|person| person.key().verifying_key());
    let listed = Policy::pinned(&keys, "production").unwrap();
    world.servers.pin(&listed.to_payload().unwrap());
    look(&world).await;
    assert_eq!(admin.get(&path).await.ok()["current"], Value::Null);
    world.servers.pin(&theirs);
    // The same under other names is the same.
    let (same, policy) = policy_of(1, &json!({ "at_least": 1 }), &[("second", &second), ("first", &first)]);
    propose(&world, &mut admin, &same).await.ok();
    assert_eq!(admin.get(&path).await.ok()["current"]["digest"], policy.digest().to_string());
    let rules = rules_of(&world, &mut admin).await;
    assert_eq!((&rules["agree"], &rules["servers"][2]["same"]), (&json!(true), &json!(true)), "{rules}");
    // An end that comes sooner here is stricter only; one that comes sooner there is not.
    let mut ending: Value = serde_json::from_slice(&same).unwrap();
    ending["expires"] = json!(now() + 30 * 86_400);
    let ending = ending.to_string().into_bytes();
    propose(&world, &mut admin, &ending).await.ok();
    assert_eq!(rules_of(&world, &mut admin).await["agree"], true);
    propose(&world, &mut admin, &same).await.ok();
    world.servers.pin(&ending);
    assert_eq!(rules_of(&world, &mut admin).await["agree"], false);
}

/// One server, whichever it is, shows another first policy under the same standing.
pub async fn one_server_alone_makes_no_first_policy(world: World) {
    let [mut admin, _, first, second] = enrolled(&world).await;
    let (theirs, policy) = policy_of(1, &json!("all"), &[("first", &first), ("second", &second)]);
    let (forged, _) = policy_of(1, &json!({ "at_least": 1 }), &[("first", &first), ("second", &second)]);
    world.servers.pin(&theirs);
    let path = format!("/api/projects/{}/policy", world.project);
    for liar in 0..3 {
        world.servers.show_first(liar, &forged);
        rules::look_at(&world.portal, &world.project, true).await.unwrap();
        rules_of(&world, &mut admin).await;
        assert_eq!(admin.get(&path).await.ok()["current"], Value::Null);
        propose(&world, &mut admin, &forged).await.refused(409, "not_now");
        world.servers.show_first(liar, &theirs);
    }
    world.servers.show_first(0, &forged);
    // Nor does it keep an administrator from the one that the others have.
    propose(&world, &mut admin, &theirs).await.ok();
    assert_eq!(admin.get(&path).await.ok()["current"]["digest"], policy.digest().to_string());
}

/// The same policy, to be taken over until another time, with everybody's signature.
fn signed_until(until: i64, payload: &[u8], people: &[&Person]) -> Vec<u8> {
    let mut written: Value = serde_json::from_slice(payload).unwrap();
    written["adopt_before"] = json!(until);
    let policy = Policy::read(written.to_string().as_bytes()).unwrap();
    let draft = draft_policy(&policy).unwrap();
    people.iter().fold(draft, |text, person| add_signature(&text, &person.key()).unwrap())
}

/// Everybody signed it, and it came too late or was cancelled: one server that shows it all the same changes
/// nothing here. Once two go by it, it was in time for one that is honest.
pub async fn one_server_alone_brings_no_policy(world: World) {
    let (mut admin, _, first, second, policy) = people(&world).await;
    let (payload, _) = policy_of(2, &json!({ "at_least": 1 }), &[("first", &first), ("second", &second)]);
    let late = signed_until(now() - 60, &payload, &[&first, &second]);
    let cancelled = signed_until(now() + 86_400, &payload, &[&first, &second]);
    let revocation = Revocation {
        kind: "vdl-revocation/1".into(),
        environment: "production".into(),
        policy_version: 1,
        revokes: Revoked::Policy(read_policy(&cancelled).unwrap().digest()),
        reason: None,
        time: now(),
    };
    let revocation = sign_revocation(&revocation, &first.key()).unwrap();
    let path = format!("/api/projects/{}/policy", world.project);
    for (liar, envelope) in [(0, &late), (1, &cancelled), (2, &late)] {
        world.servers.pin(&policy.to_payload().unwrap());
        for server in 0..3 {
            world.servers.publish(server, &revocation);
        }
        world.servers.take_by_signatures(liar, envelope);
        look(&world).await;
        let rules = rules_of(&world, &mut admin).await;
        assert_eq!((&rules["agree"], &rules["servers"][liar]["same"]), (&json!(false), &json!(false)));
        assert_eq!(admin.get(&path).await.ok()["current"]["version"], 1);
    }
    world.servers.take_by_signatures(1, &late);
    look(&world).await;
    let current = &admin.get(&path).await.ok()["current"];
    assert_eq!(current["digest"], read_policy(&late).unwrap().digest().to_string());
}

/// What one server alone knows is revoked here, and offered to the others until two have it.
pub async fn a_revocation_that_one_server_brings_reaches_the_others(world: World) {
    let Cast { mut analyst, first, payload, policy, .. } = cast(&world).await;
    world.servers.pin(&policy.to_payload().unwrap());
    world.servers.publish(2, &revocation(&first, &policy, &payload));
    assert_eq!(rules_of(&world, &mut analyst).await["waiting"], 1);
    look(&world).await;
    assert_eq!(world.servers.standing(), [(1, 1); 3]);
    assert_eq!(rules_of(&world, &mut analyst).await["waiting"], 0);
}

/// At any look, not at the start alone: people enrol later.
pub async fn the_first_policy_of_the_servers_is_found_once_its_keys_are_enrolled(world: World) {
    let mut admin = world.person("admin", &[Role::Administrator]).await;
    let mut first = world.person("first", &[Role::Approver]).await;
    let mut second = world.person("second", &[Role::Approver]).await;
    first.enrol("approver", 11).await.ok();
    let earlier = first.clone();
    first.enrol("approver", 12).await.ok();
    let path = format!("/api/projects/{}/policy", world.project);
    // Two keys of one person are not two people: not as the servers have it, nor as an administrator says.
    let rule = json!({ "at_least": 2 });
    let (double, _) = policy_of(1, &rule, &[("a", &earlier), ("b", &first)]);
    propose(&world, &mut admin, &double).await.refused(400, "invalid_input");
    world.servers.pin(&double);
    rules_of(&world, &mut admin).await;
    assert_eq!(admin.get(&path).await.ok()["current"], Value::Null);
    second.seed = [13; 32];
    second.public = second.key().verifying_key().to_base64().unwrap();
    let (good, _) = policy_of(1, &rule, &[("a", &first), ("b", &second)]);
    world.servers.pin(&good);
    look(&world).await;
    assert_eq!(admin.get(&path).await.ok()["current"], Value::Null);
    second.enrol("approver", 13).await.ok();
    look(&world).await;
    assert_eq!(admin.get(&path).await.ok()["current"]["version"], 1);
    // The administrator may still say who is who, but not another rule.
    let (named, policy) = policy_of(1, &rule, &[("first", &first), ("second", &second)]);
    propose(&world, &mut admin, &named).await.ok();
    assert_eq!(admin.get(&path).await.ok()["current"]["digest"], policy.digest().to_string());
    let (other, _) = policy_of(1, &json!({ "at_least": 1 }), &[("first", &first), ("second", &second)]);
    propose(&world, &mut admin, &other).await.refused(409, "not_now");
}

/// What the servers were told another way counts here too.
pub async fn what_servers_know_to_be_revoked_approves_nothing_here(world: World) {
    let Cast { mut analyst, mut first, mut second, request, payload, policy, .. } = cast(&world).await;
    world.servers.pin(&policy.to_payload().unwrap());
    sign(&mut first, &request, 1, &payload).await.ok();
    sign(&mut second, &request, 1, &payload).await.ok();
    let approved = format!("/api/requests/{request}/approved");
    assert_eq!(analyst.get(&approved).await.status, 200);
    let revoked = revocation(&first, &policy, &payload);
    world.servers.publish(1, &revoked);
    look(&world).await;
    analyst.get(&approved).await.refused(409, "not_now");
    // Everywhere, told once, and with the file that says so.
    let list = analyst.get(&format!("/api/projects/{}/requests", world.project)).await.ok();
    assert_eq!(list[0]["state"], "revoked");
    look(&world).await;
    assert_eq!(world.count("SELECT COUNT(*) FROM journal WHERE kind = 'request_revoke'").await, 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM notices WHERE kind = 'revoked'").await, 3);
    assert_eq!(analyst.get(&format!("/api/requests/{request}/revocation")).await.body, revoked);
    let lost = Revocation {
        kind: "vdl-revocation/1".into(),
        environment: "production".into(),
        policy_version: 1,
        revokes: Revoked::Approver(second.public.clone()),
        reason: None,
        time: now(),
    };
    world.servers.publish(2, &sign_revocation(&lost, &first.key()).unwrap());
    rules_of(&world, &mut analyst).await;
    let (_, other) = approved_by(&first, &analyst, 2, |_| ());
    let made = submit(&world, &mut analyst, &other).await.ok();
    let request = made["id"].as_str().unwrap().to_owned();
    sign(&mut first, &request, 1, &other).await.ok();
    assert_eq!(sign(&mut second, &request, 1, &other).await.ok()["state"], "submitted");
    assert_eq!(world.count("SELECT COUNT(*) FROM journal WHERE kind = 'revocation_followed'").await, 2);
    look(&world).await;
    assert_eq!(world.count("SELECT COUNT(*) FROM publications").await, 2);
}

/// The policy may not say so any more: keys change hands.
pub async fn nobody_signs_twice_with_two_keys(world: World) {
    let Cast { mut first, second, request, payload, .. } = cast(&world).await;
    let mut tx = world.portal.db.begin().await.unwrap();
    sqlx::query("UPDATE keys SET user_id = $1 WHERE user_id = $2")
        .bind(&first.user)
        .bind(&second.user)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    sign(&mut first, &request, 1, &payload).await.ok();
    let mut again = Person { seed: second.seed, public: second.public.clone(), ..first };
    sign(&mut again, &request, 1, &payload).await.refused(400, "already_signed");
}

/// Nothing is signed that can never be approved, also before the last signature.
pub async fn nobody_signs_what_is_over(world: World) {
    let Cast { mut analyst, mut first, policy, mut second, .. } = cast(&world).await;
    world.servers.pin(&policy.to_payload().unwrap());
    // It may be over before it arrives; then the next one lasts longer.
    let mut lasts = 3;
    let (end, payload, made) = loop {
        let end = now() + lasts;
        let (_, payload) = approved_by(&first, &analyst, 7, |terms| terms.expires = Some(end));
        let answer = submit(&world, &mut analyst, &payload).await;
        if answer.status.is_success() {
            break (end, payload, answer.ok());
        }
        answer.refused(400, "invalid_input");
        assert!(now() > end && lasts < 60, "it was refused before its end");
        lasts *= 2;
    };
    let request = made["id"].as_str().unwrap().to_owned();
    while now() <= end {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    sign(&mut first, &request, 1, &payload).await.refused(409, "not_now");
    let (_, payload) = approved_by(&first, &analyst, 8, |_| ());
    world.servers.publish(0, &revocation(&second, &policy, &payload));
    look(&world).await;
    let made = submit(&world, &mut analyst, &payload).await.ok();
    let request = made["id"].as_str().unwrap().to_owned();
    sign(&mut second, &request, 1, &payload).await.refused(400, "revoked");
}
