// Short commands of the system (ip, ctr, openssl): run to their end, with their own words when they fail.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const timeoutMs = 120_000;

/** Standard output; rejects with what the command wrote to standard error. */
export async function command(program: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  try {
    const { stdout } = await run(program, [...args], { timeout: timeoutMs, signal, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    signal?.throwIfAborted();
    const said = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new Error(`${program} ${args.join(' ')}: ${said || String(error)}`, { cause: error });
  }
}
