import type { Metrics } from '../telemetry/metrics.ts';

type Gauges = Parameters<Metrics['gauge']>;

/** What is read at the moment somebody asks for the metrics, by the name of its gauge. */
export function registerGauges(metrics: Metrics, gauges: Partial<Record<Gauges[0], Gauges[1]>>): void {
  for (const [name, read] of Object.entries(gauges)) metrics.gauge(name as Gauges[0], read, LABELS[name as Gauges[0]]);
}

const LABELS: Partial<Record<Gauges[0], string>> = {
  healthsync_log_lag_readings: 'group',
  healthsync_alarms_open: 'priority',
  healthsync_notify_pending: 'channel',
  healthsync_system_alarms_open: 'priority',
  healthsync_postgres_connections: 'state',
};
