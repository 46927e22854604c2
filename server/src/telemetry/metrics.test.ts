import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { counter, gauge, histogram, SERIES_MAX } from './instruments.ts';
import { createMetrics } from './metrics.ts';

describe('metrics', () => {
  it('shows every hop in Prometheus text', async () => {
    const metrics = createMetrics();
    metrics.ingest.reading('mqtt', 'rejected', 'clock-ahead');
    metrics.ingest.ackMs('mqtt', 4);
    metrics.log.write({ ms: 2, records: 12, bytes: 2400 });
    metrics.keep.batch({ ms: 40, stored: 99, duplicates: 1 });
    metrics.notify.attempt({ channel: 'smtp', outcome: 'retry', ms: 12 });
    metrics.gauge('healthsync_log_lag_readings', () => ({ keep: 7, assess: 0 }), 'group');
    const text = await metrics.render();
    expect(text).toContain(
      'healthsync_ingest_readings_total{transport="mqtt",outcome="rejected",code="clock-ahead"} 1',
    );
    expect(text).toContain('healthsync_ingest_ack_seconds_bucket{transport="mqtt",le="0.005"} 1');
    expect(text).toContain('healthsync_log_bytes_total 2400');
    expect(text).toContain('healthsync_keep_readings_total{outcome="stored"} 99');
    expect(text).toContain('healthsync_notify_deliveries_total{channel="smtp",outcome="retry"} 1');
    expect(text).toContain('healthsync_log_lag_readings{group="keep"} 7');
    for (const name of ['nodejs_eventloop_lag_p99_seconds', 'process_open_fds', 'process_resident_memory_bytes'])
      expect(text).toContain(name);
  });

  it('puts a value on its bucket edge into that bucket, and counts cumulatively', async () => {
    const registry = new Registry();
    const observe = histogram(registry, 'h', 'help', [1, 2]);
    for (const value of [0.5, 1, 1.5, 2, 9]) observe(value);
    const text = await registry.metrics();
    expect(text).toContain('h_bucket{le="1"} 2\nh_bucket{le="2"} 4\nh_bucket{le="+Inf"} 5\nh_sum 14\nh_count 5');
  });

  it('keeps the number of series bounded whatever the labels are', async () => {
    const registry = new Registry();
    const count = counter(registry, 'c', 'help', ['code']);
    for (let i = 0; i < SERIES_MAX * 3; i++) count(1, `code-${i}`);
    const text = await registry.metrics();
    expect(text.match(/^c\{/gm)?.length).toBe(SERIES_MAX + 1);
    expect(text).toContain(`c{code="other"} ${SERIES_MAX * 2}`);
  });

  it('answers even when a gauge cannot be read', async () => {
    const registry = new Registry();
    gauge(registry, 'g', 'help', () => {
      throw new Error('broken');
    });
    expect(await registry.metrics()).toContain('# TYPE g gauge');
  });
});
