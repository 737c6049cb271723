//! What the client does when a server is down, wrong or lying. The servers here are fakes that hold
//! shares and compute nothing; everything that needs no fault is tested on the embedded engine.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use vdl_client::{Call, CallError, ClearColumn, ClearValues, ClientError, Endpoint, Reply, Session};
use vdl_command::wire::{decode, encode};
use vdl_command::{
    Answer, Command, ErrorAnswer, Handle, Info, JobId, Mode, Opened, Outcome, Request, Route, Slot, TableMeta,
};
use vdl_share::{ColumnShares, UploadColumn, UploadLayout, opened_answer, read_upload};

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Down,
    Hangs,
    Garbage,
    CutOff,
    OtherJob,
    OtherRows,
    WrongCopy,
    Refuses(&'static str),
}

/// Holds the last upload and opens it.
struct Fake {
    node: u8,
    mode: Mode,
    fault: Mutex<Fault>,
    table: Mutex<Option<(TableMeta, Vec<ColumnShares>)>>,
    cancelled: Mutex<Vec<JobId>>,
}

impl Fake {
    fn cluster() -> [Arc<Fake>; 3] {
        [0, 1, 2].map(|node| Fake::new(node, Mode::Design))
    }

    fn new(node: u8, mode: Mode) -> Arc<Fake> {
        let (fault, table, cancelled) = (Mutex::new(Fault::None), Mutex::default(), Mutex::default());
        Arc::new(Fake { node, mode, fault, table, cancelled })
    }

    fn command(&self, body: &[u8], fault: Fault) -> Vec<u8> {
        let (request, payload): (Request, _) = decode(body).unwrap();
        let command: Command = serde_json::from_str(&request.command).unwrap();
        let (mut outcome, mut shares) = match command {
            Command::Upload { columns: Slot::Value(columns), .. } => {
                let rows = request.rows.unwrap();
                let widths = columns.iter().map(|column| UploadColumn {
                    width: column.ctype.width() as usize,
                    nullable: column.ctype.nullable,
                });
                let layout = UploadLayout::new(rows as usize, widths.collect()).unwrap();
                let upload = read_upload(&layout, payload).unwrap();
                let meta = TableMeta {
                    handle: Handle([7; 32]),
                    name: None,
                    rows,
                    columns,
                    sorted: Vec::new(),
                    rules: None,
                };
                *self.table.lock().unwrap() = Some((meta.clone(), upload.columns));
                (Outcome::Table(meta), vec![])
            }
            _ => {
                let table = self.table.lock().unwrap();
                let (meta, columns) = table.as_ref().unwrap();
                let opened = Opened { rows: meta.rows, columns: meta.columns.clone() };
                (Outcome::Opened(opened), opened_answer(columns).unwrap())
            }
        };
        if let (Fault::OtherRows, Outcome::Table(meta)) = (fault, &mut outcome) {
            meta.rows += 1;
        }
        if fault == Fault::WrongCopy && !shares.is_empty() {
            // In the values of the first column, past its header.
            shares[20] ^= 1;
        }
        let job = if fault == Fault::OtherJob { JobId([0; 32]) } else { request.job };
        encode(&Answer { job, outcome }, &shares).unwrap()
    }
}

impl Endpoint for Fake {
    fn call(&self, route: Route, body: Vec<u8>) -> Result<Vec<u8>, CallError> {
        let fault = *self.fault.lock().unwrap();
        match (route, fault) {
            (Route::Info, _) => {
                let (version, environment) = ("1".to_owned(), "fake".to_owned());
                let (node, mode) = (self.node, self.mode);
                Ok(encode(&Info { node, version, mode, environment, seal_key: None }, &[]).unwrap())
            }
            (Route::Cancel, _) => {
                self.cancelled.lock().unwrap().push(decode(&body).unwrap().0);
                Ok(encode(&(), &[]).unwrap())
            }
            (_, Fault::Down) => Err(CallError::Unreachable("Connection refused".into())),
            (_, Fault::Hangs) => {
                let end = Instant::now() + Duration::from_secs(60);
                while self.cancelled.lock().unwrap().is_empty() && Instant::now() < end {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(refusal("cancelled"))
            }
            (_, Fault::Garbage) => Ok(vec![0xff; 40]),
            (_, Fault::Refuses(code)) => Err(refusal(code)),
            (_, fault) => {
                let mut answer = self.command(&body, fault);
                if fault == Fault::CutOff {
                    answer.truncate(answer.len() - 5);
                }
                Ok(answer)
            }
        }
    }

    fn address(&self) -> &str {
        ["https://zero", "https://one", "https://two"][usize::from(self.node)]
    }
}

fn refusal(code: &str) -> CallError {
    let message = format!("this is {code}");
    CallError::Refused(ErrorAnswer { code: code.into(), message, remedy: None, node: None })
}

fn session(fakes: &[Arc<Fake>; 3]) -> Session {
    Session::over(fakes.clone().map(|fake| fake as Arc<dyn Endpoint>)).unwrap()
}

const UPLOAD: &str = r#"{"upload":{"columns":[{"name":"a","type":"int[min=0,max=1000]"}]}}"#;
const OPEN: &str =
    r#"{"open":{"table":{"handle":"0707070707070707070707070707070707070707070707070707070707070707"}}}"#;

fn upload(session: &Session) -> Result<Reply, ClientError> {
    let values = ClearValues::Integer((0..200).collect());
    let columns = Some(vec![ClearColumn { name: "a".into(), values, valid: None }]);
    session.execute(Call { command: UPLOAD, columns, ..Call::default() }, JobId([1; 32]))
}

fn open(session: &Session) -> Result<Reply, ClientError> {
    session.execute(Call { command: OPEN, ..Call::default() }, JobId([2; 32]))
}

fn error_with(fault: Fault) -> ClientError {
    let fakes = Fake::cluster();
    let session = session(&fakes);
    upload(&session).unwrap();
    *fakes[1].fault.lock().unwrap() = fault;
    let error = open(&session).unwrap_err();
    *fakes[1].fault.lock().unwrap() = Fault::None;
    assert!(matches!(open(&session), Ok(Reply::Opened(_))), "the session is usable after {error}");
    error
}

#[test]
fn a_server_that_is_down_is_named_with_what_to_do() {
    let error = error_with(Fault::Down);
    assert_eq!((error.code(), error.node()), ("node_unreachable", Some(1)));
    assert!(error.to_string().contains("https://one"));
    assert!(error.remedy().unwrap().contains("runs"));
}

#[test]
fn shares_that_disagree_are_never_shown() {
    assert!(matches!(error_with(Fault::WrongCopy), ClientError::Inconsistent { .. }));
}

#[test]
fn answers_that_cannot_be_read_are_errors() {
    assert!(matches!(error_with(Fault::Garbage), ClientError::Garbled { node: 1, .. }));
    assert!(matches!(error_with(Fault::OtherJob), ClientError::Garbled { node: 1, .. }));
    let cut = error_with(Fault::CutOff);
    assert!(matches!(cut, ClientError::Inconsistent { .. } | ClientError::Disagreement(_)), "{cut}");
}

#[test]
fn servers_that_tell_different_results_are_noticed() {
    let fakes = Fake::cluster();
    *fakes[2].fault.lock().unwrap() = Fault::OtherRows;
    assert!(matches!(upload(&session(&fakes)), Err(ClientError::Disagreement(_))));
}

#[test]
fn one_failure_cancels_the_others_and_the_cause_is_reported() {
    let fakes = Fake::cluster();
    let session = session(&fakes);
    *fakes[0].fault.lock().unwrap() = Fault::Hangs;
    *fakes[1].fault.lock().unwrap() = Fault::Refuses("too_few_rows");
    *fakes[2].fault.lock().unwrap() = Fault::Refuses("peer_stopped");
    let error = upload(&session).unwrap_err();
    assert_eq!((error.code(), error.node()), ("too_few_rows", Some(1)));
    assert_eq!(fakes[0].cancelled.lock().unwrap().as_slice(), [JobId([1; 32])]);
}

#[test]
fn cancelling_reaches_all_three() {
    let fakes = Fake::cluster();
    let session = Arc::new(session(&fakes));
    fakes.iter().for_each(|fake| *fake.fault.lock().unwrap() = Fault::Hangs);
    let running = session.clone();
    let worker = std::thread::spawn(move || upload(&running));
    while fakes.iter().any(|fake| fake.cancelled.lock().unwrap().is_empty()) {
        session.cancel(JobId([1; 32]));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(worker.join().unwrap().unwrap_err().code(), "cancelled");
}

#[test]
fn servers_in_another_order_or_mode_are_refused() {
    let [a, b, c] = Fake::cluster();
    let swapped = Session::over([b as Arc<dyn Endpoint>, a, c]);
    assert!(matches!(swapped, Err(ClientError::Disagreement(_))));
    let mixed = [Mode::Design, Mode::Design, Mode::Authorized];
    let endpoints = [0, 1, 2].map(|node| Fake::new(node, mixed[usize::from(node)]) as Arc<dyn Endpoint>);
    let error = Session::over(endpoints).err().unwrap().to_string();
    assert!(error.contains("design, design, authorized"), "{error}");
}

#[test]
fn the_payload_of_one_server_tells_nothing() {
    // The marker is a run of equal values; no server's bytes hold it, in planes or otherwise.
    let fakes = Fake::cluster();
    let session = session(&fakes);
    let columns = || {
        let values = ClearValues::Text(vec!["MARKER".into(); 640]);
        Some(vec![ClearColumn { name: "t".into(), values, valid: None }])
    };
    let command = r#"{"upload":{"columns":[{"name":"t","type":"varchar[6,ascii]"}]}}"#;
    session.execute(Call { command, columns: columns(), ..Call::default() }, JobId([1; 32])).unwrap();
    for fake in &fakes {
        let table = fake.table.lock().unwrap();
        let shares = table.as_ref().unwrap().1[0].bits.get().unwrap();
        for component in [&shares.own, &shares.next] {
            // 640 equal rows: a plane in the clear would be all zeros or all ones.
            assert!((0..42).all(|plane| component.plane(plane).windows(2).any(|pair| pair[0] != pair[1])));
        }
    }
}
