//! The arithmetic of the figures, and what a reader must not overlook in the table.

use std::time::Duration;

use super::super::load::Waits;
use super::*;

fn rate(per_second: f64) -> Rate {
    Rate { per_second, p50_ms: 1.0, p99_ms: 2.0, refused: 0, of_limit: None, cores: None }
}

fn report(raw: f64, bare: f64) -> Report {
    let flow = EndToEnd {
        tenants: 1,
        events: 5_000,
        in_crm: 5_000,
        duplicates: 0,
        seconds_to_accept: 1.0,
        seconds: 10.0,
        per_second: 500.0,
        of_limit: None,
        cores: None,
    };
    Report {
        seconds_each: 10,
        processors: 2,
        connections: CONNECTIONS,
        limits: Limits::new([raw, raw / 2.0, raw * 2.0].map(rate), rate(9_000.0), rate(bare)),
        events_single: rate(4_000.0),
        events_in_batches: rate(16_000.0),
        webhook_deliveries: rate(6_000.0),
        end_to_end: vec![flow],
        accept_to_platform: Idle { samples: 100, accept_p50_ms: 1.0, p50_ms: 5.0, p99_ms: 9.0 },
        memory: BTreeMap::from([("api-gateway", Memory { resident_mib: 20.0, peak_mib: 30.0 })]),
    }
    .relate()
}

#[test]
fn a_rate_counts_what_each_request_does_and_leaves_out_what_was_refused() {
    let mut waits = Waits::new().unwrap();
    waits.add(Duration::from_millis(4));
    let load = Load { answered: 300, refused: 7, elapsed: Duration::from_secs(2), waits };
    let cores = Cores { service: 0.0, generator: 0.0, machine: 0.0 };
    let rate = Rate::of(&load, 100, cores);
    assert!((rate.per_second - 15_000.0).abs() < 1e-9);
    assert!((rate.p50_ms - 4.0).abs() < 0.1);
    assert_eq!(rate.refused, 7);
}

#[test]
fn figures_are_related_to_the_lower_limit_whichever_it_is() {
    for (raw, bare) in [(8_000.0, 40_000.0), (40_000.0, 8_000.0)] {
        let report = report(raw, bare);
        assert_eq!(report.webhook_deliveries.of_limit, Some(0.75));
        assert_eq!(report.events_in_batches.of_limit, Some(2.0));
        assert_eq!(report.end_to_end[0].of_limit, Some(0.0625));
    }
    assert_eq!(report(0.0, 0.0).events_single.of_limit, None);
}

#[test]
fn the_table_has_every_figure() {
    let table = report(8_000.0, 40_000.0).table();
    for figure in ["8,000", "40,000", "4,000", "16,000", "6,000", "0.75", "5000 events of 1 tenant", "20.0 MiB"] {
        assert!(table.contains(figure), "{figure} is not in\n{table}");
    }
    assert!(!table.contains('!'), "{table}");
}

#[test]
fn the_table_shouts_what_went_wrong() {
    let mut report = report(8_000.0, 40_000.0);
    report.events_single.refused = 3;
    report.end_to_end[0].in_crm = 4_999;
    report.end_to_end[0].duplicates = 2;
    let table = report.table();
    for complaint in ["3 refused!", "only 4999 arrived!", "2 duplicates!"] {
        assert!(table.contains(complaint), "{complaint} is not in\n{table}");
    }
}

#[test]
fn the_printed_object_holds_plain_numbers() {
    let value = serde_json::to_value(report(8_000.0, 40_000.0)).unwrap();
    assert_eq!(value.pointer("/webhook_deliveries/of_limit").unwrap(), 0.75);
    assert_eq!(value.pointer("/limits/lower_per_second").unwrap(), 8_000.0);
    assert_eq!(value.pointer("/memory/api-gateway/peak_mib").unwrap(), 30.0);
}

#[test]
fn thousands_stand_apart() {
    let shown = [0.4, 999.0, 1_000.0, 123_456.7, 1_234_567.0].map(grouped);
    assert_eq!(shown, ["0", "999", "1,000", "123,457", "1,234,567"]);
}
