//! Three real servers and a real portal beside them, as `vdl up --portal` starts them.

#![allow(clippy::unwrap_used, clippy::panic)]

mod browser;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use vdl_authorize::{
    Policy, Revocation, Revoked, Rule, SigningKey, Terms, add_signature, approve_script, draft_policy,
    sign_revocation, template_any_upload,
};
use vdl_client::{
    Call, CallError, ClearColumn, ClearValues, ClientError, Connection, Endpoint, JobId, Reply, Route,
    Session,
};
use vdl_command::wire::encode;
use vdl_command::{AskLog, TableMeta, write_script};

use browser::{Browser, Courier, Upload};

struct Up {
    process: Child,
    folder: PathBuf,
    /// `host:port`
    address: String,
    said: Vec<String>,
}

impl Up {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let mut process = Process::new(env!("CARGO_BIN_EXE_vdl"))
            .args(["up", "--portal", "--dir"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut said, mut address) = (Vec::new(), None);
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(found) = line.strip_prefix("portal http://") {
                address = Some(found.to_owned());
                break;
            }
            said.push(line);
        }
        let address = address.unwrap_or_else(|| panic!("no portal: {said:?}"));
        Self { process, folder: folder.to_owned(), address, said }
    }

    /// Somebody of the sample people, with the password that was written down.
    fn log_in(&self, who: &str) -> Browser {
        let email = format!("{who}@example.org");
        let people = std::fs::read_to_string(self.folder.join("portal/people.txt")).unwrap();
        let line = people.lines().find(|line| line.trim_start().starts_with(&email)).unwrap();
        Browser::logged_in(&self.address, &email, line.split_whitespace().nth(1).unwrap())
    }

    fn key_file(&self, who: &str) -> PathBuf {
        self.folder.join(format!("portal/people/{who}.sk"))
    }

    fn key(&self, who: &str) -> SigningKey {
        SigningKey::read_pem(&std::fs::read_to_string(self.key_file(who)).unwrap()).unwrap()
    }

    /// What this provider's page reaches the servers with.
    fn session(&self, browser: &Browser) -> Session {
        Session::over(self.couriers(browser)).unwrap()
    }

    fn couriers(&self, browser: &Browser) -> [Arc<dyn Endpoint>; 3] {
        let connection = Connection::open(self.folder.join("default.vdlconn").to_str().unwrap()).unwrap();
        let upload = Arc::new(Upload::default());
        let courier = |server: usize| -> Arc<dyn Endpoint> {
            let key = connection.servers[server].seal.unwrap();
            Arc::new(Courier { browser: browser.clone(), server, key, upload: upload.clone() })
        };
        [0, 1, 2].map(courier)
    }

    fn stop(mut self) {
        let pid = self.process.id().to_string();
        assert!(Process::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
        assert!(std::net::TcpStream::connect(&self.address).is_err(), "the portal still listens");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn to_base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn from_base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn upload(session: &Session) -> Result<TableMeta, ClientError> {
    let command = r#"{"upload":{"columns":[{"name":"age","type":"int[min=0,max=127]"}]}}"#;
    let values = ClearValues::Integer((0..1000).map(|row| row % 90).collect());
    let columns = Some(vec![ClearColumn { name: "age".into(), values, valid: None }]);
    let mut job = [0; 32];
    getrandom::fill(&mut job).unwrap();
    match session.execute(Call { command, columns, ..Call::default() }, JobId(job))? {
        Reply::Table(meta) => Ok(meta),
        other => panic!("no table: {other:?}"),
    }
}

/// The provider asks for an authorization to upload, both approvers sign it in their browsers, and the file
/// of the portal is what the command line makes of the same signatures.
fn approved(up: &Up, provider: &Browser) -> (String, Vec<u8>) {
    let script = write_script(&template_any_upload()).unwrap();
    let terms = Terms {
        environment: "production".into(),
        not_before: now() - 60,
        purpose: Some("to try it out".into()),
        max_runs: Some(5),
        ..Terms::default()
    };
    let key = up.key("provider").verifying_key();
    let once = approve_script(script.as_bytes(), &key, &terms, &up.key("alice")).unwrap();
    let twice = add_signature(&once, &up.key("bob")).unwrap();
    let envelope: Value = serde_json::from_slice(&twice).unwrap();
    let form = json!({ "kind": "upload", "name": "Uploads", "payload": envelope["payload"] });
    let request = provider.post(&provider.within("requests"), &form).json();
    let path = format!("/api/requests/{}", request["id"].as_str().unwrap());
    for (at, who) in ["alice", "bob"].into_iter().enumerate() {
        let form = json!({ "version": 1, "signature": envelope["signatures"][at]["sig"] });
        up.log_in(who).post(&format!("{path}/signatures"), &form).json();
    }
    let file = provider.get(&format!("{path}/approved"));
    assert!(file.body == twice, "{}", String::from_utf8_lossy(&file.body));
    (path, file.body)
}

fn revocation(up: &Up, approval: &[u8]) -> String {
    let revocation = Revocation {
        kind: "vdl-revocation/1".into(),
        environment: "production".into(),
        policy_version: 1,
        revokes: Revoked::Approval(vdl_authorize::read_envelope(approval).unwrap().digest),
        reason: None,
        time: now(),
    };
    to_base64(&sign_revocation(&revocation, &up.key("alice")).unwrap())
}

#[test]
fn sample_people_upload_sign_and_revoke_through_the_portal() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(folder.path(), &[]);
    // Nobody knows the passwords but who reads the terminal or the file.
    let people = folder.path().join("portal/people.txt");
    assert_eq!(std::fs::metadata(&people).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Browser::new(&up.address).get("/api/me").status, 401);

    let (provider, administrator) = (up.log_in("provider"), up.log_in("administrator"));
    let project = up.log_in("analyst").get(&format!("/api/projects/{}", provider.project)).json();
    let names: Vec<_> = project["policy"]["approvers"].as_array().unwrap().iter().collect();
    assert_eq!(names.iter().map(|one| &one["name"]).collect::<Vec<_>>(), ["alice", "bob"]);
    assert!(names.iter().all(|one| one["user"].is_string()), "{names:?}");
    let rules = provider.get(&provider.within("rules")).json();
    assert_eq!((&rules["agree"], &rules["servers"][2]["policy"]), (&json!(true), &json!(1)), "{rules}");

    let (request, file) = approved(&up, &provider);
    let path = folder.path().join("uploads.approved");
    std::fs::write(&path, &file).unwrap();
    // Through the relay and the spool, sealed: the session sees to it that all three say the same.
    let session = up.session(&provider);
    session.set_analyst_key(&up.key_file("provider")).unwrap();
    session.load_authorization(&path).unwrap();
    let table = upload(&session).unwrap();
    assert_eq!(table.rows, 1000);
    let receipt = json!({ "handle": table.handle.to_string(), "rows": 1000, "file_digest": "ab".repeat(32),
        "file_name": "ages.csv", "schema": [{ "name": "age", "type": "int[min=0,max=127]" }] });
    provider.post(&provider.within("tables"), &receipt).json();
    assert_eq!(provider.get(&provider.within("tables")).json()[0]["handle"], table.handle.to_string());
    // Each server has written it down, and counts the run.
    for server in 0..3 {
        let log = administrator.get(&administrator.within(&format!("audit/{server}")));
        let log = String::from_utf8(log.body).unwrap();
        assert!(log.contains(&table.handle.to_string()), "server {server}: {log}");
    }
    // It is not for providers, neither from the portal nor in a parcel that it cannot look into.
    assert_eq!(provider.get(&provider.within("audit/0")).status, 403);
    for server in up.couriers(&provider) {
        let refused = server.call(Route::Audit, encode(&AskLog { from: 0 }, &[]).unwrap()).unwrap_err();
        assert!(matches!(&refused, CallError::Refused(answer) if answer.code == "no_such_route"));
    }
    let runs = provider.get(&format!("{request}/runs")).json();
    assert_eq!((&runs["used"], &runs["limit"]), (&json!(1), &json!(5)));

    // What an approver revokes in the page, no server runs any more.
    let alice = up.log_in("alice");
    let form = json!({ "revocation": revocation(&up, &file) });
    assert_eq!(alice.post(&format!("{request}/revoke"), &form).json()["state"], "revoked");
    let rules = alice.get(&alice.within("rules")).json();
    assert_eq!((&rules["agree"], &rules["waiting"]), (&json!(true), &json!(0)), "{rules}");
    assert!((0..3).all(|server| rules["servers"][server]["revocations"] == 1), "{rules}");
    let again = up.session(&provider);
    again.set_analyst_key(&up.key_file("provider")).unwrap();
    let refused = again.load_authorization(&path).and_then(|()| upload(&again).map(drop));
    assert_eq!(refused.unwrap_err().code(), "revoked");

    // The same people with the same passwords after a stop; they are told once.
    assert!(up.said.iter().any(|line| line.contains("bob@example.org")));
    up.stop();
    let up = Up::start(folder.path(), &[]);
    assert!(up.said.iter().all(|line| !line.contains("@example.org")), "{:?}", up.said);
    assert_eq!(up.log_in("bob").get(&request).json()["state"], "revoked");
    up.stop();
}

#[test]
fn a_cluster_with_approvers_of_its_own_gets_no_sample_approvers() {
    let folder = tempfile::tempdir().unwrap();
    let (sk, pk) = (folder.path().join("a.sk"), folder.path().join("a.pk"));
    let made = Process::new(env!("CARGO_BIN_EXE_vdl")).arg("keygen").args([&sk, &pk]).output().unwrap();
    assert!(made.status.success());
    let cluster = folder.path().join("cluster");
    let up = Up::start(&cluster, &["--mode", "authorized", "--approver", pk.to_str().unwrap()]);
    assert!(!up.key_file("alice").exists() && up.key_file("provider").exists());
    let alice = up.log_in("alice");
    let project = alice.get(&format!("/api/projects/{}", alice.project)).json();
    // Whoever has that key has not enrolled it here.
    assert_eq!(project["policy"], Value::Null);
    let rules = alice.get(&alice.within("rules")).json();
    assert_eq!((&rules["servers"][0]["policy"], &rules["agree"]), (&json!(1), &json!(false)), "{rules}");
    up.stop();
}

/// Version `version` of the sample approvers' policy, in its envelope, signed by both.
fn next_policy(up: &Up, current: &Policy, version: u32) -> Vec<u8> {
    let mut statement = current.statement().clone();
    statement.version = version;
    statement.rule = Rule::AtLeast(version - 1);
    statement.adopt_before = Some(now() + 86_400);
    let draft = draft_policy(&Policy::new(statement).unwrap()).unwrap();
    ["alice", "bob"].iter().fold(draft, |text, who| add_signature(&text, &up.key(who)).unwrap())
}

#[test]
fn a_policy_signed_in_the_portal_reaches_the_servers_and_one_from_elsewhere_reaches_the_portal() {
    let folder = tempfile::tempdir().unwrap();
    let up = Up::start(folder.path(), &[]);
    let administrator = up.log_in("administrator");
    let path = administrator.within("policy");
    let policies = administrator.get(&path).json();
    let first = from_base64(policies["current"]["payload"].as_str().unwrap());
    let first = Policy::read(&first).unwrap();
    let second = next_policy(&up, &first, 2);
    let envelope: Value = serde_json::from_slice(&second).unwrap();
    administrator.post(&path, &json!({ "payload": envelope["payload"] })).json();
    for (at, who) in ["alice", "bob"].into_iter().enumerate() {
        // Nothing holds before the last signature.
        assert_eq!(administrator.get(&administrator.within("rules")).json()["servers"][1]["policy"], 1);
        let form = json!({ "version": 2, "signature": envelope["signatures"][at]["sig"] });
        up.log_in(who).post(&format!("{path}/signatures"), &form).json();
    }
    let rules = administrator.get(&administrator.within("rules")).json();
    assert!((0..3).all(|server| rules["servers"][server]["policy"] == 2), "{rules}");
    assert_eq!((&rules["agree"], &rules["waiting"]), (&json!(true), &json!(0)), "{rules}");
    // Both signed within one second, so the order of their signatures is that of their keys.
    let file = administrator.get(&format!("{path}/2/file")).json();
    assert_eq!(file["payload"], envelope["payload"]);
    let signatures = |file: &Value| {
        let listed = file["signatures"].as_array().unwrap();
        listed.iter().map(|one| one["sig"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(signatures(&file), signatures(&envelope));

    // The command line needs no portal, and the portal notices.
    let third = next_policy(&up, &first, 3);
    let connection = Connection::open(folder.path().join("default.vdlconn").to_str().unwrap()).unwrap();
    assert!(vdl_client::publish(&connection, &third).iter().all(Result::is_ok));
    let rules = administrator.get(&administrator.within("rules")).json();
    assert_eq!(rules["agree"], true, "{rules}");
    assert_eq!(administrator.get(&path).json()["current"]["version"], 3);
    assert!(administrator.get(&format!("{path}/3/file")).body == third);
    up.stop();
}
