//! Signed documents on their way to the servers: policies that follow another, and revocations. They are kept
//! and offered until two servers say that they have them: one of any two is honest, and tells its peers.

use serde_json::json;
use vdl_authorize::{
    DocumentKind, Policies, Policy, Revocations, Revoked, Standing, document_kind, read_policy,
    read_revocation,
};
use vdl_client::ClientError;

use crate::db::Conn;
use crate::error::Fault;
use crate::ids::now;
use crate::journal;
use crate::policy::{adopted, all_adopted};
use crate::server::Shared;
use crate::text;

/// What all three servers may say of a policy so that no later attempt ends otherwise. Anything else may be
/// over in a minute. A revocation is never given up, whatever they say of it.
const FINAL: &[&str] = &[
    "approval_unreadable",
    "policy_unreadable",
    "policy_unsigned",
    "policy_expired",
    "approvers_misconfigured",
    "wrong_environment",
    "revoked",
    "request_too_long",
];
/// Also when the servers went on to another policy of this version.
const PASSED: &str = "policy_not_next";

/// One of two servers is honest: it keeps what it took, goes by it and hands it on. The word of one alone
/// says nothing.
pub const ENOUGH: usize = 2;

/// What each of the three says that it goes by.
pub type Said = [Result<Policies, ClientError>; 3];

/// Keeps a complete document until the servers have it. To be called in the transaction that completes it.
/// `object` is the digest of the document itself: of a policy, or of a revocation. Before, that of an
/// approval stood here for its revocation; nobody looks for either by it.
pub async fn keep(
    conn: &mut Conn,
    project: &str,
    object: &str,
    envelope: &[u8],
    taken: Option<i64>,
) -> Result<(), Fault> {
    sqlx::query(
        "INSERT INTO publications (project_id, object, envelope, created, taken)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(project)
    .bind(object)
    .bind(text::to_base64(envelope))
    .bind(now())
    .bind(taken)
    .execute(conn)
    .await?;
    Ok(())
}

/// The envelope of a document that was kept.
pub async fn kept(conn: &mut Conn, project: &str, object: &str) -> Result<Option<Vec<u8>>, Fault> {
    let found: Option<(String,)> =
        sqlx::query_as("SELECT envelope FROM publications WHERE project_id = $1 AND object = $2")
            .bind(project)
            .bind(object)
            .fetch_optional(conn)
            .await?;
    found.map(|(envelope,)| text::stored("a stored document", &envelope)).transpose()
}

/// The envelope in which an approval was revoked.
pub async fn revocation_of(conn: &mut Conn, project: &str, approval: &str) -> Result<Option<Vec<u8>>, Fault> {
    let rows: Vec<(String,)> =
        sqlx::query_as("SELECT envelope FROM publications WHERE project_id = $1 ORDER BY created, object")
            .bind(project)
            .fetch_all(conn)
            .await?;
    for (envelope,) in rows {
        let envelope = text::stored("a stored document", &envelope)?;
        let read = read_revocation(&envelope).map(|revocation| revocation.revokes);
        if matches!(read, Ok(Revoked::Approval(digest)) if digest.to_string() == approval) {
            return Ok(Some(envelope));
        }
    }
    Ok(None)
}

/// A document that fewer than two servers have, as far as the portal knows.
pub struct Waiting {
    pub object: String,
    envelope: Vec<u8>,
    kind: DocumentKind,
    /// The code with which all three refused it.
    pub refused: Option<String>,
    created: i64,
}

impl Waiting {
    /// Whether it is not offered any more.
    pub fn is_over(&self) -> bool {
        let last = |code: &str| code == PASSED || FINAL.contains(&code);
        self.kind == DocumentKind::Policy && self.refused.as_deref().is_some_and(last)
    }
}

/// All that fewer than two servers have, also what is over.
pub async fn waiting(conn: &mut Conn, project: &str) -> Result<Vec<Waiting>, Fault> {
    let rows: Vec<(String, String, Option<String>, i64)> = sqlx::query_as(
        "SELECT object, envelope, refused, created FROM publications
         WHERE project_id = $1 AND taken IS NULL ORDER BY created, object",
    )
    .bind(project)
    .fetch_all(conn)
    .await?;
    let mut waiting = Vec::new();
    for (object, envelope, refused, created) in rows {
        let envelope = text::stored("a stored document", &envelope)?;
        let kind = document_kind(&envelope)?;
        waiting.push(Waiting { object, envelope, kind, refused, created });
    }
    Ok(waiting)
}

/// What is known to hold no longer: made here, or brought by the servers.
pub async fn revocations(conn: &mut Conn, project: &str) -> Result<Revocations, Fault> {
    let policies = all_adopted(conn, project).await?;
    let policies: Vec<&Policy> = policies.iter().collect();
    let rows: Vec<(String,)> = sqlx::query_as("SELECT envelope FROM publications WHERE project_id = $1")
        .bind(project)
        .fetch_all(conn)
        .await?;
    let mut known = Revocations::default();
    for (envelope,) in rows {
        let envelope = text::stored("a stored document", &envelope)?;
        if matches!(document_kind(&envelope), Ok(DocumentKind::Revocation)) {
            // One that nobody here signed counts for nothing.
            let _ = known.add(&envelope, &policies);
        }
    }
    Ok(known)
}

/// Keeps the revocations that servers bring. What one of them alone brings is offered to the others too.
pub async fn remember(conn: &mut Conn, project: &str, said: &Said) -> Result<(), Fault> {
    let policies = all_adopted(conn, project).await?;
    let policies: Vec<&Policy> = policies.iter().collect();
    let mut known = revocations(conn, project).await?;
    for text in said.iter().flatten().flat_map(|policies| &policies.revocations) {
        let envelope = text.as_bytes();
        if let Ok(true) = known.add(envelope, &policies) {
            let brought =
                said.iter().flatten().filter(|policies| policies.revocations.contains(text)).count();
            let digest = read_revocation(envelope)?.digest()?.to_string();
            keep(conn, project, &digest, envelope, (brought >= ENOUGH).then(now)).await?;
            journal::append(conn, project, "", "revocation_followed", &digest, json!({})).await?;
        }
    }
    Ok(())
}

/// Gives the servers what they have not taken over yet. What an honest one has goes on to its peers.
pub async fn publish(portal: &Shared, project: &str) -> Result<(), Fault> {
    let cluster = portal.cluster(project)?;
    if !cluster.decides() {
        return Ok(());
    }
    let mut tx = portal.db.begin().await?;
    let here = adopted(&mut tx, project).await?.map_or(0, |(policy, _)| policy.version());
    let offered = waiting(&mut tx, project).await?;
    tx.commit().await?;
    for document in offered.iter().filter(|document| !document.is_over()) {
        let passed = document.kind == DocumentKind::Policy
            && read_policy(&document.envelope).is_ok_and(|policy| policy.version() <= here);
        let said = cluster.publish(document.envelope.clone()).await?;
        let Some(outcome) = outcome(document.kind, &said, passed) else { continue };
        let mut tx = portal.db.begin().await?;
        note(&mut tx, project, document, outcome).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// How publishing a document ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// With these servers.
    Taken(Vec<u8>),
    /// With the code of an error.
    Refused(String),
}

/// `None` as long as another attempt may end otherwise, and what is wrong may be a server's own trouble.
/// `passed`: the servers go by this policy's version, or by a later one.
fn outcome(kind: DocumentKind, said: &[Result<Standing, ClientError>; 3], passed: bool) -> Option<Outcome> {
    let taken: Vec<u8> = (0..).zip(said).filter(|(_, said)| said.is_ok()).map(|(server, _)| server).collect();
    if taken.len() >= ENOUGH {
        return Some(Outcome::Taken(taken));
    }
    let mut codes = Vec::new();
    for said in said {
        match said {
            // Alone it keeps nobody from proposing another policy.
            Ok(_) if kind == DocumentKind::Policy => {}
            Err(ClientError::Node(answer)) => codes.push(answer.code.as_str()),
            _ => return None,
        }
    }
    let last = |code: &&str| FINAL.contains(code) || (passed && *code == PASSED);
    let over = kind == DocumentKind::Revocation || codes.iter().all(last);
    codes.first().filter(|_| over).map(|code| Outcome::Refused((*code).to_owned()))
}

async fn note(conn: &mut Conn, project: &str, document: &Waiting, outcome: Outcome) -> Result<(), Fault> {
    let (taken, refused, kind, detail) = match outcome {
        Outcome::Taken(servers) => (Some(now()), None, "published", json!({ "servers": servers })),
        Outcome::Refused(code) => (None, Some(code.clone()), "publish_refused", json!({ "code": code })),
    };
    if refused.is_some() && refused == document.refused {
        return Ok(());
    }
    let noted = sqlx::query(
        "UPDATE publications SET taken = $1, refused = $2
         WHERE project_id = $3 AND object = $4 AND created = $5 AND taken IS NULL",
    )
    .bind(taken)
    .bind(refused)
    .bind(project)
    .bind(&document.object)
    .bind(document.created)
    .execute(&mut *conn)
    .await?;
    // Somebody else may have published it meanwhile.
    match noted.rows_affected() {
        1 => journal::append(conn, project, "", kind, &document.object, detail).await,
        _ => Ok(()),
    }
}

/// Publishes at once what was just completed. What goes wrong is tried again later and shown by
/// [`crate::rules::read_rules`]; the request that completed it is done either way.
pub async fn publish_now(portal: &Shared, project: &str) {
    if let Err(fault) = publish(portal, project).await {
        tracing::warn!(?fault, "not published");
    }
}

#[cfg(test)]
mod tests {
    use vdl_command::{Digest, ErrorAnswer};

    use super::*;

    fn refused(codes: [&str; 3]) -> [Result<Standing, ClientError>; 3] {
        codes.map(|code| {
            let (code, message) = (code.to_owned(), String::new());
            Err(ClientError::Node(ErrorAnswer { code, message, remedy: None, node: None }))
        })
    }

    #[test]
    fn trouble_of_servers_is_no_answer_about_a_document() {
        for codes in [
            ["wrong_token"; 3],
            ["storage_failed"; 3],
            ["internal"; 3],
            ["policy_not_next"; 3],
            ["revoked", "revoked", "wrong_token"],
        ] {
            assert_eq!(outcome(DocumentKind::Policy, &refused(codes), false), None, "{codes:?}");
        }
        let over = |code: &str| Some(Outcome::Refused(code.to_owned()));
        for code in FINAL {
            assert_eq!(outcome(DocumentKind::Policy, &refused([code; 3]), false), over(code));
        }
        assert_eq!(outcome(DocumentKind::Policy, &refused([PASSED; 3]), true), over(PASSED));
    }

    #[test]
    fn one_server_that_says_it_has_a_document_is_not_believed() {
        let taken = || {
            let digest = Digest([0; 32]);
            Ok(Standing { policy: 1, policy_digest: digest, revocations: 1, revocations_digest: digest })
        };
        for kind in [DocumentKind::Policy, DocumentKind::Revocation] {
            let mut said = refused(["internal"; 3]);
            said[1] = taken();
            assert_eq!(outcome(kind, &said, false), None);
            said[2] = taken();
            assert_eq!(outcome(kind, &said, false), Some(Outcome::Taken(vec![1, 2])));
        }
        // Nor does it hold up administrators with a policy that the two others never take.
        let mut said = refused(["policy_expired"; 3]);
        said[0] = taken();
        let over = Some(Outcome::Refused("policy_expired".to_owned()));
        assert_eq!(outcome(DocumentKind::Policy, &said, false), over);
        assert_eq!(outcome(DocumentKind::Revocation, &said, false), None);
    }

    #[test]
    fn no_revocation_is_ever_over() {
        let revocation = |code: &str| Waiting {
            object: String::new(),
            envelope: vec![],
            kind: DocumentKind::Revocation,
            refused: Some(code.to_owned()),
            created: 0,
        };
        for code in FINAL.iter().chain(&[PASSED, "not_an_approver", "wrong_token"]) {
            assert!(!revocation(code).is_over(), "{code}");
            let policy = Waiting { kind: DocumentKind::Policy, ..revocation(code) };
            assert_eq!(policy.is_over(), FINAL.contains(code) || *code == PASSED);
        }
    }
}
