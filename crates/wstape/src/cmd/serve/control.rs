//! The options of the control port.

use clap::Args;
use wstape_mock_engine::{Control, Engine, Toxiproxy};

use super::address::{host_and_port, resolve_now};
use super::error::ServeError;

/// Where a run can be steered from.
#[derive(Debug, Args)]
pub(super) struct ControlArgs {
    /// Address of a control port, to steer the run; must be loopback unless it has a token
    #[arg(long, value_name = "ADDR", value_parser = host_and_port)]
    control: Option<String>,
    /// Environment variable that holds the token for requests to the control port
    #[arg(long, value_name = "VAR", requires = "control")]
    control_token_env: Option<String>,
    /// Loopback address for Toxiproxy's HTTP API, whose clients can add toxics to the connections
    /// to the real engine
    #[arg(long, value_name = "ADDR", requires = "upstream", conflicts_with = "tape", value_parser = host_and_port)]
    toxiproxy: Option<String>,
}

impl ControlArgs {
    /// Whether a control port is wanted.
    pub(super) fn wanted(&self) -> bool {
        self.control.is_some()
    }

    /// Opens the control port, if wanted.
    pub(super) fn open(
        &self,
        engine: &Engine,
        ca: Option<String>,
    ) -> Result<Option<Control>, ServeError> {
        let Some(name) = &self.control else {
            return Ok(None);
        };
        let token = match &self.control_token_env {
            None => None,
            Some(name) => {
                let token = std::env::var(name);
                Some(token.map_err(|_| Self::no_token(name))?)
            }
        };
        let control = engine.control(resolve_now(name)?, token, ca)?;
        Ok(Some(control))
    }

    fn no_token(name: &str) -> ServeError {
        ServeError::NoToken {
            name: name.to_owned(),
            option: "--control-token-env",
        }
    }

    /// Opens Toxiproxy's API in front of a real engine, if wanted.
    pub(super) fn open_toxiproxy(
        &self,
        engine: &Engine,
        upstream: &str,
    ) -> Result<Option<Toxiproxy>, ServeError> {
        let Some(name) = &self.toxiproxy else {
            return Ok(None);
        };
        Ok(Some(engine.toxiproxy(resolve_now(name)?, upstream)?))
    }
}
