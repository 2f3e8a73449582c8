//! Embeds the migrations again whenever one of them changes.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
