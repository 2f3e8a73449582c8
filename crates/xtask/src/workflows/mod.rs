//! `cargo xtask workflows`: writes the workflows of `n8n-workflows/`, which are alike but for their platform. What n8n makes of them is not known here.

mod integration;
pub(crate) mod nodes;
mod platforms;

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use crate::console::{Console, ServiceLines};
use crate::workspace::root;

/// Where they are, from the root of the workspace.
pub(crate) const FOLDER: &str = "n8n-workflows";

/// The files and what they should hold.
pub(crate) fn all() -> impl Iterator<Item = (String, Value)> {
    platforms::ALL
        .iter()
        .map(|platform| (format!("{FOLDER}/{}-integration.json", platform.slug), integration::workflow(platform)))
}

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let console = Console::new(ServiceLines::InFilesOnly);
    for (path, workflow) in all() {
        let text = serde_json::to_string_pretty(&workflow)? + "\n";
        std::fs::write(root().join(&path), text).with_context(|| format!("cannot write {path}"))?;
        console.note(&format!("✔ {path}"));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the English text says what stands for the tenant's own name.
    const ENGLISH: [(&str, &str); 3] =
        [("VOTRE-SOCIETE", "YOUR-COMPANY"), ("VOTRE-DOMAINE", "YOUR-DOMAIN"), ("VOTRE-BOUTIQUE", "YOUR-SHOP")];

    #[test]
    fn the_document_names_each_platforms_own_credential_in_both_languages() {
        let text = std::fs::read_to_string(root().join("docs/n8n.md")).unwrap();
        for platform in &platforms::ALL {
            let (slug, word) = (platform.slug, platform.slug.to_uppercase());
            let french = format!(
                "| `{slug}-integration.json` | `{word}_CREDENTIALS_ID` | {} | `{}` |",
                platform.credential, platform.base_url
            );
            let english = ENGLISH.iter().fold(french.clone(), |line, (ours, theirs)| line.replace(ours, theirs));
            let told: Vec<&str> =
                text.lines().filter(|line| line.starts_with(&format!("| `{slug}-integration.json` |"))).collect();
            assert_eq!(told, [french, english], "{slug}");
        }
    }

    #[test]
    fn one_node_of_each_workflow_knows_the_proxy_so_that_an_own_credential_changes_that_one_alone() {
        for (platform, (path, workflow)) in platforms::ALL.iter().zip(all()) {
            let nodes = workflow["nodes"].as_array().unwrap();
            let knows = |node: &&Value| node["parameters"].to_string().contains("demande.proxy_");
            let names: Vec<&Value> = nodes.iter().filter(knows).map(|node| &node["name"]).collect();
            assert_eq!(names, [&Value::from(format!("Écrire dans {}", platform.name))], "{path}");
        }
    }
}
