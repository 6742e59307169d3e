//! Services that a plan starts for its run: each when something first needs it, all ended with the run.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::actions::{self, CallContext, Service};
use crate::model::Value;

/// The services of a run; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Services(Arc<Mutex<BTreeMap<String, Arc<Service>>>>);

impl Services {
    /// Starts a service unless it runs or has no `start`. `Err` says why it does not answer.
    pub(crate) async fn ensure(&self, name: &str, context: &CallContext) -> Result<(), String> {
        let Some(resource) = context.world.resources.get(name) else { return Ok(()) };
        let Some(start @ Value::Call { .. }) = resource.settings.get("start") else { return Ok(()) };
        // Held while it starts: whoever comes second waits until it answers.
        let mut running = self.0.lock().await;
        if running.get(name).is_some_and(|service| service.lives()) {
            return Ok(());
        }
        let service = actions::start_service(name, start, context).await?;
        running.insert(name.to_owned(), Arc::new(service));
        Ok(())
    }

    /// Ends them all.
    pub(crate) async fn end(&self) {
        let running = std::mem::take(&mut *self.0.lock().await);
        for service in running.into_values() {
            service.end().await;
        }
    }
}
