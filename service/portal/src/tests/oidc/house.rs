//! An OpenID provider: discovery, keys, codes, and tokens that it signs.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::Signer as _;
use serde_json::{Value, json};

use super::browser::parameters;
use crate::ids::{fresh_id, now};
use crate::tests::world::ORIGIN;

pub const CLIENT: &str = "vdl portal";
pub const SECRET: &str = "a secret: of the client/100%";

pub enum Key {
    Es256(EcdsaKeyPair),
    Rs256(Box<RsaKeyPair>),
    EdDsa(ed25519_dalek::SigningKey),
}

impl Key {
    pub fn es256() -> Self {
        Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn rs256() -> Self {
        Self::Rs256(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub fn eddsa() -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        Self::EdDsa(ed25519_dalek::SigningKey::from_bytes(&seed))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Es256(_) => "ES256",
            Self::Rs256(_) => "RS256",
            Self::EdDsa(_) => "EdDSA",
        }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::EdDsa(key) => key.sign(message).to_bytes().to_vec(),
        }
    }

    fn public(&self, id: &str) -> Value {
        let mut jwk = match self {
            Self::Es256(key) => {
                let point = key.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..]) })
            }
            Self::Rs256(key) => {
                // RFC 8017, A.1.1: of 2048 bits, and with the exponent 65537, its numbers have fixed places.
                let public = key.public_key().as_ref();
                assert_eq!((public.len(), &public[267..]), (270, [1, 0, 1].as_slice()));
                json!({ "kty": "RSA", "n": text(&public[9..265]), "e": text(&public[267..]) })
            }
            Self::EdDsa(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(key.verifying_key().as_bytes()) })
            }
        };
        jwk["kid"] = json!(id);
        jwk["use"] = json!("sig");
        jwk
    }
}

fn text(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// How a token is signed.
pub enum Signed {
    Well,
    /// By a key that is not the provider's.
    By(Box<Key>),
    WithSecret(Vec<u8>),
    NotAtAll,
}

/// About to be signed.
pub struct Token {
    pub header: Value,
    pub claims: Value,
    pub signed: Signed,
}

type Twist = Box<dyn Fn(&mut Token) + Send>;

/// What somebody agreed to.
struct Grant {
    subject: String,
    nonce: String,
    challenge: String,
    asked: HashMap<String, String>,
}

pub struct Rooms {
    pub issuer: String,
    key: Key,
    key_id: String,
    grants: HashMap<String, Grant>,
    /// Done to each token before it is signed.
    pub twist: Twist,
    /// Done to the discovery document.
    pub document: fn(&mut Value),
    /// When people last showed who they are, as the tokens say.
    pub shown: Option<i64>,
    /// How often somebody read the discovery document.
    pub asked: usize,
    /// Tokens given out.
    pub given: usize,
}

#[derive(Clone)]
pub struct House(Arc<Mutex<Rooms>>);

impl House {
    pub async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realm", listener.local_addr().unwrap());
        let rooms = Rooms {
            issuer,
            key: Key::es256(),
            key_id: "first".to_owned(),
            grants: HashMap::new(),
            twist: Box::new(|_| {}),
            document: |_| {},
            shown: None,
            asked: 0,
            given: 0,
        };
        let house = Self(Arc::new(Mutex::new(rooms)));
        let app = Router::new()
            .route("/realm/.well-known/openid-configuration", get(discovery))
            .route("/realm/keys", get(keys))
            .route("/realm/token", post(token))
            .with_state(house.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        house
    }

    /// The part of `portal.toml`; the secret's file lies beside it.
    pub fn configuration(&self, folder: &Path) -> String {
        std::fs::write(folder.join("oidc.secret"), format!("{SECRET}\n")).unwrap();
        let issuer = self.rooms().issuer.clone();
        format!(
            "[oidc]\nissuer = '{issuer}'\nclient_id = '{CLIENT}'\nclient_secret_file = 'oidc.secret'\n\
             name = 'Hospital'\n"
        )
    }

    pub fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.0.lock().unwrap()
    }

    pub fn twist(&self, twist: impl Fn(&mut Token) + Send + 'static) {
        self.rooms().twist = Box::new(twist);
    }

    pub fn change_key(&self, key: Key, id: &str) {
        let mut rooms = self.rooms();
        (rooms.key, rooms.key_id) = (key, id.to_owned());
    }

    /// Somebody signs in where a browser was sent. Gives the address it is sent back to, without the origin.
    pub fn agree(&self, address: &str, subject: &str) -> String {
        let mut rooms = self.rooms();
        let (at, asked) = parameters(address);
        assert_eq!(at, format!("{}/door", rooms.issuer));
        let expected = format!("{ORIGIN}/auth/oidc/callback");
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", &expected),
            ("code_challenge_method", "S256"),
            ("scope", "openid"),
        ] {
            assert_eq!(asked[name], value, "{name}");
        }
        let code = fresh_id().unwrap();
        let (nonce, challenge) = (asked["nonce"].clone(), asked["code_challenge"].clone());
        let state = asked["state"].clone();
        let subject = subject.to_owned();
        rooms.grants.insert(code.clone(), Grant { subject, nonce, challenge, asked });
        format!("/auth/oidc/callback?code={code}&state={state}&session_state=x")
    }
}

async fn discovery(State(house): State<House>) -> Json<Value> {
    let mut rooms = house.rooms();
    rooms.asked += 1;
    let issuer = &rooms.issuer;
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/door"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA", "HS256", "none"],
    });
    (rooms.document)(&mut document);
    Json(document)
}

async fn keys(State(house): State<House>) -> Json<Value> {
    let rooms = house.rooms();
    Json(json!({ "keys": [rooms.key.public(&rooms.key_id)] }))
}

type Told = (StatusCode, Json<Value>);

async fn token(State(house): State<House>, headers: HeaderMap, body: String) -> Told {
    let refused = |why: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": why })));
    let mut rooms = house.rooms();
    let form: HashMap<String, String> = parameters(&format!("?{body}")).1;
    let encoded = |plain: &str| -> String {
        openidconnect::url::form_urlencoded::byte_serialize(plain.as_bytes()).collect()
    };
    let basic = STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET)));
    if headers["authorization"] != format!("Basic {basic}") {
        return refused("invalid_client");
    }
    // A code works once.
    let Some(grant) = rooms.grants.remove(&form["code"]) else { return refused("invalid_grant") };
    let verifier = digest::digest(&digest::SHA256, form["code_verifier"].as_bytes());
    let fits = text(verifier.as_ref()) == grant.challenge
        && form["redirect_uri"] == grant.asked["redirect_uri"]
        && form["grant_type"] == "authorization_code";
    if !fits {
        return refused("invalid_grant");
    }
    rooms.given += 1;
    let id_token = rooms.write(&grant);
    (
        StatusCode::OK,
        Json(
            json!({ "access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": id_token }),
        ),
    )
}

impl Rooms {
    fn write(&self, grant: &Grant) -> String {
        let mut claims = json!({ "iss": self.issuer, "sub": grant.subject, "aud": CLIENT, "iat": now(),
            "exp": now() + 60, "nonce": grant.nonce });
        if let Some(shown) = self.shown {
            claims["auth_time"] = json!(shown);
        }
        let header = json!({ "alg": self.key.algorithm(), "kid": self.key_id, "typ": "JWT" });
        let mut token = Token { header, claims, signed: Signed::Well };
        (self.twist)(&mut token);
        let message = format!(
            "{}.{}",
            text(token.header.to_string().as_bytes()),
            text(token.claims.to_string().as_bytes())
        );
        let signature = match token.signed {
            Signed::Well => self.key.sign(message.as_bytes()),
            Signed::By(key) => key.sign(message.as_bytes()),
            Signed::WithSecret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
                hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            Signed::NotAtAll => vec![],
        };
        format!("{message}.{}", text(&signature))
    }

    /// The public half of the key, as others see it.
    pub fn public(&self) -> Vec<u8> {
        self.key.public(&self.key_id).to_string().into_bytes()
    }
}
