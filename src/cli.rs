//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use vulndesk::auth::Role;

/// GraphQL backend for teams that receive vulnerability reports.
#[derive(Debug, Parser)]
#[command(name = "vulndesk", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Settings file; see config.default.toml.
    #[arg(long, global = true, env = "VULNDESK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE.
    #[arg(long, global = true, env = "VULNDESK_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// Address to listen on.
    #[arg(long, global = true, env = "VULNDESK_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,
    /// Networks of proxies whose X-Forwarded-For is believed; may be repeated.
    #[arg(long, global = true, value_delimiter = ',')]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Acknowledges that TLS is in front of an address that others can reach.
    #[arg(long, global = true)]
    pub(crate) behind_tls: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API. Needs auth.issuer or auth.hs256_secret_file.
    Serve,
    /// Serve the API with demo data and ready tokens, on a loopback address only.
    Demo {
        /// Write the tokens as JSON {role: token} to this file, readable by you alone.
        #[arg(long)]
        tokens_file: Option<PathBuf>,
    },
    /// Bring the database to this binary's schema.
    Migrate,
    /// Print the schema (SDL).
    Schema,
    /// Mint a development token; only with auth.hs256_secret_file.
    Token(TokenArgs),
}

/// What a development token says.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// Role; may be repeated.
    #[arg(long, required = true)]
    pub(crate) role: Vec<Role>,
    /// Subject: who it is for.
    #[arg(long)]
    pub(crate) subject: String,
    /// Key of a product in scope; may be repeated.
    #[arg(long)]
    pub(crate) product: Vec<String>,
    /// Team in scope; may be repeated.
    #[arg(long)]
    pub(crate) team: Vec<String>,
    /// Key of a service's channel.
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// How long it lasts.
    #[arg(long, default_value_t = 12)]
    pub(crate) hours: u16,
}
