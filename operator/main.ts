// Starts the operator and listens for the signals that end it. Everything else is in app.ts.
import pino from 'pino';

import { SystemClock } from '../kube/clock.ts';
import { createApp } from './app.ts';
import { ConfigError, helpText, parseConfig, type Config } from './config.ts';

const stopLimitMs = 4_500;

async function run(config: Config): Promise<void> {
  const log = pino({ level: config.logLevel, base: { component: 'operator' } });
  const ended = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => resolve(signal));
  });
  const app = createApp({ config, clock: new SystemClock(), log });
  const { metricsPort } = await app.start();
  log.info({ metricsPort }, 'operator started');
  const signal = await ended;
  log.info({ signal }, 'operator stops');
  setTimeout(() => process.exit(1), stopLimitMs).unref();
  await app.stop();
}

/** Undefined where there is nothing to run. */
function readConfig(): Config | undefined {
  try {
    const config = parseConfig(process.argv.slice(2), process.env);
    if (config !== 'help') return config;
    process.stdout.write(helpText());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
  return undefined;
}

const config = readConfig();
if (config !== undefined) await run(config);
