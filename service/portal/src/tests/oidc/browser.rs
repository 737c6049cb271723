//! A browser with a jar of cookies, which follows nothing by itself.

use std::collections::{BTreeMap, HashMap};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use serde_json::Value;
use tower::ServiceExt;

use super::house::House;
use crate::tests::people::{Answer, Person};
use crate::tests::world::{ORIGIN, World};

pub const SESSION: &str = "__Host-vdl";
pub const FLOW: &str = "__Host-vdl-oidc";

#[derive(Clone)]
pub struct Browser {
    app: Router,
    pub jar: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(world: &World) -> Self {
        Self { app: world.app.clone(), jar: BTreeMap::new() }
    }

    /// That of somebody who is logged in.
    pub fn of(person: &Person) -> Self {
        let jar = person.cookie.iter().map(|secret| (SESSION.to_owned(), secret.clone())).collect();
        Self { app: person.app.clone(), jar }
    }

    async fn send(&mut self, method: Method, path: &str, site: &str, form: Option<Value>) -> Answer {
        let jar: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder().method(method).uri(path).header("sec-fetch-site", site);
        let request = request.header("cookie", jar.join("; ")).header("content-type", "application/json");
        let body = form.map_or(Body::empty(), |form| Body::from(form.to_string()));
        let response = self.app.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            for wanted in ["; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
                assert!(format!("{cookie};").contains(wanted), "{cookie}");
            }
            match value {
                "" => self.jar.remove(name),
                value => self.jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn call(&mut self, method: Method, path: &str, form: Option<Value>) -> Answer {
        self.send(method, path, "same-origin", form).await
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// As another site makes it go there. Gives where it is sent next.
    pub async fn arrive(&mut self, path: &str) -> String {
        let answer = self.send(Method::GET, path, "cross-site", None).await;
        assert_eq!(answer.status, 303, "{}", String::from_utf8_lossy(&answer.body));
        onward(&answer)
    }

    /// To the provider: the address there.
    pub async fn leave(&mut self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 303, "{}", String::from_utf8_lossy(&answer.body));
        onward(&answer)
    }

    /// To the provider and back as this person. Gives the place in the page where it ends.
    pub async fn go(&mut self, house: &House, from: &str, subject: &str) -> String {
        let address = self.leave(from).await;
        self.back(house, &address, subject).await
    }

    pub async fn back(&mut self, house: &House, address: &str, subject: &str) -> String {
        let back = house.agree(address, subject);
        in_page(&self.arrive(&back).await)
    }

    pub async fn name(&mut self) -> String {
        self.get("/api/me").await.json()["user"]["name"].as_str().unwrap_or_default().to_owned()
    }
}

fn onward(answer: &Answer) -> String {
    answer.headers["location"].to_str().unwrap().to_owned()
}

/// What stands behind the `#` of an address of the portal.
pub fn in_page(address: &str) -> String {
    let place = address.strip_prefix(ORIGIN).and_then(|rest| rest.strip_prefix("/#/"));
    place.unwrap_or_else(|| panic!("{address} is not in the page")).to_owned()
}

/// The address without its parameters, and these.
pub fn parameters(address: &str) -> (&str, HashMap<String, String>) {
    let (at, query) = address.split_once('?').unwrap();
    let pairs = openidconnect::url::form_urlencoded::parse(query.as_bytes());
    (at, pairs.into_owned().collect())
}
