//! Services that a plan starts in the background for the length of its run.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::model::Value;

use super::args::Args;
use super::commands::{ended, prepared};
use super::http;
use super::output::Keep;
use super::process::Running;
use super::world::{CallContext, StopToken};

/// How long it may take until it answers, when the plan does not say.
const READY: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How long one look may take.
const LOOK: Duration = Duration::from_secs(2);

/// A service that runs. Dropping it ends it at once; [`Service::end`] asks it first.
#[derive(Debug)]
pub struct Service {
    stop: StopToken,
    /// How it ended, once it has.
    ended: watch::Receiver<Option<String>>,
}

impl Service {
    /// Whether its process still runs.
    pub fn lives(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Ends it and everything that it started, and waits for that.
    pub async fn end(&self) {
        self.stop.stop();
        let mut ended = self.ended.clone();
        // An error means that its task is gone, and the process with it.
        let _ = ended.wait_for(Option::is_some).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.stop();
        self.stop.stop();
    }
}

/// Starts a service (`start`: its setting, an action as a value) and waits until it answers. `Err` says why it does not; it
/// is ended then.
pub async fn start_service(name: &str, start: &Value, ctx: &CallContext) -> Result<Service, String> {
    let Value::Call { function, args } = start else {
        return Err(format!("the `start` of `{name}` is not an action"));
    };
    let resource = ctx.world.resource(name)?;
    let base = resource.text("url").ok_or_else(|| format!("the service `{name}` has no `url`"))?;
    let health = resource.text("health");
    let address = http::joined(base, health.unwrap_or("/"));
    if http::status(&address, LOOK).await.is_ok() {
        return Err(format!("something answers at the `url` of `{name}` before it is started; stop that first"));
    }
    let stop = StopToken::default();
    let ctx = CallContext { step: format!("service {name}"), stop: stop.clone(), timeout: None, ..ctx.clone() };
    let (launch, _, ctx) = prepared(function, Args(args), &ctx)?;
    let running = launch.spawn(&ctx)?;
    let (sender, receiver) = watch::channel(None);
    let service = Service { stop, ended: receiver };
    tokio::spawn(attend(running, ctx, sender));
    let ready = match resource.settings.get("ready") {
        Some(Value::Duration(ms)) => Duration::from_millis(*ms),
        Some(_) | None => READY,
    };
    answers(name, &service, &address, health.is_some(), ready).await?;
    Ok(service)
}

async fn attend(running: Running, ctx: CallContext, sender: watch::Sender<Option<String>>) {
    let ran = running.listen(&ctx, Keep::Last(0), None).await;
    let tail = if ran.tail.is_empty() { String::new() } else { format!("; its last lines:\n{}", ran.tail) };
    sender.send_replace(Some(format!("{}{tail}", ended(ran.status))));
}

async fn answers(name: &str, service: &Service, address: &str, healthy: bool, ready: Duration) -> Result<(), String> {
    let begin = Instant::now();
    let mut last = String::new();
    loop {
        if let Some(how) = service.ended.borrow().clone() {
            return Err(format!("the service `{name}` {how}"));
        }
        match http::status(address, LOOK).await {
            Ok(status) if !healthy || status < 400 => return Ok(()),
            Ok(status) => last = format!("it answered with {status}"),
            Err(why) => last = if why.is_empty() { last } else { why },
        }
        if begin.elapsed() >= ready {
            service.end().await;
            return Err(format!("the service `{name}` was not ready within {} s: {last}", ready.as_secs_f64()));
        }
        sleep(LOOK_AGAIN).await;
    }
}
