//! People with browsers and keys.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use serde_json::{Value, json};
use tower::ServiceExt;
use vdl_authorize::SigningKey;

use super::world::{ORIGIN, PASSWORD};

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The refusal that was expected.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) {
        let (found, body) = (self.status.as_u16(), String::from_utf8_lossy(&self.body));
        assert_eq!((found, self.code().as_str()), (status, code), "{body}");
        let problem = self.json();
        assert!(!problem["message"].as_str().unwrap().is_empty() && problem["id"].is_string());
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, String::from_utf8_lossy(&self.body));
        self.json()
    }
}

/// A browser with at most one cookie, and keys.
#[derive(Clone)]
pub struct Person {
    pub app: Router,
    pub cookie: Option<String>,
    /// For a challenge before signing in.
    pub guest: Option<String>,
    pub user: String,
    /// Where they are, if anybody knows.
    pub peer: Option<std::net::IpAddr>,
    /// Of the key they enrolled last.
    pub seed: [u8; 32],
    pub public: String,
}

impl Person {
    pub fn new(app: Router) -> Self {
        let (cookie, guest, peer) = (None, None, None);
        Self { app, cookie, guest, user: String::new(), peer, seed: [0; 32], public: String::new() }
    }

    /// As a page of the portal sends it.
    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder().method(method).uri(path).header("sec-fetch-site", "same-origin");
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; __Host-vdl={cookie}"));
        }
        if let Some(guest) = &self.guest {
            request = request.header("cookie", format!("__Host-vdl-guest={guest}"));
        }
        request
    }

    pub async fn send(&mut self, mut request: Request<Body>) -> Answer {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(crate::gate::Peer(peer));
        }
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for set in parts.headers.get_all("set-cookie") {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            let secret = rest.split(';').next().unwrap();
            let kept = (!secret.is_empty()).then(|| secret.to_owned());
            match name {
                "__Host-vdl" => self.cookie = kept,
                "__Host-vdl-guest" => self.guest = kept,
                // On the way to a provider, which `Browser` goes.
                "__Host-vdl-oidc" => {}
                other => panic!("a cookie called {other}"),
            }
        }
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn call(&mut self, method: Method, path: &str, form: Option<Value>) -> Answer {
        let request = self.request(method, path);
        let request = match form {
            Some(form) => {
                request.header("content-type", "application/json").body(Body::from(form.to_string()))
            }
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap()).await
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&mut self, path: &str, form: Value) -> Answer {
        self.call(Method::POST, path, Some(form)).await
    }

    pub async fn octets(&mut self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        let request = self.request(method, path).header("content-type", "application/octet-stream");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub async fn login(&mut self, email: &str) -> Answer {
        self.post("/api/login", json!({ "email": email, "password": PASSWORD })).await
    }

    pub fn key(&self) -> SigningKey {
        SigningKey::from_seed(self.seed)
    }

    /// DSSE: over the type and the payload.
    pub fn sign(&self, payload_type: &str, payload: &[u8]) -> String {
        let mut message =
            format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
        message.extend_from_slice(payload);
        STANDARD.encode(ed25519_dalek::SigningKey::from_bytes(&self.seed).sign(&message).to_bytes())
    }

    /// Makes a key from a number and enrols it.
    pub async fn enrol(&mut self, purpose: &str, seed: u8) -> Answer {
        self.seed = [seed; 32];
        self.public = self.key().verifying_key().to_base64().unwrap();
        let challenge = self.get("/api/keys/challenge").await.ok();
        let challenge = challenge["challenge"].as_str().unwrap().to_owned();
        self.prove(purpose, &challenge, ORIGIN).await
    }

    pub async fn prove(&mut self, purpose: &str, challenge: &str, origin: &str) -> Answer {
        let public = self.public.clone();
        let proof = format!(
            r#"{{"type":"vdl-enrolment/1","origin":"{origin}","challenge":"{challenge}","purpose":"{purpose}","public":"{public}"}}"#
        );
        let signature = self.sign(crate::key::ENROLMENT_PAYLOAD, proof.as_bytes());
        let form = json!({ "name": "laptop", "purpose": purpose, "public": public, "challenge": challenge,
            "signature": signature });
        self.post("/api/keys", form).await
    }
}
