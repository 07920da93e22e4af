import { expect, test } from '@jest/globals';
import { writesByPart, writesPer } from './audit.ts';

const at = (second: number): string => new Date(second * 1000).toISOString();
const write = (username: string, resource: string, second: number, more: object = {}, code = 200): string =>
  JSON.stringify({
    user: { username },
    objectRef: { resource, ...more },
    responseStatus: { code },
    stageTimestamp: at(second),
  });

const writers = { 'sa:agent': 'agents', 'sa:operator': 'operator' };
const status = { subresource: 'status' };

test('writes are counted by part and kind within the window', () => {
  const log = [
    write('sa:agent', 'gpunodes', 99, status),
    write('sa:agent', 'gpunodes', 100, status),
    write('sa:agent', 'gpunodes', 130, status),
    write('sa:agent', 'leases', 140),
    write('sa:operator', 'leases', 219),
    write('sa:operator', 'leases', 220),
    write('admin', 'leases', 150),
    '',
  ].join('\n');
  const writes = writesByPart(log, writers, { fromMs: 100_000, toMs: 220_000 });
  expect(writes).toEqual({
    agents: { 'gpunodes/status': 2, leases: 1, total: 3 },
    operator: { leases: 1, total: 1 },
  });
  expect(writesPer(writes, 2)).toEqual({
    agents: { 'gpunodes/status': 1, leases: 0.5, total: 1.5 },
    operator: { leases: 0.5, total: 0.5 },
  });
});

test('what was refused is told apart', () => {
  const log = write('sa:operator', 'realtimeinferencetasks', 10, status, 409);
  expect(writesByPart(log, writers, { fromMs: 0, toMs: 60_000 })).toEqual({
    operator: { 'realtimeinferencetasks/status refused': 1, total: 1 },
  });
});
