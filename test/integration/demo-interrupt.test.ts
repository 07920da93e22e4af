// Ctrl-C ends the demo at any time, and nothing is left of it: no process, no file outside build/.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { repositoryRoot } from '../control-plane/paths.ts';
import { waitFor } from '../control-plane/wait.ts';
import { processesOfRun, runVariable } from '../e2e/leftovers.ts';

test.each([
  ['the control plane starts', 'etcd '],
  ['its last part has started', 'kube-controller-manager '],
  ['the first act is played', 'act 1 of '],
])(
  'Ctrl-C while %s',
  async (_when, line) => {
    const temporary = mkdtempSync(join(tmpdir(), 'daris-interrupt-'));
    const run = randomUUID();
    const demo = spawn(process.execPath, [join(repositoryRoot, 'test', 'e2e', 'demo.ts')], {
      env: { ...process.env, TMPDIR: temporary, [runVariable]: run },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let output = '';
      demo.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
      const ended = new AbortController();
      demo.once('exit', () => ended.abort(new Error(`the demo ended by itself:\n${output}`)));
      const seen = (): true | undefined => (output.includes(line) ? true : undefined);
      await waitFor(seen, { what: `"${line}" in the demo's output`, timeoutMs: 60_000, signal: ended.signal });
      expect(processesOfRun(run).length).toBeGreaterThan(1);

      demo.kill('SIGINT');
      const [status] = demo.exitCode === null ? await once(demo, 'exit') : [demo.exitCode];
      expect(output).toContain('demo: interrupted by SIGINT');
      expect(status).toBe(130);
      expect(processesOfRun(run)).toEqual([]);
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      demo.kill('SIGKILL');
      rmSync(temporary, { recursive: true });
    }
  },
  120_000,
);
