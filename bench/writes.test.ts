import { expect, test } from '@jest/globals';
import { writesOf, writesPerMinute } from './writes.ts';

const sample = (count: number): string => `# TYPE apiserver_request_total counter
apiserver_request_total{code="200",group="daris.dev",resource="realtimeinferencetasks",subresource="status",verb="APPLY"} ${count}
apiserver_request_total{code="409",group="daris.dev",resource="realtimeinferencetasks",subresource="status",verb="APPLY"} 1
apiserver_request_total{code="200",group="coordination.k8s.io",resource="leases",subresource="",verb="PUT"} ${2 * count}
apiserver_request_total{code="200",group="daris.dev",resource="gpunodes",subresource="",verb="WATCH"} 50
apiserver_request_total{code="200",group="",resource="serviceaccounts",subresource="",verb="PATCH"} 50
`;

test('writes of our resources are summed over codes; reads and the control plane’s own are left out', () => {
  expect(writesOf(sample(4))).toEqual(
    new Map([
      ['realtimeinferencetasks/status', 5],
      ['leases', 8],
    ]),
  );
});

test('rates are per minute, with a total, without what stood still', () => {
  expect(writesPerMinute(writesOf(sample(4)), writesOf(sample(10)), 120)).toEqual({
    'realtimeinferencetasks/status': 3,
    leases: 6,
    total: 9,
  });
});
