//! A portal in a process of its own, so that its memory can be looked at.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::standin::{StandIns, stand_in};
use super::world::PASSWORD;

const CONFIG: &str = "VDL_PORTAL_CONFIG_OF_TEST";
const UPLOADS: usize = 16;
const PARCEL: usize = 12 << 20;
const CHUNK: usize = 4 << 20;
const MOST_MEMORY_KIB: u64 = 256 << 10;
/// Stands in every parcel; nothing of a parcel is to stay anywhere.
const MARKER: &[u8] = b"a value that nobody may see";

/// The process that the test below starts.
#[test]
#[ignore = "does nothing by itself"]
fn portal_process() {
    if let Some(config) = std::env::var_os(CONFIG) {
        crate::serve(Path::new(&config), true, |_, links| println!("\nlink {}", links[0].link)).unwrap();
    }
}

struct Portal {
    process: Child,
    address: String,
    link: String,
}

impl Portal {
    fn start(config: &Path, address: String) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::memory::portal_process", "--ignored", "--nocapture"])
            .env(CONFIG, config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut lines = output.lines().map(Result::unwrap);
        let link = lines.find_map(|line| Some(line.strip_prefix("link ")?.to_owned())).unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address, link }
    }

    /// One request on a connection of its own, as a page sends it. Gives status, cookie and body.
    fn call(&self, method: &str, path: &str, cookie: &str, kind: &str, body: &[u8]) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nsec-fetch-site: same-origin\r\ncontent-type: {kind}\r\n\
             cookie: {cookie}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap_or_default();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, cookie.split(';').next().unwrap().to_owned(), body.to_owned())
    }

    fn json(&self, method: &str, path: &str, cookie: &str, form: &serde_json::Value) -> serde_json::Value {
        let answer = self.call(method, path, cookie, "application/json", form.to_string().as_bytes());
        assert!(answer.0 < 300, "{method} {path}: {answer:?}");
        serde_json::from_str(&answer.2).unwrap_or_default()
    }

    /// The most memory it ever had, in KiB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port for a program that is started next. Whoever else asks for any port does not get it for a minute:
/// the end of a connection that was had there stays with it so long.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut asks = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    drop(listener.accept().unwrap());
    assert_eq!(asks.read(&mut [0]).unwrap(), 0, "the other end is closed first");
    listener.local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_uploads_at_once_stay_on_disk_and_leave_nothing() {
    let (folder, received) = (tempfile::tempdir().unwrap(), StandIns::default());
    let mut connection = String::from(
        "connection_file_version = \"2.0.0\"\nmode = \"design\"\nenvironment = \"design\"\ntoken = \"t\"\n",
    );
    (0..3).for_each(|server| connection += &stand_in(server, &received));
    std::fs::write(folder.path().join("c.vdlconn"), connection).unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let config = folder.path().join("portal.toml");
    let text = format!(
        "listen = '{address}'\norigin = 'http://{address}'\nsecure = 'loopback'\ndata = 'data'\n\
         [[project]]\nname = 'Stroke'\nconnection = 'c.vdlconn'\n"
    );
    std::fs::write(&config, text).unwrap();
    let told = tokio::task::spawn_blocking(move || {
        let portal = Portal::start(&config, address);
        upload_all(&portal);
        (portal.peak(), config)
    });
    let (peak, config) = told.await.unwrap();
    assert!(peak < MOST_MEMORY_KIB, "the portal took {} MiB", peak >> 10);
    let received = received.received();
    assert_eq!(received.len(), 3 * UPLOADS);
    assert!(received.iter().all(|(_, parcel)| parcel.len() == PARCEL && parcel.starts_with(MARKER)));
    assert_nothing_left(config.parent().unwrap());
}

fn upload_all(portal: &Portal) {
    let secret = portal.link.rsplit('/').next().unwrap();
    let form = serde_json::json!({ "name": "Ann", "password": PASSWORD, "email": "ann@example.org" });
    let path = format!("/api/invitations/{secret}");
    let joined = portal.call("POST", &path, "", "application/json", form.to_string().as_bytes());
    let (cookie, me): (String, serde_json::Value) = (joined.1, serde_json::from_str(&joined.2).unwrap());
    let (project, user) = (me["projects"][0]["id"].as_str().unwrap(), me["user"]["id"].as_str().unwrap());
    let roles = serde_json::json!({ "roles": ["administrator", "provider"] });
    portal.json("PUT", &format!("/api/projects/{project}/members/{user}"), &cookie, &roles);
    let mut parcel = MARKER.to_vec();
    parcel.resize(PARCEL, 7);
    std::thread::scope(|scope| {
        for _ in 0..UPLOADS {
            scope.spawn(|| {
                let form = serde_json::json!({ "sizes": vec![PARCEL; 3], "chunk": CHUNK });
                let begun = portal.json("POST", &format!("/api/projects/{project}/uploads"), &cookie, &form);
                let upload = format!("/api/uploads/{}", begun["id"].as_str().unwrap());
                for server in 0..3 {
                    for (number, piece) in parcel.chunks(CHUNK).enumerate() {
                        let path = format!("{upload}/{server}/{number}");
                        let put = portal.call("PUT", &path, &cookie, "application/octet-stream", piece);
                        assert_eq!(put.0, 204, "{put:?}");
                    }
                }
                let sent = portal.json("POST", &format!("{upload}/send"), &cookie, &serde_json::json!({}));
                assert_eq!(sent["answers"].as_array().unwrap().len(), 3);
            });
        }
    });
}

/// Neither database nor spool holds anything of what went through.
fn assert_nothing_left(folder: &Path) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let held = std::fs::read(&path).unwrap();
            let found = held.windows(MARKER.len()).any(|window| window == MARKER);
            assert!(!found, "{}", path.display());
        }
    }
}
