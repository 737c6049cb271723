//! A portal with a database and three stand-ins for servers, which take sealed parcels and answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::routing::post;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;

use super::people::Person;
use crate::access::Role;
use crate::config::Config;
use crate::db::Db;
use crate::server::{FirstLink, Portal, Shared, router};
use crate::tls::TlsListener;

pub type Story = fn(World) -> Pin<Box<dyn Future<Output = ()> + Send>>;
pub const ORIGIN: &str = "https://portal.example";
pub const PASSWORD: &str = "correct horse battery";

/// What the stand-ins were sent, each in turn.
pub type Received = Arc<Mutex<Vec<(u8, Vec<u8>)>>>;

pub struct World {
    pub portal: Shared,
    pub app: Router,
    pub links: Vec<FirstLink>,
    pub received: Received,
    pub project: String,
    pub folder: TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::on(None, "").await
    }

    /// On another database than a file of its own; `more` is added to the configuration.
    pub async fn on(database: Option<&str>, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let received = Received::default();
        let mut connection = String::from(
            "connection_file_version = \"2.0.0\"\nmode = \"authorized\"\nenvironment = \"production\"\n\
             token = \"t\"\n",
        );
        for server in 0..3 {
            connection += &stand_in(server, received.clone());
        }
        std::fs::write(folder.path().join("c.vdlconn"), connection).unwrap();
        let database = database.map(|url| format!("database = '{url}'\n")).unwrap_or_default();
        let text = format!(
            "listen = '127.0.0.1:0'\norigin = '{ORIGIN}'\nsecure = 'proxy'\ndata = 'data'\n{database}{more}\n\
             [[project]]\nname = 'Stroke'\nconnection = 'c.vdlconn'\n\
             [[project]]\nname = 'Other'\nconnection = 'c.vdlconn'\n"
        );
        let config = Config::parse(&text, folder.path()).unwrap();
        let (portal, links) = Portal::open(config).await.unwrap();
        let project = project_id(&portal.db, "Stroke").await;
        Self { app: router(&portal), portal, links, received, project, folder }
    }

    /// Somebody nobody knows.
    pub fn stranger(&self) -> Person {
        Person::new(self.app.clone())
    }

    /// Somebody with an account and these roles in the project, logged in.
    pub async fn person(&self, name: &str, roles: &[Role]) -> Person {
        self.person_in(&self.project, name, roles).await
    }

    pub async fn person_in(&self, project: &str, name: &str, roles: &[Role]) -> Person {
        let email = format!("{name}@example.org");
        let mut tx = self.portal.db.begin().await.unwrap();
        let (_, secret, _) = crate::invitation::invite(&mut tx, project, &email, roles).await.unwrap();
        tx.commit().await.unwrap();
        let mut person = self.stranger();
        let form = serde_json::json!({ "name": name, "password": PASSWORD });
        let joined = person.post(&format!("/api/invitations/{secret}"), form).await;
        assert_eq!(joined.status, 200, "{:?}", joined.json());
        person.user = joined.json()["user"]["id"].as_str().unwrap().to_owned();
        person
    }

    pub async fn other_project(&self) -> String {
        project_id(&self.portal.db, "Other").await
    }

    /// Something done to the database behind the portal's back.
    pub async fn tamper(&self, statement: &'static str) {
        let mut tx = self.portal.db.begin().await.unwrap();
        let done = sqlx::query(statement).execute(&mut *tx).await.unwrap();
        assert!(done.rows_affected() > 0, "{statement}");
        tx.commit().await.unwrap();
    }

    pub async fn count(&self, statement: &'static str) -> i64 {
        let mut tx = self.portal.db.begin().await.unwrap();
        let (count,): (i64,) = sqlx::query_as(statement).fetch_one(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        count
    }
}

async fn project_id(db: &Db, name: &str) -> String {
    let mut tx = db.begin().await.unwrap();
    let (id,): (String,) = sqlx::query_as("SELECT id FROM projects WHERE name = $1")
        .bind(name)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// Serves HTTPS with a certificate of its own, and gives its part of the connection file.
pub fn stand_in(server: u8, received: Received) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let listener = TlsListener::start(listener, Arc::new(tls)).unwrap();
    let app = Router::new().route("/v1/sealed", post(take)).with_state((server, received));
    let app = app.layer(axum::extract::DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (pem, seal) = (made.cert.pem(), crate::text::to_base64(&[server; 32]));
    format!(
        "[[servers]]\nendpoint = \"https://{address}\"\nseal = \"{seal}\"\n\
         certificate = \"\"\"\n{pem}\"\"\"\n"
    )
}

async fn take(State((server, received)): State<(u8, Received)>, body: Bytes) -> Body {
    let answer = format!("answer {server} to {} octets", body.len());
    received.lock().unwrap().push((server, body.to_vec()));
    Body::from(answer)
}
