//! Coming in: with an invitation, and afterwards.

use axum::http::Method;
use serde_json::json;

use super::browser::{Browser, SESSION, parameters};
use super::house::Key;
use crate::access::Role;
use crate::ids::now;
use crate::tests::World;

pub const START: &str = "/auth/oidc/start";

/// The secret of an invitation for this address.
pub async fn invited(world: &World, email: &str, roles: &[Role]) -> String {
    invited_in(world, &world.project, email, roles).await
}

/// The same for another project.
pub async fn invited_to(world: &World, project: &str, email: &str) -> String {
    invited_in(world, project, email, &[Role::Auditor]).await
}

async fn invited_in(world: &World, project: &str, email: &str, roles: &[Role]) -> String {
    let mut tx = world.portal.db.begin().await.unwrap();
    let (_, secret, _) = crate::invitation::invite(&mut tx, project, email, roles, "").await.unwrap();
    tx.commit().await.unwrap();
    secret
}

/// Takes an invitation with an account of the provider. Gives where in the page that ends.
pub async fn join(world: &World, browser: &mut Browser, token: &str, name: &str, subject: &str) -> String {
    let path = format!("/api/invitations/{token}/oidc");
    let onward = browser.call(Method::POST, &path, Some(json!({ "name": name }))).await.ok();
    browser.back(&world.house, onward["address"].as_str().unwrap(), subject).await
}

/// Somebody who came in through the provider.
pub async fn member(world: &World, name: &str, subject: &str) -> Browser {
    let token = invited(world, &format!("{name}@example.org"), &[Role::Administrator]).await;
    let mut browser = Browser::new(world);
    assert_eq!(join(world, &mut browser, &token, name, subject).await, "");
    browser
}

pub async fn an_invitation_is_taken_with_an_account_elsewhere(world: World) {
    let token = invited(&world, "ann@example.org", &[Role::Analyst]).await;
    let mut ann = Browser::new(&world);
    assert_eq!(ann.get("/api/oidc").await.ok()["provider"], "Hospital");
    assert_eq!(join(&world, &mut ann, &token, " Ann ", "248289761001").await, "");
    let me = ann.get("/api/me").await.ok();
    assert_eq!((&me["user"]["name"], &me["user"]["email"]), (&json!("Ann"), &json!("ann@example.org")));
    assert_eq!(me["projects"][0]["roles"], json!(["analyst"]));
    // It is used up, and nobody without an account of theirs comes in by a password.
    Browser::new(&world).get(&format!("/api/invitations/{token}")).await.refused(404, "no_such_thing");
    let form = json!({ "email": "ann@example.org", "password": "" });
    Browser::new(&world).call(Method::POST, "/api/login", Some(form)).await.refused(401, "wrong_login");
    let ways = ann.get("/api/identities").await.ok();
    assert_eq!((&ways["password"], &ways["identities"][0]["current"]), (&json!(false), &json!(true)));
    let lines = "SELECT COUNT(*) FROM journal WHERE kind IN ('joined', 'identity_linked', 'logged_in')";
    assert_eq!(world.count(lines).await, 3);
}

pub async fn the_first_administrator_may_come_from_elsewhere(world: World) {
    let token = world.links[0].link.rsplit('/').next().unwrap().to_owned();
    let path = format!("/api/invitations/{token}/oidc");
    let mut first = Browser::new(&world);
    let form = json!({ "name": "Ann" });
    first.call(Method::POST, &path, Some(form)).await.refused(400, "invalid_input");
    let form = json!({ "name": "Ann", "email": "Ann@Example.org" });
    let onward = first.call(Method::POST, &path, Some(form)).await.ok();
    assert_eq!(first.back(&world.house, onward["address"].as_str().unwrap(), "1").await, "");
    let me = first.get("/api/me").await.ok();
    assert_eq!(me["projects"][0]["roles"], json!(["administrator"]));
    assert_eq!(me["user"]["email"], "ann@example.org");
}

pub async fn somebody_known_signs_in_and_goes_on_where_they_were(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    let before = ann.jar[SESSION].clone();
    let place = "projects/a%20b/requests";
    let end = ann.go(&world.house, &format!("{START}?to=%23/{}", place.replace('%', "%25")), "1").await;
    assert_eq!(end, place);
    assert_ne!(ann.jar[SESSION], before);
    let mut elsewhere = Browser::new(&world);
    assert_eq!(elsewhere.go(&world.house, START, "1").await, "");
    assert_eq!(elsewhere.name().await, "ann");
    // Of the way there and back nothing stays.
    assert_eq!(elsewhere.jar.len(), 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM sign_ins").await, 0);
}

pub async fn all_kinds_of_keys_are_known_and_the_provider_may_change_them(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    for (key, id) in [(Key::rs256(), "second"), (Key::eddsa(), "third"), (Key::es256(), "fourth")] {
        // While somebody is on the way, too.
        let address = ann.leave(START).await;
        world.house.change_key(key, id);
        assert_eq!(ann.back(&world.house, &address, "1").await, "");
        assert_eq!(ann.name().await, "ann");
    }
}

pub async fn nobody_gets_an_account_by_signing_in(world: World) {
    let mut eve = Browser::new(&world);
    assert_eq!(eve.go(&world.house, START, "eve").await, "sign-in/no-account");
    eve.get("/api/me").await.refused(401, "not_logged_in");
    assert_eq!(world.count("SELECT COUNT(*) FROM users").await, 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM identities").await, 0);
}

pub async fn an_invitation_is_given_to_the_account_of_the_identity(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    let token = invited(&world, "ann@example.org", &[Role::Auditor]).await;
    assert_eq!(join(&world, &mut ann, &token, "x", "1").await, "");
    let me = ann.get("/api/me").await.ok();
    assert_eq!(me["projects"][0]["roles"], json!(["administrator", "auditor"]));
    assert_eq!(me["user"]["name"], "ann");
    // Ann does not take what is for somebody else.
    let token = invited(&world, "bob@example.org", &[Role::Analyst]).await;
    assert_eq!(join(&world, &mut ann, &token, "x", "1").await, "sign-in/another");
    assert_eq!(world.count("SELECT COUNT(*) FROM invitations WHERE email = 'bob@example.org'").await, 1);
    assert_eq!(join(&world, &mut Browser::new(&world), &token, "Bob", "2").await, "");
    let token = invited(&world, "c@example.org", &[Role::Auditor]).await;
    assert_eq!(join(&world, &mut Browser::new(&world), &token, "C", "3").await, "");
}

pub async fn a_session_from_elsewhere_is_fresh_only_if_the_provider_says_so(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    let path = format!("/api/projects/{}/invitations", world.project);
    let form = Some(json!({ "email": "bob@example.org", "roles": ["analyst"] }));
    // It does not say when Ann last showed who she is.
    assert_eq!(ann.go(&world.house, START, "1").await, "");
    ann.call(Method::POST, &path, form.clone()).await.refused(403, "step_up_needed");
    for (shown, fresh) in [(now() - 400, false), (now() + 4000, false), (now() - 5, true)] {
        world.house.rooms().shown = Some(shown);
        ann.go(&world.house, START, "1").await;
        let answer = ann.call(Method::POST, &path, form.clone()).await;
        assert_eq!(answer.status.is_success(), fresh, "{shown}");
        assert!(ann.get("/api/me").await.ok()["fresh_until"].as_i64().unwrap() <= now() + 300);
    }
}

pub async fn showing_again_who_one_is_makes_the_session_fresh(world: World) {
    let again = "/auth/oidc/again";
    let mut ann = member(&world, "ann", "1").await;
    let path = format!("/api/projects/{}/invitations", world.project);
    let form = Some(json!({ "email": "bob@example.org", "roles": ["analyst"] }));
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    let address = ann.leave(again).await;
    let asked = parameters(&address).1;
    assert_eq!((asked["prompt"].as_str(), asked["max_age"].as_str()), ("login", "0"));
    // The provider did not ask anew, or does not say so.
    assert_eq!(ann.back(&world.house, &address, "1").await, "sign-in/not-shown");
    world.house.rooms().shown = Some(now() - 100);
    assert_eq!(ann.go(&world.house, again, "1").await, "sign-in/not-shown");
    world.house.rooms().shown = Some(now() + 4000);
    assert_eq!(ann.go(&world.house, again, "1").await, "sign-in/not-shown");
    // Somebody else sat down there.
    world.house.rooms().shown = Some(now());
    assert_eq!(ann.go(&world.house, again, "2").await, "sign-in/another");
    member(&world, "bob", "2").await;
    world.house.rooms().shown = Some(now());
    assert_eq!(ann.go(&world.house, again, "2").await, "sign-in/another");
    ann.call(Method::POST, &path, form.clone()).await.refused(403, "step_up_needed");

    let before = ann.clone();
    world.house.rooms().shown = Some(now());
    assert_eq!(ann.go(&world.house, again, "1").await, "sign-in/again");
    assert_ne!(ann.jar[SESSION], before.jar[SESSION]);
    ann.call(Method::POST, &path, form).await.ok();
    before.clone().get("/api/me").await.refused(401, "not_logged_in");
    Browser::new(&world).get(again).await.refused(401, "not_logged_in");
}
