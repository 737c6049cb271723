//! Sessions with three real nodes in this process.

// Every test file uses its part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::{Value, json};
use vdl_authorize::{SigningKey, Terms, VerifyingKey, add_signature, approve_script};
use vdl_client::{
    Call, CallError, ClearColumn, ClearValues, ClientError, Endpoint, OpenedColumn, OpenedValues, Reply,
    Session,
};
use vdl_command::{JobId, Mode, Route, TableMeta};
use vdl_node::{Node, embedded};

pub const ENVIRONMENT: &str = "production";

struct InProcess(Arc<Node>);

impl Endpoint for InProcess {
    fn call(&self, route: Route, body: Vec<u8>) -> Result<Vec<u8>, CallError> {
        self.0.answer(route, &body).map_err(CallError::Refused)
    }

    fn address(&self) -> &str {
        "embedded"
    }
}

pub fn session(nodes: [Arc<Node>; 3]) -> Session {
    Session::over(nodes.map(|node| Arc::new(InProcess(node)) as Arc<dyn Endpoint>)).unwrap()
}

pub fn design() -> Session {
    session(embedded::start().unwrap())
}

/// Two approvers, an analyst, and nodes that believe only them.
pub struct Production {
    pub nodes: [Arc<Node>; 3],
    pub folder: tempfile::TempDir,
    approvers: [SigningKey; 2],
}

impl Production {
    pub fn start() -> Self {
        let approvers = [SigningKey::from_seed([1; 32]), SigningKey::from_seed([2; 32])];
        let keys: Vec<VerifyingKey> = approvers.iter().map(SigningKey::verifying_key).collect();
        let nodes = embedded::start_as(Mode::Authorized, ENVIRONMENT, &keys).unwrap();
        Self { nodes, folder: tempfile::tempdir().unwrap(), approvers }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A session with the analyst's key.
    pub fn analyst(&self) -> Session {
        let session = session(self.nodes.clone());
        session.set_analyst_key(&self.key_file("analyst.sk", [3; 32])).unwrap();
        session
    }

    pub fn key_file(&self, name: &str, seed: [u8; 32]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, SigningKey::from_seed(seed).write_pem().unwrap().as_bytes()).unwrap();
        path
    }

    /// Approved by so many of the two, on these terms.
    pub fn approve_with(&self, script: &[u8], name: &str, signatures: usize, terms: &Terms) -> PathBuf {
        let analyst = SigningKey::from_seed([3; 32]).verifying_key();
        let mut envelope = approve_script(script, &analyst, terms, &self.approvers[0]).unwrap();
        if signatures == 2 {
            envelope = add_signature(&envelope, &self.approvers[1]).unwrap();
        }
        let path = self.path(name);
        std::fs::write(&path, envelope).unwrap();
        path
    }

    pub fn approve(&self, script: &Path, name: &str) -> PathBuf {
        self.approve_with(&std::fs::read(script).unwrap(), name, 2, &terms())
    }
}

pub fn terms() -> Terms {
    Terms { environment: ENVIRONMENT.into(), ..Terms::default() }
}

pub fn integers(name: &str, values: &[i64]) -> ClearColumn {
    ClearColumn { name: name.into(), values: ClearValues::Integer(values.to_vec()), valid: None }
}

pub fn texts(name: &str, values: &[&str]) -> ClearColumn {
    let values = values.iter().map(|text| (*text).to_owned()).collect();
    ClearColumn { name: name.into(), values: ClearValues::Text(values), valid: None }
}

pub fn job() -> JobId {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let mut id = [0; 32];
    getrandom::fill(&mut id).unwrap();
    id[0] = NEXT.fetch_add(1, Ordering::Relaxed);
    JobId(id)
}

/// What tests ask of a session, in one line each.
pub trait Analysis {
    fn run(&self, command: Value) -> Result<Reply, ClientError>;
    fn run_at(&self, source: &str, command: Value) -> Result<Reply, ClientError>;
    fn try_upload(
        &self,
        columns: Vec<ClearColumn>,
        dummy_for: Option<&str>,
    ) -> Result<TableMeta, ClientError>;

    fn table(&self, command: Value) -> TableMeta {
        match self.run(command).unwrap() {
            Reply::Table(meta) => meta,
            other => panic!("no table: {other:?}"),
        }
    }

    fn opened(&self, command: Value) -> Vec<OpenedColumn> {
        match self.run(command).unwrap() {
            Reply::Opened(columns) => columns,
            other => panic!("nothing opened: {other:?}"),
        }
    }

    fn get(&self, handle: &str) -> TableMeta {
        self.table(json!({"get": {"table": {"handle": handle}}}))
    }

    fn upload(&self, columns: Vec<ClearColumn>) -> TableMeta {
        self.try_upload(columns, None).unwrap()
    }
}

impl Analysis for Session {
    fn run(&self, command: Value) -> Result<Reply, ClientError> {
        self.run_at("test.py:1: ...", command)
    }

    fn run_at(&self, source: &str, command: Value) -> Result<Reply, ClientError> {
        let command = command.to_string();
        self.execute(Call { command: &command, source: Some(source), ..Call::default() }, job())
    }

    fn try_upload(
        &self,
        columns: Vec<ClearColumn>,
        dummy_for: Option<&str>,
    ) -> Result<TableMeta, ClientError> {
        let types = self.upload_types(&columns, &vec![None; columns.len()])?;
        let metas: Vec<Value> = columns
            .iter()
            .zip(&types)
            .map(|(column, ctype)| json!({"name": column.name, "type": ctype.to_string()}))
            .collect();
        let command = json!({"upload": {"columns": metas}}).to_string();
        let call =
            Call { command: &command, source: Some("test.py:2: upload"), columns: Some(columns), dummy_for };
        match self.execute(call, job())? {
            Reply::Table(meta) => Ok(meta),
            other => panic!("no table: {other:?}"),
        }
    }
}

pub fn whole(values: &OpenedValues) -> &[i64] {
    match values {
        OpenedValues::Integer(values) => values,
        _ => panic!("no whole numbers"),
    }
}

pub fn filter(table: &TableMeta, column: &str, above: i64) -> Value {
    let left = json!({"column": column});
    let condition = json!({"binary": {"op": "greater", "left": left, "right": {"integer": above}}});
    json!({"filter": {"table": {"handle": table.handle}, "condition": condition}})
}

pub fn open(table: &TableMeta) -> Value {
    json!({"open": {"table": {"handle": table.handle}}})
}

pub fn aggregate(table: &TableMeta, what: &str, column: &str) -> Value {
    let aggregation = json!({"name": what, "aggregate": what, "value": {"column": column}});
    json!({"aggregate": {"table": {"handle": table.handle}, "aggregations": [aggregation]}})
}
