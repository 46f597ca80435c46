//! The portal's files are part of a release build: it is built again when they change. A debug build reads them when they are
//! asked for, so that working on the portal compiles nothing here.

fn main() {
    let release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    println!("cargo:rerun-if-changed={}", if release { "../../portal/dist" } else { "build.rs" });
}
