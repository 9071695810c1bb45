//! Which path does what.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::proxies::Proxies;
use super::proxy::{AskedProxy, ProxyAnswer};
use super::refusal::Refusal;
use super::toxic::Asked;
use crate::control::body::{MAX_REQUEST_BYTES, read};
use crate::control::guard::{self, Guard};
use crate::control::problem::json;

/// An answer, or why it is refused.
type Answered = Result<Response, Refusal>;

pub(super) fn router(proxies: Arc<Proxies>, guard: Guard) -> Router {
    let toxic = get(look_at_toxic)
        .post(change_toxic)
        .patch(change_toxic)
        .delete(remove_toxic);
    let proxy = get(look_at).post(update).patch(update).delete(delete);
    Router::new()
        .route("/version", get(version))
        .route("/proxies", get(look_at_all).post(create))
        .route("/populate", post(populate))
        .route("/reset", post(reset))
        .route("/proxies/{name}", proxy)
        .route(
            "/proxies/{name}/toxics",
            get(look_at_toxics).post(lay_toxic),
        )
        .route("/proxies/{name}/toxics/{toxic}", toxic)
        .fallback(nothing)
        .layer(from_fn_with_state(guard, guard::check))
        .with_state(proxies)
}

async fn nothing() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "nothing at this path")
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

async fn version() -> Response {
    let version = env!("CARGO_PKG_VERSION");
    json(&Version { version })
}

/// Reads a body as JSON.
async fn asked<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let bytes = read(body, MAX_REQUEST_BYTES).await?;
    let value = serde_json::from_slice(&bytes);
    value.map_err(|error| Refusal::bad(format!("bad request body: {error}")))
}

fn created(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    response
}

async fn look_at_all(State(proxies): State<Arc<Proxies>>) -> Response {
    proxies.all(|all| {
        let named = all.iter().map(|proxy| (proxy.name, proxy));
        json(&named.collect::<BTreeMap<_, _>>())
    })
}

async fn create(State(proxies): State<Arc<Proxies>>, body: Body) -> Answered {
    let asked: AskedProxy = asked(body).await?;
    proxies.create(&asked)?;
    proxies.one(&asked.name, |proxy| created(json(&proxy)))
}

/// One proxy, or a list of them.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a proxy or a list of proxies")]
enum Several {
    Many(Vec<AskedProxy>),
    One(AskedProxy),
}

#[derive(Serialize)]
struct Populated<'a> {
    proxies: Vec<ProxyAnswer<'a>>,
}

async fn populate(State(proxies): State<Arc<Proxies>>, body: Body) -> Answered {
    let asked = match asked(body).await? {
        Several::Many(many) => many,
        Several::One(one) => vec![one],
    };
    proxies.populate(&asked)?;
    Ok(proxies.all(|mut all| {
        all.retain(|proxy| asked.iter().any(|asked| asked.name == proxy.name));
        created(json(&Populated { proxies: all }))
    }))
}

async fn reset(State(proxies): State<Arc<Proxies>>) -> StatusCode {
    proxies.reset();
    StatusCode::NO_CONTENT
}

async fn look_at(State(proxies): State<Arc<Proxies>>, Path(name): Path<String>) -> Answered {
    proxies.one(&name, |proxy| json(&proxy))
}

async fn update(
    State(proxies): State<Arc<Proxies>>,
    Path(name): Path<String>,
    body: Body,
) -> Answered {
    let asked = asked(body).await?;
    proxies.update(&name, &asked)?;
    proxies.one(&name, |proxy| json(&proxy))
}

async fn delete(
    State(proxies): State<Arc<Proxies>>,
    Path(name): Path<String>,
) -> Result<StatusCode, Refusal> {
    proxies.delete(&name)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn look_at_toxics(State(proxies): State<Arc<Proxies>>, Path(name): Path<String>) -> Answered {
    proxies.one(&name, |proxy| json(&proxy.toxics))
}

async fn lay_toxic(
    State(proxies): State<Arc<Proxies>>,
    Path(name): Path<String>,
    body: Body,
) -> Answered {
    let asked: Asked = asked(body).await?;
    let laid = proxies.lay_toxic(&name, &asked)?;
    Ok(json(&laid))
}

/// A proxy's name and a toxic's.
type Names = Path<(String, String)>;

async fn look_at_toxic(State(proxies): State<Arc<Proxies>>, Path((name, of)): Names) -> Answered {
    let found = proxies.one(&name, |proxy| {
        let mut toxics = proxy.toxics.iter();
        toxics.find(|laid| laid.name == of).map(json)
    })?;
    found.ok_or_else(Refusal::no_toxic)
}

async fn change_toxic(
    State(proxies): State<Arc<Proxies>>,
    Path((name, of)): Names,
    body: Body,
) -> Answered {
    let asked: Asked = asked(body).await?;
    let laid = proxies.change_toxic(&name, &of, &asked)?;
    Ok(json(&laid))
}

async fn remove_toxic(
    State(proxies): State<Arc<Proxies>>,
    Path((name, of)): Names,
) -> Result<StatusCode, Refusal> {
    proxies.remove_toxic(&name, &of)?;
    Ok(StatusCode::NO_CONTENT)
}
