DROP TABLE integration_drift_samples;
DROP TABLE integration_errors_hourly;
DROP TABLE integration_stats_hourly;
