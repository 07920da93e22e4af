// Starts the operator and listens for the signals that end it. Everything else is in app.ts.
import { pino, type Logger } from 'pino';

import { SystemClock } from '../kube/clock.ts';
import { AppError } from '../kube/errors.ts';
import { createApp, type App } from './app.ts';
import { ConfigError, helpText, parseConfig } from './config.ts';

const stopLimitMs = 4_500;

async function run(app: App, log: Logger): Promise<void> {
  const ended = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => resolve(signal));
  });
  const { metricsPort } = await app.start();
  log.info({ metricsPort }, 'operator started');
  const signal = await ended;
  log.info({ signal }, 'operator stops');
  setTimeout(() => process.exit(1), stopLimitMs).unref();
  await app.stop();
}

async function main(): Promise<void> {
  const config = parseConfig(process.argv.slice(2), process.env);
  if (config === 'help') {
    process.stdout.write(helpText());
    return;
  }
  const log = pino({ level: config.logLevel, base: { component: 'operator' } });
  await run(createApp({ config, clock: new SystemClock(), log }), log);
}

try {
  await main();
} catch (error) {
  // What we name ourselves is for the person who started us; anything else is our own bug and ends with its stack.
  if (!(error instanceof ConfigError || error instanceof AppError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
