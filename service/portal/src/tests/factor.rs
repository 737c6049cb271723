//! When a password alone is enough, and what whoever has only that cannot do.

use axum::http::Method;
use serde_json::json;

use super::World;
use super::device::Device;
use super::keeping::{mailbox, mailer};
use super::passkeys::{ANALYST, LOG_IN, STEP_UP, with_passkey};
use super::people::{Answer, Person};
use super::world::PASSWORD;
use crate::access::{Role, Scope, Who, routes};

/// Every route but those marked so, whatever the role.
async fn opens_nothing(world: &World, person: &mut Person) {
    for route in routes().iter().filter(|route| !route.early && !matches!(route.who, Who::Anyone)) {
        let path = match route.scope {
            Scope::Project => route.path.replace("{project}", &world.project),
            _ => route.path.to_owned(),
        };
        let request = person.request(route.method.clone(), &path.replace(['{', '}'], ""));
        let kind = match route.takes {
            crate::access::Takes::Octets(_) => "application/octet-stream",
            _ => "application/json",
        };
        let request = request.header("content-type", kind).body(axum::body::Body::from("{}")).unwrap();
        person.send(request).await.refused(403, "passkey_needed");
    }
}

pub async fn a_password_alone_opens_nothing_where_its_owner_wants_a_passkey(world: World) {
    let mut ann = world.person("ann", &Role::ALL).await;
    ann.wants_passkey(true).await.refused(409, "not_now");
    let mut device = Device::new(1);
    ann.add(&mut device).await.ok();
    let mut password = world.stranger();
    password.login("ann@example.org").await.ok();
    password.get("/api/passkeys").await.ok();
    assert_eq!(ann.wants_passkey(true).await.ok()["passkeys"]["waiting"], false);
    // Sessions there are wait from now on.
    opens_nothing(&world, &mut password).await;
    let me = password.login("ann@example.org").await.ok();
    assert_eq!((&me["passkeys"]["waiting"], &me["passkeys"]["count"]), (&json!(true), &json!(1)));
    assert_eq!(me["projects"], json!([]));
    // Of the session that this browser had nothing is left.
    assert_eq!(world.count("SELECT COUNT(*) FROM sessions").await, 2);
    opens_nothing(&world, &mut password).await;
    // Whoever knows the password does not make another passkey, also not by a challenge from before.
    password.call(Method::POST, "/api/passkeys/start", None).await.refused(403, "passkey_needed");
    password.post("/api/fresh", json!({ "password": PASSWORD })).await.refused(403, "passkey_needed");
    ann.wants_passkey(false).await.ok();
    let options = password.start("passkeys").await;
    ann.wants_passkey(true).await.ok();
    let answer = Device::new(2).create(&options);
    password.finish("passkeys", &answer).await.refused(403, "passkey_needed");
    // The passkey does: after the password, or alone.
    password.show(STEP_UP, &mut device).await.ok();
    password.get("/api/passkeys").await.ok();
    let mut alone = world.stranger();
    alone.show(LOG_IN, &mut device).await.ok();
    // The password is not changed by a stolen session and an old password either.
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    let form = json!({ "old": PASSWORD, "new": "another long phrase" });
    alone.post("/api/password", form.clone()).await.refused(403, "step_up_needed");
    alone.show(STEP_UP, &mut device).await.ok();
    // The last passkey stays.
    let listed = alone.get("/api/passkeys").await.ok();
    let path = format!("/api/passkeys/{}", listed[0]["id"].as_str().unwrap());
    alone.call(Method::DELETE, &path, None).await.refused(409, "not_now");
    alone.post("/api/password", form).await.ok();
    alone.wants_passkey(false).await.ok();
    alone.call(Method::DELETE, &path, None).await.ok();
}

/// The administrator of another project and whoever has the password, one and the same, make Ann a member there
/// and reset her passkeys.
pub async fn no_invitation_takes_a_passkey_away(world: World) {
    let (mut ann, mut device) = with_passkey(&world, "ann", ANALYST, 1).await;
    let mut password = world.stranger();
    password.login("ann@example.org").await.ok();
    ann.wants_passkey(true).await.ok();
    let other = world.other_project().await;
    let mut mallory = world.person_in(&other, "mallory", &[Role::Administrator]).await;
    mallory.add(&mut Device::new(2)).await.ok();
    let form = json!({ "email": "ann@example.org", "roles": ["auditor"] });
    let made = mallory.post(&format!("/api/projects/{other}/invitations"), form).await.ok();
    let path = format!("/api/invitations/{}", made["link"].as_str().unwrap().rsplit('/').next().unwrap());
    let form = json!({ "name": "x", "password": PASSWORD });
    // As nobody, in a session that waits, and in one in which somebody else showed a passkey.
    for thief in [&mut world.stranger(), &mut password, &mut mallory] {
        thief.post(&path, form.clone()).await.refused(403, "passkey_needed");
    }
    let member = format!("/api/projects/{other}/members/{}", ann.user);
    for what in ["passkeys", "sessions"] {
        let answer = mallory.call(Method::DELETE, &format!("{member}/{what}"), None).await;
        answer.refused(404, "no_such_thing");
    }
    // Ann herself takes it, after her passkey, and goes on in her session. The password belongs to it.
    let mut home = world.stranger();
    let before = home.show(LOG_IN, &mut device).await.ok();
    let wrong = json!({ "name": "x", "password": "not the password" });
    home.post(&path, wrong).await.refused(401, "wrong_login");
    world.tamper("UPDATE sessions SET fresh_until = fresh_until - 100").await;
    let cookie = home.cookie.clone();
    let me = home.post(&path, form).await.ok();
    assert_eq!((&home.cookie, me["projects"].as_array().unwrap().len()), (&cookie, 2));
    assert!(me["fresh_until"].as_i64() < before["fresh_until"].as_i64());
    home.get(&format!("/api/projects/{other}")).await.ok();
}

pub async fn a_password_does_not_make_what_a_passkey_showed_last_longer(world: World) {
    let (mut ann, _) = with_passkey(&world, "ann", ANALYST, 1).await;
    let change = |old: &str, new: &str| json!({ "old": old, "new": new });
    world.tamper("UPDATE sessions SET fresh_until = fresh_until - 200").await;
    let before = ann.get("/api/me").await.ok()["fresh_until"].as_i64();
    // Where the password is enough, it is one more way to show who it is.
    ann.post("/api/password", change(PASSWORD, "another long phrase")).await.ok();
    assert!(ann.get("/api/me").await.ok()["fresh_until"].as_i64() > before);
    ann.wants_passkey(true).await.ok();
    world.tamper("UPDATE sessions SET fresh_until = fresh_until - 200").await;
    let before = ann.get("/api/me").await.ok()["fresh_until"].clone();
    let cookie = ann.cookie.clone();
    ann.post("/api/password", change("another long phrase", PASSWORD)).await.ok();
    assert_eq!(ann.get("/api/me").await.ok()["fresh_until"], before);
    assert_ne!(ann.cookie, cookie);
}

/// Reads what the owner should read, or has them removed from the project, before mail is sent.
pub async fn whoever_changes_an_account_does_not_keep_it_from_its_owner(world: World) {
    let mut mailbox = mailbox().await;
    let mut mailer = mailer(mailbox.port);
    let mut ann = world.person("ann", ANALYST).await;
    let mut device = Device::new(1);
    let mut kinds = Vec::new();
    for step in 0..6 {
        match step {
            0 => drop(ann.add(&mut device).await.ok()),
            1 => drop(ann.wants_passkey(true).await.ok()),
            2 => drop(ann.wants_passkey(false).await.ok()),
            3 => {
                let form = json!({ "old": PASSWORD, "new": "another long phrase" });
                ann.post("/api/password", form).await.ok();
            }
            4 => {
                let mut copy = device.clone();
                world.stranger().show(LOG_IN, &mut device).await.ok();
                world.stranger().show(LOG_IN, &mut copy).await.refused(401, "passkey_refused");
            }
            _ => {
                let listed = ann.get("/api/passkeys").await.ok();
                let path = format!("/api/passkeys/{}", listed[0]["id"].as_str().unwrap());
                ann.call(Method::DELETE, &path, None).await.ok();
            }
        }
        ann.call(Method::POST, "/api/inbox/read", None).await.ok();
        world.tamper("DELETE FROM members WHERE role = 'analyst'").await;
        let notices = ann.get("/api/inbox").await.ok()["notices"].as_array().unwrap().clone();
        kinds = notices.iter().map(|notice| notice["kind"].clone()).collect();
        mailer.send_due(&world.portal).await.unwrap();
        // It is no weakening to want a passkey.
        assert_eq!(mailbox.taken.try_recv().is_ok(), step != 1, "{step}");
        assert!(mailbox.taken.try_recv().is_err());
        let back = "INSERT INTO members SELECT projects.id, users.id, 'analyst' FROM projects, users
                    WHERE projects.name = 'Stroke'";
        world.tamper(back).await;
    }
    kinds.sort_unstable_by_key(ToString::to_string);
    let changed = "account_changed";
    assert_eq!(kinds, [changed, changed, changed, "passkey_added", "passkey_copied"]);
}

/// Both sessions know the password, and no passkey is there yet.
pub async fn of_two_first_passkeys_at_once_one_is_added(world: World) {
    let mut ann = world.person("ann", ANALYST).await;
    let mut thief = world.stranger();
    thief.login("ann@example.org").await.ok();
    let [mut first, mut second] = [Device::new(1), Device::new(2)];
    let one = first.create(&ann.start("passkeys").await);
    let two = second.create(&thief.start("passkeys").await);
    let (one, two) = tokio::join!(ann.finish("passkeys", &one), thief.finish("passkeys", &two));
    let (won, lost) = if one.status.is_success() { (one, two) } else { (two, one) };
    assert_eq!(won.ok()["passkeys"]["count"], 1);
    lost.refused(403, "passkey_needed");
    assert_eq!(world.count("SELECT COUNT(*) FROM passkeys").await, 1);
}

/// Whatever comes first: afterwards nobody is in by a passkey that is gone.
pub async fn no_passkey_is_shown_while_it_is_removed(world: World) {
    let mut dora = world.person("dora", &[Role::Administrator]).await;
    for id in 1..6 {
        let name = format!("ann{id}");
        let (mut ann, mut device) = with_passkey(&world, &name, ANALYST, id).await;
        let [mut here, mut there] = [ann.clone(), world.stranger()];
        let up = device.get(&here.start(STEP_UP).await);
        let into = device.get(&there.start(LOG_IN).await);
        let reset = format!("/api/projects/{}/members/{}/passkeys", world.project, ann.user);
        let (shown, begun, gone) = tokio::join!(
            here.finish(STEP_UP, &up),
            there.finish(LOG_IN, &into),
            dora.call(Method::DELETE, &reset, None)
        );
        gone.ok();
        let refused = |answer: &Answer| matches!(answer.status.as_u16(), 401 | 409);
        assert!(shown.status.is_success() || refused(&shown), "{}", shown.code());
        assert!(begun.status.is_success() || refused(&begun), "{}", begun.code());
        for person in [&mut ann, &mut here, &mut there] {
            person.get("/api/me").await.refused(401, "not_logged_in");
        }
    }
}

pub async fn an_administrator_resets_and_everybody_is_told(world: World) {
    let (mut ann, mut device) = with_passkey(&world, "ann", &[Role::Analyst, Role::Auditor], 1).await;
    ann.wants_passkey(true).await.ok();
    let (mut dora, _) = with_passkey(&world, "dora", &[Role::Administrator], 2).await;
    let reset = |project: &str, user: &str| {
        (Method::DELETE, format!("/api/projects/{project}/members/{user}/passkeys"))
    };
    let other = world.other_project().await;
    let mut omar = world.person_in(&other, "omar", &[Role::Administrator]).await;
    let (method, path) = reset(&world.project, &dora.user);
    ann.call(method, &path, None).await.refused(403, "not_allowed");
    // An administrator of another project, in theirs and in this one.
    let (method, path) = reset(&other, &ann.user);
    omar.call(method, &path, None).await.refused(404, "no_such_thing");
    let (method, path) = reset(&world.project, &ann.user);
    omar.call(method, &path, None).await.refused(404, "no_such_thing");
    let (method, path) = reset(&world.project, &dora.user);
    dora.call(method, &path, None).await.refused(409, "not_now");

    let (method, path) = reset(&world.project, &ann.user);
    dora.call(method.clone(), &path, None).await.ok();
    dora.call(method, &path, None).await.refused(409, "not_now");
    ann.get("/api/me").await.refused(401, "not_logged_in");
    world.stranger().show(LOG_IN, &mut device).await.refused(401, "passkey_refused");
    let me = ann.login("ann@example.org").await.ok();
    assert_eq!((&me["passkeys"]["chosen"], &me["passkeys"]["waiting"]), (&json!(false), &json!(false)));
    let inbox = ann.get("/api/inbox").await.ok();
    let notices = inbox["notices"].as_array().unwrap();
    assert!(notices.iter().any(|notice| notice["kind"] == "passkeys_reset"));
    let journal = ann.get(&format!("/api/projects/{}/journal?kind=passkeys_reset", world.project)).await.ok();
    let entry = &journal["entries"][0];
    assert_eq!((&entry["actor"], &entry["object"]), (&json!(dora.user), &json!(ann.user)));
    assert_eq!(world.count("SELECT COUNT(*) FROM passkeys").await, 1);
}

pub async fn signers_add_a_passkey_before_anything_else_where_the_portal_wants_it(world: World) {
    let mut paul = world.person("paul", &[Role::Provider, Role::Analyst, Role::Auditor]).await;
    paul.get("/api/inbox").await.ok();
    let mut ann = world.person("ann", &[Role::Approver]).await;
    let me = ann.get("/api/me").await.ok();
    assert_eq!((&me["passkeys"]["required"], &me["passkeys"]["waiting"]), (&json!(true), &json!(true)));
    opens_nothing(&world, &mut ann).await;
    let mut second = world.stranger();
    second.login("ann@example.org").await.ok();
    let options = second.start("passkeys").await;
    let mut device = Device::new(1);
    assert_eq!(ann.add(&mut device).await.ok()["passkeys"]["waiting"], false);
    ann.get("/api/inbox").await.ok();
    // Of two sessions by the password one adds the first passkey; the other shows it.
    second.finish("passkeys", &Device::new(2).create(&options)).await.refused(403, "passkey_needed");
    second.show(STEP_UP, &mut device).await.ok();
    let listed = ann.get("/api/passkeys").await.ok();
    let path = format!("/api/passkeys/{}", listed[0]["id"].as_str().unwrap());
    ann.call(Method::DELETE, &path, None).await.refused(409, "not_now");
    // Whoever becomes a signer is one at once.
    let mut dora = world.stranger();
    assert_eq!(dora.show(LOG_IN, &mut device).await.ok()["user"]["name"], "ann");
    world.tamper("UPDATE members SET role = 'administrator' WHERE role = 'provider'").await;
    opens_nothing(&world, &mut paul).await;
}

pub async fn everybody_adds_one_where_the_portal_wants_it_of_all(world: World) {
    let mut paul = world.person("paul", &[Role::Auditor]).await;
    opens_nothing(&world, &mut paul).await;
    paul.call(Method::DELETE, "/api/session", None).await.ok();
}
