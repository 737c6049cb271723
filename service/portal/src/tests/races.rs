//! Several requests at once, on the router as it is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::people::Answer;
use super::requests::{Cast, approved_by, cast, revocation, sign};
use super::{Person, World};
use crate::access::Role;

/// Every line names the one before, and none is missing.
async fn check_chain(world: &World) -> Vec<String> {
    let mut auditor = world.person("auditor", &[Role::Auditor]).await;
    let path = format!("/api/projects/{}/journal/export", world.project);
    let text = String::from_utf8(auditor.get(&path).await.body).unwrap();
    let (mut previous, mut kinds) = ("0".repeat(64), Vec::new());
    for (line, sequence) in text.lines().zip(1i64..) {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&entry["previous"], &entry["sequence"]), (&json!(previous), &json!(sequence)));
        previous = blake3::hash(line.as_bytes()).to_hex().to_string();
        kinds.push(entry["kind"].as_str().unwrap().to_owned());
    }
    kinds
}

fn done(answer: &Answer) -> bool {
    let lost = answer.code() == "changed_meanwhile";
    assert!(answer.status.is_success() || lost, "{} {}", answer.status, answer.code());
    !lost
}

pub async fn two_who_sign_at_once_are_both_counted(world: World) {
    let Cast { mut first, mut second, request, payload, .. } = cast(&world).await;
    let (one, two) =
        tokio::join!(sign(&mut first, &request, 1, &payload), sign(&mut second, &request, 1, &payload));
    // Whoever lost against the other signs again.
    if !done(&one) {
        sign(&mut first, &request, 1, &payload).await.ok();
    }
    if !done(&two) {
        sign(&mut second, &request, 1, &payload).await.ok();
    }
    let seen = first.get(&format!("/api/requests/{request}")).await.ok();
    assert_eq!((&seen["state"], seen["signatures"].as_array().unwrap().len()), (&json!("approved"), 2));
    assert_eq!(first.get(&format!("/api/requests/{request}/approved")).await.status, 200);
    let kinds = check_chain(&world).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "request_sign").count(), 2);
}

async fn resubmit(person: &Person, request: &str, payload: &[u8]) -> Answer {
    let form = json!({ "payload": STANDARD.encode(payload) });
    person.clone().post(&format!("/api/requests/{request}/versions"), form).await
}

pub async fn versions_at_once_come_one_after_the_other(world: World) {
    let Cast { analyst, mut first, mut second, request, payload, .. } = cast(&world).await;
    let [(_, two), (_, three)] = [2, 3].map(|nonce| approved_by(&first, &analyst, nonce, |_| ()));
    let (one, other, signed) = tokio::join!(
        resubmit(&analyst, &request, &two),
        resubmit(&analyst, &request, &three),
        sign(&mut second, &request, 1, &payload)
    );
    let more = usize::from(done(&one)) + usize::from(done(&other));
    // Somebody is first, and that may be who signs.
    assert!(more + usize::from(done(&signed)) >= 1);
    let seen = first.get(&format!("/api/requests/{request}")).await.ok();
    let numbers: Vec<i64> =
        seen["versions"].as_array().unwrap().iter().map(|one| one["version"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=1 + more as i64).collect::<Vec<_>>());
    assert_eq!((&seen["version"], &seen["state"]), (&json!(1 + more), &json!("submitted")));
    // A signature counts under the version that was shown, and under no later one.
    assert!(seen["signatures"].as_array().unwrap().iter().all(|one| one["version"] == 1));
    check_chain(&world).await;
}

pub async fn of_two_who_revoke_at_once_one_is_told(world: World) {
    let Cast { mut first, mut second, request, payload, policy, .. } = cast(&world).await;
    sign(&mut first, &request, 1, &payload).await.ok();
    sign(&mut second, &request, 1, &payload).await.ok();
    let path = format!("/api/requests/{request}/revoke");
    let form =
        |person: &Person| json!({ "revocation": STANDARD.encode(revocation(person, &policy, &payload)) });
    let forms = (form(&first), form(&second));
    let (one, two) = tokio::join!(first.post(&path, forms.0), second.post(&path, forms.1));
    let mut codes = [one.code(), two.code()];
    codes.sort();
    assert!(
        codes[0].is_empty() && ["changed_meanwhile", "not_now"].contains(&codes[1].as_str()),
        "{codes:?}"
    );
    check_chain(&world).await;
}

pub async fn twenty_lines_at_once_are_one_chain(world: World) {
    let Cast { first, request, .. } = cast(&world).await;
    let path = format!("/api/requests/{request}/comments");
    let said = (0..20).map(|number| {
        let (mut person, path) = (first.clone(), path.clone());
        async move { person.post(&path, json!({ "text": format!("line {number}") })).await.ok() }
    });
    futures_util::future::join_all(said).await;
    let kinds = check_chain(&world).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "request_comment").count(), 20);
}

/// Two that would fit one by one, and not together.
pub async fn quotas_hold_for_those_who_come_together(world: World) {
    let ann = world.person("ann", &[Role::Provider]).await;
    let uploads = format!("/api/projects/{}/uploads", world.project);
    let begun = (0..24).map(|_| {
        let (mut ann, path) = (ann.clone(), uploads.clone());
        async move { ann.post(&path, json!({ "sizes": [1, 1, 1], "chunk": 65536 })).await.status.is_success() }
    });
    let begun = futures_util::future::join_all(begun).await;
    assert_eq!(begun.into_iter().filter(|begun| *begun).count(), 16);
    assert_eq!(world.count("SELECT COUNT(*) FROM uploads").await, 16);
    world.tamper("DELETE FROM uploads").await;
    // Of everybody together: 16 of 4 GiB each, two for each user.
    let mut people = Vec::new();
    for number in 0..10 {
        people.push(world.person(&format!("person{number}"), &[Role::Provider]).await);
    }
    let third = 4_i64 << 30;
    let begun = people.iter().flat_map(|person| [person.clone(), person.clone()]).map(|mut person| {
        let (path, form) = (uploads.clone(), json!({ "sizes": [third - 2, 1, 1], "chunk": 65536 }));
        async move { person.post(&path, form).await.status.is_success() }
    });
    let begun = futures_util::future::join_all(begun).await;
    assert_eq!(begun.into_iter().filter(|begun| *begun).count(), 16);
}
