//! Linking an account elsewhere to one's own, and taking that away.

use axum::http::Method;
use serde_json::json;

use super::browser::Browser;
use super::sign_in::{START, member};
use crate::access::Role;
use crate::ids::now;
use crate::tests::World;

pub const IDENTITIES: &str = "/api/identities";

pub async fn link(world: &World, browser: &mut Browser, subject: &str) -> String {
    let onward = browser.call(Method::POST, IDENTITIES, None).await.ok();
    browser.back(&world.house, onward["address"].as_str().unwrap(), subject).await
}

pub async fn linked(browser: &mut Browser) -> String {
    let ways = browser.get(IDENTITIES).await.ok();
    format!("{IDENTITIES}/{}", ways["identities"][0]["id"].as_str().unwrap())
}

pub async fn an_account_elsewhere_is_linked_and_taken_away(world: World) {
    let person = world.person("ann", &[Role::Analyst]).await;
    let (mut ann, mut elsewhere) = (Browser::of(&person), Browser::new(&world));
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    ann.call(Method::POST, IDENTITIES, None).await.refused(403, "step_up_needed");
    world.tamper("UPDATE sessions SET fresh_until = 9999999999").await;
    assert_eq!(link(&world, &mut ann, "1").await, "settings");
    ann.call(Method::POST, IDENTITIES, None).await.refused(409, "taken");
    assert_eq!(elsewhere.go(&world.house, START, "1").await, "");
    assert_eq!(elsewhere.name().await, "ann");

    let path = linked(&mut ann).await;
    let mut bob = Browser::of(&world.person("bob", &[Role::Analyst]).await);
    bob.call(Method::DELETE, &path, None).await.refused(404, "no_such_thing");
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    ann.call(Method::DELETE, &path, None).await.refused(403, "step_up_needed");
    world.tamper("UPDATE sessions SET fresh_until = 9999999999").await;
    ann.call(Method::DELETE, &path, None).await.ok();
    // Whoever came in that way is out.
    elsewhere.get("/api/me").await.refused(401, "not_logged_in");
    assert_eq!(elsewhere.go(&world.house, START, "1").await, "sign-in/no-account");
    ann.get("/api/me").await.ok();
    let lines = "SELECT COUNT(*) FROM journal WHERE kind IN ('identity_linked', 'identity_unlinked')";
    assert_eq!(world.count(lines).await, 2);
}

pub async fn the_only_way_in_stays(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    world.tamper("UPDATE sessions SET fresh_until = 9999999999").await;
    let path = linked(&mut ann).await;
    ann.call(Method::DELETE, &path, None).await.refused(409, "only_way_in");
    assert_eq!(ann.go(&world.house, START, "1").await, "");
    assert_eq!(ann.name().await, "ann");
}

pub async fn an_identity_belongs_to_one_account(world: World) {
    member(&world, "ann", "1").await;
    let mut bob = Browser::of(&world.person("bob", &[Role::Analyst]).await);
    assert_eq!(link(&world, &mut bob, "1").await, "sign-in/another");
    let mut elsewhere = Browser::new(&world);
    elsewhere.go(&world.house, START, "1").await;
    assert_eq!(elsewhere.name().await, "ann");
}

/// Mallory begins to link and gives Ann the rest of the way, or the other way round.
pub async fn a_link_is_for_the_session_it_was_begun_in(world: World) {
    let mut mallory = Browser::of(&world.person("mallory", &[Role::Analyst]).await);
    let mut ann = Browser::of(&world.person("ann", &[Role::Analyst]).await);
    let onward = mallory.call(Method::POST, IDENTITIES, None).await.ok();
    let back = world.house.agree(onward["address"].as_str().unwrap(), "mallory");
    assert!(ann.arrive(&back).await.ends_with("/#/sign-in/over"));
    // Even with Mallory's other cookie.
    ann.jar.insert(super::browser::FLOW.into(), mallory.jar[super::browser::FLOW].clone());
    assert!(ann.arrive(&back).await.ends_with("/#/sign-in/over"));
    assert_eq!(world.count("SELECT COUNT(*) FROM identities").await, 0);
    // The session ended meanwhile.
    let onward = mallory.call(Method::POST, IDENTITIES, None).await.ok();
    mallory.call(Method::DELETE, "/api/session", None).await.ok();
    let end = mallory.back(&world.house, onward["address"].as_str().unwrap(), "mallory").await;
    assert_eq!(end, "sign-in/over");
    assert_eq!(world.count("SELECT COUNT(*) FROM identities").await, 0);
}

/// Whoever invites chooses the address, and holds the link.
pub async fn an_invitation_opens_nobody_elses_account(world: World) {
    world.person("ann", &[Role::Administrator]).await;
    let token = super::sign_in::invited(&world, "ann@example.org", &[Role::Auditor]).await;
    let mut mallory = Browser::new(&world);
    let end = super::sign_in::join(&world, &mut mallory, &token, "Ann", "mallory").await;
    assert_eq!(end, "sign-in/has-account");
    mallory.get("/api/me").await.refused(401, "not_logged_in");
    assert_eq!(world.count("SELECT COUNT(*) FROM identities").await, 0);
    // The invitation is not used up by that.
    Browser::new(&world).get(&format!("/api/invitations/{token}")).await.ok();
}

pub async fn an_equal_address_is_no_identity(world: World) {
    world.person("ann", &[Role::Administrator]).await;
    world.house.rooms().shown = Some(now());
    world.house.twist(|token| {
        token.claims["email"] = json!("ann@example.org");
        token.claims["email_verified"] = json!(true);
        token.claims["preferred_username"] = json!("ann");
    });
    let mut mallory = Browser::new(&world);
    assert_eq!(mallory.go(&world.house, START, "mallory").await, "sign-in/no-account");
    mallory.get("/api/me").await.refused(401, "not_logged_in");
}

pub async fn the_same_subject_of_another_issuer_is_somebody_else(world: World) {
    member(&world, "ann", "1").await;
    world.tamper("UPDATE identities SET issuer = 'https://elsewhere.example'").await;
    let mut eve = Browser::new(&world);
    assert_eq!(eve.go(&world.house, START, "1").await, "sign-in/no-account");
    eve.get("/api/me").await.refused(401, "not_logged_in");
}
