use axum::http::Method;
use serde_json::{Value, json};

use super::World;
use super::device::{Device, encode};
use super::late::{JSON, late};
use super::people::{Answer, Person};
use crate::access::Role;
use crate::session;

pub const ANALYST: &[Role] = &[Role::Analyst];

fn form(what: &str, answer: &Value) -> Value {
    match what {
        "passkeys" => json!({ "name": "laptop", "answer": answer }),
        _ => json!({ "answer": answer }),
    }
}

impl Person {
    pub async fn start(&mut self, what: &str) -> Value {
        self.call(Method::POST, &format!("/api/{what}/start"), None).await.ok()
    }

    pub async fn finish(&mut self, what: &str, answer: &Value) -> Answer {
        self.post(&format!("/api/{what}/finish"), form(what, answer)).await
    }

    pub async fn add(&mut self, device: &mut Device) -> Answer {
        let options = self.start("passkeys").await;
        self.finish("passkeys", &device.create(&options)).await
    }

    /// Signs in (`login/passkey`) or steps up (`fresh/passkey`).
    pub async fn show(&mut self, what: &str, device: &mut Device) -> Answer {
        let options = self.start(what).await;
        self.finish(what, &device.get(&options)).await
    }

    pub async fn wants_passkey(&mut self, needed: bool) -> Answer {
        self.call(Method::PUT, "/api/passkeys/needed", Some(json!({ "needed": needed }))).await
    }
}

/// Somebody with a passkey in a device.
pub async fn with_passkey(world: &World, name: &str, roles: &[Role], id: u8) -> (Person, Device) {
    let (mut person, mut device) = (world.person(name, roles).await, Device::new(id));
    person.add(&mut device).await.ok();
    (person, device)
}

pub const LOG_IN: &str = "login/passkey";
pub const STEP_UP: &str = "fresh/passkey";

pub async fn a_passkey_signs_in_without_an_address_and_steps_up(world: World) {
    let (mut ann, mut device) = with_passkey(&world, "ann", ANALYST, 1).await;
    let listed = ann.get("/api/passkeys").await.ok();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["name"]), (1, &json!("laptop")));
    let options = world.stranger().start(LOG_IN).await["publicKey"].clone();
    assert_eq!(
        (&options["userVerification"], &options["rpId"]),
        (&json!("required"), &json!("portal.example"))
    );
    assert_eq!(options["allowCredentials"], json!([]));

    let mut elsewhere = world.stranger();
    let me = elsewhere.show(LOG_IN, &mut device).await.ok();
    assert_eq!((&me["user"]["name"], &me["passkeys"]["waiting"]), (&json!("ann"), &json!(false)));
    assert!(elsewhere.guest.is_none());
    let before = elsewhere.cookie.clone();
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    elsewhere.wants_passkey(true).await.refused(403, "step_up_needed");
    elsewhere.show(STEP_UP, &mut device).await.ok();
    assert_ne!(elsewhere.cookie, before);
    elsewhere.wants_passkey(true).await.ok();
    // The counter is written down each time.
    assert_eq!(device.counter, 3);
    assert_eq!(world.count("SELECT COUNT(*) FROM passkeys WHERE data LIKE '%\"counter\":3,%'").await, 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM journal WHERE line LIKE '%\"with\":\"passkey\"%'").await, 2);
    assert_eq!(world.count("SELECT COUNT(*) FROM journal WHERE kind = 'stepped_up'").await, 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM journal WHERE kind = 'passkey_added'").await, 1);
    assert_eq!(ann.get("/api/inbox").await.ok()["notices"][0]["kind"], "passkey_added");
}

pub async fn an_answer_counts_once_and_only_for_the_last_challenge(world: World) {
    let (mut ann, mut device) = with_passkey(&world, "ann", ANALYST, 1).await;
    let mut eve = world.stranger();
    let options = eve.start(LOG_IN).await;
    let answer = device.get(&options);
    eve.finish(LOG_IN, &answer).await.ok();
    eve.finish(LOG_IN, &answer).await.refused(401, "passkey_refused");
    // Replayed against a challenge of its own.
    eve.start(LOG_IN).await;
    eve.finish(LOG_IN, &answer).await.refused(401, "passkey_refused");
    // A refused answer used the challenge up.
    let options = eve.start(LOG_IN).await;
    eve.finish(LOG_IN, &answer).await.refused(401, "passkey_refused");
    eve.finish(LOG_IN, &device.get(&options)).await.refused(401, "passkey_refused");

    let options = ann.start(STEP_UP).await;
    let late = device.get(&options);
    world.tamper("UPDATE ceremonies SET created = created - 301").await;
    ann.finish(STEP_UP, &late).await.refused(401, "passkey_refused");
    let old = ann.start(STEP_UP).await;
    ann.start(STEP_UP).await;
    ann.finish(STEP_UP, &device.get(&old)).await.refused(401, "passkey_refused");

    let mut second = Device::new(2);
    let options = ann.start("passkeys").await;
    let answer = second.create(&options);
    ann.finish("passkeys", &answer).await.ok();
    ann.finish("passkeys", &answer).await.refused(401, "passkey_refused");
}

pub async fn an_answer_is_for_the_browser_that_asked_and_for_what_it_asked(world: World) {
    let (mut ann, mut device) = with_passkey(&world, "ann", ANALYST, 1).await;
    let mut here = world.stranger();
    let options = here.start(LOG_IN).await;
    let answer = device.get(&options);
    let mut eve = world.stranger();
    eve.finish(LOG_IN, &answer).await.refused(401, "passkey_refused");
    eve.start(LOG_IN).await;
    eve.finish(LOG_IN, &answer).await.refused(401, "passkey_refused");
    assert!(eve.cookie.is_none());
    here.finish(LOG_IN, &answer).await.ok();
    // Another session of the same person.
    let options = ann.start(STEP_UP).await;
    here.start(STEP_UP).await;
    here.finish(STEP_UP, &device.get(&options)).await.refused(401, "passkey_refused");
    let options = ann.start("passkeys").await;
    here.start("passkeys").await;
    here.finish("passkeys", &Device::new(2).create(&options)).await.refused(401, "passkey_refused");
    // A challenge to sign in, used to step up.
    let options = ann.start(LOG_IN).await;
    ann.finish(STEP_UP, &device.get(&options)).await.refused(401, "passkey_refused");
    ann.start(STEP_UP).await;
    ann.finish(STEP_UP, &device.get(&options)).await.refused(401, "passkey_refused");
}

pub async fn other_sites_and_unverified_users_are_refused(world: World) {
    let (mut ann, device) = with_passkey(&world, "ann", ANALYST, 1).await;
    let origin = |origin: &'static str| move |device: &mut Device| device.origin = origin.to_owned();
    type Lie = Box<dyn Fn(&mut Device) + Send + Sync>;
    let lies: [Lie; 6] = [
        Box::new(origin("https://portal.example.evil")),
        Box::new(origin("https://evil.portal.example")),
        Box::new(origin("http://portal.example")),
        Box::new(origin("https://portal.example:8443")),
        Box::new(|device| device.site = "evil.example".to_owned()),
        Box::new(|device| device.verified = false),
    ];
    for (number, lie) in (10..).zip(&lies) {
        let (mut lying, mut new) = (device.clone(), Device::new(number));
        lie(&mut lying);
        lie(&mut new);
        let mut eve = world.stranger();
        eve.show(LOG_IN, &mut lying).await.refused(401, "passkey_refused");
        ann.show(STEP_UP, &mut lying).await.refused(401, "passkey_refused");
        ann.add(&mut new).await.refused(401, "passkey_refused");
        assert!(eve.cookie.is_none());
    }
    ann.show(STEP_UP, &mut device.clone()).await.ok();
    assert_eq!(world.count("SELECT COUNT(*) FROM passkeys").await, 1);
}

pub async fn somebody_elses_passkey_opens_nothing(world: World) {
    let (mut ann, ann_device) = with_passkey(&world, "ann", &[Role::Administrator], 1).await;
    let (mut eve, mut eve_device) = with_passkey(&world, "eve", ANALYST, 2).await;
    let own = eve_device.handle.clone();
    // Eve's device says that it is Ann's, or another key that it is Ann's device.
    eve_device.handle = ann_device.handle.clone();
    world.stranger().show(LOG_IN, &mut eve_device).await.refused(401, "passkey_refused");
    let mut forged = Device::new(1);
    forged.handle = ann_device.handle.clone();
    forged.counter = 100;
    world.stranger().show(LOG_IN, &mut forged).await.refused(401, "passkey_refused");
    ann.show(STEP_UP, &mut eve_device).await.refused(401, "passkey_refused");
    ann.show(STEP_UP, &mut forged).await.refused(401, "passkey_refused");
    // Names that are nobody's are refused in the same words.
    for handle in ["", &encode(&[0; 16]), &encode(b"ann@example.org"), &own[..4]] {
        eve_device.handle = handle.to_owned();
        world.stranger().show(LOG_IN, &mut eve_device).await.refused(401, "passkey_refused");
    }
    let listed = ann.get("/api/passkeys").await.ok();
    let path = format!("/api/passkeys/{}", listed[0]["id"].as_str().unwrap());
    eve.call(Method::DELETE, &path, None).await.refused(404, "no_such_thing");
    // Nor can it be made one's own by adding it once more.
    eve.add(&mut ann_device.clone()).await.refused(409, "taken");
    eve_device.handle = own;
    assert_eq!(world.stranger().show(LOG_IN, &mut eve_device).await.ok()["user"]["name"], "eve");
}

pub async fn a_removed_passkey_is_refused_and_other_sessions_end(world: World) {
    let (mut ann, mut device) = with_passkey(&world, "ann", ANALYST, 1).await;
    let mut elsewhere = world.stranger();
    elsewhere.show(LOG_IN, &mut device).await.ok();
    // Challenges from before the removal do not help.
    let (mut late, options) = (world.stranger(), ann.start(STEP_UP).await);
    let login = late.start(LOG_IN).await;
    let listed = ann.get("/api/passkeys").await.ok();
    let path = format!("/api/passkeys/{}", listed[0]["id"].as_str().unwrap());
    assert_eq!(ann.call(Method::DELETE, &path, None).await.ok()["passkeys"]["count"], 0);
    elsewhere.get("/api/me").await.refused(401, "not_logged_in");
    ann.finish(STEP_UP, &device.get(&options)).await.refused(401, "passkey_refused");
    late.finish(LOG_IN, &device.get(&login)).await.refused(401, "passkey_refused");
    ann.call(Method::POST, "/api/fresh/passkey/start", None).await.refused(409, "not_now");
    assert_eq!(world.count("SELECT COUNT(*) FROM journal WHERE kind = 'passkey_removed'").await, 1);
}

/// The first half comes in time, the second too late.
pub async fn an_answer_that_comes_after_its_session_ended_changes_nothing(world: World) {
    let (mut ann, mut device) = with_passkey(&world, "ann", ANALYST, 1).await;
    let mut elsewhere = world.stranger();
    for what in ["passkeys", STEP_UP] {
        elsewhere.show(LOG_IN, &mut device).await.ok();
        let options = elsewhere.start(what).await;
        let answer = match what {
            STEP_UP => device.get(&options),
            _ => Device::new(2).create(&options),
        };
        let (path, body) = (format!("/api/{what}/finish"), form(what, &answer).to_string());
        let mut owner = elsewhere.clone();
        let ended = async {
            owner.call(Method::DELETE, "/api/session", None).await.ok();
        };
        let answer = late(&elsewhere, (Method::POST, &path, JSON), body.as_bytes(), ended).await;
        answer.refused(401, "not_logged_in");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(world.count("SELECT COUNT(*) FROM passkeys").await, 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM journal WHERE kind = 'passkey_added'").await, 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM journal WHERE kind = 'stepped_up'").await, 0);
    // A password was enough when the form began to come.
    let mut password = world.stranger();
    password.login("ann@example.org").await.ok();
    let wanted = async {
        ann.wants_passkey(true).await.ok();
    };
    let answer = late(&password, (Method::PATCH, "/api/me", JSON), br#"{"locale":"nl"}"#, wanted).await;
    answer.refused(403, "passkey_needed");
    assert_eq!(world.count("SELECT COUNT(*) FROM users WHERE locale = 'nl'").await, 0);
    // Nor while the answer, or a password, was looked at.
    let mut tx = world.portal.db.begin().await.unwrap();
    session::renew(&mut tx, "gone").await.unwrap_err();
    session::renew_with_passkey(&mut tx, "gone").await.unwrap_err();
}

pub async fn a_copied_device_is_noticed(world: World) {
    let (_, mut device) = with_passkey(&world, "ann", ANALYST, 1).await;
    let mut copy = device.clone();
    world.stranger().show(LOG_IN, &mut device).await.ok();
    world.stranger().show(LOG_IN, &mut copy).await.refused(401, "passkey_refused");
    copy.counter = 0;
    world.stranger().show(LOG_IN, &mut copy).await.refused(401, "passkey_refused");
    world.stranger().show(LOG_IN, &mut device).await.ok();
    assert_eq!(world.count("SELECT COUNT(*) FROM journal WHERE kind = 'copied_passkey'").await, 2);
    // Also if the copy is the first to answer, and then its owner is refused.
    assert_eq!(world.count("SELECT COUNT(*) FROM notices WHERE kind = 'passkey_copied'").await, 1);
}

/// Whoever knows the password sees which passkeys there are, and sends rubbish under their names.
pub async fn rubbish_keeps_nobody_out(world: World) {
    let (mut ann, mut device) = with_passkey(&world, "ann", ANALYST, 1).await;
    ann.wants_passkey(true).await.ok();
    let mut thief = world.stranger();
    thief.login("ann@example.org").await.ok();
    let mut rubbish = Device::new(1);
    rubbish.handle = device.handle.clone();
    for what in [STEP_UP, LOG_IN] {
        for _ in 0..20 {
            thief.show(what, &mut rubbish).await.refused(401, "passkey_refused");
        }
    }
    world.stranger().show(LOG_IN, &mut device).await.ok();
    ann.show(STEP_UP, &mut device).await.ok();
}

pub async fn passkeys_are_changed_only_by_whoever_just_showed_who_they_are(world: World) {
    let (mut ann, _) = with_passkey(&world, "ann", ANALYST, 1).await;
    let options = ann.start("passkeys").await;
    let answer = Device::new(2).create(&options);
    let listed = ann.get("/api/passkeys").await.ok();
    let path = format!("/api/passkeys/{}", listed[0]["id"].as_str().unwrap());
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    ann.call(Method::POST, "/api/passkeys/start", None).await.refused(403, "step_up_needed");
    ann.finish("passkeys", &answer).await.refused(403, "step_up_needed");
    ann.wants_passkey(true).await.refused(403, "step_up_needed");
    ann.call(Method::DELETE, &path, None).await.refused(403, "step_up_needed");
    let mut dora = world.person("dora", &[Role::Administrator]).await;
    world.tamper("UPDATE sessions SET fresh_until = 0").await;
    let reset = format!("/api/projects/{}/members/{}/passkeys", world.project, ann.user);
    dora.call(Method::DELETE, &reset, None).await.refused(403, "step_up_needed");
    world.stranger().call(Method::POST, "/api/passkeys/start", None).await.refused(401, "not_logged_in");
}

pub async fn challenges_tell_strangers_nothing(world: World) {
    let before = world.stranger().start(LOG_IN).await;
    let (mut ann, mut device) = with_passkey(&world, "ann", ANALYST, 1).await;
    let after = world.stranger().start(LOG_IN).await;
    let shape = |options: &Value| {
        let mut options = options.clone();
        options["publicKey"]["challenge"] = json!("");
        options
    };
    assert_eq!(shape(&before), shape(&after));
    assert_ne!(before, after);
    // A known passkey with a wrong signature, and one that nobody has.
    device.origin = "https://evil.example".into();
    let mut texts = Vec::new();
    for device in [&mut device, &mut Device::new(9)] {
        device.handle = encode(&crate::ids::bits_of(&ann.user).unwrap());
        let answer = world.stranger().show(LOG_IN, device).await;
        let mut problem = answer.json();
        problem["id"] = json!("");
        texts.push((answer.status, problem));
    }
    assert_eq!(texts[0], texts[1]);
    // What is stored of a challenge is no cookie.
    let cookie = ann.start(LOG_IN).await;
    assert!(cookie["publicKey"]["challenge"].is_string());
    let guest = ann.guest.clone().unwrap();
    let mut tx = world.portal.db.begin().await.unwrap();
    let holders: Vec<(String,)> =
        sqlx::query_as("SELECT holder FROM ceremonies").fetch_all(&mut *tx).await.unwrap();
    assert!(!holders.is_empty() && holders.iter().all(|(holder,)| *holder != guest));
}

pub async fn refused_passkeys_are_written_down_for_whom_they_were_tried(world: World) {
    let (ann, device) = with_passkey(&world, "ann", ANALYST, 1).await;
    let mut auditor = world.person("auditor", &[Role::Auditor]).await;
    let (mut bob, _) = with_passkey(&world, "bob", ANALYST, 2).await;
    let mut eve = world.stranger();
    eve.peer = Some([192, 0, 2, 1].into());
    // A copy that lies about its site, somebody else's device that says it is Ann's, one that nobody has.
    let mut copy = device.clone();
    copy.origin = "https://evil.example".into();
    eve.show(LOG_IN, &mut copy).await.refused(401, "passkey_refused");
    let mut foreign = Device::new(9);
    foreign.handle = device.handle.clone();
    eve.show(LOG_IN, &mut foreign).await.refused(401, "passkey_refused");
    for nobody in [encode(&[7; 16]), encode(b"not an account")] {
        foreign.handle = nobody;
        eve.show(LOG_IN, &mut foreign).await.refused(401, "passkey_refused");
    }
    world.portal.db.settle().await;
    bob.show(STEP_UP, &mut device.clone()).await.refused(401, "passkey_refused");
    // What answers no challenge was no attempt: else the journal would grow as fast as somebody sends.
    let options = eve.start(LOG_IN).await;
    let answer = device.clone().get(&options);
    eve.finish(LOG_IN, &answer).await.ok();
    eve.finish(LOG_IN, &answer).await.refused(401, "passkey_refused");
    let nobody = "SELECT COUNT(*) FROM journal WHERE kind = 'wrong_passkey' AND actor = ''";
    assert_eq!(world.count(nobody).await, 2);
    let lines = auditor.get(&format!("/api/projects/{}/journal/accounts", world.project)).await.ok();
    let tried: Vec<(&Value, &Value)> = lines
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["kind"] == "wrong_passkey")
        .map(|line| (&line["actor"], &line["detail"]["from"]))
        .collect();
    let (ann, bob, from) = (json!(ann.user), json!(bob.user), json!("192.0.2.1"));
    assert_eq!(tried, [(&bob, &Value::Null), (&ann, &from), (&ann, &from)]);
}

#[test]
fn passkeys_are_for_addresses_with_a_name() {
    use crate::ceremony::relying_party;
    for (origin, offered) in [
        ("https://portal.example", true),
        ("https://portal.example:8443", true),
        ("http://localhost:8080", true),
        ("http://127.0.0.1:8080", false),
        ("https://[::1]:8080", false),
        ("https://192.0.2.1", false),
    ] {
        assert_eq!(relying_party(origin).is_some(), offered, "{origin}");
    }
}
