// Starts the agent and listens to signals. Exit status: 0 after a clean stop, 1 where it could not start, 2 for wrong flags.
import { type Logger, pino } from 'pino';
import { Agent } from './app.ts';
import { type Config, readConfig, usage, UsageError } from './config.ts';

const stopLimitMs = 4_500;

async function run(config: Config): Promise<void> {
  const log = pino({ level: config.logLevel, base: { process: 'node-agent', node: config.node } }, process.stderr);
  const agent = new Agent(config, log);
  const asked = new AbortController();
  asked.signal.addEventListener('abort', () => stop(agent, log));
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => asked.abort());
  const bound = await agent.start();
  log.info({ metricsAddress: bound.address, metricsPort: bound.port, runtimeSocket: config.runtimeSocket }, 'started');
}

/** Called once, however often it was asked for. */
function stop(agent: Agent, log: Logger): void {
  const limit = setTimeout(() => {
    log.warn('stop took too long');
    process.exit(0);
  }, stopLimitMs);
  void agent
    .stop()
    .catch((error: unknown) => log.error({ err: error }, 'stop failed'))
    .finally(() => {
      clearTimeout(limit);
      log.info('stopped');
      process.exit(0);
    });
}

try {
  const config = readConfig(process.argv.slice(2), process.env);
  if (config === undefined) process.stdout.write(usage());
  else await run(config);
} catch (error) {
  process.stderr.write(`daris-node-agent: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
