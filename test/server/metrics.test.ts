import { describe, expect, it } from 'vitest';
import { ServerMetrics } from '../../src/server/metrics.js';

describe('metrics', () => {
  it('are lines that Prometheus reads', () => {
    const metrics = new ServerMetrics();
    metrics.count('requests', 2);
    metrics.error('MessageError');
    metrics.error('MessageError');
    metrics.error('ObservationError');
    metrics.measure('batchSize', 1);
    metrics.measure('batchSize', 3);
    metrics.measure('batchSize', 100);
    const lines = metrics.text({ ready: 1, connectionsOpen: 3, queueLength: 0 }, { policy: 'a "b"\n\\c' }).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        '# TYPE warmstep_requests_total counter',
        'warmstep_requests_total 2',
        'warmstep_errors_total{kind="MessageError"} 2',
        'warmstep_errors_total{kind="ObservationError"} 1',
        '# TYPE warmstep_batch_size histogram',
        'warmstep_batch_size_bucket{le="1"} 1',
        'warmstep_batch_size_bucket{le="2"} 1',
        'warmstep_batch_size_bucket{le="4"} 2',
        'warmstep_batch_size_bucket{le="64"} 2',
        'warmstep_batch_size_bucket{le="+Inf"} 3',
        'warmstep_batch_size_sum 104',
        'warmstep_batch_size_count 3',
        'warmstep_connections_open 3',
        'warmstep_info{policy="a \\"b\\"\\n\\\\c"} 1',
      ]),
    );
    expect(metrics.errors).toBe(3);
    // Every line is a comment, or a name, perhaps labels, and a number.
    const line = /^(# (HELP|TYPE) .*|[a-z_]+(\{[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*\})? -?[\d.e+-]+|)$/;
    expect(lines.filter((one) => !line.test(one))).toEqual([]);
  });
});
