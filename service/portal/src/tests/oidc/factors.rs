//! An account elsewhere beside passwords and passkeys: one factor, and one way in among others.

use axum::http::Method;
use serde_json::{Value, json};

use super::browser::{Browser, SESSION, in_page, parameters};
use super::house::{Key, SECRET, Signed};
use super::links::{IDENTITIES, link, linked};
use super::sign_in::{START, invited, invited_to, join, member};
use crate::access::Role;
use crate::ids::now;
use crate::tests::World;
use crate::tests::device::Device;
use crate::tests::people::Person;
use crate::tests::world::PASSWORD;

const AGAIN: &str = "/auth/oidc/again";
const STEP_UP: &str = "fresh/passkey";

/// The same session with a device at hand.
fn at(world: &World, browser: &Browser) -> Person {
    let mut person = world.stranger();
    person.cookie = browser.jar.get(SESSION).cloned();
    person
}

async fn wants_passkey(person: &mut Person) {
    person.call(Method::PUT, "/api/passkeys/needed", Some(json!({ "needed": true }))).await.ok();
}

/// Whoever runs the provider, or sits at Ann's machine, and administers some project: as a member of that one
/// Ann could be reset by them.
pub async fn an_account_elsewhere_takes_no_invitation_where_a_passkey_is_needed(world: World) {
    let mut person = world.person("ann", &[Role::Approver]).await;
    let mut device = Device::new(1);
    link(&world, &mut Browser::of(&person), "1").await;
    person.add(&mut device).await.ok();
    wants_passkey(&mut person).await;
    world.person_in(&world.other_project().await, "mallory", &[Role::Administrator]).await;
    let token = invited_to(&world, &world.other_project().await, "ann@example.org").await;
    let mut mallory = Browser::new(&world);
    assert_eq!(join(&world, &mut mallory, &token, "x", "1").await, "sign-in/passkey");
    assert_eq!(mallory.go(&world.house, START, "1").await, "");
    assert_eq!(join(&world, &mut mallory, &token, "x", "1").await, "sign-in/passkey");
    mallory.get("/api/inbox").await.refused(403, "passkey_needed");
    assert_eq!(person.get("/api/me").await.ok()["projects"].as_array().unwrap().len(), 1);
    // Ann does, in a session in which she showed it, and stays in that.
    let mut ann = Browser::of(&person);
    assert_eq!(join(&world, &mut ann, &token, "x", "1").await, "");
    let me = ann.get("/api/me").await.ok();
    assert_eq!(me["projects"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&me["passkeys"]["waiting"], &ann.jar[SESSION]),
        (&json!(false), person.cookie.as_ref().unwrap())
    );
}

/// A shared machine: a colleague is still signed in at the provider.
pub async fn nobody_elses_account_is_linked_by_mistake(world: World) {
    let mut ann = Browser::of(&world.person("ann", &[Role::Analyst]).await);
    let onward = ann.call(Method::POST, IDENTITIES, None).await.ok();
    let address = onward["address"].as_str().unwrap();
    assert_eq!(parameters(address).1["prompt"], "login");
    world.house.rooms().shown = Some(now() - 600);
    assert_eq!(ann.back(&world.house, address, "colleague").await, "sign-in/not-shown");
    let token = invited(&world, "bob@example.org", &[Role::Analyst]).await;
    assert_eq!(
        join(&world, &mut Browser::new(&world), &token, "Bob", "colleague").await,
        "sign-in/not-shown"
    );
    assert_eq!(world.count("SELECT COUNT(*) FROM identities").await, 0);
    world.house.rooms().shown = Some(now());
    assert_eq!(link(&world, &mut ann, "1").await, "settings");
    assert_eq!(ann.get(IDENTITIES).await.ok()["identities"][0]["subject"], "1");
}

pub async fn who_came_from_elsewhere_sets_a_password_and_comes_in_by_it(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    let form = |old: Option<&str>, new: &str| Some(json!({ "old": old, "new": new }));
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    let mut set = async |old, new| ann.call(Method::POST, "/api/password", form(old, new)).await;
    set(None, PASSWORD).await.refused(403, "step_up_needed");
    world.tamper("UPDATE sessions SET fresh_until = 9999999999").await;
    set(Some("none"), PASSWORD).await.refused(401, "wrong_login");
    set(None, "short").await.refused(400, "weak_password");
    set(None, PASSWORD).await.ok();
    world.stranger().login("ann@example.org").await.ok();
    // From then on it is asked for.
    set(None, "another long phrase").await.refused(400, "invalid_input");
    world.stranger().login("ann@example.org").await.ok();
}

async fn first_passkey(person: &mut Person) -> String {
    let listed = person.get("/api/passkeys").await.ok();
    format!("/api/passkeys/{}", listed[0]["id"].as_str().unwrap())
}

pub async fn an_account_elsewhere_is_one_factor(world: World) {
    let mut person = world.person("ann", &[Role::Approver]).await;
    let mut device = Device::new(1);
    assert_eq!(link(&world, &mut Browser::of(&person), "1").await, "settings");
    person.add(&mut device).await.ok();
    wants_passkey(&mut person).await;
    world.house.rooms().shown = Some(now());
    let mut elsewhere = Browser::new(&world);
    assert_eq!(elsewhere.go(&world.house, START, "1").await, "");
    let me = elsewhere.get("/api/me").await.ok();
    assert_eq!(me["passkeys"]["waiting"], json!(true));
    elsewhere.get("/api/inbox").await.refused(403, "passkey_needed");
    elsewhere.call(Method::POST, IDENTITIES, None).await.refused(403, "passkey_needed");
    let path = linked(&mut Browser::of(&person)).await;
    elsewhere.call(Method::DELETE, &path, None).await.refused(403, "passkey_needed");
    // Nor does it learn more than that the provider is a way in.
    let ways = elsewhere.get(IDENTITIES).await.ok();
    assert_eq!((&ways["password"], &ways["provider"]), (&json!(true), &json!("Hospital")));
    let expected = json!({ "id": "", "issuer": ways["identities"][0]["issuer"], "subject": "", "created": 0,
        "used": 0, "current": true });
    assert_eq!(ways["identities"], json!([expected]));
    // Nor does it confirm who somebody is, where a passkey is needed for that.
    assert!(elsewhere.leave(AGAIN).await.ends_with("/#/sign-in/passkey"));
    assert!(Browser::of(&person).leave(AGAIN).await.ends_with("/#/sign-in/passkey"));
    // With the passkey it is enough.
    let mut both = at(&world, &elsewhere);
    both.show(STEP_UP, &mut device).await.ok();
    both.get("/api/inbox").await.ok();
}

pub async fn no_link_is_made_where_a_passkey_is_needed_meanwhile(world: World) {
    let mut person = world.person("ann", &[Role::Approver]).await;
    person.add(&mut Device::new(1)).await.ok();
    let mut password = world.stranger();
    password.login("ann@example.org").await.ok();
    let mut thief = Browser::of(&password);
    let onward = thief.call(Method::POST, IDENTITIES, None).await.ok();
    wants_passkey(&mut person).await;
    let end = thief.back(&world.house, onward["address"].as_str().unwrap(), "1").await;
    assert_eq!(end, "sign-in/passkey");
    assert_eq!(world.count("SELECT COUNT(*) FROM identities").await, 0);
}

pub async fn showing_again_does_not_replace_a_passkey_that_is_needed_meanwhile(world: World) {
    let mut person = world.person("ann", &[Role::Approver]).await;
    link(&world, &mut Browser::of(&person), "1").await;
    person.add(&mut Device::new(1)).await.ok();
    let mut ann = Browser::of(&person);
    let again = ann.leave(AGAIN).await;
    wants_passkey(&mut person).await;
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    world.house.rooms().shown = Some(now());
    assert_eq!(ann.back(&world.house, &again, "1").await, "sign-in/passkey");
    assert_eq!(world.count("SELECT COUNT(*) FROM sessions WHERE fresh_until > 0").await, 0);
}

pub async fn the_last_way_in_is_counted_over_all_kinds(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    world.tamper("UPDATE sessions SET fresh_until = 9999999999").await;
    let identity = linked(&mut ann).await;
    ann.call(Method::DELETE, &identity, None).await.refused(409, "only_way_in");
    let (mut person, mut device) = (at(&world, &ann), Device::new(1));
    person.add(&mut device).await.ok();
    // One of both may go, and the other then stays, whoever takes it away.
    let passkey = first_passkey(&mut person).await;
    person.call(Method::DELETE, &identity, None).await.ok();
    person.call(Method::DELETE, &passkey, None).await.refused(409, "only_way_in");
    let user = person.get("/api/me").await.ok()["user"]["id"].as_str().unwrap().to_owned();
    let mut dora = world.person("dora", &[Role::Administrator]).await;
    let reset = format!("/api/projects/{}/members/{user}/passkeys", world.project);
    dora.call(Method::DELETE, &reset, None).await.refused(409, "not_now");
    assert_eq!(world.stranger().show("login/passkey", &mut device).await.ok()["user"]["name"], "ann");
    // Linked anew, the passkey may go; but not where the provider is another by now.
    assert_eq!(link(&world, &mut Browser::of(&person), "1").await, "settings");
    world.tamper("UPDATE identities SET issuer = 'https://elsewhere.example'").await;
    person.call(Method::DELETE, &passkey, None).await.refused(409, "only_way_in");
    world.tamper("DELETE FROM identities").await;
    assert_eq!(link(&world, &mut Browser::of(&person), "1").await, "settings");
    person.call(Method::DELETE, &passkey, None).await.ok();
    let identity = linked(&mut Browser::of(&person)).await;
    person.call(Method::DELETE, &identity, None).await.refused(409, "only_way_in");
}

pub async fn a_link_that_was_taken_away_opens_nothing_to_whoever_is_on_the_way(world: World) {
    let person = world.person("ann", &[Role::Analyst]).await;
    let mut ann = Browser::of(&person);
    link(&world, &mut ann, "1").await;
    let mut thief = Browser::new(&world);
    let address = thief.leave(START).await;
    let path = linked(&mut ann).await;
    ann.call(Method::DELETE, &path, None).await.ok();
    assert_eq!(thief.back(&world.house, &address, "1").await, "sign-in/no-account");
    thief.get("/api/me").await.refused(401, "not_logged_in");
}

pub async fn signing_in_while_the_link_is_taken_away_leaves_no_session(world: World) {
    let mut ann = Browser::of(&world.person("ann", &[Role::Analyst]).await);
    for _ in 0..4 {
        link(&world, &mut ann, "1").await;
        let path = linked(&mut ann).await;
        let mut thief = Browser::new(&world);
        let address = thief.leave(START).await;
        let back = world.house.agree(&address, "1");
        let (_, gone) = tokio::join!(thief.arrive(&back), ann.call(Method::DELETE, &path, None));
        gone.ok();
        thief.get("/api/me").await.refused(401, "not_logged_in");
    }
}

/// Both change account and identity: neither waits for the other for ever, which a database ends with an error.
pub async fn an_invitation_is_taken_while_the_link_is_taken_away(world: World) {
    let mut ann = Browser::of(&world.person("ann", &[Role::Analyst]).await);
    for _ in 0..6 {
        link(&world, &mut ann, "1").await;
        let path = linked(&mut ann).await;
        let token = invited_to(&world, &world.other_project().await, "ann@example.org").await;
        let mut elsewhere = Browser::new(&world);
        let take = format!("/api/invitations/{token}/oidc");
        let onward = elsewhere.call(Method::POST, &take, Some(json!({ "name": "x" }))).await.ok();
        let back = world.house.agree(onward["address"].as_str().unwrap(), "1");
        let (end, gone) = tokio::join!(elsewhere.arrive(&back), ann.call(Method::DELETE, &path, None));
        gone.ok();
        let end = in_page(&end);
        assert!(["", "sign-in/has-account"].contains(&end.as_str()), "{end}");
        elsewhere.get("/api/me").await.refused(401, "not_logged_in");
    }
}

pub async fn whoever_links_an_account_is_told(world: World) {
    let mut person = world.person("ann", &[Role::Analyst]).await;
    link(&world, &mut Browser::of(&person), "1").await;
    assert_eq!(person.get("/api/inbox").await.ok()["notices"][0]["kind"], "identity_linked");
}

pub async fn whoever_is_not_let_in_is_written_down(world: World) {
    let lines = "SELECT COUNT(*) FROM journal WHERE kind = 'oidc_refused'";
    let mut auditor = world.person("auditor", &[Role::Auditor]).await;
    let mut ann = member(&world, "ann", "1").await;
    let mut eve = Browser::new(&world);
    assert_eq!(eve.go(&world.house, START, "eve").await, "sign-in/no-account");
    world.house.twist(|token| token.signed = Signed::By(Box::new(Key::es256())));
    assert_eq!(eve.go(&world.house, START, "1").await, "sign-in/doubtful");
    assert_eq!(world.count(lines).await, 2);
    world.house.twist(|_| {});
    // Of whom it was tried for, the auditors of their projects read it.
    assert_eq!(ann.go(&world.house, AGAIN, "1").await, "sign-in/not-shown");
    let path = format!("/api/projects/{}/journal/accounts", world.project);
    world.portal.db.settle().await;
    let read = auditor.get(&path).await.ok();
    let told: Vec<&Value> =
        read.as_array().unwrap().iter().filter(|line| line["kind"] == "oidc_refused").collect();
    assert_eq!((told.len(), &told[0]["detail"]["why"]), (1, &json!("not-shown")));
    // Whoever has nothing to do with a way fills no book with it.
    assert!(eve.arrive("/auth/oidc/callback?code=x&state=y").await.ends_with("/over"));
    assert_eq!(world.count(lines).await, 3);
}

/// No password, a provider that does not always say when, and a portal that wants a passkey of everybody.
pub async fn who_comes_from_elsewhere_adds_the_first_passkey(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    ann.get("/api/inbox").await.refused(403, "passkey_needed");
    // Just now they showed the invitation and the account elsewhere; later they have to show it again.
    at(&world, &ann).call(Method::POST, "/api/passkeys/start", None).await.ok();
    world.tamper("UPDATE sessions SET fresh_until = 1").await;
    at(&world, &ann).call(Method::POST, "/api/passkeys/start", None).await.refused(403, "step_up_needed");
    world.house.rooms().shown = Some(now());
    assert_eq!(ann.go(&world.house, AGAIN, "1").await, "sign-in/again");
    let mut device = Device::new(1);
    let mut person = at(&world, &ann);
    person.add(&mut device).await.ok();
    person.get("/api/inbox").await.ok();
    // From then on it is that one.
    let mut elsewhere = Browser::new(&world);
    assert_eq!(elsewhere.go(&world.house, START, "1").await, "");
    elsewhere.get("/api/inbox").await.refused(403, "passkey_needed");
    at(&world, &elsewhere)
        .call(Method::POST, "/api/passkeys/start", None)
        .await
        .refused(403, "passkey_needed");
}

/// Whoever joined, left the passkey for later, and signs in at a provider that never says when its people
/// showed who they are: that is all there is, and it is enough for the first passkey and for nothing else.
pub async fn a_provider_that_tells_no_time_locks_nobody_out(world: World) {
    const START_ADDING: &str = "/api/passkeys/start";
    let mut ann = member(&world, "ann", "1").await;
    assert_eq!(ann.go(&world.house, START, "1").await, "");
    assert_eq!(ann.get("/api/me").await.ok()["fresh_until"], 0);
    // Neither later,
    world.tamper("UPDATE sessions SET created = created - 301").await;
    ann.call(Method::POST, START_ADDING, None).await.refused(403, "step_up_needed");
    world.tamper("UPDATE sessions SET created = created + 301").await;
    // nor where the provider says that it was long ago,
    world.tamper("UPDATE sessions SET fresh_until = 1").await;
    ann.call(Method::POST, START_ADDING, None).await.refused(403, "step_up_needed");
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    // nor where a password is there to be shown.
    world.tamper("UPDATE users SET password = 'x' WHERE email = 'ann@example.org'").await;
    ann.call(Method::POST, START_ADDING, None).await.refused(403, "step_up_needed");
    world.tamper("UPDATE users SET password = NULL WHERE email = 'ann@example.org'").await;
    // And nothing else than a passkey comes of it.
    let new = json!({ "new": PASSWORD });
    ann.call(Method::POST, "/api/password", Some(new)).await.refused(403, "step_up_needed");
    ann.call(Method::POST, IDENTITIES, None).await.refused(403, "step_up_needed");
    let needed = Some(json!({ "needed": false }));
    ann.call(Method::PUT, "/api/passkeys/needed", needed).await.refused(403, "step_up_needed");
    // Of two such sessions one adds it, and with the passkey there the other has to show it.
    let mut late = Browser::new(&world);
    assert_eq!(late.go(&world.house, START, "1").await, "");
    let [mut person, mut thief] = [at(&world, &ann), at(&world, &late)];
    let [mut device, mut other] = [Device::new(1), Device::new(2)];
    let begun = other.create(&thief.start("passkeys").await);
    person.add(&mut device).await.ok();
    thief.finish("passkeys", &begun).await.refused(403, "step_up_needed");
    late.call(Method::POST, START_ADDING, None).await.refused(403, "step_up_needed");
    assert_eq!(world.count("SELECT COUNT(*) FROM passkeys").await, 1);
    assert!(person.get("/api/me").await.ok()["fresh_until"].as_i64().unwrap() > now());
}

/// What the log says goes where whoever runs the portal keeps logs.
#[tokio::test]
async fn no_secret_is_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _kept = tracing::subscriber::set_default(subscriber);
    let world = World::on(None, "").await;
    let mut ann = member(&world, "ann", "1").await;
    let mut secrets = vec![SECRET.to_owned(), ann.jar[SESSION].clone()];
    world.house.twist(|token| token.claims["aud"] = json!("another client"));
    for change in [false, true] {
        if change {
            world.house.rooms().document =
                |document| document["jwks_uri"] = json!("http://elsewhere.example/");
        }
        let address = ann.leave(START).await;
        secrets.extend(ann.jar.get(super::browser::FLOW).cloned());
        if address.contains("/door") {
            let back = world.house.agree(&address, "1");
            secrets.push(back.split(['=', '&']).nth(1).unwrap().to_owned());
            assert!(ann.arrive(&back).await.ends_with("/sign-in/doubtful"));
        }
    }
    let log = log.text();
    assert!(log.contains("not signed in"), "{log}");
    for secret in secrets {
        assert!(!log.contains(&secret), "{log}");
    }
}

#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
