//! Databases of earlier versions.

use crate::db::Db;

/// The form before there were passkeys.
const BEFORE: &[&str] = &[
    include_str!("../../migrations/0001_first.sql"),
    include_str!("../../migrations/0002_publications.sql"),
    include_str!("../../migrations/0005_inviters.sql"),
];

const ROWS: &str = "
    INSERT INTO users (id, email, name, locale, password, created)
        VALUES ('u', 'ann@example.org', 'Ann', 'nl', 'p', 1);
    INSERT INTO sessions (id, secret, user_id, created, seen, fresh_until, agent)
        VALUES ('s', 'hashed', 'u', 2, 3, 4, 'browser');
    INSERT INTO projects (id, name, revision, created) VALUES ('p', 'Stroke', 5, 6);
    INSERT INTO invitations (id, project_id, email, roles, secret, created, expires, inviter)
        VALUES ('i', 'p', 'bob@example.org', 'analyst', 'hashed', 7, 8, 'u');
    INSERT INTO publications (project_id, object, envelope, created) VALUES ('p', 'o', 'e', 9)";

async fn one<R>(db: &Db, statement: &'static str) -> R
where
    R: for<'r> sqlx::FromRow<'r, sqlx::any::AnyRow> + Send + Unpin,
{
    let mut tx = db.begin().await.unwrap();
    let row = sqlx::query_as(statement).fetch_one(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    row
}

/// Opened by this version, and once more; then not by the one before.
pub async fn keeps_its_rows(url: &str) {
    let db = Db::open_with(url, BEFORE).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    sqlx::raw_sql(ROWS).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    db.close().await;
    for _ in 0..2 {
        let db = Db::open(url).await.unwrap();
        let (user, needed): (String, i64) = one(&db, "SELECT name, passkey_needed FROM users").await;
        let (session, shown): (String, i64) = one(&db, "SELECT agent, passkey FROM sessions").await;
        let (inviter, object): (String, String) =
            one(&db, "SELECT inviter, object FROM invitations JOIN publications USING (project_id)").await;
        assert_eq!((user.as_str(), needed), ("Ann", 0));
        assert_eq!((session.as_str(), shown), ("browser", 0));
        assert_eq!((inviter.as_str(), object.as_str()), ("u", "o"));
        assert_eq!(one::<(i64,)>(&db, "SELECT COUNT(*) FROM passkeys").await, (0,));
        db.close().await;
    }
    Db::open_with(url, BEFORE).await.unwrap_err();
}

#[tokio::test]
async fn a_database_of_an_earlier_version_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    keeps_its_rows(&Db::in_folder(folder.path())).await;
}
