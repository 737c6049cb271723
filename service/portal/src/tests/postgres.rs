//! The same stories on a PostgreSQL that the test starts in a temporary folder, reached through a socket there.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::world::World;

/// The folder of `initdb`: Debian keeps it out of the path.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// PostgreSQL refuses to run as root; then it runs as this user and group.
fn unprivileged() -> Option<(u32, u32)> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = |name: &str| {
        let fields: Vec<&str> = users.lines().find(|line| line.starts_with(name))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    if root { ids("postgres:").or_else(|| ids("nobody:")) } else { None }
}

struct Server {
    process: Child,
    folder: tempfile::TempDir,
}

impl Server {
    fn start(programs: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ids = unprivileged();
        if let Some((user, group)) = ids {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            if let Some((user, group)) = ids {
                command.uid(user).gid(group);
            }
            command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
            command
        };
        let data = folder.path().join("data");
        let mut initdb = command("initdb");
        let made = initdb.args([
            "--username=portal",
            "--auth=trust",
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            "-D",
        ]);
        assert!(made.arg(&data).status().unwrap().success());
        let mut postgres = command("postgres");
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path());
        postgres.args([
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            "log_min_messages=fatal",
            "-c",
            "max_connections=500",
        ]);
        let process = postgres.stderr(Stdio::null()).spawn().unwrap();
        Self { process, folder }
    }

    fn url(&self, database: &str) -> String {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://portal@{socket}/{database}")
    }

    /// A connection, once it takes some.
    async fn connect(&self) -> sqlx::AnyConnection {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            match <sqlx::AnyConnection as sqlx::Connection>::connect(&self.url("postgres")).await {
                Ok(connection) => return connection,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_stories_go_the_same_way_on_postgresql() {
    let Some(programs) = programs() else {
        eprintln!("NOT TESTED: PostgreSQL is not installed (Debian: apt-get install postgresql)");
        return;
    };
    sqlx::any::install_default_drivers();
    let server = Server::start(&programs);
    let mut admin = server.connect().await;
    sqlx::raw_sql("CREATE DATABASE earlier").execute(&mut admin).await.unwrap();
    super::steps::keeps_its_rows(&server.url("earlier")).await;
    for (name, more, story) in super::stories() {
        let database = &name[..name.len().min(60)];
        let create = format!("CREATE DATABASE {database}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&mut admin).await.unwrap();
        println!("{name}");
        story(World::on(Some(&server.url(database)), more).await).await;
    }
}
