use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vdl_authorize::{
    PAYLOAD_TYPE, POLICY_PAYLOAD, Policy, Revocation, Revocations, Revoked, Terms, add_signature,
    approve_script, read_envelope, sign_revocation, template_any_upload, verify_envelope,
};
use vdl_command::{Nonce, write_script};

use super::{Person, World};
use crate::access::Role;
use crate::ids::now;
use crate::review::{Action, Party, State, allowed, next};

/// An analyst, two approvers whose both signatures are needed, and a request.
pub struct Cast {
    pub analyst: Person,
    pub first: Person,
    pub second: Person,
    pub request: String,
    pub payload: Vec<u8>,
    pub policy: Policy,
    pub admin: Person,
}

const SCRIPT: &[u8] = include_bytes!("../../../../vectors/scripts/mean-stroke-age.json");

/// What `vdl approve` makes of it with the first approver's key, and the payload inside.
pub fn approved_by(
    approver: &Person,
    analyst: &Person,
    nonce: u8,
    more: impl Fn(&mut Terms),
) -> (Vec<u8>, Vec<u8>) {
    let mut terms = Terms {
        environment: "production".into(),
        not_before: now() - 60,
        expires: Some(now() + 86_400),
        max_runs: Some(3),
        purpose: Some("to learn something".into()),
        nonce: Some(Nonce([nonce; 32])),
        ..Terms::default()
    };
    more(&mut terms);
    let envelope = approve_script(SCRIPT, &analyst.key().verifying_key(), &terms, &approver.key()).unwrap();
    let text: Value = serde_json::from_slice(&envelope).unwrap();
    let payload = STANDARD.decode(text["payload"].as_str().unwrap()).unwrap();
    (envelope, payload)
}

pub fn policy_of(version: u32, rule: &Value, approvers: &[(&str, &Person)]) -> (Vec<u8>, Policy) {
    let listed: Vec<Value> =
        approvers.iter().map(|(name, person)| json!({ "name": name, "key": person.public })).collect();
    let mut written = json!({ "type": "vdl-policy/1", "environment": "production", "version": version,
        "approvers": listed, "rule": rule, "approvals_since": 1 });
    if version > 1 {
        written["adopt_before"] = json!(now() + 86_400);
    }
    let payload = written.to_string().into_bytes();
    let policy = Policy::read(&payload).unwrap();
    (payload, policy)
}

/// People and keys: an administrator, an analyst and two approvers.
pub async fn enrolled(world: &World) -> [Person; 4] {
    let admin = world.person("admin", &[Role::Administrator]).await;
    let mut analyst = world.person("analyst", &[Role::Analyst]).await;
    analyst.enrol("analyst", 10).await.ok();
    let (mut first, mut second) =
        (world.person("first", &[Role::Approver]).await, world.person("second", &[Role::Approver]).await);
    first.enrol("approver", 11).await.ok();
    second.enrol("approver", 12).await.ok();
    [admin, analyst, first, second]
}

/// With a policy; nothing asked for yet.
pub async fn people(world: &World) -> (Person, Person, Person, Person, Policy) {
    let [mut admin, analyst, mut first, second] = enrolled(world).await;
    let (payload, policy) = policy_of(1, &json!("all"), &[("first", &first), ("second", &second)]);
    let form = json!({ "payload": STANDARD.encode(&payload) });
    let path = format!("/api/projects/{}/policy", world.project);
    first.post(&path, form.clone()).await.refused(403, "not_allowed");
    admin.post(&path, form).await.ok();
    let file = admin.get(&format!("{path}/1/file")).await;
    assert_eq!(file.body, payload);
    (admin, analyst, first, second, policy)
}

pub async fn submit(world: &World, person: &mut Person, payload: &[u8]) -> super::people::Answer {
    let form = json!({ "kind": "script", "name": "Mean age", "payload": STANDARD.encode(payload) });
    person.post(&format!("/api/projects/{}/requests", world.project), form).await
}

pub async fn cast(world: &World) -> Cast {
    let (admin, mut analyst, first, second, policy) = people(world).await;
    let (_, payload) = approved_by(&first, &analyst, 1, |_| ());
    let made = submit(world, &mut analyst, &payload).await.ok();
    let request = made["id"].as_str().unwrap().to_owned();
    Cast { analyst, first, second, request, payload, policy, admin }
}

fn signature(person: &Person, version: i64, payload: &[u8]) -> Value {
    json!({ "version": version, "signature": person.sign(PAYLOAD_TYPE, payload) })
}

pub async fn sign(person: &mut Person, request: &str, version: i64, payload: &[u8]) -> super::people::Answer {
    let form = signature(person, version, payload);
    person.post(&format!("/api/requests/{request}/signatures"), form).await
}

pub async fn two_of_two_sign_and_the_file_is_the_one_of_the_command_line(world: World) {
    let (_, mut analyst, mut first, mut second, policy) = people(&world).await;
    let (envelope, payload) = approved_by(&first, &analyst, 1, |_| ());
    let made = submit(&world, &mut analyst, &payload).await.ok();
    assert_eq!((&made["state"], &made["allowed"]), (&json!("submitted"), &json!(["withdraw", "resubmit"])));
    let request = made["id"].as_str().unwrap().to_owned();
    let seen = first.get(&format!("/api/requests/{request}")).await.ok();
    assert_eq!(seen["allowed"], json!(["sign", "ask_changes", "reject"]));
    assert_eq!(STANDARD.decode(seen["versions"][0]["payload"].as_str().unwrap()).unwrap(), payload);
    let approved = format!("/api/requests/{request}/approved");
    assert_eq!(sign(&mut first, &request, 1, &payload).await.ok()["state"], "submitted");
    sign(&mut first, &request, 1, &payload).await.refused(400, "already_signed");
    analyst.get(&approved).await.refused(409, "not_now");
    assert_eq!(sign(&mut second, &request, 1, &payload).await.ok()["state"], "approved");
    let file = analyst.get(&approved).await;
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"Mean_age.approved\"");
    assert_eq!(file.body, add_signature(&envelope, &second.key()).unwrap());
    verify_envelope(&file.body, &policy, &Revocations::default(), now()).unwrap();
    let digest = read_envelope(&file.body).unwrap().digest.to_string();
    let seen = analyst.get(&format!("/api/requests/{request}")).await.ok();
    assert_eq!((&seen["digest"], &seen["allowed"]), (&json!(digest), &json!([])));
    let runs = analyst.get(&format!("/api/requests/{request}/runs")).await.ok();
    assert_eq!((&runs["limit"], &runs["used"]), (&json!(3), &Value::Null));
    let list = analyst.get(&format!("/api/projects/{}/requests", world.project)).await.ok();
    assert_eq!((&list[0]["signed"], &list[0]["state"]), (&json!(2), &json!("approved")));
}

pub async fn nobody_approves_their_own_and_strangers_sign_nothing(world: World) {
    let Cast { request, payload, mut admin, mut first, second, .. } = cast(&world).await;
    // An approver who is an analyst too, and asks for something.
    let path = format!("/api/projects/{}/members/{}", world.project, first.user);
    admin.call(Method::PUT, &path, Some(json!({ "roles": ["approver", "analyst"] }))).await.ok();
    let as_approver = first.clone();
    first.enrol("analyst", 20).await.ok();
    let (_, own) = approved_by(&as_approver, &first, 2, |_| ());
    let made = submit(&world, &mut first, &own).await.ok();
    let own_request = made["id"].as_str().unwrap().to_owned();
    let mut as_approver = Person { cookie: first.cookie.clone(), ..as_approver };
    sign(&mut as_approver, &own_request, 1, &own).await.refused(403, "own_request");
    let verdict = json!({ "version": 1, "verdict": "reject", "text": "no" });
    as_approver
        .post(&format!("/api/requests/{own_request}/verdict"), verdict)
        .await
        .refused(403, "own_request");
    // Somebody with the role but without a key in the policy.
    let mut third = world.person("third", &[Role::Approver]).await;
    third.enrol("approver", 21).await.ok();
    sign(&mut third, &request, 1, &payload).await.refused(400, "key_unknown");
    // A signature by somebody else, under other bytes, or as something else.
    let path = format!("/api/requests/{request}/signatures");
    as_approver.post(&path, signature(&second, 1, &payload)).await.refused(400, "wrong_signature");
    let form = signature(&as_approver, 1, &own);
    as_approver.post(&path, form).await.refused(400, "wrong_signature");
    let form = json!({ "version": 1, "signature": as_approver.sign(POLICY_PAYLOAD, &payload) });
    as_approver.post(&path, form).await.refused(400, "wrong_signature");
    let form = json!({ "version": 1, "signature": "not base64" });
    as_approver.post(&path, form).await.refused(400, "wrong_signature");
    // A key that was retired.
    let keys = as_approver.get("/api/keys").await.ok();
    let key = keys.as_array().unwrap().iter().find(|key| key["purpose"] == "approver").unwrap();
    let retire = format!("/api/keys/{}/retire", key["id"].as_str().unwrap());
    as_approver.call(Method::POST, &retire, None).await.ok();
    sign(&mut as_approver, &request, 1, &payload).await.refused(400, "key_unknown");
    assert_eq!(world.count("SELECT COUNT(*) FROM signatures").await, 0);
}

pub async fn another_version_voids_signatures(world: World) {
    let Cast { mut analyst, mut first, mut second, request, payload, .. } = cast(&world).await;
    sign(&mut first, &request, 1, &payload).await.ok();
    let (_, changed) = approved_by(&first, &analyst, 2, |terms| terms.max_runs = Some(99));
    let path = format!("/api/requests/{request}/versions");
    let form = json!({ "payload": STANDARD.encode(&changed), "note": "more runs" });
    let made = analyst.post(&path, form.clone()).await.ok();
    assert_eq!((&made["version"], &made["state"]), (&json!(2), &json!("submitted")));
    // Of the former one, its bytes are asked for by themselves.
    let seen = first.get(&format!("/api/requests/{request}")).await.ok();
    assert_eq!(
        (&seen["versions"][0]["payload"], &seen["versions"][1]["note"]),
        (&Value::Null, &json!("more runs"))
    );
    assert_eq!(seen["versions"][1]["payload"], STANDARD.encode(&changed));
    let former = first.get(&format!("/api/requests/{request}/versions/1")).await.ok();
    assert_eq!(former["payload"], STANDARD.encode(&payload));
    first.get(&format!("/api/requests/{request}/versions/3")).await.refused(404, "no_such_thing");
    // The same bytes are no other version.
    analyst.post(&path, form).await.refused(409, "taken");
    sign(&mut second, &request, 1, &payload).await.refused(409, "changed_meanwhile");
    sign(&mut second, &request, 2, &payload).await.refused(400, "wrong_signature");
    assert_eq!(sign(&mut second, &request, 2, &changed).await.ok()["state"], "submitted");
    let verdict = json!({ "version": 1, "verdict": "changes", "text": "why" });
    let path = format!("/api/requests/{request}/verdict");
    first.post(&path, verdict).await.refused(409, "changed_meanwhile");
    assert_eq!(sign(&mut first, &request, 2, &changed).await.ok()["state"], "approved");
}

/// In every state every action, against what the machine says.
pub async fn every_transition_of_the_machine_and_no_other(world: World) {
    let (_, mut analyst, mut first, mut second, policy) = people(&world).await;
    let mut nonce = 30;
    for (state, way) in [
        (State::Submitted, &[][..]),
        (State::ChangesRequested, &[Action::AskChanges][..]),
        (State::Approved, &[Action::Sign, Action::Sign]),
        (State::Rejected, &[Action::Reject]),
        (State::Withdrawn, &[Action::Withdraw]),
        (State::Revoked, &[Action::Sign, Action::Sign, Action::Revoke]),
    ] {
        for action in Action::ALL {
            nonce += 1;
            let (_, payload) = approved_by(&first, &analyst, nonce, |_| ());
            let made = submit(&world, &mut analyst, &payload).await.ok();
            let request = made["id"].as_str().unwrap().to_owned();
            for (at, step) in way.iter().enumerate() {
                let approver = if at == 0 { &mut second } else { &mut first };
                act(*step, &mut analyst, approver, &request, &payload, &policy, 100 + nonce).await.ok();
            }
            let seen = analyst.get(&format!("/api/requests/{request}")).await.ok();
            assert_eq!(seen["state"], json!(state));
            assert_eq!(seen["allowed"], json!(allowed(state, Party::Submitter)));
            let seen = first.get(&format!("/api/requests/{request}")).await.ok();
            assert_eq!(seen["allowed"], json!(allowed(state, Party::Approver)));
            let answer =
                act(action, &mut analyst, &mut first, &request, &payload, &policy, 200 + nonce % 50).await;
            match next(state, action, false) {
                Some(after) => assert_eq!(answer.ok()["state"], json!(after), "{state:?} {action:?}"),
                None => answer.refused(409, "not_now"),
            }
        }
    }
}

async fn act(
    action: Action,
    analyst: &mut Person,
    approver: &mut Person,
    request: &str,
    payload: &[u8],
    policy: &Policy,
    nonce: u8,
) -> super::people::Answer {
    let path = format!("/api/requests/{request}");
    match action {
        Action::Sign => sign(approver, request, 1, payload).await,
        Action::AskChanges | Action::Reject => {
            let verdict = if action == Action::Reject { "reject" } else { "changes" };
            let form = json!({ "version": 1, "verdict": verdict, "text": "because" });
            approver.post(&format!("{path}/verdict"), form).await
        }
        Action::Withdraw => analyst.call(Method::POST, &format!("{path}/withdraw"), None).await,
        Action::Resubmit => {
            let (_, changed) = approved_by(approver, analyst, nonce, |_| ());
            let form = json!({ "payload": STANDARD.encode(&changed) });
            analyst.post(&format!("{path}/versions"), form).await
        }
        Action::Revoke => {
            let form = json!({ "revocation": STANDARD.encode(revocation(approver, policy, payload)) });
            approver.post(&format!("{path}/revoke"), form).await
        }
    }
}

pub fn revocation(approver: &Person, policy: &Policy, payload: &[u8]) -> Vec<u8> {
    let revocation = Revocation {
        kind: "vdl-revocation/1".into(),
        environment: "production".into(),
        policy_version: policy.version(),
        revokes: Revoked::Approval(vdl_command::Digest(*blake3::hash(payload).as_bytes())),
        reason: None,
        time: now(),
    };
    sign_revocation(&revocation, &approver.key()).unwrap()
}

pub async fn what_cannot_be_approved_is_not_submitted(world: World) {
    let (_, mut analyst, first, second, _) = people(&world).await;
    let mut other = world.person("other", &[Role::Analyst]).await;
    other.enrol("analyst", 40).await.ok();
    type Change = fn(&mut Terms);
    let cases: [(Change, &str); 4] = [
        (|terms| terms.environment = "test".into(), "wrong_environment"),
        (|terms| terms.policy_version = Some(2), "wrong_policy"),
        (|terms| terms.purpose = None, "invalid_input"),
        (|terms| terms.expires = Some(now() - 10), "invalid_input"),
    ];
    for (more, code) in cases {
        let (_, payload) = approved_by(&first, &analyst, 1, more);
        submit(&world, &mut analyst, &payload).await.refused(400, code);
    }
    // For somebody else's key, or an approver's.
    let (_, payload) = approved_by(&first, &other, 1, |_| ());
    submit(&world, &mut analyst, &payload).await.refused(400, "key_unknown");
    let (_, payload) = approved_by(&first, &second, 1, |_| ());
    submit(&world, &mut analyst, &payload).await.refused(400, "key_unknown");
    submit(&world, &mut analyst, b"{}").await.refused(400, "approval_unreadable");
    // An authorization to upload is a provider's, and no script.
    let upload = write_script(&template_any_upload()).unwrap();
    let terms = Terms {
        environment: "production".into(),
        not_before: now() - 60,
        purpose: Some("data".into()),
        ..Terms::default()
    };
    let signed =
        approve_script(upload.as_bytes(), &analyst.key().verifying_key(), &terms, &first.key()).unwrap();
    let signed: Value = serde_json::from_slice(&signed).unwrap();
    let form = json!({ "kind": "script", "name": "x", "payload": signed["payload"] });
    let path = format!("/api/projects/{}/requests", world.project);
    analyst.post(&path, form.clone()).await.refused(400, "invalid_input");
    let form = json!({ "kind": "upload", "name": "x", "payload": signed["payload"] });
    analyst.post(&path, form).await.refused(403, "not_allowed");
    let mut provider = world.person("provider", &[Role::Provider]).await;
    provider.enrol("provider", 41).await.ok();
    let signed =
        approve_script(upload.as_bytes(), &provider.key().verifying_key(), &terms, &first.key()).unwrap();
    let signed: Value = serde_json::from_slice(&signed).unwrap();
    let form = json!({ "kind": "upload", "name": "x", "payload": signed["payload"] });
    assert_eq!(provider.post(&path, form).await.ok()["kind"], "upload");
}

pub async fn a_deletion_is_asked_for_by_the_provider_whose_table_it_is(world: World) {
    let (mut admin, mut analyst, first, _, _) = people(&world).await;
    let mut paul = world.person("paul", &[Role::Provider]).await;
    let mut other = world.person("other", &[Role::Provider]).await;
    paul.enrol("provider", 41).await.ok();
    other.enrol("provider", 42).await.ok();
    let (handle, unknown) = ("AB".repeat(32), "CD".repeat(32));
    let told = json!({ "handle": handle, "schema": [{ "name": "age", "type": "int" }], "rows": 10,
        "file_digest": "0".repeat(64), "file_name": "survey.csv" });
    paul.post(&format!("/api/projects/{}/tables", world.project), told.clone()).await.ok();
    let path = format!("/api/projects/{}/requests", world.project);
    let asked = |person: &Person, steps: Value| {
        let terms = Terms {
            environment: "production".into(),
            not_before: now() - 60,
            purpose: Some("no longer needed".into()),
            ..Terms::default()
        };
        let script =
            json!({ "format": "vdl-script/1", "name": "Delete a table", "ordered": true, "steps": steps });
        let key = person.key().verifying_key();
        let signed = approve_script(script.to_string().as_bytes(), &key, &terms, &first.key()).unwrap();
        let signed: Value = serde_json::from_slice(&signed).unwrap();
        json!({ "kind": "deletion", "name": "Delete survey", "payload": signed["payload"] })
    };
    let remove = |handle: &str| json!({ "command": { "remove": { "table": { "handle": handle } } } });
    let open = json!({ "command": { "open": { "table": { "handle": handle } } } });
    other.post(&path, asked(&other, json!([remove(&handle)]))).await.refused(403, "not_allowed");
    paul.post(&path, asked(&paul, json!([remove(&unknown)]))).await.refused(404, "no_such_thing");
    // A table of another project is none here: its approvers decide about it.
    let elsewhere = world.other_project().await;
    let mut tx = world.portal.db.begin().await.unwrap();
    crate::project::add_roles(&mut tx, &elsewhere, &paul.user, &[Role::Provider]).await.unwrap();
    tx.commit().await.unwrap();
    let theirs = "EF".repeat(32);
    let mut told_there = told.clone();
    told_there["handle"] = json!(theirs);
    paul.post(&format!("/api/projects/{elsewhere}/tables"), told_there).await.ok();
    paul.post(&path, asked(&paul, json!([remove(&theirs)]))).await.refused(404, "no_such_thing");
    // For their own key, and nothing but the deletion of one table.
    paul.post(&path, asked(&other, json!([remove(&handle)]))).await.refused(400, "key_unknown");
    for steps in [json!([open]), json!([open, remove(&handle)]), json!([remove(&handle), remove(&unknown)])] {
        paul.post(&path, asked(&paul, steps)).await.refused(400, "invalid_input");
    }
    // Those who ask for scripts do not ask for this, nor those who do neither.
    analyst.post(&path, asked(&analyst, json!([remove(&handle)]))).await.refused(403, "not_allowed");
    admin.post(&path, asked(&paul, json!([remove(&handle)]))).await.refused(403, "not_allowed");
    let made = paul.post(&path, asked(&paul, json!([remove(&handle)]))).await.ok();
    assert_eq!((&made["kind"], &made["state"]), (&json!("deletion"), &json!("submitted")));
    let tables = paul.get(&format!("/api/projects/{}/tables", world.project)).await.ok();
    assert_eq!(tables[0]["used_by"], json!([made["id"]]));
}

pub async fn each_change_is_told_once_to_those_it_concerns(world: World) {
    let Cast { mut analyst, mut first, mut second, mut admin, request, payload, .. } = cast(&world).await;
    let path = format!("/api/requests/{request}");
    let comment = json!({ "text": "what for?", "step": 0 });
    first.post(&format!("{path}/comments"), comment).await.ok();
    analyst.post(&format!("{path}/comments"), json!({ "text": "for a paper" })).await.ok();
    sign(&mut first, &request, 1, &payload).await.ok();
    sign(&mut second, &request, 1, &payload).await.ok();
    let mut told = Vec::new();
    for person in [&mut analyst, &mut first, &mut second, &mut admin] {
        let inbox = person.get("/api/inbox").await.ok();
        let mut kinds: Vec<String> = inbox["notices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|notice| notice["kind"].as_str().unwrap().to_owned())
            .collect();
        kinds.sort();
        told.push(kinds);
    }
    assert_eq!(told[0], ["approved", "commented", "signed"]);
    assert_eq!(told[1], ["approved", "commented", "policy_adopted", "submitted"]);
    assert_eq!(told[2], ["policy_adopted", "submitted"]);
    assert!(told[3].is_empty());
    let inbox = analyst.get("/api/inbox").await.ok();
    let id = inbox["notices"][0]["id"].as_str().unwrap();
    analyst.call(Method::POST, &format!("/api/inbox/{id}/read"), None).await.ok();
    assert_eq!(analyst.get("/api/inbox").await.ok()["unread"], 2);
    first.call(Method::POST, &format!("/api/inbox/{id}/read"), None).await.refused(404, "no_such_thing");
}

pub async fn an_approval_is_revoked_by_an_approver(world: World) {
    let Cast { mut analyst, mut first, mut second, request, payload, policy, .. } = cast(&world).await;
    sign(&mut first, &request, 1, &payload).await.ok();
    sign(&mut second, &request, 1, &payload).await.ok();
    let path = format!("/api/requests/{request}/revoke");
    let form = |bytes: Vec<u8>| json!({ "revocation": STANDARD.encode(bytes) });
    first.post(&path, form(revocation(&second, &policy, &payload))).await.refused(400, "wrong_signature");
    first.post(&path, form(revocation(&analyst, &policy, &payload))).await.refused(400, "not_an_approver");
    first.post(&path, form(revocation(&first, &policy, b"other"))).await.refused(400, "invalid_input");
    first.post(&path, form(b"{}".to_vec())).await.refused(400, "approval_unreadable");
    let good = revocation(&first, &policy, &payload);
    analyst.post(&path, form(good.clone())).await.refused(403, "not_allowed");
    assert_eq!(first.post(&path, form(good.clone())).await.ok()["state"], "revoked");
    assert_eq!(analyst.get(&format!("/api/requests/{request}/revocation")).await.body, good);
    analyst.get(&format!("/api/requests/{request}/approved")).await.refused(409, "not_now");
    // No server took it: it waits, and that shows.
    let rules = analyst.get(&format!("/api/projects/{}/rules", world.project)).await.ok();
    assert_eq!((&rules["agree"], &rules["waiting"]), (&json!(false), &json!(1)));
    assert_eq!(rules["servers"][1]["problem"], "garbled_answer");
}

pub async fn a_key_is_revoked_by_an_approver_and_by_nobody_else(world: World) {
    let (mut admin, mut analyst, mut first, mut second, policy) = people(&world).await;
    let path = format!("/api/projects/{}/revocations", world.project);
    let public = analyst.key().verifying_key().to_base64().unwrap();
    let of_key = |signer: &Person, revokes: Revoked| {
        let revocation = Revocation {
            kind: "vdl-revocation/1".into(),
            environment: "production".into(),
            policy_version: policy.version(),
            revokes,
            reason: Some("lost".into()),
            time: 7,
        };
        json!({ "revocation": STANDARD.encode(sign_revocation(&revocation, &signer.key()).unwrap()) })
    };
    let key = || Revoked::Analyst(public.clone());
    // Not with somebody else's signature, nor with one that is no approver's; and nothing but a key.
    first.post(&path, of_key(&second, key())).await.refused(400, "wrong_signature");
    first.post(&path, of_key(&analyst, key())).await.refused(400, "not_an_approver");
    analyst.post(&path, of_key(&first, key())).await.refused(403, "not_allowed");
    admin.post(&path, of_key(&first, key())).await.refused(403, "not_allowed");
    let approval = Revoked::Approval(vdl_command::Digest([7; 32]));
    first.post(&path, of_key(&first, approval)).await.refused(400, "invalid_input");
    assert_eq!(analyst.get(&path).await.ok(), json!([]));
    // One approver is enough; once more changes nothing.
    for _ in 0..2 {
        let said = first.post(&path, of_key(&first, key())).await.ok();
        let known = json!([{ "public": public, "approver": false, "reason": "lost", "time": 7,
            "taken": null, "refused": null }]);
        assert_eq!(said, known);
    }
    let said = second.post(&path, of_key(&second, Revoked::Approver(public.clone()))).await.ok();
    assert_eq!((said.as_array().map(Vec::len), &said[1]["approver"]), (Some(2), &json!(true)));
    // No server took them: they wait, and that shows.
    let rules = analyst.get(&format!("/api/projects/{}/rules", world.project)).await.ok();
    assert_eq!(rules["waiting"], 2);
}

pub async fn approvers_hand_over_by_everybodys_signatures(world: World) {
    let (mut admin, _, mut first, mut second, policy) = people(&world).await;
    world.servers.pin(&policy.to_payload().unwrap());
    let mut third = world.person("third", &[Role::Approver]).await;
    third.enrol("approver", 50).await.ok();
    let path = format!("/api/projects/{}/policy", world.project);
    let form = |payload: &[u8]| json!({ "payload": STANDARD.encode(payload) });
    let (skipped, _) = policy_of(3, &json!("all"), &[("first", &first), ("third", &third)]);
    admin.post(&path, form(&skipped)).await.refused(400, "policy_not_next");
    let (payload, next) = policy_of(2, &json!({ "at_least": 1 }), &[("first", &first), ("third", &third)]);
    let drafted = admin.post(&path, form(&payload)).await.ok();
    assert_eq!((&drafted["current"]["version"], &drafted["draft"]["version"]), (&json!(1), &json!(2)));
    let sign = |person: &Person| json!({ "version": 2, "signature": person.sign(POLICY_PAYLOAD, &payload) });
    let signatures = format!("{path}/signatures");
    admin.post(&signatures, sign(&first)).await.refused(400, "wrong_signature");
    for (person, version) in [(&mut first, 1), (&mut third, 1), (&mut second, 2)] {
        let form = sign(person);
        let after = person.post(&signatures, form.clone()).await.ok();
        assert_eq!(after["current"]["version"], version);
        if version == 1 {
            person.post(&signatures, form).await.refused(400, "already_signed");
        }
    }
    let file = admin.get(&format!("{path}/2/file")).await.body;
    let adopted = policy.succeed(&file, &Revocations::default(), now()).unwrap();
    assert_eq!(adopted.digest(), next.digest());
    assert_eq!(second.get(&path).await.ok()["draft"], Value::Null);
}

/// Names are given to the first policy, before anybody asks for anything, and that is written down. No later
/// policy takes its place.
pub async fn only_the_first_policy_gets_other_names_and_that_is_told(world: World) {
    let (mut admin, _, mut first, mut second, policy) = people(&world).await;
    world.servers.pin(&policy.to_payload().unwrap());
    let path = format!("/api/projects/{}/policy", world.project);
    let form = |payload: &[u8]| json!({ "payload": STANDARD.encode(payload) });
    let (named, _) = policy_of(1, &json!("all"), &[("one", &first), ("two", &second)]);
    let told = "SELECT COUNT(*) FROM journal WHERE kind = 'policy_renamed'";
    for _ in 0..2 {
        admin.post(&path, form(&named)).await.ok();
        assert_eq!(world.count(told).await, 1);
    }
    let (payload, _) = policy_of(2, &json!({ "at_least": 1 }), &[("one", &first), ("two", &second)]);
    admin.post(&path, form(&payload)).await.ok();
    for person in [&mut first, &mut second] {
        let form = json!({ "version": 2, "signature": person.sign(POLICY_PAYLOAD, &payload) });
        person.post(&format!("{path}/signatures"), form).await.ok();
    }
    assert_eq!(admin.get(&path).await.ok()["current"]["version"], 2);
    admin.post(&path, form(&payload)).await.refused(400, "policy_not_next");
    assert_eq!(admin.get(&format!("{path}/1/file")).await.body, named);
    assert_eq!(world.count(told).await, 1);
}
