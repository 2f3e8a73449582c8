//! The command line: commands, their options and their help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::access::Role;
use domain::id::TenantId;

/// Administers Coccinelle Integrations.
///
/// Settings come from the file named in `COCCINELLE_CONFIG` and from variables such as `COCCINELLE__DATABASE__URL`, as for
/// every service. `database.url` must be the address for the database's owner here.
#[derive(Debug, Parser)]
#[command(name = "admin", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Migrate(Migrate),
    CreateTenant(CreateTenant),
    IssueToken(IssueToken),
    NewKeyRing(NewKeyRing),
}

/// Bring the database up to date.
///
/// Applies the migrations that are missing, gives the roles `coccinelle_gateway` and `coccinelle_worker` the passwords in
/// `database.gateway_password` and `database.worker_password` where these are set, and writes the catalogue of platforms.
/// Running it again does no harm.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Revert every migration instead. All data is lost
    #[arg(long, requires = "yes")]
    pub(crate) down: bool,
    /// Confirm the loss of all data that `--down` means
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Make a tenant, with a data key of its own.
///
/// The data key is sealed under the active key of the ring in `vault.key_ring_file`.
#[derive(Debug, Args)]
pub(crate) struct CreateTenant {
    /// The name people know it by
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// Print one JSON object with `tenant_id` and `backend_integration_id` instead of the bare id
    #[arg(long)]
    pub(crate) json: bool,
}

/// Issue a bearer token for the API.
///
/// It is signed with `auth.hs256_secret` and cannot be called back before it expires.
#[derive(Debug, Args)]
pub(crate) struct IssueToken {
    /// The tenant that it is for: `ten_…`
    #[arg(long)]
    pub(crate) tenant: TenantId,
    /// Who will use it, as the audit log shows it
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) subject: String,
    /// What its holder may do; may be given several times
    #[arg(long = "role", required = true, value_enum)]
    pub(crate) roles: Vec<RoleName>,
    /// How long it is good for, as in 30d or 12h
    #[arg(long, default_value = "1h", value_parser = humantime::parse_duration)]
    pub(crate) ttl: Duration,
    /// Print one JSON object with `token` and `expires_at` instead of the bare token
    #[arg(long)]
    pub(crate) json: bool,
}

/// A role on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    /// Looks
    Viewer,
    /// Looks and changes
    Admin,
    /// Coccinelle's backend: hands over events
    Service,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Admin => Self::Admin,
            RoleName::Service => Self::Service,
        }
    }
}

/// Make a key ring with one random master key.
///
/// Every tenant's secrets hang on this file: keep a copy in a safe place. Only its owner may read it.
#[derive(Debug, Args)]
pub(crate) struct NewKeyRing {
    /// The file to make; it must not exist yet
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn reverting_asks_for_a_confirmation() {
        assert!(Cli::try_parse_from(["admin", "migrate", "--down"]).is_err());
        assert!(Cli::try_parse_from(["admin", "migrate", "--down", "--yes"]).is_ok());
    }
}
