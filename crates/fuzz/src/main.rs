//! The program that libFuzzer drives: one target, chosen by the environment.

#![no_main]

use std::sync::LazyLock;

use domain::identity::{Region, e164};
use fuzz::Target;

static TARGET: LazyLock<Target> = LazyLock::new(chosen);

#[expect(clippy::expect_used, reason = "without a target there is nothing to do")]
#[expect(clippy::disallowed_methods, reason = "the arguments are libFuzzer's, and this program has no settings")]
fn chosen() -> Target {
    let name = std::env::var("COCCINELLE_FUZZ").expect("COCCINELLE_FUZZ names a target");
    fuzz::target(&name).expect("there is a target of that name")
}

// The tables of telephone numbers are read at their first use, which is no input's fault.
libfuzzer_sys::fuzz_target!(init: { std::hint::black_box(e164("01 23 45 67 89", Region::FR)); }, |data: &[u8]| (*TARGET)(data));
