//! Somebody with a browser: HTTP to the portal, a cookie, and what the page does with keys and parcels.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use vdl_client::{CallError, Endpoint, Route};
use vdl_command::ErrorAnswer;
use vdl_seal::seal;

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        assert!(self.status < 300, "{} {}", self.status, String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Clone)]
pub struct Browser {
    address: String,
    cookie: Option<String>,
    pub project: String,
}

impl Browser {
    /// `address` is `host:port`.
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), cookie: None, project: String::new() }
    }

    /// Logs in, and finds the one project there is.
    pub fn logged_in(address: &str, email: &str, password: &str) -> Self {
        let mut browser = Self::new(address);
        let answer = browser.post("/api/login", &json!({ "email": email, "password": password }));
        let me = answer.json();
        let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        // Over http, on this machine: no `Secure`, and so no `__Host-`.
        assert!(cookie.starts_with("vdl=") && cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        browser.cookie = cookie.split(';').next().map(str::to_owned);
        browser.project = me["projects"][0]["id"].as_str().unwrap().to_owned();
        browser
    }

    pub fn call(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(180))).unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nsec-fetch-site: same-origin\r\n\
             content-length: {}\r\n",
            self.address,
            body.len()
        );
        if !kind.is_empty() {
            head += &format!("content-type: {kind}\r\n");
        }
        if let Some(cookie) = &self.cookie {
            head += &format!("cookie: {cookie}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        read(&answer)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "", b"")
    }

    pub fn post(&self, path: &str, form: &Value) -> Answer {
        self.call("POST", path, "application/json", form.to_string().as_bytes())
    }

    /// In the project.
    pub fn within(&self, path: &str) -> String {
        format!("/api/projects/{}/{path}", self.project)
    }

    pub fn octets(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        self.call(method, path, "application/octet-stream", body)
    }
}

fn read(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().replace("\r\n", "\n");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = &answer[end + 4..];
    let body = match head.to_lowercase().contains("transfer-encoding: chunked") {
        true => unchunked(body),
        false => body.to_vec(),
    };
    Answer { status, head, body }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return whole;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = &body[end + 4 + length..];
    }
}

/// Three parcels of one upload, put together by the three endpoints of a session.
#[derive(Default)]
pub struct Upload {
    shared: Mutex<Shared>,
    answered: Condvar,
}

#[derive(Default)]
struct Shared {
    parcels: [Option<Vec<u8>>; 3],
    answers: Option<[Vec<u8>; 3]>,
}

/// A server as the page reaches it: short requests through the relay, commands through the spool.
pub struct Courier {
    pub browser: Browser,
    pub server: usize,
    pub key: [u8; 32],
    pub upload: Arc<Upload>,
}

impl Courier {
    fn relay(&self, parcel: &[u8]) -> Vec<u8> {
        let path = self.browser.within(&format!("relay/{}", self.server));
        let answer = self.browser.octets("POST", &path, parcel);
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.body
    }

    /// Waits for the parcels of all three, which go as one.
    fn spool(&self, parcel: Vec<u8>) -> Vec<u8> {
        let mut shared = self.upload.shared.lock().unwrap();
        shared.parcels[self.server] = Some(parcel);
        if shared.parcels.iter().all(Option::is_some) {
            let parcels = shared.parcels.each_mut().map(|parcel| parcel.take().unwrap());
            shared.answers = Some(self.send(&parcels));
            self.upload.answered.notify_all();
        }
        let shared = self.upload.answered.wait_while(shared, |shared| shared.answers.is_none()).unwrap();
        shared.answers.as_ref().unwrap()[self.server].clone()
    }

    fn send(&self, parcels: &[Vec<u8>; 3]) -> [Vec<u8>; 3] {
        const CHUNK: usize = 64 << 10;
        let browser = &self.browser;
        let form = json!({ "sizes": parcels.each_ref().map(Vec::len), "chunk": CHUNK });
        let upload = browser.post(&browser.within("uploads"), &form).json();
        let path = format!("/api/uploads/{}", upload["id"].as_str().unwrap());
        for (server, parcel) in parcels.iter().enumerate() {
            for (number, chunk) in parcel.chunks(CHUNK).enumerate() {
                let stored = browser.octets("PUT", &format!("{path}/{server}/{number}"), chunk);
                assert!(stored.status < 300, "{}", String::from_utf8_lossy(&stored.body));
            }
        }
        let sent = browser.call("POST", &format!("{path}/send"), "", b"").json();
        [0, 1, 2].map(|server| super::from_base64(sent["answers"][server].as_str().unwrap()))
    }
}

impl Endpoint for Courier {
    fn call(&self, route: Route, body: Vec<u8>) -> Result<Vec<u8>, CallError> {
        let mut entropy = [0; 32];
        getrandom::fill(&mut entropy).unwrap();
        let (parcel, answer) = seal(&self.key, route.path(), &body, entropy).unwrap();
        let sealed = match route {
            Route::Command => self.spool(parcel),
            _ => self.relay(&parcel),
        };
        match answer.open(&sealed).unwrap() {
            (200, body) => Ok(body),
            (_, body) => Err(CallError::Refused(serde_json::from_slice::<ErrorAnswer>(&body).unwrap())),
        }
    }

    fn address(&self) -> &str {
        "the portal"
    }
}
