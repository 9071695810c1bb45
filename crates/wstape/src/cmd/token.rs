//! Where a command's bearer token comes from.

use std::env::{self, VarError};

use clap::Args;

/// Where the bearer token comes from.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// The environment variable that holds the bearer token.
    #[arg(long, value_name = "VAR")]
    token_env: Option<String>,
}

impl TokenArgs {
    /// The token, if one is asked for.
    ///
    /// # Errors
    /// A sentence, if there is no such variable or its value is not UTF-8.
    pub(crate) fn token(&self) -> Result<Option<String>, String> {
        let Some(name) = &self.token_env else {
            return Ok(None);
        };
        match env::var(name) {
            Ok(token) => Ok(Some(token)),
            Err(VarError::NotPresent) => Err(format!(
                "--token-env {name}: this environment variable is not set"
            )),
            Err(VarError::NotUnicode(_)) => {
                Err(format!("--token-env {name}: its value is not UTF-8"))
            }
        }
    }
}
