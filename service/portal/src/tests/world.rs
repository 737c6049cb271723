//! A portal with a database and three stand-ins for servers, which take sealed parcels and answer.

use std::future::Future;
use std::pin::Pin;

use axum::Router;
use tempfile::TempDir;

use super::oidc::House;
use super::people::Person;
use super::standin::{StandIns, stand_in};
use crate::access::Role;
use crate::config::Config;
use crate::db::Db;
use crate::server::{FirstLink, Portal, Shared, router};

pub type Story = fn(World) -> Pin<Box<dyn Future<Output = ()> + Send>>;
pub const ORIGIN: &str = "https://portal.example";
pub const PASSWORD: &str = "correct horse battery";

pub struct World {
    pub portal: Shared,
    pub app: Router,
    pub links: Vec<FirstLink>,
    pub servers: StandIns,
    pub project: String,
    pub folder: TempDir,
    /// Where people can sign in beside the portal.
    pub house: House,
}

impl World {
    /// On another database than a file of its own; `more` is added to the configuration.
    pub async fn on(database: Option<&str>, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let servers = StandIns::default();
        let mut connection = String::from(
            "connection_file_version = \"2.0.0\"\nmode = \"authorized\"\nenvironment = \"production\"\n\
             token = \"t\"\n",
        );
        for server in 0..3 {
            connection += &stand_in(server, &servers);
        }
        std::fs::write(folder.path().join("c.vdlconn"), connection).unwrap();
        let house = House::open().await;
        let oidc = house.configuration(folder.path());
        let database = database.map(|url| format!("database = '{url}'\n")).unwrap_or_default();
        // Most stories have other things to tell than passkeys.
        let factor = if more.contains("second_factor") { "" } else { "second_factor = 'off'\n" };
        let text = format!(
            "listen = '127.0.0.1:0'\norigin = '{ORIGIN}'\nsecure = 'proxy'\ndata = 'data'\n{database}{factor}{more}\n\
             [[project]]\nname = 'Stroke'\nconnection = 'c.vdlconn'\n\
             [[project]]\nname = 'Other'\nconnection = 'c.vdlconn'\n{oidc}"
        );
        let config = Config::parse(&text, folder.path()).unwrap();
        let (portal, links) = Portal::open(config).await.unwrap();
        let project = project_id(&portal.db, "Stroke").await;
        Self { app: router(&portal), portal, links, servers, project, folder, house }
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
        let (_, secret, _) = crate::invitation::invite(&mut tx, project, &email, roles, "").await.unwrap();
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

    /// Also of what is written when its answer has gone out.
    pub async fn count(&self, statement: &'static str) -> i64 {
        self.portal.db.settle().await;
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
