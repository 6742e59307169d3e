//! HTTP: the probes `http` and `get`, the actions `http` and `slack`.
//!
//! Proxies are taken from the environment (`HTTPS_PROXY`, `NO_PROXY`, …) as other tools do, but never for this machine
//! itself. Certificates are checked against those of the system, or a built-in list where the system has none.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ureq::http::{Method, Request, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Error, Proxy, Timeout};

use crate::engine::Outcome;
use crate::model::Value;

use super::args::{Args, text_map};
use super::codes;
use super::world::CallContext;

const PROBE_TIME: Duration = Duration::from_secs(10);
const ACTION_TIME: Duration = Duration::from_secs(30);
/// A body longer than this is not read on.
const MOST_BODY: u64 = 10 << 20;
/// What `text` holds of it.
const MOST_TEXT: usize = 1 << 20;
const REDIRECTS: u32 = 5;

/// A request.
struct Ask {
    method: Method,
    uri: Uri,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    timeout: Duration,
    redirects: u32,
}

/// An answer.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
    latency: Duration,
}

/// Why there is none.
struct Silence {
    why: String,
    /// The request never left.
    unsent: bool,
    timed_out: bool,
}

fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let system: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
            .certs
            .iter()
            .map(|certificate| Certificate::from_der(certificate.as_ref()).to_owned())
            .collect();
        let roots = if system.is_empty() { RootCerts::WebPki } else { RootCerts::Specific(Arc::new(system)) };
        let tls = TlsConfig::builder().provider(TlsProvider::Rustls).root_certs(roots);
        Agent::config_builder()
            .tls_config(tls.unversioned_rustls_crypto_provider(provider).build())
            .http_status_as_error(false)
            .max_redirects_will_error(false)
            // A kept connection that the server has closed meanwhile would look like a failure.
            .max_idle_connections(0)
            .user_agent(concat!("plan/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent()
    })
}

/// Sends a request and reads the answer, on a thread that may block.
fn send(ask: Ask) -> Result<Answer, Silence> {
    let host = ask.uri.host().unwrap_or("").to_owned();
    let local = host == "localhost" || host.starts_with("127.") || host == "[::1]";
    let mut request = Request::builder().method(ask.method).uri(ask.uri);
    for (name, value) in &ask.headers {
        request = request.header(name, value);
    }
    let proxy = if local { None } else { Proxy::try_from_env() };
    let begin = Instant::now();
    let answered = match ask.body {
        Some(body) => request.body(body).map_err(Error::Http).and_then(|request| {
            let request = agent().configure_request(request).proxy(proxy).max_redirects(ask.redirects);
            agent().run(request.timeout_global(Some(ask.timeout)).build())
        }),
        None => request.body(()).map_err(Error::Http).and_then(|request| {
            let request = agent().configure_request(request).proxy(proxy).max_redirects(ask.redirects);
            agent().run(request.timeout_global(Some(ask.timeout)).build())
        }),
    };
    let mut response = answered.map_err(|error| silence(&host, &error, ask.timeout))?;
    let mut headers = BTreeMap::new();
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        let slot: &mut String = headers.entry(name.as_str().to_owned()).or_default();
        let comma = if slot.is_empty() { "" } else { ", " };
        slot.push_str(&format!("{comma}{value}"));
    }
    let mut body = Vec::new();
    let read = response.body_mut().as_reader().take(MOST_BODY).read_to_end(&mut body);
    read.map_err(|error| lost_body(&host, &error, ask.timeout))?;
    Ok(Answer { status: response.status().as_u16(), headers, body, latency: begin.elapsed() })
}

fn silence(host: &str, error: &Error, timeout: Duration) -> Silence {
    let unsent = match error {
        Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        Error::Timeout(at) => matches!(at, Timeout::Resolve | Timeout::Connect),
        Error::HostNotFound | Error::ConnectionFailed | Error::Tls(_) | Error::Rustls(_) => true,
        Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl | Error::ConnectProxyFailed(_) => true,
        _ => false,
    };
    let why = match error {
        Error::Timeout(_) => format!("{host} did not answer within {}", seconds(timeout)),
        Error::HostNotFound => format!("the host {host} was not found"),
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            format!("{host} refused the connection: nothing listens there")
        }
        Error::Io(error) => format!("the connection to {host} failed: {error}"),
        other => format!("{host}: {other}"),
    };
    Silence { why, unsent, timed_out: matches!(error, Error::Timeout(_)) }
}

fn lost_body(host: &str, error: &io::Error, timeout: Duration) -> Silence {
    let timed_out = error.kind() == io::ErrorKind::TimedOut
        || error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Error>())
            .is_some_and(|e| matches!(e, Error::Timeout(_)));
    let why = match timed_out {
        true => format!("{host} did not end its answer within {}", seconds(timeout)),
        false => format!("the answer of {host} broke off: {error}"),
    };
    Silence { why, unsent: false, timed_out }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

impl Answer {
    /// The record of the language. `json` is missing when the body is none.
    fn members(&self) -> BTreeMap<String, Value> {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), Value::string(value))).collect();
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(MOST_TEXT)]);
        let mut members = BTreeMap::from([
            ("status".to_owned(), Value::Int(self.status.into())),
            ("text".to_owned(), Value::string(text)),
            ("headers".to_owned(), Value::Map(headers)),
            ("latency".to_owned(), Value::Duration(u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX))),
        ]);
        if let Ok(json) = serde_json::from_slice(&self.body) {
            members.insert("json".to_owned(), Value::Json(json));
        }
        members
    }
}

/// An address; its text is never shown, for it may hold a secret.
fn uri(text: &str) -> Result<Uri, String> {
    let wrong = || "the address is not `http://…` or `https://…`".to_owned();
    let uri: Uri = text.trim().parse().map_err(|_| wrong())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => Err(wrong()),
    }
}

/// The address of a path of a service.
pub(crate) fn joined(base: &str, path: &str) -> String {
    format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))
}

/// The probes `http` and `get`. Every status is an answer; `Err`: there was none, and why.
pub(crate) async fn probe(function: &str, args: Args<'_>, ctx: &CallContext) -> Result<Value, String> {
    let mut timeout = args.duration("timeout")?;
    let mut headers = Vec::new();
    let address = match function {
        "get" => {
            let name = args.resource("service")?;
            let service = ctx.world.resource(name)?;
            if let Some(Value::Duration(ms)) = service.settings.get("timeout") {
                timeout = timeout.or(Some(Duration::from_millis(*ms)));
            }
            if let Some(value) = service.settings.get("headers") {
                headers = text_map("headers", value)?;
            }
            let base = service.text("url").ok_or_else(|| format!("the service `{name}` has no `url`"))?;
            joined(base, args.required_text("path")?)
        }
        _ => args.required_text("url")?.to_owned(),
    };
    override_headers(&mut headers, args.text_map("headers")?);
    let timeout = timeout.unwrap_or(PROBE_TIME);
    get(&address, headers, timeout).await.map(|answer| Value::Record(answer.members()))
}

async fn get(address: &str, headers: Vec<(String, String)>, timeout: Duration) -> Result<Answer, String> {
    let ask = Ask { method: Method::GET, uri: uri(address)?, headers, body: None, timeout, redirects: REDIRECTS };
    let answer = tokio::task::spawn_blocking(move || send(ask)).await.map_err(|_| "the request was lost".to_owned())?;
    answer.map_err(|silence| silence.why)
}

/// The status with which an address answers, for a service that is being started.
pub(crate) async fn status(address: &str, timeout: Duration) -> Result<u16, String> {
    get(address, Vec::new(), timeout).await.map(|answer| answer.status)
}

/// Later ones win; names don't care about case.
fn override_headers(headers: &mut Vec<(String, String)>, more: Vec<(String, String)>) {
    headers.retain(|(name, _)| !more.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
    headers.extend(more);
}

/// The actions `http` and `slack`.
pub(crate) async fn perform(function: &str, args: Args<'_>, ctx: &CallContext) -> Outcome {
    let prepared = match function {
        "slack" => slack(args).map(|ask| (ask, Vec::new())),
        _ => asked(args, ctx),
    };
    match prepared {
        Ok((ask, expect)) => carry_out(ask, &expect, ctx).await,
        Err(why) => codes::clean(&codes::BAD_CALL, why),
    }
}

fn slack(args: Args<'_>) -> Result<Ask, String> {
    let body = serde_json::json!({ "text": args.required_text("text")? });
    Ok(Ask {
        method: Method::POST,
        uri: uri(args.required_text("hook")?)?,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Some(body.to_string().into_bytes()),
        timeout: ACTION_TIME,
        redirects: 0,
    })
}

fn asked(args: Args<'_>, ctx: &CallContext) -> Result<(Ask, Vec<i64>), String> {
    let method = args.text("method")?.unwrap_or("post").to_ascii_uppercase();
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is not a method"))?;
    let mut headers = Vec::new();
    let body = match (args.json("json")?, args.text("body")?) {
        (Some(_), Some(_)) => return Err("give `json` or `body`, not both".to_owned()),
        (Some(json), None) => {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            Some(json.to_string().into_bytes())
        }
        (None, Some(text)) => {
            headers.push(("content-type".to_owned(), "text/plain; charset=utf-8".to_owned()));
            Some(text.as_bytes().to_vec())
        }
        (None, None) => None,
    };
    override_headers(&mut headers, args.text_map("headers")?);
    let timeout = args.duration("timeout")?.or(ctx.timeout).unwrap_or(ACTION_TIME);
    let timeout = ctx.timeout.map_or(timeout, |step| timeout.min(step));
    // An action goes where the plan says: a redirect would turn a POST into a GET on some other page.
    let ask = Ask { method, uri: uri(args.required_text("url")?)?, headers, body, timeout, redirects: 0 };
    Ok((ask, args.ints("expect")?))
}

async fn carry_out(ask: Ask, expect: &[i64], ctx: &CallContext) -> Outcome {
    let what = format!("{} to {}", ask.method, ask.uri.host().unwrap_or(""));
    let timeout = ask.timeout;
    let sending = tokio::task::spawn_blocking(move || send(ask));
    let answer = tokio::select! {
        biased;
        answer = sending => answer,
        () = ctx.stop.asked(1) => {
            return Outcome::Unknown { why: format!("plan stopped waiting for the answer to the {what}") };
        }
    };
    match answer {
        Ok(Ok(answer)) => outcome(&what, &answer, expect),
        Ok(Err(silence)) if silence.unsent => {
            codes::clean(&codes::HTTP_FAILED, format!("{}; the request was not sent", silence.why))
        }
        Ok(Err(silence)) if silence.timed_out => {
            Outcome::TimedOut { after: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX) }
        }
        Ok(Err(silence)) => Outcome::Unknown { why: format!("{}; whether it took effect is not known", silence.why) },
        Err(_) => Outcome::Unknown { why: format!("the {what} was lost") },
    }
}

fn outcome(what: &str, answer: &Answer, expect: &[i64]) -> Outcome {
    let status = i64::from(answer.status);
    let expected = if expect.is_empty() { (200..300).contains(&status) } else { expect.contains(&status) };
    if expected {
        return Outcome::Succeeded { outputs: answer.members() };
    }
    let wanted = match expect {
        [] => "200 to 299".to_owned(),
        list => list.iter().map(i64::to_string).collect::<Vec<_>>().join(" or "),
    };
    let target = answer.headers.get("location").filter(|_| (300..400).contains(&status));
    let target = target.map(|to| format!(" (redirects are not followed; it points to {to})")).unwrap_or_default();
    let mut failure =
        codes::failure(&codes::HTTP_FAILED, format!("the {what} was answered with {status}{target}, not {wanted}"));
    let text = String::from_utf8_lossy(&answer.body);
    failure.tail = text.lines().take(20).map(|line| line.chars().take(500).collect::<String>() + "\n").collect();
    Outcome::Failed { clean: false, failure }
}
