import { describe, expect, it } from 'vitest';
import { samplesOf, sumOf } from './metrics-text.ts';

const TEXT = `# HELP healthsync_log_lag_readings Readings
# TYPE healthsync_log_lag_readings gauge
healthsync_log_lag_readings{group="keep"} 7
healthsync_log_lag_readings{group="assess"} 0
healthsync_log_lag_readings_total 9
healthsync_ingest_readings_total{transport="mqtt",outcome="rejected",code="a\\"b"} 3
`;

describe('the metrics text', () => {
  it('is read by name and label, and not by prefix', () => {
    expect(samplesOf(TEXT, 'healthsync_log_lag_readings')).toEqual([
      { labels: { group: 'keep' }, value: 7 },
      { labels: { group: 'assess' }, value: 0 },
    ]);
    expect(sumOf(samplesOf(TEXT, 'healthsync_log_lag_readings'))).toBe(7);
  });

  it('keeps escaped quotes within a label', () => {
    expect(samplesOf(TEXT, 'healthsync_ingest_readings_total')[0]?.labels['outcome']).toBe('rejected');
  });
});
