//! The command line: commands, their options and their help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::access::Role;
use domain::id::TenantId;
use domain::identity::Region;
use messaging::topology::{QUEUES, Queue};

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
    RotateKeys(RotateKeys),
    RotateDataKey(RotateDataKey),
    EraseTenant(EraseTenant),
    Status(Status),
    DeadLetters(DeadLetters),
    Replay(Replay),
    Purge(Purge),
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
    /// Print one JSON object with `applied`, `reverted` and `platforms`
    #[arg(long)]
    pub(crate) json: bool,
}

/// Make a tenant, with a data key of its own.
///
/// The data key is sealed under the active key of the ring in `vault.key_ring_file`.
#[derive(Debug, Args)]
pub(crate) struct CreateTenant {
    /// The name people know it by
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// The country of its telephone numbers without a country code, as in BE; its settings can say another
    #[arg(long, default_value = "FR", value_parser = region)]
    pub(crate) region: Region,
    /// Print one JSON object with `tenant_id` and `backend_integration_id` instead of the bare id
    #[arg(long)]
    pub(crate) json: bool,
}

fn region(code: &str) -> Result<Region, &'static str> {
    code.parse::<Region>().map_err(|_unknown| "not a country, expected its ISO 3166-1 code of two letters")
}

/// Issue a bearer token for the API.
///
/// It is signed with `auth.hs256_secret`, names the issuer and the audience that the settings demand, and cannot be called back
/// before it expires.
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
    /// Print one JSON object with `key_ring_file`
    #[arg(long)]
    pub(crate) json: bool,
}

/// Change the master key, while everything runs.
///
/// Adds a random key to the ring in `vault.key_ring_file`, lets it seal, and seals every tenant's data key anew under it, some
/// at a time. Services take up the changed file by themselves. Killed in the middle and run again, it goes on where it was; it
/// fails unless nothing is left under another key. Where services read copies of the file, use `--prepare` first, copy, and
/// then `--to`.
#[derive(Debug, Args)]
pub(crate) struct RotateKeys {
    /// Seal under this key of the ring instead of a new one
    #[arg(long, value_name = "KEY")]
    pub(crate) to: Option<String>,
    /// Only add a key, which seals nothing yet
    #[arg(long, conflicts_with_all = ["to", "retire"])]
    pub(crate) prepare: bool,
    /// Drop the other keys from the ring in the end, once nothing is sealed under them
    #[arg(long)]
    pub(crate) retire: bool,
    /// Print progress and outcome as JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Change the data key of a tenant, while everything runs.
///
/// Seals every secret of the tenant anew under a new data key, some at a time; the old key is kept until that is done, and
/// forgotten then. Killed in the middle and run again, it goes on where it was.
#[derive(Debug, Args)]
pub(crate) struct RotateDataKey {
    /// Whose: `ten_…`
    pub(crate) tenant: TenantId,
    /// Print progress and outcome as JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Erase a tenant for good: its key, its secrets and every row of it.
///
/// The data key goes first: from then on nobody opens what was sealed for the tenant, and what still arrives for it is dropped.
/// Services may hold credentials that they have opened for ten seconds more. Backups made before keep what they hold until they
/// are deleted, and tokens stay good until they expire, though there is nothing left that they lead to. Nothing is erased on
/// the platforms. Run again, it deletes what has come since.
#[derive(Debug, Args)]
pub(crate) struct EraseTenant {
    /// Whom: `ten_…`
    pub(crate) tenant: TenantId,
    /// The tenant's name, exactly, so that the wrong one is not erased
    #[arg(long, value_name = "NAME")]
    pub(crate) confirm: String,
    /// Print progress and receipt as JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show how the whole is: queues and who consumes them, what is owed and since when, how far behind the work is, which breakers are
/// open, how integrations are.
///
/// Shows the half that it can where the broker or the database does not answer. Changes nothing.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show what nobody could handle, with the reason.
///
/// Leaves it where it is.
#[derive(Debug, Args)]
pub(crate) struct DeadLetters {
    /// The queue for which they were meant, as `admin status` names it, without `dead.`
    #[arg(value_parser = queue)]
    pub(crate) queue: Queue,
    /// How many at most, the oldest first
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
    /// Print one JSON object for each, with the whole payload
    #[arg(long)]
    pub(crate) json: bool,
}

/// Give dead letters back to their queue, as first attempts.
///
/// Each is confirmed by the queue before it leaves the dead letters, so that none is lost. What dies again is not tried again by
/// the same command.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The queue for which they were meant, as `admin status` names it, without `dead.`
    #[arg(value_parser = queue)]
    pub(crate) queue: Queue,
    /// How many at most, the oldest first
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) limit: u64,
    /// Print progress and outcome as JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Throw the dead letters of a queue away.
#[derive(Debug, Args)]
pub(crate) struct Purge {
    /// The queue for which they were meant, as `admin status` names it, without `dead.`
    #[arg(value_parser = queue)]
    pub(crate) queue: Queue,
    /// Confirm that they are lost for good
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print one JSON object with `queue` and `purged`
    #[arg(long)]
    pub(crate) json: bool,
}

fn queue(name: &str) -> Result<Queue, String> {
    let name = name.strip_prefix("dead.").unwrap_or(name);
    Queue::named(name).ok_or_else(|| {
        let names: Vec<_> = QUEUES.iter().map(|queue| queue.name()).collect();
        format!("no queue has this name; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    /// How documents have this program run.
    const BEGINNINGS: [&str; 2] = ["admin ", "docker compose run --rm --entrypoint coccinelle migrate "];

    /// Where they are, from the root.
    const FOLDERS: [&str; 4] = ["", "docs", "docs/decisions", ".github"];

    /// What documents tell people to type behind this program's name, in fenced blocks and between backticks.
    fn documented() -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let files = FOLDERS.iter().flat_map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
        let documents =
            files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|is| is == "md"));
        let mut typed = Vec::new();
        for text in documents.map(|path| std::fs::read_to_string(path).unwrap()) {
            let mut is_fenced = false;
            for line in text.lines().map(str::trim) {
                is_fenced ^= line.starts_with("```");
                let parts = if is_fenced { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
                let ours = parts.iter().filter_map(|part| BEGINNINGS.iter().find_map(|word| part.strip_prefix(*word)));
                // What is said of a command stands behind two blanks.
                typed.extend(ours.filter_map(|command| command.split("  ").next()).map(str::to_owned));
            }
        }
        typed
    }

    /// The words of a command line, with somebody's and something's name in the places of those that documents leave out.
    fn words(line: &str) -> Vec<String> {
        let tenant = TenantId::new().to_string();
        let word = |word: &str| word.replace("ten_…", &tenant).replace("QUEUE", QUEUES[0].name());
        let part = |(place, part): (usize, &str)| match place % 2 {
            0 => part.split_whitespace().map(word).collect(),
            _ => vec![part.to_owned()],
        };
        line.split('"').enumerate().flat_map(part).collect()
    }

    #[test]
    fn every_command_that_a_document_names_is_understood() {
        let documented = documented();
        assert!(documented.len() > 20, "{documented:?}");
        for line in documented {
            let words = words(&line);
            match Cli::try_parse_from(std::iter::once("admin").chain(words.iter().map(String::as_str))) {
                Ok(_) => {}
                // A command may be named without being told.
                Err(error) if words.len() == 1 && error.kind() == ErrorKind::MissingRequiredArgument => {}
                Err(error) => panic!("admin {line}: {error}"),
            }
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_is_explained_and_every_command_prints_json_on_demand() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            assert!(command.get_about().is_some(), "{name}");
            let silent = command.get_arguments().find(|argument| argument.get_help().is_none());
            assert!(silent.is_none(), "{name}: {silent:?}");
            assert!(command.get_arguments().any(|argument| argument.get_long() == Some("json")), "{name}");
        }
    }

    #[test]
    fn reverting_asks_for_a_confirmation() {
        assert!(Cli::try_parse_from(["admin", "migrate", "--down"]).is_err());
        assert!(Cli::try_parse_from(["admin", "migrate", "--down", "--yes"]).is_ok());
    }
}
