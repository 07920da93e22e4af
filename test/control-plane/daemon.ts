// One long-running child process: its log file, its end, and the guarantee that it never outlives this process.
// The kernel sends it SIGKILL when we die (PR_SET_PDEATHSIG, by way of util-linux's setpriv), SIGKILL of us included.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';

import { waitFor } from './wait.ts';

export interface DaemonOptions {
  name: string;
  command: string;
  args: readonly string[];
  logFile: string;
  env?: Readonly<Record<string, string>>;
  /** Wanted niceness; where it may not be raised, the process runs with ours. */
  niceness?: number;
  /** Cores that it may use; absent, ours. */
  cores?: readonly number[];
}

export class Daemon {
  readonly name: string;
  readonly logFile: string;
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  private constructor(options: DaemonOptions, child: ChildProcess, pid: number) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.child = child;
    this.pid = pid;
    this.exited = once(child, 'exit');
  }

  /** Resolves when the process has been started, which says nothing about its being ready. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const log = openSync(options.logFile, 'a', 0o600);
    // Its own process group: Ctrl-C in a terminal reaches only us, and we stop the daemons in order.
    const nice = options.niceness === undefined ? [] : ['nice', '-n', String(options.niceness)];
    const taskset = options.cores === undefined ? [] : ['taskset', '--cpu-list', options.cores.join(',')];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...nice, ...taskset, options.command, ...options.args], {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...options.env },
    });
    closeSync(log);
    await once(child, 'spawn');
    if (child.pid === undefined) throw new Error(`${options.name}: started without a process id`);
    if (options.niceness !== undefined) setGroupNiceness(child.pid, options.niceness);
    return new Daemon(options, child, child.pid);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Throws with the log's last lines once the process has ended: a probe that cannot succeed any more. */
  assertRunning(): void {
    if (this.running) return;
    const how = this.child.signalCode ?? `exit status ${String(this.child.exitCode)}`;
    throw new Error(`${this.name} ended by itself (${how}):\n${this.logTail(8)}`);
  }

  logTail(lines: number): string {
    const last = readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines);
    return last.map((line) => (line.length > 400 ? `${line.slice(0, 400)}…` : line)).join('\n');
  }

  /** Waits until `probe` answers true, or fails at once when the process ends first. */
  async ready(probe: () => Promise<boolean>, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const ended = new AbortController();
    this.child.once('exit', () => ended.abort());
    if (!this.running) ended.abort();
    try {
      await waitFor(async () => ((await probe()) ? true : undefined), {
        what: `${this.name} to become ready (log: ${this.logFile})`,
        timeoutMs,
        signal: signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]),
      });
    } catch (error) {
      signal?.throwIfAborted();
      this.assertRunning();
      throw error;
    }
  }

  /** SIGTERM, then SIGKILL to the whole group after `graceMs`; resolves when the process is gone. */
  async stop(graceMs = 5000): Promise<void> {
    if (!this.running) return;
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.killGroup(), graceMs);
    await this.exited;
    clearTimeout(timer);
  }

  /** Ends the process and all that it started at once, as a crash of the machine would; resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.running) return;
    this.killGroup();
    await this.exited;
  }

  /** Halts it where it is (SIGSTOP), as a machine that is suspended would; it knows nothing of it. */
  pause(): void {
    this.signal('SIGSTOP');
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** Waits until it has ended by itself; answers its exit status, or the signal that ended it. */
  async ended(timeoutMs: number): Promise<number | NodeJS.Signals> {
    const status = (): number | NodeJS.Signals | undefined => this.child.exitCode ?? this.child.signalCode ?? undefined;
    return waitFor(status, { what: `${this.name} to end by itself`, timeoutMs });
  }

  private signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  private killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // The group ended between the check and the call, which is what was wanted.
    }
  }
}

/**
 * The kernel shares the processors between sessions first (autogroups), and heeds a niceness only within one: a daemon
 * in a session of its own needs it set for the group too.
 */
function setGroupNiceness(pid: number, niceness: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness));
  } catch {
    // No right to it, or a kernel without autogroups; the process runs all the same.
  }
}
