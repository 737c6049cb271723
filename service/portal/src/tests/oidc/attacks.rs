//! Providers that lie, browsers that were lured, and answers that are not theirs.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;

use super::browser::{Browser, FLOW, in_page};
use super::house::{CLIENT, Key, SECRET, Signed, Token};
use super::sign_in::{START, member};
use crate::ids::now;
use crate::tests::World;

type Attack = (&'static str, fn(&mut Token));

const LIES: &[Attack] = &[
    ("another key", |token| token.signed = Signed::By(Box::new(Key::es256()))),
    ("another key of another kind", |token| {
        token.header["alg"] = json!("EdDSA");
        token.signed = Signed::By(Box::new(Key::eddsa()));
    }),
    ("another key that is not named", |token| {
        token.header.as_object_mut().unwrap().remove("kid");
        token.signed = Signed::By(Box::new(Key::es256()));
    }),
    ("a key that comes along", |token| {
        token.header["jku"] = json!("http://127.0.0.1:1/keys");
        token.signed = Signed::By(Box::new(Key::es256()));
    }),
    ("no signature", |token| {
        token.header["alg"] = json!("none");
        token.signed = Signed::NotAtAll;
    }),
    ("no signature, written otherwise", |token| {
        token.header["alg"] = json!("nOnE");
        token.signed = Signed::NotAtAll;
    }),
    ("an empty signature", |token| token.signed = Signed::NotAtAll),
    ("the client's secret", |token| {
        token.header["alg"] = json!("HS256");
        token.signed = Signed::WithSecret(SECRET.into());
    }),
    ("something that must be understood", |token| token.header["crit"] = json!(["b64"])),
    ("another issuer", |token| token.claims["iss"] = json!("https://elsewhere.example")),
    ("an issuer with a slash more", |token| {
        token.claims["iss"] = json!(format!("{}/", token.claims["iss"].as_str().unwrap()));
    }),
    ("another audience", |token| token.claims["aud"] = json!("another client")),
    ("further audiences", |token| token.claims["aud"] = json!([CLIENT, "another client"])),
    ("no audience", |token| token.claims["aud"] = json!([])),
    ("issued to another client", |token| token.claims["azp"] = json!("another client")),
    ("over", |token| token.claims["exp"] = json!(now() - 1)),
    ("without an end", |token| {
        token.claims.as_object_mut().unwrap().remove("exp");
    }),
    ("from the future", |token| token.claims["iat"] = json!(now() + 600)),
    ("from before", |token| token.claims["iat"] = json!(now() - 600)),
    ("another nonce", |token| token.claims["nonce"] = json!("0".repeat(64))),
    ("no nonce", |token| {
        token.claims.as_object_mut().unwrap().remove("nonce");
    }),
    ("nobody", |token| token.claims["sub"] = json!("")),
    ("no subject", |token| {
        token.claims.as_object_mut().unwrap().remove("sub");
    }),
    ("a subject with a zero", |token| token.claims["sub"] = json!("1\0")),
];

pub async fn no_lie_of_a_token_is_believed(world: World) {
    member(&world, "ann", "1").await;
    let sessions = "SELECT COUNT(*) FROM sessions";
    assert_eq!(world.count(sessions).await, 1);
    for (name, lie) in LIES {
        world.house.twist(lie);
        let mut eve = Browser::new(&world);
        let end = eve.go(&world.house, START, "1").await;
        assert_eq!(end, "sign-in/doubtful", "{name}");
        assert_eq!(world.count(sessions).await, 1, "{name}");
    }
    // The public key taken for a secret.
    let public = world.house.rooms().public();
    world.house.twist(move |token| {
        token.header["alg"] = json!("HS256");
        token.signed = Signed::WithSecret(public.clone());
    });
    assert_eq!(Browser::new(&world).go(&world.house, START, "1").await, "sign-in/doubtful");
    world.house.twist(|_| {});
    assert_eq!(Browser::new(&world).go(&world.house, START, "1").await, "");
}

pub async fn a_code_and_a_state_work_once(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    let address = ann.leave(START).await;
    let cookie = ann.jar[FLOW].clone();
    let back = world.house.agree(&address, "1");
    let mut thief = Browser::new(&world);
    thief.jar.insert(FLOW.into(), cookie);
    assert_eq!(in_page(&ann.arrive(&back).await), "");
    let given = world.house.rooms().given;
    // With all that the browser had: the code is not even shown to the provider.
    assert_eq!(in_page(&thief.arrive(&back).await), "sign-in/over");
    assert_eq!(world.house.rooms().given, given);
    // The code alone, on another way: the provider knows it was used.
    let address = thief.leave(START).await;
    let other = world.house.agree(&address, "mallory");
    let code = |path: &str| path.split(['=', '&']).nth(1).unwrap().to_owned();
    let swapped = other.replace(&code(&other), &code(&back));
    assert_eq!(in_page(&thief.arrive(&swapped).await), "sign-in/refused/invalid_grant");
    thief.get("/api/me").await.refused(401, "not_logged_in");
}

/// A code that was stolen on the way is of no use without the verifier, which never left the portal.
pub async fn a_stolen_code_is_of_no_use_on_another_way(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    let stolen = {
        let address = ann.leave(START).await;
        world.house.agree(&address, "1")
    };
    let mut thief = Browser::new(&world);
    let address = thief.leave(START).await;
    let own = world.house.agree(&address, "mallory");
    let code = |path: &str| path.split(['=', '&']).nth(1).unwrap().to_owned();
    let swapped = own.replace(&code(&own), &code(&stolen));
    assert_eq!(in_page(&thief.arrive(&swapped).await), "sign-in/refused/invalid_grant");
    thief.get("/api/me").await.refused(401, "not_logged_in");
}

/// Somebody is lured into the account of whoever lures them.
pub async fn an_answer_for_another_browser_is_not_taken(world: World) {
    member(&world, "mallory", "1").await;
    let mut mallory = Browser::new(&world);
    let address = mallory.leave(START).await;
    let back = world.house.agree(&address, "1");
    let mut ann = Browser::new(&world);
    assert_eq!(in_page(&ann.arrive(&back).await), "sign-in/over");
    // While Ann is on a way of her own, which goes on as if nothing had been.
    let own = ann.leave(START).await;
    assert_eq!(in_page(&ann.arrive(&back).await), "sign-in/over");
    for state in ["", "0", &"0".repeat(64)] {
        let path = format!("/auth/oidc/callback?code=x&state={state}");
        assert_eq!(in_page(&ann.arrive(&path).await), "sign-in/over");
    }
    assert_eq!(in_page(&ann.arrive("/auth/oidc/callback").await), "sign-in/over");
    assert_eq!(in_page(&ann.arrive("/auth/oidc/callback?state=a&state=b").await), "sign-in/over");
    ann.get("/api/me").await.refused(401, "not_logged_in");
    assert_eq!(ann.back(&world.house, &own, "1").await, "");
}

pub async fn an_answer_that_comes_too_late_is_not_taken(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    let address = ann.leave(START).await;
    world.tamper("UPDATE sign_ins SET created = created - 601").await;
    assert_eq!(ann.back(&world.house, &address, "1").await, "sign-in/over");
    ann.leave(START).await;
    world.tamper("UPDATE sign_ins SET created = created - 601").await;
    world.portal.sweep().await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM sign_ins").await, 0);
    // Nor one that was begun with another provider, before the configuration changed.
    let address = ann.leave(START).await;
    world.tamper("UPDATE sign_ins SET issuer = 'https://elsewhere.example'").await;
    assert_eq!(ann.back(&world.house, &address, "1").await, "sign-in/over");
}

/// One provider's answer brought to another's door (RFC 9207).
pub async fn an_answer_of_another_issuer_is_not_taken(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    let issuer = world.house.rooms().issuer.clone();
    for (says, end) in [
        ("&iss=https://elsewhere.example".to_owned(), "sign-in/doubtful"),
        (format!("&iss={issuer}/"), "sign-in/doubtful"),
        ("&iss=".to_owned(), "sign-in/doubtful"),
        (format!("&iss={issuer}"), ""),
    ] {
        let address = ann.leave(START).await;
        let back = world.house.agree(&address, "1");
        assert_eq!(in_page(&ann.arrive(&(back + &says)).await), end, "{says}");
    }
}

pub async fn nobody_is_sent_out_of_the_portal(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    for to in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "%23/%5C/evil.example",
        "%23/%0D%0ASet-Cookie:%20x=1",
        ".evil.example/%23/",
        "@evil.example/%23/",
    ] {
        assert_eq!(ann.go(&world.house, &format!("{START}?to={to}"), "1").await, "", "{to}");
    }
    // And an error that somebody wrote into the address is not shown.
    let address = ann.leave(START).await;
    let state = super::browser::parameters(&address).1["state"].clone();
    let answer = |error: &str| format!("/auth/oidc/callback?error={error}&state={state}");
    assert_eq!(in_page(&ann.arrive(&answer("call%200900-1234")).await), "sign-in/refused/other");
}

pub async fn what_the_provider_refuses_is_told(world: World) {
    let mut ann = Browser::new(&world);
    for (error, end) in [
        ("access_denied", "sign-in/declined"),
        ("temporarily_unavailable", "sign-in/refused/temporarily_unavailable"),
    ] {
        let address = ann.leave(START).await;
        let state = super::browser::parameters(&address).1["state"].clone();
        let back = format!("/auth/oidc/callback?error={error}&error_description=no&state={state}");
        assert_eq!(in_page(&ann.arrive(&back).await), end);
        // It is over.
        assert_eq!(in_page(&ann.arrive(&back).await), "sign-in/over");
    }
}

/// Doors of a provider that are not its own house, or not locked.
pub async fn a_provider_with_strange_doors_is_not_used(world: World) {
    let mut ann = Browser::new(&world);
    type Change = fn(&mut serde_json::Value);
    let changes: [Change; 5] = [
        |document| document["issuer"] = json!("https://elsewhere.example"),
        |document| document["authorization_endpoint"] = json!("http://elsewhere.example/door"),
        |document| document["authorization_endpoint"] = json!("javascript:alert(1)"),
        |document| document["token_endpoint"] = json!("http://elsewhere.example/token"),
        |document| document["jwks_uri"] = json!("http://elsewhere.example/keys"),
    ];
    for change in changes {
        world.house.rooms().document = change;
        world.portal.provider.as_ref().unwrap().forget().await;
        let answer = ann.get(START).await;
        assert_eq!(in_page(answer.headers["location"].to_str().unwrap()), "sign-in/unreachable");
        assert!(ann.jar.is_empty());
    }
    let token = super::sign_in::invited(&world, "ann@example.org", &[]).await;
    let path = format!("/api/invitations/{token}/oidc");
    let form = Some(json!({ "name": "Ann" }));
    // That it cannot be used is remembered for ten seconds: nobody has the portal ask on and on. If asking
    // twice took longer than that, it tells nothing.
    loop {
        world.portal.provider.as_ref().unwrap().forget().await;
        let since = Instant::now();
        ann.call(Method::POST, &path, form.clone()).await.refused(502, "oidc_unreachable");
        let asked = world.house.rooms().asked;
        ann.get(START).await;
        if world.house.rooms().asked == asked {
            break;
        }
        assert!(since.elapsed() >= Duration::from_secs(10), "it was asked once more");
    }
    world.portal.provider.as_ref().unwrap().forget().await;
    // Once it says that it names itself, an answer without its name is none.
    world.house.rooms().document = |document| {
        document["authorization_response_iss_parameter_supported"] = json!(true);
    };
    assert_eq!(ann.go(&world.house, START, "1").await, "sign-in/doubtful");
}

pub async fn other_sites_begin_nothing(world: World) {
    let person = world.person("ann", &[]).await;
    for path in [START, "/auth/oidc/again"] {
        let request = person.request(Method::GET, path);
        let mut request = request.body(axum::body::Body::empty()).unwrap();
        request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        person.clone().send(request).await.refused(403, "cross_site");
    }
}

pub async fn a_thousand_ways_are_not_begun_at_once(world: World) {
    let mut eve = Browser::new(&world);
    // Sixty at once, and then one a second: a slow machine begins some more until that shows.
    let mut begun = 0;
    while !eve.leave(START).await.ends_with("/#/sign-in/too-often") {
        begun += 1;
        assert!(begun < 1000, "nobody slows Eve down");
    }
    // Somebody who is in is counted by themself.
    let mut ann = Browser::of(&world.person("ann", &[]).await);
    ann.call(Method::POST, "/api/identities", None).await.ok();
}

/// From however many networks they are begun.
pub async fn ways_that_nobody_ends_are_bounded_and_over_soon(world: World) {
    world
        .tamper(
            "WITH RECURSIVE numbers (number) AS
                 (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 20000)
             INSERT INTO sign_ins (secret, issuer, aim, session_id, invitation, name, email, place, created)
             SELECT CAST(number AS TEXT), '', '', '', '', '', '', '', 4000000000 FROM numbers",
        )
        .await;
    let mut eve = Browser::new(&world);
    assert!(eve.leave(START).await.ends_with("/#/sign-in/too-often"));
    world.tamper("UPDATE sign_ins SET created = 1 WHERE secret = '1'").await;
    assert!(!eve.leave(START).await.ends_with("/#/sign-in/too-often"));
    assert_eq!(world.count("SELECT COUNT(*) FROM sign_ins").await, 20_000);
    // Whoever is logged in shows again who it is, and links an account, all the same.
    assert!(eve.leave(START).await.ends_with("/#/sign-in/too-often"));
    let mut ann = Browser::of(&world.person("ann", &[]).await);
    assert!(ann.leave("/auth/oidc/again").await.contains("/door"));
    ann.call(Method::POST, "/api/identities", None).await.ok();
    assert_eq!(world.count("SELECT COUNT(*) FROM sign_ins").await, 20_002);
}

pub async fn nothing_that_is_stored_of_a_way_is_of_use(world: World) {
    let mut ann = member(&world, "ann", "1").await;
    let address = ann.leave(START).await;
    let mut tx = world.portal.db.begin().await.unwrap();
    let row: (String, String, String, String) =
        sqlx::query_as("SELECT secret, session_id, invitation, place FROM sign_ins")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    tx.commit().await.unwrap();
    let asked = super::browser::parameters(&address).1;
    let stored = format!("{row:?}");
    for secret in [&ann.jar[FLOW], &asked["state"], &asked["nonce"], &asked["code_challenge"]] {
        assert!(!stored.contains(secret.as_str()));
    }
    assert!(!address.contains(&ann.jar[FLOW]));
}
