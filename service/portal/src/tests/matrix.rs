//! All roles against all routes.

use axum::body::Body;
use axum::http::StatusCode;

use super::{Person, World};
use crate::access::{Role, Route, Scope, Takes, Who, routes};

/// What the table says should happen to somebody.
fn expected(route: &Route, logged_in: bool, roles: &[Role]) -> Result<(), (u16, &'static str)> {
    match route.who {
        Who::Anyone => Ok(()),
        _ if !logged_in => Err((401, "not_logged_in")),
        Who::User => Ok(()),
        // Who is no member does not learn that the project exists.
        Who::Roles(_) if roles.is_empty() => Err((404, "no_such_thing")),
        Who::Roles(needed) if roles.iter().any(|role| needed.contains(role)) => Ok(()),
        Who::Roles(_) => Err((403, "not_allowed")),
    }
}

/// The route's address, leading to something that is there.
fn address(world: &World, route: &Route) -> String {
    let object = match route.scope {
        Scope::None | Scope::Project => world.project.clone(),
        Scope::Request => "request".to_owned(),
        Scope::Table => "table".to_owned(),
        Scope::Upload => "upload".to_owned(),
    };
    let mut first = true;
    let pieces = route.path.split('/').map(|piece| match piece.starts_with('{') {
        true if std::mem::take(&mut first) && route.scope != Scope::None => object.clone(),
        true => "0".to_owned(),
        false => piece.to_owned(),
    });
    pieces.collect::<Vec<_>>().join("/")
}

async fn try_it(world: &World, person: &mut Person, route: &Route) -> (StatusCode, String) {
    let request = person.request(route.method.clone(), &address(world, route));
    let request = match route.takes {
        Takes::Nothing => request.body(Body::empty()),
        // Nothing that a handler would do anything with: what counts is whether it is asked.
        Takes::Json(_) => request.header("content-type", "application/json").body(Body::from("?")),
        Takes::Octets(_) => request.header("content-type", "application/octet-stream").body(Body::empty()),
    };
    let answer = person.send(request.unwrap()).await;
    (answer.status, answer.code())
}

pub async fn every_role_gets_exactly_its_routes(world: World) {
    world.person("owner", &[Role::Administrator]).await;
    let mut tx = world.portal.db.begin().await.unwrap();
    for statement in [
        "INSERT INTO requests (id, project_id, kind, name, user_id, state, version, revision, created, changed)
         SELECT 'request', projects.id, 'script', 'x', users.id, 'submitted', 1, 0, 0, 0 FROM projects, users
         WHERE projects.name = 'Stroke'",
        "INSERT INTO tables (project_id, handle, user_id, schema_text, row_count, file_digest, file_name,
             archived, created)
         SELECT projects.id, 'table', users.id, '[]', 0, '', '', 0, 0 FROM projects, users
         WHERE projects.name = 'Stroke'",
        "INSERT INTO uploads (id, project_id, user_id, size0, size1, size2, chunk, state, created)
         SELECT 'upload', projects.id, users.id, 1, 1, 1, 65536, 'open', 0 FROM projects, users
         WHERE projects.name = 'Stroke'",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut people: Vec<(Person, bool, Vec<Role>)> = vec![(world.stranger(), false, vec![])];
    let elsewhere = world.person_in(&world.other_project().await, "elsewhere", &Role::ALL).await;
    people.push((elsewhere, true, vec![]));
    for role in Role::ALL {
        people.push((world.person(role.word(), &[role]).await, true, vec![role]));
    }
    let ends_the_session = |route: &Route| route.path == "/api/session";
    for route in routes().iter().filter(|route| !ends_the_session(route)) {
        for (person, logged_in, roles) in &mut people {
            let (status, code) = try_it(&world, person, route).await;
            let denied = matches!(code.as_str(), "not_logged_in" | "not_allowed" | "step_up_needed");
            let nothing = code == "no_such_thing" && status == 404;
            let context = format!("{} {} as {roles:?}: {status} {code}", route.method, route.path);
            match expected(route, *logged_in, roles) {
                Err((wanted, _)) => assert_eq!(status.as_u16(), wanted, "{context}"),
                // There are things that only their owner may touch, whatever the role.
                Ok(()) if matches!(route.scope, Scope::Table | Scope::Upload) => {
                    assert!(!matches!(code.as_str(), "not_logged_in" | "step_up_needed"), "{context}");
                }
                Ok(()) => {
                    let own = matches!(route.path, "/api/requests/{request}/withdraw");
                    assert!(!denied || (own && code == "not_allowed"), "{context}");
                    let by_id = route.path.matches('{').count() > usize::from(route.scope != Scope::None);
                    let empty = route.path.ends_with("/revocation");
                    assert!(!nothing || by_id || empty, "{context}");
                }
            }
        }
    }
}
